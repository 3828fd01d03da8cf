"""Bytes of a stream to float32 samples at 16 kHz; stateful, and the same for any cut of the bytes.

Runs on the engine's side of the thread border: resampling is computation.
"""

import numpy as np
import soxr

from .types import SAMPLE_RATE, AudioFormat, BadAudioError, Encoding


class AudioDecoder:
    """Decodes and resamples one stream. A sample split over two calls is carried over."""

    def __init__(self, audio: AudioFormat) -> None:
        self._encoding, self._rate = audio.encoding, audio.sample_rate
        self._carry = b""
        self._resampler = self._new_resampler()

    def push(self, payload: bytes) -> np.ndarray:
        """The samples that are complete now, float32 [n] within ±1.

        Raises:
            BadAudioError: a float sample is NaN or infinite.
        """
        data = self._carry + payload
        whole = len(data) - len(data) % self._encoding.sample_bytes
        self._carry = data[whole:]
        samples = _to_float(data[:whole], self._encoding)
        if self._resampler is not None and samples.shape[0]:
            # The filter overshoots a little where the input was at its limits.
            return self._resampler.resample_chunk(samples).clip(-1.0, 1.0)
        return samples

    def flush(self) -> np.ndarray:
        """What the resampler still holds of the samples pushed so far; it begins anew."""
        if self._resampler is None:
            return np.empty(0, np.float32)
        rest = self._resampler.resample_chunk(np.empty(0, np.float32), last=True)
        self._resampler = self._new_resampler()
        return rest.clip(-1.0, 1.0)

    def _new_resampler(self) -> soxr.ResampleStream | None:
        if self._rate == SAMPLE_RATE:
            return None
        return soxr.ResampleStream(self._rate, SAMPLE_RATE, 1, dtype="float32")


def _to_float(data: bytes, encoding: Encoding) -> np.ndarray:
    if encoding is Encoding.PCM_S16LE:
        return np.frombuffer(data, "<i2").astype(np.float32) / 32768.0
    if encoding is Encoding.MULAW:
        return _MULAW[np.frombuffer(data, np.uint8)]
    samples = np.frombuffer(data, "<f4").astype(np.float32)
    if not np.isfinite(samples).all():
        raise BadAudioError("float samples must be finite numbers; got NaN or infinity")
    return samples.clip(-1.0, 1.0)  # before resampling, where huge numbers would overflow


def _mulaw_table() -> np.ndarray:
    """ITU-T G.711 mu-law: code to sample, float32 [256]."""
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4) & 0x07
    mantissa = (code & 0x0F).astype(np.int32)
    magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.float32) / 32768.0


_MULAW = _mulaw_table()
