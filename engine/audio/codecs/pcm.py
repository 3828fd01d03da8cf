"""Samples of a fixed size, as they lie in raw streams and in WAV: bytes to float32 within ±1."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...types import BadAudioError, Encoding
from . import g711
from .steps import Format, Some, Sound


@dataclass(frozen=True, slots=True)
class SampleKind:
    """`to_float` takes whole samples of `num_bytes` each and gives float32 [n].

    Floats that are out of ±1 are clipped; for NaN and infinity it raises BadAudioError.
    """

    num_bytes: int
    to_float: Callable[[bytes], np.ndarray]


def _from_u8(data: bytes) -> np.ndarray:
    return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128


def _from_s16(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<i2").astype(np.float32) / 32768.0


def _from_s24(data: bytes) -> np.ndarray:
    """As the upper three bytes of 32 bits."""
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return _from_s32(wide.tobytes())


def _from_s32(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<i4").astype(np.float32) / 2.0**31


def _from_f32(data: bytes) -> np.ndarray:
    return _clipped(np.frombuffer(data, "<f4"))


def _from_f64(data: bytes) -> np.ndarray:
    return _clipped(np.frombuffer(data, "<f8"))


def _clipped(samples: np.ndarray) -> np.ndarray:
    """Within ±1 before anything is computed, where huge numbers would overflow."""
    if not np.isfinite(samples).all():
        raise BadAudioError("float samples must be finite numbers; got NaN or infinity")
    return samples.clip(-1.0, 1.0).astype(np.float32)


U8 = SampleKind(1, _from_u8)
S16 = SampleKind(2, _from_s16)
S24 = SampleKind(3, _from_s24)
S32 = SampleKind(4, _from_s32)
F32 = SampleKind(4, _from_f32)
F64 = SampleKind(8, _from_f64)
MULAW = SampleKind(1, lambda codes: g711.MULAW[np.frombuffer(codes, np.uint8)])
ALAW = SampleKind(1, lambda codes: g711.ALAW[np.frombuffer(codes, np.uint8)])

OF_ENCODING = {
    Encoding.PCM_S16LE: S16,
    Encoding.PCM_F32LE: F32,
    Encoding.MULAW: MULAW,
    Encoding.ALAW: ALAW,
}


def pcm(kind: SampleKind, rate: int) -> Format:
    """Mono samples at `rate` Hz without any header. Half a sample waits for its other half."""
    while True:
        data = yield Some(kind.num_bytes)
        yield Sound(kind.to_float(data), rate)
