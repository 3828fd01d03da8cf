"""One recording's audio into events, by the engine in this process or by a server.

Knows both ways and makes them look the same; knows no files and no output formats.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hark.engine.types import SAMPLE_RATE, StreamOptions
from hark.streaming.events import Event, event_of

from .feeding import exchange, off_loop
from .sdk import connect

if TYPE_CHECKING:  # the engine pulls in torch, which a client of a server never needs
    from hark.engine.engine import Engine

OnEvent = Callable[[Event], None]


class Recogniser(Protocol):
    """Something that hears a recording."""

    def hear(
        self, blocks: Iterator[np.ndarray], options: StreamOptions, on_event: OnEvent
    ) -> float:
        """Take in all blocks (float32 [n], 16 kHz) and report every event in order.

        Returns the confidence, 0 to 1, below which a final is more likely a guess.
        """
        ...


@dataclass(frozen=True, slots=True)
class ServerRecogniser:
    """A Hark server hears it. Raises HarkError."""

    url: str
    key: str | None = None

    def hear(
        self, blocks: Iterator[np.ndarray], options: StreamOptions, on_event: OnEvent
    ) -> float:
        return asyncio.run(self._hear(blocks, options, on_event))

    async def _hear(
        self, blocks: Iterator[np.ndarray], options: StreamOptions, on_event: OnEvent
    ) -> float:
        async with connect(
            self.url,
            key=self.key,
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
            return stream.ready.unsure_below


@dataclass(frozen=True, slots=True)
class LocalRecogniser:
    """The engine in this process hears it. Raises EngineError."""

    engine: "Engine"

    def hear(
        self, blocks: Iterator[np.ndarray], options: StreamOptions, on_event: OnEvent
    ) -> float:
        from hark.engine.offline import transcribe  # torch is loaded by now

        for update in transcribe(self.engine, blocks, options):
            event = event_of(update)
            if event is not None:
                on_event(event)
        return self.engine.limits.unsure_below
