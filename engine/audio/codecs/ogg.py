"""Ogg with Opus, page by page (RFC 3533 and RFC 7845); a packet comes out before its page ends."""

import struct
from dataclasses import dataclass

from ...types import BadAudioError
from .opus import MAX_PACKET_BYTES, RATE, OpusDecoder
from .steps import Format, Reading, Sound, skip

_CONTINUED, _FIRST, _LAST = 1, 2, 4  # flags of a page


def ogg() -> Format:
    """An Ogg stream behind its first `OggS`. Of several Opus tracks the first is heard.

    One stream may follow another, as in web radio. Each page stands right behind the one before:
    the network delivers bytes whole and in order, so no page is looked for and none is checked.

    Raises:
        BadAudioError: something else stands where a page should, or no track is Opus.
    """
    track = None
    while True:
        page = yield from _page()
        if page.flags & _FIRST and (track is None or track.is_past_its_tags):
            head = yield sum(page.lacing)
            if head.startswith(b"OpusHead"):
                track = _Track(page.track, head)
        elif track is None:
            raise BadAudioError("an Ogg stream without Opus")
        elif page.track == track.number:
            yield from track.hear(page)
        else:
            yield from skip(sum(page.lacing))
        if (yield 4) != b"OggS":
            raise BadAudioError("an Ogg page is followed by something that is none")


@dataclass(frozen=True, slots=True)
class _Page:
    """A page's header. `granule` is the track's position in samples at its end, -1 for none.

    `lacing` are the lengths of its pieces; one under 255 ends a packet.
    """

    flags: int
    granule: int
    track: int
    lacing: bytes


def _page() -> Reading[_Page]:
    version, flags, granule, track, num_pieces = struct.unpack("<BBqI8xB", (yield 23))
    if version:
        raise BadAudioError(f"an Ogg page of version {version}, known is 0")
    return _Page(flags, granule, track, (yield num_pieces))


class _Track:
    """An Opus track: its decoder, the packet that is still filling, and how far it has come."""

    def __init__(self, number: int, head: bytes) -> None:
        self.number = number
        self.is_past_its_tags = False  # they are the packet behind the head
        self._decoder = OpusDecoder(head)
        self._packet = bytearray()
        self._position = self._decoder.pre_skip  # in samples, of the last page's end

    def hear(self, page: _Page) -> Format:
        """The sound of a page. On the last one the granule may cut it short (RFC 7845, 4.4)."""
        left = max(0, page.granule - self._position) if page.flags & _LAST else None
        if not page.flags & _CONTINUED:
            self._packet.clear()
        for size in page.lacing:
            self._append((yield size))
            if size == 255:
                continue
            packet = bytes(self._packet)
            self._packet.clear()
            if not self.is_past_its_tags:
                self.is_past_its_tags = True
                continue
            samples = self._decoder.decode(packet)[:left]
            if left is not None:
                left -= samples.shape[0]
            yield Sound(samples, RATE)
        self._position = max(self._position, page.granule)

    def _append(self, piece: bytes) -> None:
        """Tags may be of any length, so what is too long for Opus is not kept."""
        if len(self._packet) < MAX_PACKET_BYTES:
            self._packet += piece
