"""How a format is read: as a generator that asks for bytes and yields sound. No I/O, no thread.

A format yields a number and is given exactly so many bytes, or `Some` and is given what there is,
or `Sound`, which goes out. It reads top-down as if it had the whole file, and because the `Reader`
alone knows where the bytes were cut, no cut can change what comes out.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Mono samples, float32 [n], finite and within ±1, at `rate` Hz."""

    samples: np.ndarray
    rate: int


@dataclass(frozen=True, slots=True)
class Some:
    """Asks for the bytes there are: a multiple of `unit`, and `at_most` so many.

    A flush answers it with no bytes at all; a number of bytes goes on waiting for them.
    """

    unit: int = 1
    at_most: int | None = None


T = TypeVar("T")
Step = int | Some | Sound
Reading = Generator[Step, bytes, T]  # a part of a format, which returns what it has read
Format = Reading[None]


class Reader:
    """Runs a format over a stream's bytes. Of no use any more once it has raised.

    It keeps the bytes the format waits for and no others: a format that asks for bounded numbers
    is bounded. What follows the end of the format is ignored. A few bytes may hold hours of sound:
    `take` rests once it has `MAX_SECONDS`, and goes on when it is called again.
    """

    MAX_SECONDS = 1.0

    def __init__(self, format: Format) -> None:
        self._format = format
        self._buffer = bytearray()
        self._sounds: list[Sound] = []
        self._wanted: int | Some | None = None  # None: the format has ended
        self._seconds = 0.0  # of `_sounds`
        self.is_resting = False
        self._answer(None)

    def push(self, data: bytes) -> list[Sound]:
        """The sound that is complete now. Raises BadAudioError as the format does."""
        sounds = self.take(data)
        while self.is_resting:
            sounds += self.take(b"")
        return sounds

    def take(self, data: bytes) -> list[Sound]:
        """As `push`, but where it holds much of it `is_resting` before all has come."""
        self._buffer += data
        if self.is_resting:
            self._answer(None)
        while not self.is_resting and (piece := self._take()) is not None:
            self._answer(piece)
        return self._collected()

    def flush(self) -> list[Sound]:
        """All that is complete, what the format holds back, too. Raises as `push` does."""
        sounds = self.push(b"")
        if isinstance(self._wanted, Some):
            self._answer(b"")
            while self.is_resting:
                self._answer(None)
        return sounds + self._collected()

    def _take(self) -> bytes | None:
        """The bytes the format asked for, once they are there."""
        match self._wanted:
            case None:
                self._buffer.clear()
                return None
            case Some(unit=unit, at_most=at_most):
                there = len(self._buffer)
                size = there if at_most is None else min(there, at_most)
                size -= size % unit
                if not size:
                    return None
            case size:
                if len(self._buffer) < size:
                    return None
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece

    def _answer(self, piece: bytes | None) -> None:
        """Let the format go on up to what it asks for next."""
        try:
            step = next(self._format) if piece is None else self._format.send(piece)
            while isinstance(step, Sound):
                self._sounds.append(step)
                self._seconds += step.samples.shape[0] / max(1, step.rate)
                self.is_resting = self._seconds > self.MAX_SECONDS
                if self.is_resting:
                    return
                step = next(self._format)
        except StopIteration:
            step = None
        self.is_resting = False
        self._wanted = step

    def _collected(self) -> list[Sound]:
        sounds, self._sounds, self._seconds = self._sounds, [], 0.0
        return sounds


def skip(num_bytes: int) -> Reading[None]:
    """Pass over bytes as they come, without keeping them."""
    while num_bytes:
        num_bytes -= len((yield Some(at_most=num_bytes)))
