"""Disturbances of the raw log10 mel, where all of them are cheap.

Every function takes and returns float32 [T, 128] (``power`` is linear, not logarithmic).
``strength`` (0 … 1) grows during training, because noise from the start keeps the decoder from
finding its alignment.
"""

from __future__ import annotations

import numpy as np

from training.learning.noises import SPEECH_POWER, Backgrounds, Generator, slow_curve, smooth_curve
from training.learning.rows import Row
from training.mel import BINS, FRAMES_PER_SECOND, LN10, mean_power

LOUDEST_NOISE_DB = 3.0
"""Lowest speech-to-noise ratio, at full strength; 30 dB at the start."""
DIGITAL_SILENCE_SHARE = 0.12
VTLP = 0.14
RT60_SECONDS = (0.15, 0.7)
_TELEPHONE_BINS = (12, 93)
"""Bins of about 300 and 3400 Hz."""


def disturb(row: Row, backgrounds: Backgrounds, rng: Generator, strength: float) -> np.ndarray:
    """The row's raw log mel after a random selection of all disturbances."""
    if not row.spans:
        return _quiet(row, backgrounds, rng) + line_response(rng, strength)
    log_mel = row.log_mel
    if rng.random() < 0.15 + 0.5 * strength:
        log_mel = warp(log_mel, rng.uniform(-VTLP, VTLP))
    with_room = rng.random() < 0.35 * strength
    with_noise = rng.random() < 0.45 + 0.3 * strength
    if with_room or with_noise:
        power = np.exp(log_mel * LN10)
        if with_room:
            power = reverberate(power, rng)
        if with_noise:
            power += np.exp(_noise(row, backgrounds, rng, strength) * LN10)
        log_mel = np.log(np.maximum(power, 1e-10)) / LN10
    log_mel = log_mel + line_response(rng, strength)
    return mask(log_mel, rng) if rng.random() < 0.3 * strength else log_mel


def _quiet(row: Row, backgrounds: Backgrounds, rng: Generator) -> np.ndarray:
    """A clip without words: nothing at all, or some background at any level."""
    if rng.random() < DIGITAL_SILENCE_SHARE:
        return row.log_mel
    frames = len(row.log_mel)
    sound = backgrounds.draw(frames, rng) + np.float32(rng.uniform(-5.0, 0.5))
    if rng.random() < 0.3:
        sound = sound + slow_curve(frames, rng)
    if rng.random() < 0.15:  # it sets in, or stops
        edge = int(rng.integers(frames))
        sound[slice(edge) if rng.random() < 0.5 else slice(edge, None)] -= 5.0
    return sound


def _noise(row: Row, backgrounds: Backgrounds, rng: Generator, strength: float) -> np.ndarray:
    """Background under speech, at a random ratio to the mean power of the spoken frames."""
    lowest = 30.0 + (LOUDEST_NOISE_DB - 30.0) * strength
    ratio = rng.uniform(lowest, 30.0) if rng.random() < 0.72 else rng.uniform(30.0, 60.0)
    frames = len(row.log_mel)
    sound = backgrounds.draw(frames, rng)
    if rng.random() < 0.2:
        sound = sound + slow_curve(frames, rng)
    begin, end = row.spans[0][0], max(end for _, end in row.spans)
    speech = mean_power(row.log_mel[begin : max(end, begin + 10)])
    return sound + np.float32(np.log10(speech / SPEECH_POWER) - ratio / 10)


def line_response(rng: Generator, strength: float) -> np.ndarray:
    """Gain and frequency response [128] of microphone and line, in log10 power."""
    response = np.full(BINS, rng.uniform(-2.2, 1.0), np.float32)
    if rng.random() < 0.6:
        response += smooth_curve(rng, 0.15 + 0.15 * strength)
    kind = rng.random()
    if kind < 0.14 * strength:
        response += band(rng)
    elif kind < 0.19 * strength:
        response[int(rng.integers(85, 115)) :] -= 6.0  # as an 8 kHz recording lacks it
    elif kind < 0.25 * strength:
        edge = int(rng.integers(3, 14))
        response[:edge] -= np.linspace(rng.uniform(1, 4), 0, edge, dtype=np.float32)
    return response


def band(rng: Generator) -> np.ndarray:
    """Response [128] of a telephone line: 300-3400 Hz, give or take, with steep edges."""
    low = _TELEPHONE_BINS[0] + rng.integers(-8, 5)
    high = _TELEPHONE_BINS[1] + rng.integers(-4, 6)
    bins = np.arange(BINS)
    outside = np.maximum(low - bins, bins - high).clip(0)
    return -np.minimum(outside * rng.uniform(0.15, 0.8), rng.uniform(2, 6)).astype(np.float32)


def warp(log_mel: np.ndarray, amount: float) -> np.ndarray:
    """Stretch the mel axis, as a vocal tract of another length would."""
    source = np.clip(np.arange(BINS) * (1 + amount), 0, BINS - 1)
    low = np.minimum(source.astype(int), BINS - 2)
    part = (source - low).astype(np.float32)
    matrix = np.zeros((BINS, BINS), np.float32)
    matrix[low, np.arange(BINS)] = 1 - part
    matrix[low + 1, np.arange(BINS)] += part
    return log_mel @ matrix


def reverberate(power: np.ndarray, rng: Generator) -> np.ndarray:
    """Add the exponentially decaying tail of a room; high bins die away sooner.

    The recursion tail[t] = decay · tail[t - 1] + power[t] is summed by doubling.
    """
    seconds = rng.uniform(*RT60_SECONDS) * np.linspace(1.0, rng.uniform(0.5, 1.0), BINS)
    decay = (10 ** (-6 / (FRAMES_PER_SECOND * seconds))).astype(np.float32)
    tail, delay = power * decay, 1
    while delay < min(64, len(power)):
        tail[delay:] += decay**delay * tail[:-delay]
        delay *= 2
    direct_to_tail = 10 ** rng.uniform(-0.1, 1.5)
    level = ((1 - decay) / decay / direct_to_tail).astype(np.float32)
    wet = power.copy()
    wet[1:] += level * tail[:-1]
    return wet


def mask(log_mel: np.ndarray, rng: Generator) -> np.ndarray:
    """Replace a band of up to 12 bins by its mean, and up to 6 frames by the clip's."""
    masked = log_mel.copy()
    width, start = int(rng.integers(2, 13)), int(rng.integers(0, BINS - 12))
    masked[:, start : start + width] = masked[:, start : start + width].mean()
    if rng.random() < 0.5:
        begin = int(rng.integers(0, len(masked)))
        masked[begin : begin + int(rng.integers(1, 7))] = masked.mean(0)
    return masked
