"""WebM and Matroska with Opus, as browsers record it: sizes that are not known, and no index.

Elements are read flat: a Segment and its Clusters are entered and never left, so that their sizes,
which no live stream can know, are not needed (RFC 9559).
"""

from dataclasses import dataclass

from ...types import BadAudioError
from .ebml import Content, read_id, read_size
from .opus import RATE, OpusDecoder
from .steps import Format, Sound, skip

_SEGMENT, _CLUSTER, _TRACKS, _TRACK_ENTRY = 0x18538067, 0x1F43B675, 0x1654AE6B, 0xAE
_SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK, _DISCARD_PADDING = 0xA3, 0xA0, 0xA1, 0x75A2
_TRACK_NUMBER, _CODEC_ID, _CODEC_PRIVATE = 0xD7, 0x86, 0x63A2
_XIPH, _FIXED = 1, 2  # ways to lace several packets into a block; EBML's is the third
_MAX_TRACKS_BYTES = 1 << 20
_MAX_BLOCK_BYTES = 1 << 18  # longer ones hold pictures


@dataclass(frozen=True, slots=True)
class _Track:
    number: int
    decoder: OpusDecoder


def webm() -> Format:
    """A WebM stream behind the id of its EBML header. Of several Opus tracks the first is heard.

    Packets follow one another whatever their timestamps: what a recorder left out is no silence.
    One recording may follow another.

    Raises:
        BadAudioError: no track is Opus, or the elements do not fit into one another.
    """
    yield from skip((yield from read_size()) or 0)
    track = None
    while True:
        element = yield from read_id()
        size = yield from read_size()
        if element in (_SEGMENT, _CLUSTER):
            continue
        if size is None:
            raise BadAudioError(f"a WebM element ({element:X}) that does not say its size")
        if element == _TRACKS:
            if size > _MAX_TRACKS_BYTES:
                raise BadAudioError(f"a WebM stream with {size} bytes of tracks")
            track = _opus_track((yield size))
        elif element in (_SIMPLE_BLOCK, _BLOCK_GROUP) and size <= _MAX_BLOCK_BYTES:
            if track is None:
                raise BadAudioError("a WebM stream whose data come before its tracks")
            yield from _sound_of(track, element, (yield size))
        else:
            yield from skip(size)


def _opus_track(tracks: bytes) -> _Track:
    codecs: list[str] = []
    for element, entry in Content(tracks).children():
        if element == _TRACK_ENTRY:
            fields = dict(Content(entry).children())
            codecs.append(fields.get(_CODEC_ID, b"").decode("ascii", "replace")[:32])
            if codecs[-1] == "A_OPUS":
                number = int.from_bytes(fields.get(_TRACK_NUMBER, b""), "big")
                return _Track(number, OpusDecoder(fields.get(_CODEC_PRIVATE, b"")))
    raise BadAudioError(f"a WebM stream without Opus; its tracks are {codecs[:8]!a}")


def _sound_of(track: _Track, element: int, content: bytes) -> Format:
    """The sound of a block, less the padding that its group says is at its end."""
    padding_ns = 0
    if element == _BLOCK_GROUP:
        children = dict(Content(content).children())
        content = children.get(_BLOCK, b"")
        padding_ns = int.from_bytes(children.get(_DISCARD_PADDING, b""), "big", signed=True)
    packets = _packets(Content(content), track.number)
    for index, packet in enumerate(packets):
        samples = track.decoder.decode(packet)
        if padding_ns > 0 and index == len(packets) - 1:
            samples = samples[: max(0, samples.shape[0] - round(padding_ns * RATE / 1e9))]
        yield Sound(samples, RATE)


def _packets(block: Content, track: int) -> list[bytes]:
    """The packets of a block that are not empty; none if it is another track's."""
    if block.number() != track:
        return []
    block.take(2)  # the time since the cluster's
    lacing = block.byte() >> 1 & 3
    sizes = _laced_sizes(block, lacing) if lacing else []
    packets = [block.take(size) for size in sizes]
    packets.append(block.take(block.num_left))
    return [packet for packet in packets if packet]


def _laced_sizes(block: Content, lacing: int) -> list[int]:
    """The sizes of all packets but the last, which has the rest (RFC 9559, section 10.3)."""
    num_sizes = block.byte()
    if lacing == _FIXED:
        return [block.num_left // (num_sizes + 1)] * num_sizes
    sizes: list[int] = []
    for _ in range(num_sizes):
        if lacing == _XIPH:
            size = piece = block.byte()
            while piece == 255:
                piece = block.byte()
                size += piece
        else:
            size = sizes[-1] + block.difference() if sizes else block.number()
        sizes.append(size)
    return sizes
