"""Disturbances of the raw log10 mel, where all of them are cheap.

Every function takes and returns float32 [T, 128]; ``strength`` (0 … 1) grows during training,
because noise from the start keeps the decoder from finding its alignment.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from training.mel import BINS, SAMPLE_RATE, raw_log_mel

SILENCE = -10.0
"""Raw log mel of digital silence."""
_NOISE_FRAMES = 20_000


def augment(
    log_mel: np.ndarray, rng: np.random.Generator, strength: float, *, silent: bool = False
) -> np.ndarray:
    """A random selection of all disturbances. ``silent`` clips mostly get noise, and no mask."""
    if rng.random() < 0.4 * strength:
        log_mel = warp(log_mel, rng.uniform(-0.1, 0.1))
    if rng.random() < 0.6:
        log_mel = log_mel + equaliser(rng, 0.15 + 0.15 * strength)
    if rng.random() < 0.15 * strength:
        log_mel = reverberate(log_mel, rng)
    if rng.random() < (0.75 if silent else 0.35 + 0.35 * strength):
        peak = float(log_mel.max()) if not silent else 1.0
        below = rng.uniform(2.4 - 0.7 * strength, 6.0)
        source = filtered_noise if silent and rng.random() < 0.6 else noise
        added = source(len(log_mel), peak - below, rng)
        log_mel = np.logaddexp2(log_mel * _LOG2_10, added * _LOG2_10) / _LOG2_10
    if rng.random() < 0.06 * strength:
        log_mel = low_pass(log_mel, int(rng.integers(85, 110)))
    if not silent and rng.random() < 0.3 * strength:
        log_mel = mask_bins(log_mel, rng)
    return (log_mel + rng.uniform(-2.0, 1.0)).astype(np.float32)


_LOG2_10 = np.float32(np.log2(10.0))


def equaliser(rng: np.random.Generator, size: float) -> np.ndarray:
    """A smooth random frequency response [128], ``size`` being its deviation in log10 power."""
    bins = np.arange(BINS) / BINS
    waves = np.cos(np.pi * np.arange(1, 6)[:, None] * bins)
    return ((rng.standard_normal(5) * size) @ waves).astype(np.float32)


def noise(frames: int, level: float, rng: np.random.Generator) -> np.ndarray:
    """Stationary coloured noise whose loudest bins are at about ``level``."""
    bins = np.arange(BINS) / BINS
    colour = equaliser(rng, 0.25) - rng.uniform(-0.5, 2.0) * bins
    start = int(rng.integers(0, _NOISE_FRAMES - frames))
    return _white_noise()[start : start + frames] + (colour - colour.max() + level)


def filtered_noise(frames: int, level: float, rng: np.random.Generator) -> np.ndarray:
    """Noise with a marked spectrum (rumble, hiss bands, hum, combs), as a silent room may have."""
    bank = _noise_bank()
    piece = np.roll(bank[int(rng.integers(len(bank)))], int(rng.integers(100)), axis=0)
    return piece[np.arange(frames) % len(piece)] + np.float32(level)


@cache
def _noise_bank() -> np.ndarray:
    """Raw log mel [pieces, 200, 128] of filtered white noise, each peaking at about 0."""
    rng = np.random.default_rng(1)
    frequency = np.fft.rfftfreq(32_000, 1 / SAMPLE_RATE)
    responses = []
    for _ in range(40):
        responses += [
            np.abs(np.sinc(frequency * rng.integers(2, 48) / SAMPLE_RATE)),
            1 / (1 + (frequency / rng.uniform(60, 2000)) ** rng.uniform(1, 3)),
            0.01 + np.exp(-(((frequency - rng.uniform(200, 6000)) / rng.uniform(100, 2000)) ** 2)),
            0.005 + (frequency % rng.uniform(50, 240) < 2) / (1 + frequency / 500),
        ]
    pieces = []
    for response in responses:
        spectrum = np.fft.rfft(rng.standard_normal(32_000)) * response
        piece = raw_log_mel(np.fft.irfft(spectrum).astype(np.float32))
        pieces.append(piece - piece.mean(0).max())
    return np.stack(pieces).astype(np.float32)


@cache
def _white_noise() -> np.ndarray:
    """Log mel of white noise; a high bin averages more spectral lines and fluctuates less."""
    rng = np.random.default_rng(0)
    degrees = np.linspace(1.0, 6.0, BINS)
    power = rng.gamma(degrees, 1 / degrees, (_NOISE_FRAMES, BINS))
    return np.log10(np.maximum(power, 1e-4)).astype(np.float32)


def warp(log_mel: np.ndarray, amount: float) -> np.ndarray:
    """Stretch the mel axis, as a vocal tract of another length would."""
    source = np.clip(np.arange(BINS) * (1 + amount), 0, BINS - 1)
    low = np.minimum(source.astype(int), BINS - 2)
    part = (source - low).astype(np.float32)
    return log_mel[:, low] * (1 - part) + log_mel[:, low + 1] * part


def reverberate(log_mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add an exponentially decaying tail to the power."""
    power = np.power(np.float32(10.0), log_mel)
    decay, level = rng.uniform(0.5, 0.85), rng.uniform(0.05, 0.3)
    wet = power.copy()
    for delay in range(1, 16):
        if delay < len(power):
            wet[delay:] += np.float32(level * decay**delay) * power[:-delay]
    return np.log10(np.maximum(wet, 1e-10))


def low_pass(log_mel: np.ndarray, cut: int) -> np.ndarray:
    """Remove everything from bin ``cut`` on, as an 8 kHz recording lacks it."""
    cut_mel = log_mel.copy()
    cut_mel[:, cut:] -= 6.0
    return cut_mel


def mask_bins(log_mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Replace a band of up to 12 bins by its clip mean."""
    width = int(rng.integers(2, 13))
    start = int(rng.integers(0, BINS - width))
    masked = log_mel.copy()
    masked[:, start : start + width] = masked[:, start : start + width].mean()
    return masked
