"""The server without a model: thousands of paced sockets on an engine that computes nothing.

    python -m benchmarks.sockets [--sockets 2000] [--seconds 30] [--no-partials] [--json FILE]

What is left is the server itself: sockets, frames, sessions, the bridge to the engine's thread. It
keeps up when `finalize`, which waits behind all audio sent before it, is answered at once, no
stream ends badly, and the client kept its own schedule.
"""

import argparse
import json
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from hark.clients.bench.clips import CLIPS_FOLDER
from hark.clients.bench.fleet import Fleet
from hark.clients.bench.machine import describe_machine
from hark.clients.bench.report import Bars
from hark.clients.bench.runs import Bench, Run, in_words
from hark.clients.bench.target import SERVER_NICENESS, Target
from hark.clients.bench.worker import Dialling
from hark.clients.server_process import free_port, running_server
from hark.clients.wire import stream_url
from hark.engine.config import EngineConfig
from hark.engine.host import settle_heap
from hark.engine.types import SAMPLE_RATE, Consumed, EngineRequest, Feed
from hark.streaming.bridge import EnginePort, OnCrash, Publish
from hark.streaming.config import ServerConfig, Settings
from hark.streaming.serve import serve
from tests.fakes import FakeEngine

RAMP_S = 20.0
ANSWERED_P95_S = 0.5
TICK_S = 0.02  # the spacing of what engines in processes of their own hear
_SERVE = "import sys; from benchmarks.sockets import serve_deaf; sys.exit(serve_deaf(sys.argv[1:]))"


class Forgetful(list[EngineRequest]):
    """Where the fake notes what it was asked: hours of audio are not to be kept."""

    def append(self, item: EngineRequest) -> None:
        pass


class DeafEngine(FakeEngine):
    """The fake, but with partials at the cadence the stream asked for, and with little ado.

    It shares the server's interpreter, whose lock engines in processes of their own do not take.
    """

    def _run(self) -> None:
        while True:
            time.sleep(TICK_S)
            for _ in range(self._inbox.qsize()):
                request = self._inbox.get()
                if request is None:
                    return
                assert not isinstance(request, BaseException), "nobody has it crash"
                stream = self._streams.get(request.stream)
                if type(request) is Feed and stream is not None:
                    for update in self._hear(stream, request.payload):
                        self.publish(request.stream, update)
                    self.publish(request.stream, Consumed(len(request.payload), stream.samples))
                else:
                    self._handle(request)

    def _is_due(self, stream: Any, samples_before: int) -> bool:
        cadence = stream.options.cadence_ms * SAMPLE_RATE // 1000
        return stream.speaking and stream.samples // cadence > samples_before // cadence


def serve_deaf(arguments: list[str]) -> int:
    """`hark serve` with the deaf engine; takes what `running_server` gives."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--max-streams", type=int)
    args = parser.parse_args(arguments)

    def start(publish: Publish, on_crash: OnCrash) -> EnginePort:
        settle_heap()
        return DeafEngine(publish, on_crash, max_streams=args.max_streams, submitted=Forgetful())

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


def show(run: Run) -> None:
    """What says something of a server whose engine hears nothing."""
    for name, spread in (("finalize until answered", run.figures.finalize_s), ("lag", run.lag_s)):
        parts = {"p50": spread.p50, "p95": spread.p95, "p99": spread.p99, "at most": spread.max}
        told = ", ".join(
            f"{part} {'-' if value is None else f'{value * 1000:.0f} ms'}"
            for part, value in parts.items()
        )
        print(f"{name}: {told} ({spread.count})")
    if run.server is not None:
        print("server: {cpu_percent:.0f} % of a core, {rss_mb_max:.0f} MB".format(**run.server))
    print(f"client: {run.client_cpu_percent:.0f} % of a core; streams ended: {in_words(run.ended)}")


def keeps_up(run: Run) -> bool:
    answered = run.figures.finalize_s.p95
    ended_well = set(run.ended) == {"bye"} and not run.figures.unanswered
    return run.is_valid and ended_well and answered is not None and answered < ANSWERED_P95_S


def main() -> int:
    parser = argparse.ArgumentParser(description="Paced sockets on a server without a model.")
    parser.add_argument("--sockets", type=int, default=2000, help="(%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="measured, behind 25 s of joining (%(default)g)"
    )
    parser.add_argument("--frame-ms", type=int, default=100, help="(%(default)s)")
    parser.add_argument("--processes", type=int, default=0, help="of the client; 0: one a core")
    parser.add_argument("--no-partials", dest="partials", action="store_false")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    for name, low, high in (("sockets", 1, 20_000), ("seconds", 1, 86_400), ("frame_ms", 10, 1000)):
        if not low <= getattr(args, name) <= high:
            flag = "--" + name.replace("_", "-")
            parser.error(f"{flag} is {getattr(args, name):g}, allowed are {low:,} to {high:,}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server stops, too
    console = Console()
    run = measure(args, console)
    show(run)
    kept_up = keeps_up(run)
    verdict = "kept up" if kept_up else "fell behind"
    print(f"{args.sockets} sockets, frames of {args.frame_ms} ms: {verdict}")
    if args.json:
        args.json.write_text(json.dumps(told(args, run), indent=1) + "\n", encoding="utf-8")
    return 0 if kept_up else 1


def told(args: argparse.Namespace, run: Run) -> dict[str, Any]:
    """What goes into the JSON."""
    return {
        "machine": describe_machine(),
        "sockets": args.sockets,
        "seconds": args.seconds,
        "frame_ms": args.frame_ms,
        "partials": args.partials,
        "kept_up": keeps_up(run),
        "finalize_s": asdict(run.figures.finalize_s),
        "client_lag_s": asdict(run.lag_s),
        "ended": run.ended,
        "server": run.server,
        "client_cpu_percent": run.client_cpu_percent,
    }


if __name__ == "__main__":
    sys.exit(main())
