"""WAV as it comes live: a header that may not know the length, then samples without an end."""

import struct

from ...types import BadAudioError
from . import pcm
from .pcm import SampleKind
from .steps import Format, Reading, Some, Sound, skip

_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_KINDS = {
    (_PCM, 8): pcm.U8,
    (_PCM, 16): pcm.S16,
    (_PCM, 24): pcm.S24,
    (_PCM, 32): pcm.S32,
    (_FLOAT, 32): pcm.F32,
    (_FLOAT, 64): pcm.F64,
    (_ALAW, 8): pcm.ALAW,
    (_MULAW, 8): pcm.MULAW,
}
_MAX_CHANNELS = 64
_MAX_FMT_BYTES = 256  # the longest in use has 40
_UNKNOWN_BYTES = 0x7FFF_0000  # who cannot know the length writes 0, 2**32 - 1, or about 2**31


def wav() -> Format:
    """A WAV file behind its `RIFF`: integers, floats, A-law and µ-law, of any channel count.

    Channels are averaged. Where the header does not know how long the data are, they go on to the
    end of the stream; else what follows them is ignored.

    Raises:
        BadAudioError: the header is no WAV header, or names a kind of samples not known here.
    """
    if (yield 8)[4:] != b"WAVE":
        raise BadAudioError("a RIFF file that is no WAV file")
    kind, num_channels, rate = None, 0, 0
    while True:
        name, size = struct.unpack("<4sI", (yield 8))
        if name == b"data":
            break
        if name == b"fmt ":
            kind, num_channels, rate = yield from _fmt(size)
        else:
            yield from skip(size + size % 2)
    if kind is None:
        raise BadAudioError("a WAV file whose data come before their format")
    unit = kind.num_bytes * num_channels
    is_endless = size == 0 or size >= _UNKNOWN_BYTES
    left = size - size % unit
    while is_endless or left:
        data = yield Some(unit, None if is_endless else left)
        left -= len(data)
        samples = kind.to_float(data)
        if num_channels > 1:
            samples = samples.reshape(-1, num_channels).mean(axis=1)
        yield Sound(samples, rate)


def _fmt(size: int) -> Reading[tuple[SampleKind, int, int]]:
    """The kind of the samples, the number of channels and the rate, from the `fmt ` chunk."""
    if not 16 <= size <= _MAX_FMT_BYTES:
        raise BadAudioError(f"a WAV header whose format has {size} bytes")
    chunk = yield size + size % 2
    code, num_channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if code == _EXTENSIBLE and size >= 26:
        [code] = struct.unpack_from("<H", chunk, 24)  # the first two bytes of the subformat's GUID
    kind = _KINDS.get((code, bits))
    if kind is None:
        raise BadAudioError(
            f"WAV samples of format {code} with {bits} bits; known are integers of 8, 16, 24 and "
            "32 bits, floats of 32 and 64, A-law and mu-law"
        )
    if not 1 <= num_channels <= _MAX_CHANNELS:
        raise BadAudioError(f"a WAV file of {num_channels} channels, allowed are 1 to 64")
    return kind, num_channels, rate
