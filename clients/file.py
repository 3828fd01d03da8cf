"""`hark file`: recordings into text, JSON or subtitles. Knows arguments and output files.

With --url a server hears the recordings, without it the engine runs in this process.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np
from rich.console import Console

from hark.engine.audio.files import AudioFile, open_audio
from hark.engine.config import DeviceChoice, DtypeChoice, EngineConfig
from hark.engine.languages import LANGUAGES, canonical_language
from hark.engine.types import (
    SAMPLE_RATE,
    AudioFileError,
    ConfigError,
    Endpointing,
    EngineError,
    OptionError,
    StreamOptions,
)
from hark.streaming.events import Event, Final, word_to_wire

from .errors import BadAddressError, HarkError, UsageError
from .feeding import paced
from .file_display import Heard, display
from .journal import Journal, journal_beside, key_of
from .keys import add_key_argument
from .later import later
from .output import Output
from .recognise import LocalRecogniser, Recogniser, ServerRecogniser
from .transcript import Format, Transcript
from .wire import stream_url

if TYPE_CHECKING:  # torch stays out of a process that only talks to a server
    from hark.engine.engine import Engine

MAX_CLIP_S = 120
EXIT_FAILED = 1
EXIT_USAGE = 2
_FLAG_OF = {
    "final_window_s": "--window",
    "segment_limit_s": "--segment-limit",
    "pause_ms": "--pause-ms",
    "context": "--context",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `hark file`; `run` takes what they parse to."""
    parser.add_argument("audio", nargs="+", type=Path, metavar="AUDIO", help="audio files")
    parser.add_argument("--format", choices=get_args(Format), default="text", help="of the output")
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
        "--aligner", help="what times the words: a forced aligner's folder or hub id (none)"
    )
    where.add_argument("--device", choices=get_args(DeviceChoice), help="(auto)")
    where.add_argument("--dtype", choices=get_args(DtypeChoice), help="(auto)")


def run(args: argparse.Namespace) -> int:
    """Transcribe every file; those that fail are named on stderr and make the exit status 1."""
    console = Console(stderr=True)
    try:
        _check(args)
        output = Output(args.audio, args.format, args.output)
        hear = _hearer(args, _options(args), console)
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
            if unfinished:
                console.print("hark file: stopped; the same command goes on from here")
            raise
        except BrokenPipeError:  # whoever read standard output has gone
            return _leave_quietly()
        except (HarkError, EngineError, OSError) as error:
            status = _complain(console, error)
    return status


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
    if args.tokens and (args.url or args.realtime):
        raise UsageError("--tokens decodes in this process at once; leave out --url, --realtime")
    if args.tokens and args.format not in ("text", "json"):
        raise UsageError("--tokens has no segment times; use --format json or text")


def _options(args: argparse.Namespace) -> StreamOptions:
    """The stream's options but its language: what was given, and the defaults of StreamOptions."""
    given = {
        "final_window_s": args.window,
        "segment_limit_s": args.segment_limit,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    try:
        if args.pause_ms is not None:
            changes["endpointing"] = Endpointing(pause_ms=args.pause_ms)
        return StreamOptions(context=args.context, partials=args.realtime).with_changes(**changes)
    except OptionError as error:  # names the field; here it is known by its flag
        name, _, fault = str(error).partition(" ")
        raise OptionError(f"{_FLAG_OF.get(name, name)} {fault}") from None


def _in_language(
    options: StreamOptions, language: str | None, known: Sequence[str] = tuple(LANGUAGES)
) -> StreamOptions:
    """The options with this language, which must be one of those that are known."""
    if not language:
        return options
    return options.with_changes(language=canonical_language(language, known))


def _leave_quietly() -> int:
    """End without a word; what standard output still holds goes nowhere."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return EXIT_FAILED


def _complain(console: Console, error: Exception, status: int = EXIT_FAILED) -> int:
    console.print(f"hark file: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    return status


# --- ways to hear a file -------------------------------------------------------------------------

Hearer = Callable[[Path, Path | None], Transcript]
"""Takes a recording, and where the finals of an interrupted run may be."""


def _hearer(args: argparse.Namespace, options: StreamOptions, console: Console) -> Hearer:
    if args.url:
        recogniser: Recogniser = ServerRecogniser(args.url, args.key)
        wanted = _in_language(options, args.language)
    else:
        engine = _load(args, console)
        recogniser = LocalRecogniser(engine)
        wanted = _in_language(options, args.language, engine.limits.languages)
        if args.tokens:
            return lambda path, _: _decode_as_one(engine, open_audio(path), wanted)
    model = " ".join([args.url or args.model or "embedded", args.aligner or ""])

    def hear(path: Path, unfinished: Path | None) -> Transcript:
        audio = open_audio(path)
        with Journal(unfinished, key_of(path, wanted, model)) as journal:
            return _transcribe(recogniser, audio, wanted, console, journal, args.realtime)

    return hear


def _load(args: argparse.Namespace, console: Console) -> "Engine":
    config = EngineConfig(
        model=args.model or "embedded",
        aligner=args.aligner or "none",
        device=args.device or "auto",
        dtype=args.dtype or "auto",
    )
    with _loading(console, config.model):
        from hark.engine.load import load_engine

        return load_engine(config)


def _transcribe(
    recogniser: Recogniser,
    audio: AudioFile,
    options: StreamOptions,
    console: Console,
    journal: Journal,
    realtime: bool,
) -> Transcript:
    """Hear what the journal doesn't hold yet."""
    begin_ms = journal.heard_ms
    if begin_ms:
        console.print(f"{audio.path}: goes on at {begin_ms / 1000:.0f} s", soft_wrap=True)
    with display(audio, console, realtime) as shown:
        heard = Heard(audio.blocks(), shown.progress)
        heard.skip(begin_ms * SAMPLE_RATE // 1000)

        def on_event(event: Event) -> None:
            shown.show(event)
            if isinstance(event, Final):
                journal.add(later(event, begin_ms, segment=len(journal.finals)))

        recogniser.hear(paced(heard, SAMPLE_RATE) if realtime else heard, options, on_event)
    if audio.damage.num_packets:
        console.print(f"{audio.path}: left out {audio.damage.num_packets} damaged packets")
    return Transcript(str(audio.path), heard.duration_s, tuple(journal.finals))


def _decode_as_one(engine: "Engine", audio: AudioFile, options: StreamOptions) -> Transcript:
    from hark.engine.offline import decode_clip  # torch is loaded by now

    samples = _whole_clip(audio)
    result = decode_clip(
        engine,
        samples,
        language=options.language,
        context=options.context,
        window_s=options.final_window_s,
    )
    whole = Final(
        end_ms=len(samples) * 1000 // SAMPLE_RATE,
        text=result.text,
        words=[word_to_wire(word) for word in result.words],
        no_speech=not result.text,
        language=result.language,
        confidence=round(result.confidence, 4),
        stable_words_replaced=0,
        queue_ms=0.0,
        compute_ms=0.0,
    )
    return Transcript(str(audio.path), len(samples) / SAMPLE_RATE, (whole,), tuple(result.tokens))


def _whole_clip(audio: AudioFile) -> np.ndarray:
    """All samples of a file of at most MAX_CLIP_S."""
    blocks: list[np.ndarray] = []
    room = MAX_CLIP_S * SAMPLE_RATE
    for block in audio.blocks():
        room -= len(block)
        if room < 0:
            raise AudioFileError(
                f"{audio.path} is longer than {MAX_CLIP_S} s, too long for --tokens"
            )
        blocks.append(block)
    return np.concatenate(blocks)


def _loading(console: Console, model: str) -> AbstractContextManager[object]:
    """A spinner, but for a hub id, whose download shows its own progress."""
    is_local = model == "embedded" or Path(model).is_dir()
    return console.status(f"loading the model {model}") if is_local else nullcontext()
