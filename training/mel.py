"""The log-mel front end in NumPy.

128 Slaney mel bins, 400-sample periodic Hann frames every 160 samples at 16 kHz, centred with
reflection, the last frame dropped: ``N`` samples give ``N // 160`` frames. The corpus stores
the *raw* log10 mel; clamp and scale come last (``finish``), so that noise, gain and filters can
be applied to it in between.
"""

from __future__ import annotations

from functools import cache

import numpy as np

SAMPLE_RATE = 16_000
FRAME = 400
HOP = 160
BINS = 128
FLOOR = 1e-10
LN10 = np.float32(np.log(10.0))
FRAMES_PER_SECOND = SAMPLE_RATE // HOP
CHUNK_FRAMES = 100
"""Frames per encoder chunk (1 s)."""
CHUNK_TOKENS = 13
"""Encoder tokens per full chunk."""


def raw_log_mel(samples: np.ndarray) -> np.ndarray:
    """float32 samples [N] → log10 mel power [N // 160, 128], not clamped and not scaled."""
    padded = np.pad(samples.astype(np.float32), FRAME // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][: len(samples) // HOP]
    spectrum = np.fft.rfft(frames * _window(), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.log10(np.maximum(power.astype(np.float32) @ mel_filters(), FLOOR))


def finish(log_mel: np.ndarray) -> np.ndarray:
    """Clamp raw log mel [T, 128] to 8 below the clip's maximum and scale: the model's input."""
    return (np.maximum(log_mel, log_mel.max() - 8.0) + 4.0) / 4.0


def mean_power(log_mel: np.ndarray) -> float:
    """Mean squared sample of the audio behind raw log mel [T, 128].

    A mel bin is the mean power of its band's spectral lines, so it counts by the band's width.
    """
    bins = np.exp(log_mel * LN10).mean(0, dtype=np.float64)
    lines = SAMPLE_RATE / 2 / (SAMPLE_RATE / FRAME)
    return float(bins @ _band_widths()) / (lines * float((_window() ** 2).sum()))


def token_count(frames: int) -> int:
    """Encoder tokens of a clip of ``frames`` mel frames."""
    chunks, rest = divmod(frames, CHUNK_FRAMES)
    return CHUNK_TOKENS * chunks + -(-rest // 8)


def frame_to_token(frame: float) -> int:
    """Index of the encoder token that covers ``frame``."""
    chunks, rest = divmod(int(frame), CHUNK_FRAMES)
    return CHUNK_TOKENS * chunks + rest // 8


@cache
def _window() -> np.ndarray:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)


@cache
def mel_filters() -> np.ndarray:
    """Mel matrix [201, 128]: Slaney scale, triangles of unit area in Hz."""
    edges = _edges()
    hz = np.arange(FRAME // 2 + 1) * (SAMPLE_RATE / FRAME)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (hz[:, None] - low) / (centre - low)
    falling = (high - hz[:, None]) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * (2.0 / (high - low))).astype(np.float32)


@cache
def _edges() -> np.ndarray:
    """The 130 edges and centres of the bands in Hz, equally spaced in mel."""
    return _mel_to_hz(np.linspace(0.0, _hz_to_mel(8000.0), BINS + 2))


def _band_widths() -> np.ndarray:
    """Width of each band [128] in Hz, overlaps counted once."""
    return (_edges()[2:] - _edges()[:-2]) / 2


def _hz_to_mel(hz: float) -> float:
    return 15.0 + 27.0 * np.log(hz / 1000.0) / np.log(6.4) if hz >= 1000.0 else 3.0 * hz / 200.0


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    curved = 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27.0)
    return np.where(mel < 15.0, 200.0 * mel / 3.0, curved)
