"""EBML, the notation of WebM (RFC 8794): ids, sizes and numbers, as they come and in memory."""

from collections.abc import Iterator

from ...types import BadAudioError
from .steps import Reading


def read_id() -> Reading[int]:
    """An element's id, with the bits that say its length."""
    first = yield 1
    length = _length(first[0])
    if length > 4:
        raise BadAudioError("an EBML element whose id is longer than 4 bytes")
    return int.from_bytes(first + (yield length - 1), "big")


def read_size() -> Reading[int | None]:
    """The number of bytes of an element's content; None where the sender did not know it."""
    first = yield 1
    length = _length(first[0])
    size = _value(first + (yield length - 1))
    return None if size == (1 << 7 * length) - 1 else size


class Content:
    """The content of an element, read piece by piece; all raise BadAudioError where it ends."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def num_left(self) -> int:
        return len(self._data) - self._at

    def take(self, num_bytes: int) -> bytes:
        if not 0 <= num_bytes <= self.num_left:
            raise BadAudioError("an EBML element that ends before its content does")
        piece = self._data[self._at : self._at + num_bytes]
        self._at += num_bytes
        return piece

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """A number that says its own length."""
        first = self.take(1)
        return _value(first + self.take(_length(first[0]) - 1))

    def difference(self) -> int:
        """The same, of a number that may be negative: its range is shifted to begin at 0."""
        begin = self._at
        number = self.number()
        return number - ((1 << 7 * (self._at - begin) - 1) - 1)

    def children(self) -> Iterator[tuple[int, bytes]]:
        """The elements in it, as (id, content); each has to say its size."""
        while self.num_left:
            first = self.take(1)
            element = int.from_bytes(first + self.take(_length(first[0]) - 1), "big")
            yield element, self.take(self.number())


def _length(first: int) -> int:
    """How many bytes a number has: one more than its first byte has leading zeros."""
    if not first:
        raise BadAudioError("an EBML number longer than 8 bytes")
    return 9 - first.bit_length()


def _value(number: bytes) -> int:
    """A number without the bit that marks its length."""
    return int.from_bytes(number, "big") & (1 << 7 * len(number)) - 1
