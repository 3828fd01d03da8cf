"""The server without a model: thousands of paced sockets on an engine that computes nothing.

    python -m benchmarks.sockets [--sockets 2000] [--seconds 30] [--no-partials] [--json FILE]

What is left is the server itself: sockets, frames, sessions, the bridge to the engine's thread. It
keeps up when `finalize`, which waits behind all audio sent before it, is answered at once, no
stream ends badly, and the client kept its own schedule.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from rich.console import Console

from hark.clients.bench.clips import CLIPS_FOLDER
from hark.clients.bench.fleet import Fleet
from hark.clients.bench.report import Bars, show_run
from hark.clients.bench.runs import Bench, Run
from hark.clients.bench.target import SERVER_NICENESS, Target
from hark.clients.bench.worker import Dialling
from hark.clients.server_process import free_port, running_server
from hark.clients.wire import stream_url
from hark.engine.config import EngineConfig
from hark.engine.types import SAMPLE_RATE, EngineRequest
from hark.streaming.bridge import EnginePort, OnCrash, Publish
from hark.streaming.config import ServerConfig, Settings
from hark.streaming.serve import serve
from tests.fakes import FakeEngine

RAMP_S = 20.0
ANSWERED_P95_S = 0.5
TICK_S = 0.01  # an engine takes what has come when it ends a tick; few are shorter
_SERVE = "import sys; from benchmarks.sockets import serve_deaf; sys.exit(serve_deaf(sys.argv[1:]))"


class Forgetful(list[EngineRequest]):
    """Where the fake notes what it was asked: hours of audio are not to be kept."""

    def append(self, item: EngineRequest) -> None:
        pass


class DeafEngine(FakeEngine):
    """The fake, but with partials at the cadence the stream asked for."""

    def _is_due(self, stream: Any, samples_before: int) -> bool:
        cadence = stream.options.cadence_ms * SAMPLE_RATE // 1000
        return stream.samples // cadence > samples_before // cadence


def serve_deaf(arguments: list[str]) -> int:
    """`hark serve` with the deaf engine; takes what `running_server` gives."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--max-streams", type=int)
    args = parser.parse_args(arguments)

    def start(publish: Publish, on_crash: OnCrash) -> EnginePort:
        return DeafEngine(
            publish,
            on_crash,
            max_streams=args.max_streams,
            tick_s=TICK_S,
            submitted=Forgetful(),
            requests=Forgetful(),
        )

    return serve(Settings(ServerConfig(host=args.host, port=args.port), EngineConfig()), start)


def measure(args: argparse.Namespace, console: Console) -> Run:
    flags = ["--max-streams", str(args.sockets)]
    cores = os.cpu_count() or 1
    with (
        running_server(free_port(), flags, niceness=SERVER_NICENESS, program=_SERVE) as server,
        Fleet(args.processes or min(cores, 8)) as fleet,
    ):
        url = stream_url(server.url)
        dialling = Dialling(url, CLIPS_FOLDER, frame_ms=args.frame_ms, partials=args.partials)
        bench = Bench(
            Target(url, server.process.pid),
            dialling,
            fleet,
            seconds=args.seconds,
            warmup_s=5.0,
            ramp_s=RAMP_S,
            compares=False,
            progress=Bars(console),
        )
        return bench.run(args.sockets)


def keeps_up(run: Run) -> bool:
    answered = run.figures.finalize_s.p95
    ended_well = set(run.ended) == {"bye"} and not run.figures.unanswered
    return run.is_valid and ended_well and answered is not None and answered < ANSWERED_P95_S


def main() -> None:
    parser = argparse.ArgumentParser(description="Paced sockets on a server without a model.")
    parser.add_argument("--sockets", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--frame-ms", type=int, default=100)
    parser.add_argument("--processes", type=int, default=0, help="of the client; 0: one a core")
    parser.add_argument("--no-partials", dest="partials", action="store_false")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    console = Console()
    run = measure(args, console)
    show_run(console, run)
    verdict = "kept up" if keeps_up(run) else "fell behind"
    print(f"{args.sockets} sockets, frames of {args.frame_ms} ms: {verdict}")
    if args.json:
        args.json.write_text(json.dumps(run.as_dict(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
