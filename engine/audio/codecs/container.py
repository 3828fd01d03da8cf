"""Streams whose format shows in their first bytes; knows which formats there are."""

from ...types import BadAudioError
from .flac import flac
from .mp3 import mp3
from .ogg import ogg
from .steps import Format, Sound, skip
from .wav import wav
from .webm import webm

KNOWN = "WAV, Ogg with Opus, WebM or Matroska with Opus, FLAC and MP3"
MAX_SILENT_BYTES = 1 << 24  # a cover picture is less, and so is a second of pictures


def container() -> Format:
    """Whatever the first bytes show it to be.

    Raises:
        BadAudioError: none of `KNOWN`, what its format raises, or no sound in
            `MAX_SILENT_BYTES` (headers, pictures and other tracks are passed over, not kept).
    """
    format = _any_format()
    step = next(format)
    num_silent = 0
    while True:
        reply = yield step
        if isinstance(step, Sound):
            num_silent = 0
        else:
            num_silent += len(reply)
            if num_silent > MAX_SILENT_BYTES:
                raise BadAudioError(f"no sound in {MAX_SILENT_BYTES} bytes")
        try:
            step = format.send(reply)
        except StopIteration:
            return


def _any_format() -> Format:
    first = yield 4
    if first.startswith(b"ID3"):
        yield from _skip_tags()
        first = yield 4
    match first:
        case b"RIFF":
            yield from wav()
        case b"OggS":
            yield from ogg()
        case b"\x1a\x45\xdf\xa3":
            yield from webm()
        case b"fLaC":
            yield from flac()
        case _ if _is_mp3(first):
            yield from mp3(first)
        case _:
            raise BadAudioError(f"a stream that begins with {first!r}; known are {KNOWN}")


def _skip_tags() -> Format:
    """Pass over what is behind `ID3` and the version: four times 7 bits say how long it is."""
    _revision, flags, *size = yield 6
    num_bytes = 0
    for part in size:
        num_bytes = num_bytes << 7 | part & 0x7F
    has_footer = flags & 0x10
    yield from skip(num_bytes + (10 if has_footer else 0))


def _is_mp3(first: bytes) -> bool:
    """Whether a frame of layer III begins here, by its first three bytes (ISO 11172-3, 2.4.1.3)."""
    is_layer_3 = first[0] == 0xFF and first[1] & 0xE6 == 0xE2 and first[1] & 0x18 != 0x08
    return is_layer_3 and first[2] >> 4 != 15 and first[2] & 0x0C != 0x0C
