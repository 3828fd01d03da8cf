"""FLAC as a stream: metadata passed over, frames found by the headers behind them (RFC 9639)."""

from collections.abc import Callable
from dataclasses import dataclass

from ...types import BadAudioError
from .ffmpeg import Decoder
from .steps import Format, Reading, Some, Sound, skip

_STREAM_INFO, _STREAM_INFO_BYTES = 0, 34
_MAX_HEADER_BYTES = 16
# Samples by their code; 0 is reserved, and behind 6 and 7 the header says it.
_BLOCK_SIZES = (0, 192, 576, 1152, 2304, 4608, 0, 0, *(256 << n for n in range(8)))
_MAX_FRAME_BYTES = 1 << 20  # more than a second of 8 channels of 16 bits at 48 kHz


def flac() -> Format:
    """A FLAC stream behind its `fLaC`. A damaged frame is silence.

    Frames do not say how long they are. One comes out when the header of the next is there, or at
    a flush if it is whole by then. FFmpeg's own parser holds back ten of them, and at a flush it
    gives away half a frame.

    Raises:
        BadAudioError: no stream info, no frame where one should be, one of over a MiB, or more bad
            ones in a row than `ffmpeg.MAX_BAD_IN_A_ROW`.
    """
    info = yield from _stream_info()
    decoder = Decoder("flac", header=info, options={"err_detect": "crccheck+explode"})
    frames = _Frames()
    while True:
        data = yield Some()
        for frame in frames.push(data):
            yield from decoder.sound_of(frame)
        while not data and (sounds := frames.decode_whole(decoder.attempt)):
            yield from sounds


def _stream_info() -> Reading[bytes]:
    """The first block of the metadata; the others are passed over."""
    info, is_last = b"", False
    while not is_last:
        head = yield 4
        is_last, kind, size = head[0] & 0x80, head[0] & 0x7F, int.from_bytes(head[1:], "big")
        if info:
            yield from skip(size)
        elif (kind, size) == (_STREAM_INFO, _STREAM_INFO_BYTES):
            info = yield size
        else:
            raise BadAudioError("a FLAC stream that does not begin with its stream info")
    return info


class _Frames:
    """Cuts a stream of frames where a header stands that follows the one before in number."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0  # of the buffer; 0 while the header of its first frame was not read
        self._next = 0  # the number that the frame behind the first one has

    def push(self, data: bytes) -> list[bytes]:
        """The frames that have a header behind them now."""
        self._buffer += data
        frames: list[bytes] = []
        while (end := self._end()) is not None:
            frames.append(bytes(self._buffer[:end]))
            self._drop(end)
        if len(self._buffer) > _MAX_FRAME_BYTES:
            raise BadAudioError(f"a FLAC frame without an end in {_MAX_FRAME_BYTES} bytes")
        return frames

    def decode_whole(self, decode: Callable[[bytes], list[Sound] | None]) -> list[Sound]:
        """The sound of the first frame if it is whole; cut short, its checksum would not hold.

        Behind it there can be no more than the beginning of a header.
        """
        there = len(self._buffer)
        for length in range(max(1, there - _MAX_HEADER_BYTES + 1), there + 1):
            sounds = decode(bytes(self._buffer[:length]))
            if sounds:
                self._drop(length)
                return sounds
        return []

    def _end(self) -> int | None:
        """Where the second frame begins, as far as can be seen."""
        buffer = self._buffer
        if len(buffer) < _MAX_HEADER_BYTES:
            return None
        if not self._searched:
            first = _header(buffer)
            if first is None:
                raise BadAudioError("a FLAC stream without a frame where one should begin")
            self._next, self._searched = first.next, 1
        sync = bytes(buffer[:2])
        while True:
            at = buffer.find(sync, self._searched)
            if at < 0 or at + _MAX_HEADER_BYTES > len(buffer):
                self._searched = at if at >= 0 else len(buffer) - 1
                return None
            header = _header(buffer[at : at + _MAX_HEADER_BYTES])
            if header is not None and header.number == self._next:
                return at
            self._searched = at + 1

    def _drop(self, num_bytes: int) -> None:
        del self._buffer[:num_bytes]
        self._searched = 0


@dataclass(frozen=True, slots=True)
class _Header:
    """A frame's number, and the number of the frame behind it."""

    number: int
    next: int


def _header(data: bytes | bytearray) -> _Header | None:
    """The header that `data`, of 16 bytes or more, begin with, if it is one (RFC 9639, 9.1)."""
    block_code, rate_code = data[2] >> 4, data[2] & 0x0F
    is_plausible = data[0] == 0xFF and data[1] >> 1 == 0x7C and block_code and rate_code < 15
    if not is_plausible or data[3] >> 4 > 10 or data[3] >> 1 & 7 == 3 or data[3] & 1:
        return None
    number, at = _coded_number(data, 4)
    if block_code in (6, 7):
        num_bytes = block_code - 5
        block_size = int.from_bytes(data[at : at + num_bytes], "big") + 1
        at += num_bytes
    else:
        block_size = _BLOCK_SIZES[block_code]
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if number is None or _crc8(data[:at]) != data[at]:
        return None
    counts_samples = data[1] & 1
    return _Header(number, number + (block_size if counts_samples else 1))


def _coded_number(data: bytes | bytearray, at: int) -> tuple[int | None, int]:
    """A number coded as UTF-8 codes characters, but up to 36 bits; and where it ends."""
    num_ones = 8 - (data[at] ^ 0xFF).bit_length()
    if num_ones in (1, 8):
        return None, at + 1
    value = data[at] & 0xFF >> num_ones + 1 if num_ones else data[at]
    end = at + max(num_ones, 1)
    for byte in data[at + 1 : end]:
        value = value << 6 | byte & 0x3F
    return value, end


def _crc8(data: bytes | bytearray) -> int:
    """The checksum of a header: polynomial x^8 + x^2 + x + 1, from 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ (0x107 if crc & 0x80 else 0)
    return crc
