"""`hark file`: recordings into text, JSON or subtitles. Knows arguments and output files.

With --url a server hears the recordings, without it the engine runs in this process.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

from hark.engine.config import DeviceChoice, DtypeChoice
from hark.engine.types import (
    ConfigError,
    Endpointing,
    EndpointingMode,
    EngineError,
    OptionError,
    StreamOptions,
)

from .errors import BadAddressError, HarkError, UsageError
from .file_hearer import MAX_CLIP_S, hearer
from .journal import journal_beside
from .keys import add_key_argument
from .output import Output, format_of
from .transcript import Format
from .wire import stream_url

EXIT_FAILED = 1
EXIT_USAGE = 2
_FLAG_OF = {
    "final_window_s": "--window",
    "segment_limit_s": "--segment-limit",
    "endpointing": "--endpointing",
    "pause_ms": "--pause-ms",
    "context": "--context",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `hark file`; `run` takes what they parse to."""
    parser.add_argument("audio", nargs="+", type=Path, metavar="AUDIO", help="audio files")
    parser.add_argument("--format", choices=get_args(Format), help="(as --output ends, or text)")
    parser.add_argument(
        "--output", type=Path, metavar="PATH", help="a file, or a folder for several recordings"
    )
    parser.add_argument("--language", help="name or ISO code; the model decides if left out")
    parser.add_argument("--context", default="", help="words to expect: names, terms, a topic")
    parser.add_argument(
        "--window", type=int, metavar="S", help="attention window, 1 to 8 seconds (8)"
    )
    parser.add_argument(
        "--segment-limit", type=int, metavar="S", help="longest segment, 5 to 120 seconds (30)"
    )
    parser.add_argument(
        "--endpointing",
        metavar="{" + ",".join(get_args(EndpointingMode)) + "}",
        help="what ends a segment: a pause, the end of a sentence, or with manual and off only its "
        "length (vad)",
    )
    parser.add_argument(
        "--pause-ms", type=int, metavar="MS", help="pause that ends a segment, 200 to 5000 (600)"
    )
    parser.add_argument(
        "--realtime", action="store_true", help="hear it at the speed it was spoken, with captions"
    )
    parser.add_argument(
        "--tokens",
        action="store_true",
        help=f"decode each file as one segment, up to {MAX_CLIP_S} s, and give the token ids",
    )
    add_key_argument(parser)
    where = parser.add_argument_group("who hears it")
    where.add_argument("--url", help="a running server, such as ws://127.0.0.1:8765")
    where.add_argument("--model", help="embedded, a folder, or a hub id (embedded)")
    where.add_argument(
        "--aligner", help="what times the words: embedded, a folder, a hub id, or none (auto)"
    )
    where.add_argument("--device", choices=get_args(DeviceChoice), help="(auto)")
    where.add_argument("--dtype", choices=get_args(DtypeChoice), help="(auto)")


def run(args: argparse.Namespace) -> int:
    """Transcribe every file; those that fail are named on stderr and make the exit status 1."""
    console = Console(stderr=True)
    try:
        args.format = args.format or format_of(args.output)
        _check(args)
        output = Output(args.audio, args.format, args.output)
        hear = hearer(args, _options(args), console)
    except (UsageError, OptionError, ConfigError, BadAddressError) as error:
        return _complain(console, error, EXIT_USAGE)
    except (EngineError, OSError) as error:
        return _complain(console, error)
    status = 0
    for path in args.audio:
        unfinished = None
        try:
            unfinished = _journal_of(output.path_of(path))
            transcript = hear(path, unfinished)
            if not _is_on_screen(args, console):
                output.write(path, transcript)
            if unfinished:
                unfinished.unlink(missing_ok=True)
        except KeyboardInterrupt:
            _tell_of_rest(console, unfinished)
            raise
        except BrokenPipeError:  # whoever read standard output has gone
            return _leave_quietly()
        except OptionError as error:
            status = _complain(console, _by_flag(error), EXIT_USAGE)
        except (HarkError, EngineError, OSError) as error:
            status = _complain(console, error)
            _tell_of_rest(console, unfinished)
    return status


def _tell_of_rest(console: Console, unfinished: Path | None) -> None:
    if unfinished is not None and unfinished.exists():
        console.print("hark file: stopped; the same command goes on from here")


def _journal_of(written_to: Path | None) -> Path | None:
    """Where finals are kept until all are there; nowhere beside what is no file, as a pipe."""
    if written_to is None or (written_to.exists() and not written_to.is_file()):
        return None
    return journal_beside(written_to)


def _is_on_screen(args: argparse.Namespace, console: Console) -> bool:
    """Whether the reader of standard output has already seen the captions grow."""
    if args.output is not None or args.format != "text" or not args.realtime:
        return False
    return console.is_terminal and sys.stdout.isatty()


def _check(args: argparse.Namespace) -> None:
    if args.url:
        stream_url(args.url)
    if args.url and (args.model or args.aligner or args.device or args.dtype):
        raise UsageError(
            "--model, --aligner, --device and --dtype are the server's choice; leave out --url"
        )
    if args.pause_ms is not None and args.endpointing in ("manual", "off"):
        raise UsageError(f"--pause-ms ends nothing with --endpointing {args.endpointing}")
    if args.tokens and (args.url or args.realtime):
        raise UsageError("--tokens decodes in this process at once; leave out --url, --realtime")
    if args.tokens and args.format not in ("text", "json"):
        raise UsageError("--tokens has no segment times; use --format json or text")


def _options(args: argparse.Namespace) -> StreamOptions:
    """The stream's options but its language: what was given, and the defaults of StreamOptions."""
    try:
        endpointing = Endpointing(**_given(mode=args.endpointing, pause_ms=args.pause_ms))
        return StreamOptions(
            context=args.context,
            endpointing=endpointing,
            partials=args.realtime or endpointing.mode == "semantic",  # which goes by them
            **_given(final_window_s=args.window, segment_limit_s=args.segment_limit),
        )
    except OptionError as error:
        raise _by_flag(error) from None


def _by_flag(error: OptionError) -> OptionError:
    """An error names the field; here that is known by its flag."""
    name, _, fault = str(error).partition(" ")
    return OptionError(f"{_FLAG_OF.get(name, name)} {fault}")


def _given(**values: Any) -> dict[str, Any]:
    """Those that were given."""
    return {name: value for name, value in values.items() if value is not None}


def _leave_quietly() -> int:
    """End without a word; what standard output still holds goes nowhere."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return EXIT_FAILED


def _complain(console: Console, error: Exception, status: int = EXIT_FAILED) -> int:
    console.print(f"hark file: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    return status
