"""`hark bench`: how many live streams a server carries, and what it is like for them.

Composes the parts: a server or its address, the client's processes, what is asked, the report.
"""

import argparse
import json
import os
import signal
import threading
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from hark.engine.types import AudioFileError, Encoding

from ..errors import HarkError, UsageError
from ..keys import add_key_argument
from ..server_process import ServerStartError
from . import scenarios
from .audio import ENCODINGS
from .clips import CLIPS_FOLDER, load_clips
from .fleet import ClientCrashError, Fleet
from .machine import describe_machine, is_there
from .report import Bars, moved_in_words, show_line, show_run, show_soak
from .runs import RAMP_S, Bench, UnhurriedRunError
from .script import PROFILES
from .target import Target, find_target
from .worker import Dialling

EXIT_FAILED, EXIT_NOTHING = 1, 2  # the promise is broken; nothing could be measured
DEFAULT_STREAMS = 8
LIMIT_CEILING = 1024  # of a server of our own, unless --max-streams says otherwise
SPARE_STREAMS = 4  # for the flood, and for those that are still closing
MAX_PROCESSES = 8

_Done = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `hark bench`; `run` takes what they parse to."""
    _add_server(parser)
    _add_load(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures here")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument(
        "--find-limit", action="store_true", help="find how many streams the server carries"
    )
    modes.add_argument(
        "--flood", action="store_true", help="what one stream that sends an hour does to the rest"
    )
    modes.add_argument(
        "--overload", type=float, metavar="FACTOR", help="this many times --streams, for a while"
    )
    modes.add_argument(
        "--soak", type=int, metavar="VISITS", help="connect and leave, over and over"
    )


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help="a running server (default: one is started, niced)")
    add_key_argument(parser)
    parser.add_argument("--server-pid", type=int, metavar="PID", help="watch it; with --url")
    parser.add_argument(
        "server_flags", nargs="*", metavar="-- FLAGS", help="for the server that is started"
    )


def _add_load(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--streams", type=int, default=DEFAULT_STREAMS, help="(%(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="measured (%(default)g)")
    parser.add_argument("--warmup", type=float, default=10.0, help="seconds (%(default)g)")
    parser.add_argument(
        "--ramp", type=float, default=RAMP_S, help="seconds over which streams join (%(default)g)"
    )
    parser.add_argument("--profile", choices=PROFILES, default="lecture", help="(%(default)s)")
    parser.add_argument("--cadence-ms", type=int, default=320, help="asked for (%(default)s)")
    parser.add_argument("--frame-ms", type=int, default=100, help="audio a message (%(default)s)")
    parser.add_argument(
        "--encoding", choices=ENCODINGS, default=Encoding.PCM_S16LE, help="(%(default)s)"
    )
    parser.add_argument(
        "--processes", type=int, default=0, help="of the client; 0 takes one a core, 8 at most"
    )
    parser.add_argument("--seed", type=int, default=0, help="of what is said (%(default)s)")
    parser.add_argument(
        "--no-compare", action="store_true", help="finals are not compared with unhurried ones"
    )
    parser.add_argument("--clips", type=Path, default=CLIPS_FOLDER, help="folder of the recordings")


def run(args: argparse.Namespace) -> int:
    """Measure; 0 if the promise is kept."""
    console = Console()
    on_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    if on_main_thread:  # whoever stops the bench stops its server, too
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _check(args)
        result, kept = _measure(args, console)
        if args.json is not None:
            args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        return 0 if kept else EXIT_FAILED
    except _EXPECTED as error:
        errors = Console(stderr=True)
        errors.print(f"hark bench: {error}", style="red", markup=False, highlight=False)
        return EXIT_NOTHING
    finally:
        if on_main_thread:
            signal.signal(signal.SIGTERM, before)


_EXPECTED = (
    UsageError,
    ServerStartError,
    AudioFileError,
    HarkError,
    ClientCrashError,
    UnhurriedRunError,
)


def _check(args: argparse.Namespace) -> None:
    """Raises UsageError for what cannot be measured."""
    bounds: dict[str, tuple[float, float]] = {
        "streams": (1, 100_000),
        "seconds": (1, 86_400),
        "warmup": (0, 3_600),
        "ramp": (0, 600),
        "frame_ms": (10, 1_000),
        "cadence_ms": (80, 10_000),
        "processes": (0, 256),
    }
    for name, (low, high) in bounds.items():
        value = getattr(args, name)
        if not low <= value <= high:
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"{flag} is {value}, allowed are {low:g} to {high:g}")
    if args.overload is not None and not 1 < args.overload <= 100:
        raise UsageError(f"--overload is {args.overload:g}, allowed is more than 1, at most 100")
    if args.soak is not None and args.soak < 1:
        raise UsageError(f"--soak is {args.soak}, it must be at least 1")
    if args.url is None and args.server_pid is not None:
        raise UsageError("--server-pid goes with --url; a server started here is known")
    if args.server_flags and not args.server_flags[0].startswith("-"):
        raise UsageError(f"{args.server_flags[0]!r} is no flag; the server's stand behind --")
    if any(flag.split("=")[0] in ("--host", "--port") for flag in args.server_flags):
        raise UsageError("--host and --port are chosen here; a server elsewhere is named by --url")
    if args.server_pid is not None and not is_there(args.server_pid):
        raise UsageError(f"--server-pid is {args.server_pid}; no such process is on this machine")
    if args.json is not None and (args.json.is_dir() or not args.json.parent.is_dir()):
        raise UsageError(f"--json is {args.json}; a file in a folder that exists is needed")
    if args.url is not None and args.server_flags:
        raise UsageError("flags for the server go without --url")
    load_clips(args.clips)  # that they are there


def _measure(args: argparse.Namespace, console: Console) -> tuple[_Done, bool]:
    """The report as it goes into JSON, and whether the promise was kept."""
    if args.url is None:
        console.print("Starting a server …")
    with (
        find_target(
            args.url,
            args.key,
            args.server_pid,
            max_streams=_room(args),
            flags=args.server_flags,
        ) as target,
        Fleet(_num_processes(args)) as fleet,
    ):
        state = target.state()
        console.print(f"{state.get('model')} at {target.url}", highlight=False)
        bench = Bench(
            target,
            _dialling(args, target),
            fleet,
            seconds=args.seconds,
            warmup_s=args.warmup,
            ramp_s=args.ramp,
            compares=not args.no_compare,
            progress=Bars(console),
        )
        result, kept = _ask(args, bench, console)
    head = {
        "hark": version("hark-asr"),
        "server": state,
        "client": describe_machine(),
        "load": _load(args),
    }
    return head | result, kept


def _room(args: argparse.Namespace) -> int:
    """How many streams a server of our own is to take."""
    if args.find_limit:
        return LIMIT_CEILING
    if args.overload is not None:
        return args.streams  # what is over it is refused
    if args.soak is not None:
        return scenarios.visits_at_once(args.soak, args.seconds) + SPARE_STREAMS
    return args.streams + SPARE_STREAMS


def _num_processes(args: argparse.Namespace) -> int:
    """One of them is the flood's own."""
    chosen = args.processes or min(os.cpu_count() or 1, MAX_PROCESSES)
    return chosen + 1 if args.flood else chosen


def _dialling(args: argparse.Namespace, target: Target) -> Dialling:
    return Dialling(
        url=target.url,
        key=target.key,
        folder=args.clips,
        profile=args.profile,
        seed=args.seed,
        encoding=Encoding(args.encoding),
        cadence_ms=args.cadence_ms,
        frame_ms=args.frame_ms,
    )


def _load(args: argparse.Namespace) -> _Done:
    names = ("profile", "seconds", "warmup", "ramp", "cadence_ms", "frame_ms", "encoding", "seed")
    return {name: getattr(args, name) for name in names} | {"server_flags": args.server_flags}


def _ask(args: argparse.Namespace, bench: Bench, console: Console) -> tuple[_Done, bool]:
    show = partial(show_line, console)
    if args.find_limit:
        ceiling = bench.target.max_streams() or LIMIT_CEILING
        found = scenarios.limit(bench, start=args.streams, ceiling=ceiling, show=show)
        bound = ", all that the server admits" if found["at_ceiling"] else ""
        console.print(f"N@SLO {found['n_at_slo']}{bound}", style="bold")
        return found, found["n_at_slo"] > 0
    if args.flood:
        result = scenarios.flood(bench, streams=args.streams, show=show)
        console.print(moved_in_words(result))
        return {"flood": result}, result["fair"]
    if args.overload is not None:
        result = scenarios.overload(bench, streams=args.streams, factor=args.overload, show=show)
        console.print(
            f"{result['refused']} of {result['excess']} refused, "
            f"recovered after {result['recovery_s']:g} s"
        )
        return {"overload": result}, result["kept"]
    if args.soak is not None:
        result = scenarios.soak(bench, visits=args.soak)
        show_soak(console, result)
        return {"soak": result}, result["kept"]
    measured = bench.run(args.streams)
    show_run(console, measured)
    return {"run": measured.as_dict()}, measured.holds
