"""One speaker of a conference: a recording, sent as it was spoken. Knows no screen.

When the connection is lost, the recording is sent again from where the finals end.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hark.engine.audio.files import AudioFile
from hark.engine.types import SAMPLE_RATE
from hark.streaming.events import Event, Final

from ..errors import HarkError
from ..feeding import exchange, off_loop
from ..file_display import Heard
from ..later import later
from ..sdk import connect
from ..settings import Options

MAX_FAILURES = 10  # in a row, with no new final between them
MAX_FIRST_FAILURES = 3  # before there was a connection at all
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 8.0


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks, where the recording is, and when it begins in the conference."""

    name: str
    path: Path
    joins_ms: int = 0


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of the conference, in milliseconds since it began; None does not pass."""

    began: float | None

    async def wait_until(self, time_ms: float) -> None:
        if self.began is not None:
            await asyncio.sleep(max(0.0, self.began + time_ms / 1000 - time.monotonic()))


@dataclass(slots=True)
class Participant:
    """Hears one speaker. Its finals, and the events `on_event` takes, have conference times.

    `on_trouble` takes each failure after which it is tried again. A final of a lower confidence
    than `unsure_below` is more likely a guess than a transcript.
    """

    speaker: Speaker
    audio: AudioFile
    on_event: Callable[[Event], None]
    on_trouble: Callable[[HarkError], None]
    finals: list[Final] = field(default_factory=list)
    unsure_below: float = 0.0
    _was_let_in: bool = False

    async def take_part(
        self, url: str, options: Options, conference: Clock, *, key: str | None = None
    ) -> None:
        """Join, speak and hear everything out. `key` is one of the server's, if it has any.

        Raises:
            HarkError: the server refuses for good, or keeps failing.
            AudioFileError: the recording cannot be read.
        """
        await conference.wait_until(self.speaker.joins_ms)
        num_failures = 0
        while True:
            num_finals = len(self.finals)
            try:
                return await self._speak(url, key, options, conference)
            except HarkError as error:
                num_failures = 1 if len(self.finals) > num_finals else num_failures + 1
                allowed = MAX_FAILURES if self._was_let_in else MAX_FIRST_FAILURES
                if not error.retry or num_failures == allowed:
                    raise
                self.on_trouble(error)
                pause_s = min(FIRST_PAUSE_S * 2 ** (num_failures - 1), LONGEST_PAUSE_S)
                await asyncio.sleep(max(pause_s, error.retry_after_s or 0.0))

    @property
    def _heard_ms(self) -> int:
        """Up to where the recording needn't be heard again."""
        return self.finals[-1].end_ms - self.speaker.joins_ms if self.finals else 0

    async def _speak(self, url: str, key: str | None, options: Options, conference: Clock) -> None:
        begin_ms, num_finals = self._heard_ms, len(self.finals)

        def take(event: Event) -> None:
            by_ms = self.speaker.joins_ms + begin_ms
            placed = later(event, by_ms, segment=num_finals + event.segment)
            if isinstance(placed, Final):
                self.finals.append(placed)
            self.on_event(placed)

        async with connect(url, key=key, sample_rate=SAMPLE_RATE, **options) as stream:
            self._was_let_in = True
            self.unsure_below = stream.ready.unsure_below
            await exchange(stream, self._blocks(begin_ms, conference), take)

    async def _blocks(self, begin_ms: int, conference: Clock) -> AsyncIterator[np.ndarray]:
        """The recording from there on, each block no earlier than its last sample is spoken."""
        blocks = Heard(self.audio.blocks(), lambda seconds: None)
        await asyncio.to_thread(blocks.skip, begin_ms * SAMPLE_RATE // 1000)
        async for block in off_loop(blocks):
            await conference.wait_until(self.speaker.joins_ms + blocks.duration_s * 1000)
            yield block
