"""Bytes of a stream to float32 samples at 16 kHz; stateful, and the same for any cut of the bytes.

Runs on the engine's side of the thread border: resampling is computation.
"""

import numpy as np
import soxr

from .types import SAMPLE_RATE, AudioFormat, BadAudioError, Encoding


class AudioDecoder:
    """Decodes and resamples one stream. A sample split over two calls is carried over."""

    def __init__(self, audio: AudioFormat) -> None:
        self._encoding = audio.encoding
        self._carry = b""
        self._resampler = (
            None
            if audio.sample_rate == SAMPLE_RATE
            else soxr.ResampleStream(audio.sample_rate, SAMPLE_RATE, 1, dtype="float32")
        )

    def push(self, payload: bytes, *, last: bool = False) -> np.ndarray:
        """The samples that are complete now, float32 [n] within ±1; `last` drains the resampler.

        Raises:
            BadAudioError: a float sample is NaN or infinite, or the stream ends in half a sample.
        """
        data = self._carry + payload
        whole = len(data) - len(data) % self._encoding.sample_bytes
        self._carry = data[whole:]
        if last and self._carry:
            raise BadAudioError(
                f"the stream ends in {len(self._carry)} bytes of an unfinished sample"
            )
        samples = _to_float(data[:whole], self._encoding)
        if self._resampler is not None and (last or samples.shape[0]):
            samples = self._resampler.resample_chunk(samples, last=last)
        return np.clip(samples, -1.0, 1.0)


def _to_float(data: bytes, encoding: Encoding) -> np.ndarray:
    if encoding is Encoding.PCM_S16LE:
        return np.frombuffer(data, "<i2").astype(np.float32) / 32768.0
    if encoding is Encoding.MULAW:
        return _MULAW[np.frombuffer(data, np.uint8)]
    samples = np.frombuffer(data, "<f4").astype(np.float32)
    if not np.isfinite(samples).all():
        raise BadAudioError("float samples must be finite numbers; got NaN or infinity")
    return samples


def _mulaw_table() -> np.ndarray:
    """ITU-T G.711 mu-law: code to sample, float32 [256]."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4) & 0x07
    mantissa = (code & 0x0F).astype(np.int32)
    magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.float32) / 32768.0


_MULAW = _mulaw_table()
