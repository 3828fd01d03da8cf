"""Silence, noises and music for the evaluation, made sample by sample.

Training has sounds of some of these kinds, but from other generators with other parameters, so
the evaluation hears what no training clip had.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.synthesis.speech import SAMPLE_RATE

RMS = 0.07
"""Level every sound is brought to, that of the speech."""


def make(kind: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """``count`` samples of a sound of ``KINDS``: float32 at 16 kHz, at ``RMS`` (silence: zeros)."""
    sound = KINDS[kind](count, rng)
    level = float(np.sqrt(np.mean(sound**2)))
    return (sound * (RMS / level if level else 0.0)).astype(np.float32)


def mix(samples: np.ndarray, sound: np.ndarray, snr_db: float) -> np.ndarray:
    """Speech with a sound under it; the ratio is that of the mean powers of the two."""
    powers = np.mean(samples**2), np.mean(sound**2)
    gain = np.sqrt(powers[0] / powers[1] * 10 ** (-snr_db / 10))
    return (samples + np.float32(gain) * sound).astype(np.float32)


def _silence(count: int, rng: np.random.Generator) -> np.ndarray:
    return np.zeros(count)


def _white(count: int, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(-1.0, 1.0, count)


def _coloured(count: int, rng: np.random.Generator, exponent: float) -> np.ndarray:
    """Noise whose power falls as frequency to the ``exponent``."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    spectrum *= np.maximum(frequency, 30.0) ** (-exponent / 2)
    return np.fft.irfft(spectrum, count)


def _hum(count: int, rng: np.random.Generator) -> np.ndarray:
    """Mains hum: 50 or 60 Hz and harmonics, over faint hiss."""
    base = rng.choice([50.0, 60.0]) * rng.uniform(0.998, 1.002)
    harmonics = range(1, int(rng.integers(4, 20)))
    tones = sum(_tone(base * k, count, rng) * rng.uniform(0.1, 1.0) / k for k in harmonics)
    return tones + 0.02 * rng.standard_normal(count)


def _fan(count: int, rng: np.random.Generator) -> np.ndarray:
    """A fan: brownish noise that beats with the blades, and a motor's tone."""
    blades = 1 + 0.4 * _tone(rng.uniform(8, 30), count, rng)
    motor = 0.1 * _tone(rng.uniform(90, 300), count, rng)
    noise = _coloured(count, rng, 1.6)
    return blades * noise / noise.std() + motor


def _clicks(count: int, rng: np.random.Generator) -> np.ndarray:
    return _events(count, rng, every=0.4, make=_click)


def _typing(count: int, rng: np.random.Generator) -> np.ndarray:
    """Keys: each a press and, a little later and softer, a release."""
    strokes = _events(count, rng, every=0.15, make=_click)
    delay = int(rng.uniform(0.05, 0.1) * SAMPLE_RATE)
    return strokes + 0.4 * np.roll(strokes, delay)


def _rain(count: int, rng: np.random.Generator) -> np.ndarray:
    """Many drops over the hiss of the ones too far to tell apart."""
    hiss = _coloured(count, rng, 0.4)
    return _events(count, rng, every=0.012, make=_click) + hiss / hiss.std() * 0.1


def _sweeps(count: int, rng: np.random.Generator) -> np.ndarray:
    """Sines that glide up or down, as sirens and alarms do."""
    period = rng.uniform(0.6, 4.0)
    phase = np.arange(count) / SAMPLE_RATE / period + rng.random()
    swing = 2 * np.abs(2 * (phase % 1) - 1) - 1
    frequency = rng.uniform(300, 1500) * 2 ** (swing * rng.uniform(0.2, 1.2))
    return np.sin(2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE)


def _chords(count: int, rng: np.random.Generator) -> np.ndarray:
    """Triads of a soft keyboard, one or two a second."""
    return _notes(count, rng, every=rng.uniform(0.5, 1.2), pitches=lambda: _triad(rng))


def _melody(count: int, rng: np.random.Generator) -> np.ndarray:
    """Single notes of a scale, two to six a second."""
    scale = np.array([0, 2, 4, 7, 9, 12, 14, 16])
    return _notes(
        count,
        rng,
        every=rng.uniform(0.16, 0.5),
        pitches=lambda: [220 * 2 ** (rng.choice(scale) / 12)],
    )


def _drums(count: int, rng: np.random.Generator) -> np.ndarray:
    """A beat of low thumps and noisy strokes."""
    beat = _events(count, rng, every=rng.uniform(0.25, 0.6), make=_thump, jitter=0.0)
    return beat + 0.5 * _events(count, rng, every=0.3, make=_click, jitter=0.05)


def _band(count: int, rng: np.random.Generator) -> np.ndarray:
    """Chords, melody and drums together."""
    parts = [part(count, rng) for part in (_chords, _melody, _drums)]
    return sum((part / (part.std() + 1e-9) for part in parts), np.zeros(count))


def _tone(frequency: float, count: int, rng: np.random.Generator) -> np.ndarray:
    phase = rng.uniform(0, 2 * np.pi)
    return np.sin(2 * np.pi * frequency * np.arange(count) / SAMPLE_RATE + phase)


def _events(
    count: int,
    rng: np.random.Generator,
    *,
    every: float,
    make: Callable[[np.random.Generator], np.ndarray],
    jitter: float = 1.0,
) -> np.ndarray:
    """Short sounds about ``every`` seconds; ``jitter`` 1 is a Poisson process, 0 a clock."""
    sound, at = np.zeros(count), rng.uniform(0, every)
    while at * SAMPLE_RATE < count:
        event = make(rng) * rng.uniform(0.3, 1.0)
        place = int(at * SAMPLE_RATE)
        end = min(count, place + len(event))
        sound[place:end] += event[: end - place]
        at += every * ((1 - jitter) + jitter * rng.exponential())
    return sound


def _click(rng: np.random.Generator) -> np.ndarray:
    """A damped resonance of 2 to 20 ms."""
    time = np.arange(int(rng.uniform(0.002, 0.02) * SAMPLE_RATE)) / SAMPLE_RATE
    ring = np.sin(2 * np.pi * rng.uniform(800, 6000) * time) + 0.5 * rng.standard_normal(len(time))
    return ring * np.exp(-time * rng.uniform(200, 900))


def _thump(rng: np.random.Generator) -> np.ndarray:
    time = np.arange(int(0.2 * SAMPLE_RATE)) / SAMPLE_RATE
    frequency = rng.uniform(45, 80) * (1 + 2 * np.exp(-40 * time))
    return 3 * np.sin(2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE) * np.exp(-15 * time)


def _triad(rng: np.random.Generator) -> list[float]:
    root = 130.8 * 2 ** (rng.integers(0, 12) / 12)
    return [root * 2 ** (step / 12) for step in (0, rng.choice([3, 4]), 7, 12)]


def _notes(
    count: int, rng: np.random.Generator, *, every: float, pitches: Callable[[], list[float]]
) -> np.ndarray:
    """Notes with a few harmonics that fade, one group each ``every`` seconds."""
    sound, length = np.zeros(count), int(1.5 * every * SAMPLE_RATE)
    time = np.arange(length) / SAMPLE_RATE
    fade = np.minimum(1.0, time / 0.01) * np.exp(-time * 2 / every)
    for place in range(0, count, int(every * SAMPLE_RATE)):
        note = sum(
            np.sin(2 * np.pi * pitch * harmonic * time) / harmonic**1.5
            for pitch in pitches()
            for harmonic in (1, 2, 3, 4)
        )
        end = min(count, place + length)
        sound[place:end] += (note * fade)[: end - place]
    return sound


KINDS: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "silence": _silence,
    "white noise": _white,
    "pink noise": lambda count, rng: _coloured(count, rng, 1.0),
    "brown noise": lambda count, rng: _coloured(count, rng, 2.0),
    "hum": _hum,
    "fan": _fan,
    "clicks": _clicks,
    "typing": _typing,
    "rain": _rain,
    "sweeps": _sweeps,
    "chords": _chords,
    "melody": _melody,
    "drums": _drums,
    "band": _band,
}
