"""Audio files made on the fly: tones, and recordings in other encodings. Knows PyAV."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def tone(*, seconds: float = 1.0, rate: int = 16_000, hz: float = 440.0) -> np.ndarray:
    """A sine at half of full scale, float32 [n]."""
    times = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * hz * times)).astype(np.float32)


def write_audio(
    path: Path,
    channels: np.ndarray,
    *,
    rate: int = 16_000,
    codec: str = "pcm_s16le",
    container: str | None = None,
) -> Path:
    """Encode float samples [n] or [channels, n] into a file; the format follows the suffix."""
    planes = np.atleast_2d(channels)
    layout = "mono" if len(planes) == 1 else "stereo"
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(planes, np.float32), format="fltp", layout=layout
        )
        frame.rate = rate
        frame.time_base = Fraction(1, rate)
        frame.pts = 0
        # The encoder may want another sample format, another rate and frames of its own length.
        codec_context = stream.codec_context
        resampler = av.AudioResampler(
            codec_context.format or "s16", layout, rate, frame_size=codec_context.frame_size or 1024
        )
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return path
