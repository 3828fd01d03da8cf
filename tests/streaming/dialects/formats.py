"""A recording in the formats that dialects carry, each made by a library that is not the server's.

All start from 16 kHz samples. What those hold above 4 kHz no format of 8,000 samples a second can
carry: `TELEPHONE_BAND` is the same recording without it, as PCM of 16 kHz.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np
import soxr
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

from hark.engine.audio.files import open_audio
from hark.engine.types import SAMPLE_RATE, AudioFormat, Encoding

from .jitsi import encode_opus

FRAME_S = 0.1
TELEPHONE_RATE = 8_000


@dataclass(frozen=True, slots=True)
class Sound:
    """Bytes of one format, in the pieces in which they are sent: 100 ms, or a packet of Opus."""

    format: AudioFormat
    pieces: tuple[bytes, ...]

    @property
    def payload(self) -> bytes:
        """As the engine is fed it: packets of Opus stand behind their lengths."""
        return b"".join(map(self.fed, self.pieces))

    def fed(self, piece: bytes) -> bytes:
        is_packet = self.format.encoding is Encoding.OPUS
        return len(piece).to_bytes(2, "big") + piece if is_packet else piece


Make = Callable[[np.ndarray], Sound]
"""From 16 kHz samples, int16 [n]."""


def pcm(samples: np.ndarray, rate: int = SAMPLE_RATE) -> Sound:
    return _cut(AudioFormat(Encoding.PCM_S16LE, rate), resampled(samples, rate).tobytes())


def telephone_band(samples: np.ndarray) -> Sound:
    """PCM of 16 kHz without what lies above 4 kHz."""
    narrow = resampled(samples, TELEPHONE_RATE)
    return pcm(resampled(narrow, SAMPLE_RATE, from_rate=TELEPHONE_RATE))


def mulaw(samples: np.ndarray) -> Sound:
    return _g711(samples, Encoding.MULAW, "pcm_mulaw")


def alaw(samples: np.ndarray) -> Sound:
    return _g711(samples, Encoding.ALAW, "pcm_alaw")


def opus(samples: np.ndarray, bit_rate: int = 32_000) -> Sound:
    """Packets of 20 ms by libopus, as for speech."""
    packets = encode_opus(samples, bit_rate=bit_rate)
    return Sound(AudioFormat(Encoding.OPUS, 48_000), tuple(packets))


PCM, TELEPHONE_BAND = "16 kHz PCM", "16 kHz PCM, telephone band"
FORMATS: Mapping[str, Make] = {
    PCM: pcm,
    "24 kHz PCM": partial(pcm, rate=24_000),
    "44.1 kHz PCM": partial(pcm, rate=44_100),
    "48 kHz PCM": partial(pcm, rate=48_000),
    "Opus, 32 kbit/s": opus,
    "Opus, 16 kbit/s": partial(opus, bit_rate=16_000),
    TELEPHONE_BAND: telephone_band,
    "8 kHz PCM": partial(pcm, rate=TELEPHONE_RATE),
    "8 kHz µ-law": mulaw,
    "8 kHz A-law": alaw,
}
"""By name; those behind `TELEPHONE_BAND` are of 8 kHz."""


def samples_of(path: Path) -> np.ndarray:
    """A recording at 16 kHz, int16 [n]: what it holds, whatever it was stored as."""
    sound = np.concatenate(list(open_audio(path).blocks()))
    return (sound * 32_768).round().clip(-32_768, 32_767).astype("<i2")


def resampled(samples: np.ndarray, rate: int, *, from_rate: int = SAMPLE_RATE) -> np.ndarray:
    """The whole recording at once, int16 [n]."""
    if rate == from_rate:
        return samples.astype("<i2")
    floats = soxr.resample(samples / 32_768, from_rate, rate, quality="VHQ")
    return (floats * 32_768).round().clip(-32_768, 32_767).astype("<i2")


def _g711(samples: np.ndarray, encoding: Encoding, codec: str) -> Sound:
    """As FFmpeg codes it."""
    narrow = resampled(samples, TELEPHONE_RATE)
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate, context.layout, context.format = TELEPHONE_RATE, "mono", "s16"
    context.open()
    frame = AudioFrame.from_ndarray(narrow[None], "s16", "mono")
    frame.sample_rate = TELEPHONE_RATE
    codes = b"".join(map(bytes, [*context.encode(frame), *context.encode(None)]))
    return _cut(AudioFormat(encoding, TELEPHONE_RATE), codes)


def _cut(format: AudioFormat, payload: bytes) -> Sound:
    size = round(format.bytes_per_second * FRAME_S)
    return Sound(format, tuple(payload[at : at + size] for at in range(0, len(payload), size)))
