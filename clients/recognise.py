"""One recording's audio into events, by the engine in this process or by a server.

Knows both ways and makes them look the same; knows no files and no output formats.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from hark.engine import types as engine_types
from hark.engine.types import SAMPLE_RATE, EngineUpdate, StreamOptions
from hark.streaming.events import Event, Final, Partial, SpeechEnded, SpeechStarted

from .feeding import exchange, off_loop
from .sdk import connect

if TYPE_CHECKING:  # the engine pulls in torch, which a client of a server never needs
    from hark.engine.engine import Engine

OnEvent = Callable[[Event], None]


class Recogniser(Protocol):
    """Something that hears a recording."""

    def hear(self, blocks: Iterator[np.ndarray], options: StreamOptions, on_event: OnEvent) -> None:
        """Take in all blocks (float32 [n], 16 kHz) and report every event in order."""
        ...


@dataclass(frozen=True, slots=True)
class ServerRecogniser:
    """A Hark server hears it. Raises HarkError."""

    url: str

    def hear(self, blocks: Iterator[np.ndarray], options: StreamOptions, on_event: OnEvent) -> None:
        asyncio.run(self._hear(blocks, options, on_event))

    async def _hear(
        self, blocks: Iterator[np.ndarray], options: StreamOptions, on_event: OnEvent
    ) -> None:
        async with connect(
            self.url,
            encoding="pcm_f32le",  # the server hears the very samples the engine would hear here
            sample_rate=SAMPLE_RATE,
            language=options.language,
            context=options.context,
            final_window_s=options.final_window_s,
            segment_limit_s=options.segment_limit_s,
            endpointing=options.endpointing,
            partials=options.partials,
        ) as stream:
            await exchange(stream, off_loop(blocks), on_event)


@dataclass(frozen=True, slots=True)
class LocalRecogniser:
    """The engine in this process hears it. Raises EngineError."""

    engine: "Engine"

    def hear(self, blocks: Iterator[np.ndarray], options: StreamOptions, on_event: OnEvent) -> None:
        from hark.engine.offline import transcribe  # torch is loaded by now

        for update in transcribe(self.engine, blocks, options):
            event = event_of(update)
            if event is not None:
                on_event(event)


def event_of(update: EngineUpdate) -> Event | None:
    """What an engine's update is on the wire; None if it has no place there.

    Raises:
        EngineError: the update says that the stream failed.
    """
    match update:
        case engine_types.SpeechStarted():
            at_ms = _ms(update.start_sample)
            return SpeechStarted(segment=update.segment, start_ms=at_ms, end_ms=at_ms)
        case engine_types.Partial():
            return Partial(
                segment=update.segment,
                start_ms=_ms(update.start_sample),
                end_ms=_ms(update.end_sample),
                stable=update.stable,
                unstable=update.unstable,
                language=update.language,
                confidence=update.confidence,
                queue_ms=update.queue_ms,
                compute_ms=update.compute_ms,
            )
        case engine_types.SpeechEnded():
            return SpeechEnded(
                segment=update.segment,
                start_ms=_ms(update.start_sample),
                end_ms=_ms(update.end_sample),
            )
        case engine_types.Final():
            return Final(
                segment=update.segment,
                start_ms=_ms(update.start_sample),
                end_ms=_ms(update.end_sample),
                text=update.text,
                language=update.language,
                confidence=update.confidence,
                stable_words_replaced=update.stable_words_replaced,
                queue_ms=update.queue_ms,
                compute_ms=update.compute_ms,
            )
        case engine_types.Failed():
            raise update.error
        case _:
            return None


def _ms(sample: int) -> int:
    return sample * 1000 // SAMPLE_RATE
