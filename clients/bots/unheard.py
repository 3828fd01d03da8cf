"""The audio of a stream that no final covers yet; pure, knows no connection.

When a connection is lost, this is what has to be sent again on the next one.
"""

from collections import deque
from collections.abc import Iterator
from enum import Enum

BYTES_PER_SAMPLE = 2


class Flush(Enum):
    """A mark between two samples: what came before it is to be finished at once."""

    FLUSH = "flush"


FLUSH = Flush.FLUSH
Piece = bytes | Flush
"""Whole samples of mono 16-bit audio, or a mark."""


class Unheard:
    """The latest pieces of a stream, at most `keep_s` seconds of them: the oldest are let go.

    Times are milliseconds of the whole stream, from its first sample.
    """

    def __init__(self, sample_rate: int, keep_s: int) -> None:
        self._bytes_per_s = sample_rate * BYTES_PER_SAMPLE
        self._max_bytes = keep_s * self._bytes_per_s
        self._pieces: deque[Piece] = deque()
        self._begin = 0  # both in bytes of the whole stream
        self._end = 0

    @property
    def begin_ms(self) -> int:
        """Where the oldest piece begins."""
        return self._begin * 1000 // self._bytes_per_s

    @property
    def end_s(self) -> float:
        """The length of the stream so far."""
        return self._end / self._bytes_per_s

    def add(self, piece: Piece) -> None:
        self._pieces.append(piece)
        self._end += _length(piece)
        self._drop_before(self._end - self._max_bytes)

    def settle(self, until_ms: int) -> None:
        """Let go of what lies before `until_ms`, marks at that very place included."""
        until_samples = until_ms * self._bytes_per_s // (1000 * BYTES_PER_SAMPLE)
        self._drop_before(until_samples * BYTES_PER_SAMPLE)

    def __iter__(self) -> Iterator[Piece]:
        """The pieces as they are now, whatever is added or settled meanwhile."""
        return iter(tuple(self._pieces))

    def _drop_before(self, place: int) -> None:
        while self._pieces and self._begin + _length(self._pieces[0]) <= place:
            self._begin += _length(self._pieces.popleft())
        if self._pieces and self._begin < place:
            first = self._pieces.popleft()
            assert not isinstance(first, Flush), "a mark has no length, it cannot span a place"
            self._pieces.appendleft(first[place - self._begin :])
            self._begin = place


def _length(piece: Piece) -> int:
    return 0 if isinstance(piece, Flush) else len(piece)
