"""`hark mic`: captions of a microphone in the terminal, by a running server."""

import argparse
import asyncio
import signal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .captions import Captions, clock, level_text
from .errors import HarkError, ServerUnreachableError
from .feeding import exchange
from .keys import add_key_argument
from .microphone import Capture, InputDevice, MicrophoneError, find_device, list_devices
from .screen import CaptionScreen
from .sdk import Stream, connect

DEFAULT_URL = "ws://127.0.0.1:8765"
METER_CELLS = 24
EXIT_FAILED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `hark mic`; `run` takes what they parse to."""
    parser.add_argument("--url", default=DEFAULT_URL, help="the server (%(default)s)")
    add_key_argument(parser)
    parser.add_argument("--device", metavar="NAME|INDEX", help="microphone, or part of its name")
    parser.add_argument("--list-devices", action="store_true", help="show the microphones and exit")
    parser.add_argument("--language", help="name or ISO code; the model decides if left out")
    parser.add_argument("--context", default="", help="words to expect: names, terms, a topic")


def run(args: argparse.Namespace) -> int:
    """Caption until Ctrl-C; 1 if the microphone or the server cannot be used."""
    console = Console()
    errors = Console(stderr=True)
    try:
        devices = list_devices()
        if args.list_devices:
            console.print(_device_table(devices))
            return 0
        asyncio.run(_caption(args, find_device(devices, args.device), console))
    except (MicrophoneError, HarkError) as error:
        errors.print(
            f"hark mic: {error}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        if isinstance(error, ServerUnreachableError):
            errors.print("Start a server in another terminal: hark serve", highlight=False)
        return EXIT_FAILED
    return 0


async def _caption(args: argparse.Namespace, device: InputDevice, console: Console) -> None:
    async with (
        connect(
            args.url,
            key=args.key,
            encoding="pcm_s16le",
            sample_rate=device.sample_rate,
            language=args.language,
            context=args.context,
        ) as stream,
        Capture(device) as capture,
    ):
        console.print(_heading(stream, device), highlight=False)
        _on_interrupt(capture)
        with CaptionScreen(
            console,
            lambda captions: _status(captions, capture),
            unsure_below=stream.ready.unsure_below,
        ) as screen:
            await exchange(stream, capture.blocks(), screen.show)
    if capture.dropped_s:
        console.print(f"{capture.dropped_s:.1f} s were not heard: the server was too slow")


def _on_interrupt(capture: Capture) -> None:
    """The first Ctrl-C ends the recording and lets the last finals come, the second ends all."""
    loop = asyncio.get_running_loop()

    def interrupted(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        loop.call_soon_threadsafe(capture.stop)

    signal.signal(signal.SIGINT, interrupted)


def _heading(stream: Stream, device: InputDevice) -> Text:
    heading = Text.assemble(("Listening", "bold"), f" to {device.name}. Ctrl-C ends.")
    if stream.ready.model == "embedded":
        heading.append(
            "\nThe server runs the small demo model: it knows its own synthetic voices and spoken\n"
            "digits, and only guesses at free human speech.",
            "dim",
        )
    return heading


def _status(captions: Captions, capture: Capture) -> Text:
    """The line below the captions: level, time, language, and a warning while the model guesses."""
    if capture.stopping:
        return Text("\nwaiting for the last words", "dim")
    parts = Text.assemble("\n", ("● ", "red"), level_text(capture.level_db, METER_CELLS))
    parts.append(f"  {clock(round(capture.recorded_s * 1000))}", "dim")
    if captions.language is not None:
        parts.append(f"  {captions.language}", "dim")
    if captions.unsure:
        parts.append("  the model is guessing", "yellow")
    return parts


def _device_table(devices: list[InputDevice]) -> Table | Text:
    if not devices:
        return Text("no microphone was found; plug one in, or check the sound settings")
    table = Table("", "microphone", "channels", "rate", "", box=None, header_style="dim")
    for device in devices:
        default = "default" if device.is_default else ""
        row = (str(device.index), device.name, str(device.channels), f"{device.sample_rate} Hz")
        table.add_row(*row, default)
    return table
