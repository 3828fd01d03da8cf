"""What rooms, telephones and recorders do to speech, applied to samples.

Each effect keeps the number of samples, their alignment in time and their level (RMS).
"""

from __future__ import annotations

import random

import numpy as np
import soxr

from training.synthesis.speech import SAMPLE_RATE

WEIGHTS = {"room": 0.11, "telephone": 0.04, "clip": 0.02, "codec": 0.03}
"""Share of all clips that get each effect."""
_MU = 255.0
_TELEPHONE_RATE = 8000
_CODEC_FRAME = 512


def draw(rng: random.Random) -> str | None:
    """An effect for a clip, or none."""
    kinds = [*WEIGHTS, None]
    return rng.choices(kinds, weights=[*WEIGHTS.values(), 1.0 - sum(WEIGHTS.values())])[0]


def apply(samples: np.ndarray, rng: random.Random, kind: str) -> np.ndarray:
    """``samples`` (float32, 16 kHz) after the effect ``kind``, one of ``WEIGHTS``."""
    changed = _EFFECTS[kind](samples.astype(np.float64), rng)
    level, changed_level = _rms(samples), _rms(changed)
    return (changed * (level / max(changed_level, 1e-9))).astype(np.float32)


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _room(samples: np.ndarray, rng: random.Random) -> np.ndarray:
    return _convolve(samples, impulse_response(rng))


def impulse_response(rng: random.Random) -> np.ndarray:
    """Direct sound at time 0, 6-14 early reflections and a tail that falls by 60 dB in RT60.

    RT60 is 0.2-0.7 s at low frequencies and shorter at high ones, which walls and air absorb.
    """
    noise = np.random.default_rng(rng.getrandbits(32))
    decay_time = rng.uniform(0.2, 0.7)
    count = int(decay_time * SAMPLE_RATE)
    times = np.arange(count) / SAMPLE_RATE
    tail = _absorb(noise.standard_normal(count), rng.uniform(0.2, 0.7))
    tail *= 10.0 ** (-3.0 * times / decay_time)
    tail[: int(rng.uniform(0.005, 0.025) * SAMPLE_RATE)] = 0.0
    direct_to_tail = 10.0 ** (rng.uniform(0.0, 14.0) / 20.0)
    tail /= max(1e-9, float(np.sqrt(np.sum(tail**2)))) * direct_to_tail
    tail[0] += 1.0
    for _ in range(rng.randint(6, 14)):
        delay = rng.uniform(0.002, 0.04)
        strength = rng.uniform(0.1, 0.5) * 10.0 ** (-3.0 * delay / decay_time)
        tail[int(delay * SAMPLE_RATE)] += strength * rng.choice((-1.0, 1.0))
    return tail


def _absorb(noise: np.ndarray, smoothing: float) -> np.ndarray:
    """White noise with its high frequencies damped by a one-pole low-pass."""
    bins = np.exp(-2j * np.pi * np.fft.rfftfreq(len(noise)))
    response = (1.0 - smoothing) / (1.0 - smoothing * bins)
    return np.fft.irfft(np.fft.rfft(noise) * response, len(noise))


def _convolve(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """The first ``len(samples)`` samples of the convolution."""
    size = 1 << (len(samples) + len(response) - 1).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(samples)]


def _telephone(samples: np.ndarray, rng: random.Random) -> np.ndarray:
    """300-3400 Hz, 8 kHz and 8-bit mu-law, at a line level of 10-30 dB below full scale."""
    low, high = rng.uniform(250, 350), rng.uniform(3200, 3500)
    narrow = soxr.resample(_band(samples, low, high), SAMPLE_RATE, _TELEPHONE_RATE)
    narrow *= 10.0 ** (-rng.uniform(10, 30) / 20.0) / max(1e-9, float(np.abs(narrow).max()))
    wide = soxr.resample(_mu_law(narrow), _TELEPHONE_RATE, SAMPLE_RATE)[: len(samples)]
    return np.pad(wide, (0, len(samples) - len(wide)))


def _band(samples: np.ndarray, low: float, high: float) -> np.ndarray:
    """Only the frequencies between ``low`` and ``high`` Hz, with edges 100 Hz wide."""
    frequencies = np.fft.rfftfreq(len(samples), 1.0 / SAMPLE_RATE)
    gain = np.clip((frequencies - low) / 100.0, 0.0, 1.0)
    gain *= np.clip((high - frequencies) / 100.0, 0.0, 1.0)
    return np.fft.irfft(np.fft.rfft(samples) * gain, len(samples))


def _mu_law(samples: np.ndarray) -> np.ndarray:
    """Through 8 bits and back."""
    code = np.sign(samples) * np.log1p(_MU * np.abs(samples)) / np.log1p(_MU)
    code = np.round(np.clip(code, -1.0, 1.0) * 127.0) / 127.0
    return np.sign(code) * np.expm1(np.abs(code) * np.log1p(_MU)) / _MU


def _clip(samples: np.ndarray, rng: random.Random) -> np.ndarray:
    """Overdriven by 3-15 dB: the highest peaks are cut off, or bent by a soft limiter."""
    limit = float(np.abs(samples).max()) * 10.0 ** (-rng.uniform(3, 15) / 20.0)
    if rng.random() < 0.5:
        return np.clip(samples, -limit, limit)
    return limit * np.tanh(samples / limit)


def _codec(samples: np.ndarray, rng: random.Random) -> np.ndarray:
    """A coarse transform codec: weak bins dropped, the others in steps, nothing above a limit."""
    frame, hop = _CODEC_FRAME, _CODEC_FRAME // 2
    window = np.sin(np.pi * (np.arange(frame) + 0.5) / frame)
    padded = np.pad(samples, (hop, hop + (-len(samples)) % hop))
    views = np.lib.stride_tricks.sliding_window_view(padded, frame)[::hop]
    bins = np.fft.rfft(views * window)
    size = np.abs(bins) + 1e-12
    step = np.log(10.0 ** (rng.uniform(3.0, 9.0) / 20.0))
    coarse = bins / size * np.exp(np.round(np.log(size) / step) * step)
    coarse[size < _nearby_peak(size) * 10.0 ** (-rng.uniform(18, 35) / 20.0)] = 0.0
    coarse[:, int(rng.uniform(3500, 7500) * frame / SAMPLE_RATE) :] = 0.0
    output = np.zeros(len(padded))
    for index, piece in enumerate(np.fft.irfft(coarse, frame) * window):
        output[index * hop : index * hop + frame] += piece
    return output[hop : hop + len(samples)]


def _nearby_peak(size: np.ndarray, reach: int = 8) -> np.ndarray:
    """Largest value within ``reach`` bins of each bin: [frames, bins]."""
    padded = np.pad(size, ((0, 0), (reach, reach)))
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1).max(-1)


_EFFECTS = {"room": _room, "telephone": _telephone, "clip": _clip, "codec": _codec}
