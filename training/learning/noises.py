"""Banks of background sound as raw log mel: noise, hum, knocks, tones, music and babble.

A piece of a bank is as loud on average as speech at an RMS of 0.07; the caller sets the level.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

import numpy as np

from training.learning import music
from training.mel import BINS, LN10, SAMPLE_RATE, mean_power, raw_log_mel

SPEECH_POWER = 0.07**2
BABBLE_VOICES = (5, 9)
"""Fewest and most voices that talk at once; fewer could be understood."""
_WHITE_FRAMES = 20_000
_PIECE_SECONDS = 5.0
_BABBLE_PIECES, _BABBLE_FRAMES = 160, 500

Generator = np.random.Generator


class Backgrounds:
    """Draws background sounds; babble is mixed from the pieces that ``speech`` returns."""

    def __init__(self, speech: Callable[[random.Random], np.ndarray], seed: int) -> None:
        self._babble = _babble_bank(speech, random.Random(f"babble {seed}"))

    def draw(self, frames: int, rng: Generator) -> np.ndarray:
        """Raw log mel [frames, 128] of a random kind, at the level of speech."""
        place = rng.random()
        if place < 0.30:
            return white(frames, rng)
        if place < 0.50:
            return _cut(filtered_bank(), frames, rng)
        if place < 0.58:
            return _cut(impulse_bank(), frames, rng)
        if place < 0.66:
            return _cut(tone_bank(), frames, rng)
        if place < 0.84:
            return _cut(self._babble, frames, rng)
        return _cut(music_bank(), frames, rng)


def white(frames: int, rng: Generator) -> np.ndarray:
    """Stationary noise with a random slope and a smooth random colour."""
    position = np.arange(BINS) / BINS
    colour = smooth_curve(rng, 0.25) - rng.uniform(-0.5, 2.5) * position
    start = int(rng.integers(0, _WHITE_FRAMES - frames))
    bank = _white_bank()
    level = np.log10(SPEECH_POWER / mean_power(bank[:100] + colour))
    return bank[start : start + frames] + np.float32(level) + colour


def smooth_curve(rng: Generator, size: float) -> np.ndarray:
    """A smooth random curve over the bins [128], ``size`` being the deviation of its waves."""
    waves = np.cos(np.pi * np.arange(1, 6)[:, None] * np.arange(BINS) / BINS)
    return ((rng.standard_normal(5) * size) @ waves).astype(np.float32)


def slow_curve(frames: int, rng: Generator) -> np.ndarray:
    """A level [frames, 1] that wanders by some decibels within a second or so."""
    knots = rng.standard_normal(frames // 70 + 2) * rng.uniform(0.05, 0.5)
    places = np.arange(frames) / 70
    return np.interp(places, np.arange(len(knots)), knots).astype(np.float32)[:, None]


def _cut(bank: np.ndarray, frames: int, rng: Generator) -> np.ndarray:
    """``frames`` of one piece of a bank [pieces, n, 128], repeated where it is too short."""
    piece = bank[int(rng.integers(len(bank)))]
    start = int(rng.integers(len(piece)))
    return piece[(start + np.arange(frames)) % len(piece)].astype(np.float32)


def _level(log_mel: np.ndarray) -> np.ndarray:
    """Brought to the power of speech, as float16."""
    return (log_mel + np.log10(SPEECH_POWER / mean_power(log_mel))).astype(np.float16)


def _babble_bank(speech: Callable[[random.Random], np.ndarray], rng: random.Random) -> np.ndarray:
    pieces = []
    for _ in range(_BABBLE_PIECES):
        power = np.zeros((_BABBLE_FRAMES, BINS), np.float32)
        for _ in range(rng.randint(*BABBLE_VOICES)):
            voice = speech(rng)
            turned = np.roll(np.arange(_BABBLE_FRAMES), rng.randrange(_BABBLE_FRAMES)) % len(voice)
            gain = np.float32(rng.uniform(-0.4, 0.4))
            power += np.exp((voice + gain) * LN10)[turned]
        pieces.append(_level(np.log(power) / LN10))
    return np.stack(pieces)


@cache
def _white_bank() -> np.ndarray:
    """Log mel of white noise; a high bin averages more spectral lines and fluctuates less."""
    rng = np.random.default_rng(0)
    degrees = np.linspace(1.0, 6.0, BINS)
    power = rng.gamma(degrees, 1 / degrees, (_WHITE_FRAMES, BINS))
    return np.log10(np.maximum(power, 1e-4)).astype(np.float32)


@cache
def filtered_bank() -> np.ndarray:
    """Noise with a marked spectrum: rumble, hiss, combs and hum."""
    rng, count = np.random.default_rng(1), 2 * SAMPLE_RATE
    frequency = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    responses = []
    for _ in range(40):
        mains = rng.choice([50.0, 60.0, 100.0, rng.uniform(40, 300)])
        responses += [
            np.abs(np.sinc(frequency * rng.integers(2, 48) / SAMPLE_RATE)),
            1 / (1 + (frequency / rng.uniform(60, 2000)) ** rng.uniform(1, 3)),
            0.01 + np.exp(-(((frequency - rng.uniform(200, 6000)) / rng.uniform(100, 2000)) ** 2)),
            0.003 + (frequency % mains < 1.5) / (1 + frequency / rng.uniform(200, 2000)),
        ]
    pieces = []
    for response in responses:
        spectrum = np.fft.rfft(rng.standard_normal(count)) * response
        pieces.append(_level(raw_log_mel(np.fft.irfft(spectrum).astype(np.float32))))
    return np.stack(pieces)


@cache
def impulse_bank() -> np.ndarray:
    """Clicks, knocks, key presses and slams over a low noise floor."""
    rng = np.random.default_rng(2)
    return np.stack([_level(raw_log_mel(impulses(rng).astype(np.float32))) for _ in range(48)])


def impulses(rng: Generator) -> np.ndarray:
    """Five seconds of clicks, knocks, key presses or slams over a low noise floor: [80,000]."""
    samples = rng.standard_normal(int(_PIECE_SECONDS * SAMPLE_RATE)) * 10 ** rng.uniform(-4, -2)
    make = (_click, _knock, _key, _slam)[int(rng.integers(4))]
    at = rng.uniform(0, 0.3)
    while at < _PIECE_SECONDS - 0.8:
        sound = make(rng) * rng.uniform(0.2, 1.0)
        start = int(at * SAMPLE_RATE)
        samples[start : start + len(sound)] += sound
        at += rng.exponential(0.15 if make is _key else 0.7) + 0.05
    return samples


@cache
def tone_bank() -> np.ndarray:
    """Tones that hold, glide, beep or warble, as of alarms, whistles and dialling."""
    rng, count = np.random.default_rng(4), int(_PIECE_SECONDS * SAMPLE_RATE)
    pieces = []
    for _ in range(96):
        samples = rng.standard_normal(count) * 10 ** rng.uniform(-4, -2)
        for _ in range(int(rng.integers(1, 4))):
            samples += _gliding(rng, count) * rng.uniform(0.2, 1.0)
        pieces.append(_level(raw_log_mel(samples.astype(np.float32))))
    return np.stack(pieces)


@cache
def music_bank() -> np.ndarray:
    """Invented pieces of music."""
    rng = np.random.default_rng(3)
    return np.stack(
        [_level(raw_log_mel(music.compose(2 * _PIECE_SECONDS, rng))) for _ in range(160)]
    )


def _gliding(rng: Generator, count: int) -> np.ndarray:
    """A tone with harmonics whose pitch moves between a few random places and back."""
    time = np.arange(count) / SAMPLE_RATE
    places = np.exp(rng.uniform(np.log(100), np.log(4000), int(rng.integers(1, 5))))
    knots = np.sort(rng.uniform(0, _PIECE_SECONDS, 2 * len(places)))
    steps = np.interp(time, knots, np.tile(np.log(places), 2))
    if rng.random() < 0.4:  # jumps where others glide
        steps = np.log(places)[
            np.minimum((time * rng.uniform(1, 8)).astype(int) % 8, len(places) - 1)
        ]
    warble = rng.uniform(0, 0.08) * np.sin(2 * np.pi * rng.uniform(0.5, 12) * time)
    phase = 2 * np.pi * np.cumsum(np.exp(steps + warble)) / SAMPLE_RATE
    fall = rng.uniform(0.5, 3)
    tone = sum(np.sin(k * phase) / k**fall for k in range(1, int(rng.integers(2, 6))))
    if rng.random() < 0.4:  # beeps
        tone = tone * (np.sin(2 * np.pi * rng.uniform(0.5, 6) * time) > rng.uniform(-0.5, 0.7))
    return np.asarray(tone)


def _burst(rng: Generator, length: float, decay: float) -> np.ndarray:
    """Noise that dies away within ``decay`` seconds."""
    time = np.arange(int(length * SAMPLE_RATE)) / SAMPLE_RATE
    return rng.standard_normal(len(time)) * np.exp(-time / decay)


def _click(rng: Generator) -> np.ndarray:
    return _burst(rng, 0.02, rng.uniform(0.0005, 0.003))


def _knock(rng: Generator) -> np.ndarray:
    time = np.arange(int(0.3 * SAMPLE_RATE)) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * rng.uniform(80, 500) * time)
    return tone * np.exp(-time / rng.uniform(0.015, 0.06)) + 0.2 * _burst(rng, 0.3, 0.004)


def _key(rng: Generator) -> np.ndarray:
    press, gap = _burst(rng, 0.03, 0.003), np.zeros(int(rng.uniform(0.03, 0.1) * SAMPLE_RATE))
    return np.concatenate([press, gap, 0.5 * _burst(rng, 0.03, 0.002)])


def _slam(rng: Generator) -> np.ndarray:
    burst = _burst(rng, 0.6, rng.uniform(0.05, 0.2))
    return np.convolve(burst, np.ones(12) / 12, "same")
