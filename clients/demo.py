"""`hark demo`: a server with the embedded model, and one bundled recording captioned through it."""

import argparse
import asyncio
import signal
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hark.engine.audio.files import open_audio
from hark.engine.types import SAMPLE_RATE, AudioFileError
from hark.streaming.events import Bye, Event, Final, Partial

from .errors import HarkError, UsageError
from .feeding import exchange, off_loop, paced
from .keys import add_key_argument
from .samples import SAMPLES_FOLDER, Sample, find_sample, load_samples, same_words
from .screen import CaptionScreen
from .sdk import connect
from .server_process import ServerProcess, ServerStartError, free_port, running_server

DEFAULT_PORT = 8765
EXIT_FAILED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `hark demo`; `run` takes what they parse to."""
    parser.add_argument("--once", action="store_true", help="exit after the sample, 1 if wrong")
    parser.add_argument("--sample", metavar="NAME", help="which recording (the first)")
    parser.add_argument("--port", type=int, help=f"the server's ({DEFAULT_PORT}, or a free one)")
    parser.add_argument(
        "--samples", type=Path, default=SAMPLES_FOLDER, help="folder with a samples.json"
    )
    parser.add_argument("--model", default="embedded", help="the server's (%(default)s)")
    add_key_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Show the sample's captions; 1 if they are wrong or anything is missing."""
    console = Console()
    # Whoever stops the demo stops its server, too.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sample = find_sample(load_samples(args.samples), args.sample)
        return _demonstrate(args, sample, console)
    except (UsageError, ServerStartError, AudioFileError, HarkError) as error:
        errors = Console(stderr=True)
        errors.print(f"hark demo: {error}", style="red", markup=False, highlight=False)
        return EXIT_FAILED
    finally:
        signal.signal(signal.SIGTERM, before)


def _demonstrate(args: argparse.Namespace, sample: Sample, console: Console) -> int:
    port = free_port(DEFAULT_PORT) if args.port is None else args.port
    console.print(f"Starting the server with the {args.model} model …", highlight=False)
    began = time.monotonic()
    with running_server(port, ["--model", args.model]) as server:
        console.print(
            f"Ready after {time.monotonic() - began:.1f} s. Playing {sample.name} ({sample.voice}) "
            f"to {server.url} at the speed it was spoken.\n",
            highlight=False,
        )
        outcome = asyncio.run(_caption(server, args.key, sample, console))
        is_right = same_words(outcome.text, sample.text)
        console.print(_report(outcome, sample, is_right))
        if args.once:
            return 0 if is_right else EXIT_FAILED
        _stay(server, console)
    return 0


def _stay(server: ServerProcess, console: Console) -> None:
    """Leave the server up until Ctrl-C."""
    try:
        console.print(
            Text.assemble("\nThe server stays up. Open ", (server.page, "bold"), " and speak.")
        )
        console.print("Ctrl-C stops it.")
        server.process.wait()
    except KeyboardInterrupt:
        console.print("\nStopping the server.")


# --- the stream, and its times --------------------------------------------------------------------


@dataclass(slots=True)
class Outcome:
    """What came of the sample; times in seconds since its first sample was spoken."""

    finals: list[Final] = field(default_factory=list)
    first_words_s: float | None = None
    lags_s: list[float] = field(default_factory=list)  # of partials, behind the audio they cover
    last_sample_s: float = 0.0
    bye_s: float = 0.0

    @property
    def text(self) -> str:
        return " ".join(final.text.strip() for final in self.finals if final.text.strip())

    def note(self, event: Event, now_s: float) -> None:
        match event:
            case Partial():
                self.lags_s.append(now_s - event.end_ms / 1000)
                if self.first_words_s is None and event.stable + event.unstable:
                    self.first_words_s = now_s
            case Final():
                self.finals.append(event)
            case Bye():
                self.bye_s = now_s
            case _:
                pass


async def _caption(
    server: ServerProcess, key: str | None, sample: Sample, console: Console
) -> Outcome:
    outcome = Outcome()
    async with connect(
        server.url, key=key, sample_rate=SAMPLE_RATE, encoding="pcm_s16le"
    ) as stream:
        began = time.monotonic()
        with CaptionScreen(console, unsure_below=stream.ready.unsure_below) as screen:

            def on_event(event: Event) -> None:
                screen.show(event)
                outcome.note(event, time.monotonic() - began)

            async def blocks() -> AsyncIterator[np.ndarray]:
                spoken = paced(open_audio(sample.path).blocks(SAMPLE_RATE), SAMPLE_RATE)
                async for block in off_loop(spoken):
                    yield block
                outcome.last_sample_s = time.monotonic() - began

            await exchange(stream, blocks(), on_event)
    return outcome


def _report(outcome: Outcome, sample: Sample, is_right: bool) -> Table:
    table = Table.grid(padding=(0, 2))
    if outcome.first_words_s is not None:
        table.add_row("first words", f"{outcome.first_words_s:.2f} s after the recording began")
        lag_s = statistics.median(outcome.lags_s)
        table.add_row("captions", f"{lag_s:.2f} s behind the voice (median)")
    table.add_row(
        "last words", f"{outcome.bye_s - outcome.last_sample_s:.2f} s after the last sample"
    )
    table.add_row("final text", outcome.text or "(none)")
    if is_right:
        table.add_row("", Text("These are the words that were spoken.", "green"))
    else:
        table.add_row("spoken", sample.text)
        table.add_row("", Text("These are not the words that were spoken.", "red"))
    return table
