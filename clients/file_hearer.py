"""The ways in which `hark file` hears a recording; knows no output.

A server hears it or the engine in this process, in segments, or a short clip as one segment.
"""

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from hark.engine.audio.files import AudioFile, open_audio
from hark.engine.config import EngineConfig
from hark.engine.languages import LANGUAGES, canonical_language
from hark.engine.types import SAMPLE_RATE, AudioFileError, StreamOptions
from hark.streaming.events import Event, Final, word_to_wire

from .feeding import paced
from .file_display import Heard, display
from .journal import Journal, key_of
from .later import later
from .recognise import LocalRecogniser, Recogniser, ServerRecogniser
from .transcript import Transcript

if TYPE_CHECKING:  # torch stays out of a process that only talks to a server
    from hark.engine.engine import Engine

MAX_CLIP_S = 120

Hearer = Callable[[Path, Path | None], Transcript]
"""Takes a recording, and where the finals of an interrupted run may be."""


def hearer(args: argparse.Namespace, options: StreamOptions, console: Console) -> Hearer:
    """What hears as the arguments of `hark file` say; without a server, once the model is loaded.

    Raises:
        OptionError: the language is none the model knows.
        EngineError: the model cannot be loaded.
    """
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


def _in_language(
    options: StreamOptions, language: str | None, known: Sequence[str] = tuple(LANGUAGES)
) -> StreamOptions:
    """The options with this language, which must be one of those that are known."""
    if not language:
        return options
    return options.with_changes(language=canonical_language(language, known))


def _load(args: argparse.Namespace, console: Console) -> "Engine":
    config = EngineConfig(
        model=args.model or "embedded",
        aligner=args.aligner or "auto",
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
    if journal.is_other:
        console.print(
            f"{audio.path}: begins anew, as the unfinished run heard another recording, or with "
            "other options",
            soft_wrap=True,
        )
    if begin_ms:
        console.print(f"{audio.path}: goes on at {begin_ms / 1000:.0f} s", soft_wrap=True)
    with display(audio, console, realtime) as shown:
        heard = Heard(audio.blocks(), shown.progress)
        heard.skip(begin_ms * SAMPLE_RATE // 1000)

        def on_event(event: Event) -> None:
            shown.show(event)
            if isinstance(event, Final):
                journal.add(later(event, begin_ms, segment=len(journal.finals)))

        blocks = paced(heard, SAMPLE_RATE) if realtime else heard
        unsure_below = recogniser.hear(blocks, options, on_event)
    if audio.damage.num_packets:
        console.print(f"{audio.path}: left out {audio.damage.num_packets} damaged packets")
    transcript = Transcript(str(audio.path), heard.duration_s, tuple(journal.finals))
    _tell_guesses(transcript, unsure_below, console)
    return transcript


def _tell_guesses(transcript: Transcript, unsure_below: float, console: Console) -> None:
    """Say on stderr what the captions of a microphone say line by line."""
    spoken = transcript.spoken
    if guesses := sum(segment.confidence < unsure_below for segment in spoken):
        console.print(
            f"{transcript.file}: {guesses} of {len(spoken)} segments are more likely guesses than "
            f"transcripts (confidence under {unsure_below:g}; --format json shows each)",
            soft_wrap=True,
        )


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
