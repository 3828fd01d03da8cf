"""Opus packets as bytes: how long each is, how a stream carries them, how an Ogg page does.

Decodes nothing. Section numbers are those of RFC 6716, for Ogg of RFC 3533.
"""

from collections.abc import Sequence

from ...errors import BadMessageError

LOST = b"\0\0"  # a packet without a byte, `LOST_MS` of it: concealed by the decoder
LOST_MS = 20
MAX_PACKET_BYTES = 61_440  # 48 frames of 1,275 bytes and what holds them together (section 3.2.5)

_SILK_MS = (10, 20, 40, 60)  # by the lower bits of the configuration (section 3.1, table 2)
_HYBRID_MS = (10, 20)
_CELT_MS = (2.5, 5, 10, 20)
_MAX_MS = 120  # of a packet (section 3.2.5, R5)

_PAGE_HEADER = 27
_HEADERS = (b"OpusHead", b"OpusTags")  # of the stream (RFC 7845, section 5)


def framed(packets: Sequence[bytes]) -> bytes:
    """The packets as `Encoding.OPUS` has them: each behind its length in two bytes, big-endian."""
    return b"".join(len(packet).to_bytes(2, "big") + packet for packet in packets)


def packet_ms(packet: bytes) -> float:
    """How long a packet sounds, in ms; `LOST_MS` for one that no decoder can understand."""
    if not packet:
        return LOST_MS
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame_ms = _SILK_MS[config & 3]
    elif config < 16:
        frame_ms = _HYBRID_MS[config & 1]
    else:
        frame_ms = _CELT_MS[config & 3]
    num_frames = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[code]
    duration_ms = num_frames * frame_ms
    return duration_ms if 0 < duration_ms <= _MAX_MS else LOST_MS


def page_packets(page: bytes) -> list[bytes]:
    """The packets of one whole Ogg page, without the stream's headers.

    Raises:
        BadMessageError: it is no page, or it does not hold all it says.
    """
    if len(page) < _PAGE_HEADER or page[:5] != b"OggS\0":
        raise BadMessageError("media.payload is not an Ogg page")
    body = _PAGE_HEADER + page[26]
    segments = page[_PAGE_HEADER:body]
    if len(page) < body + sum(segments):
        raise BadMessageError("media.payload is an Ogg page that was cut off")
    packets = [b""]
    for size in segments:
        packets[-1] += page[body : body + size]
        body += size
        if size < 255:  # a segment of 255 bytes goes on in the next one (section 5)
            packets.append(b"")
    # The last one is empty, or goes on in the next page: no sender of single pages does that.
    return [packet for packet in packets[:-1] if packet and packet[:8] not in _HEADERS]
