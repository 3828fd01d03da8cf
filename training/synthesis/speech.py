"""What a synthesiser returns, and the errors it raises."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
import soxr

from training.errors import RecipeError

SAMPLE_RATE = 16_000


class SynthesisError(RecipeError):
    """The synthesiser failed on this utterance; the caller draws another one."""


class MissingSynthesiserError(RecipeError):
    """A synthesiser library is not installed; the message names the package."""


@dataclass(frozen=True)
class Speech:
    """One spoken utterance.

    ``samples`` is float32 mono at 16 kHz. ``words`` holds (start, end) in seconds for every
    whitespace-separated word of the text. ``phones`` holds (label, end in seconds) in order,
    without gaps, "_" being silence.
    """

    samples: np.ndarray
    words: list[tuple[float, float]]
    phones: list[tuple[str, float]]


def load_library(name: str, package: str) -> ctypes.CDLL:
    """Load a shared library or say which Debian package has it."""
    try:
        return ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise MissingSynthesiserError(
            f"cannot load {name} ({error}); install it with: apt-get install {package}"
        ) from error


def resample(samples: np.ndarray, source_rate: float) -> np.ndarray:
    """Mono float32 audio at ``source_rate`` brought to 16 kHz."""
    if source_rate == SAMPLE_RATE:
        return samples.astype(np.float32)
    return soxr.resample(samples.astype(np.float32), source_rate, SAMPLE_RATE, quality="MQ")
