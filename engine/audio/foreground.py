"""Whether somebody near the microphone speaks, in noise: a small recurrent network.

A level cannot tell a soft word from the babble it stands in; the harmonics of one voice that stand
out of those of many can. The network hears spectra of 40 ms, fine enough for the harmonics, and
how far each band is above its own running mean. It is trained by `python -m training foreground`,
on nothing but synthesised voices, noises and music.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from ..types import SAMPLE_RATE

FRAME_SAMPLES = 320  # 20 ms, one probability each
WINDOW_SAMPLES = 2 * FRAME_SAMPLES
_BIN_HZ = SAMPLE_RATE / WINDOW_SAMPLES
_FIRST_BIN, _NUM_BINS = 3, 60  # 75 to 1,550 Hz: where the harmonics of voices stand apart
_NUM_BANDS, _HIGHEST_HZ = 20, 7900.0  # above them, in bands that grow with their frequency
NUM_FEATURES = _NUM_BINS + _NUM_BANDS
_FLOOR = 1e-7  # of a power: 16 bits have no softer sound

MEAN_FRAMES = 150  # 3 s: what the running mean of a band looks back on
_WEIGHTS = Path(__file__).parent / "foreground.safetensors"


def spectra(windows: np.ndarray) -> np.ndarray:
    """float32 [..., 640] at 16 kHz, a frame behind the one before it → log10 powers [..., 80]."""
    spectrum = np.fft.rfft(windows * _WINDOW)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    low = power[..., _FIRST_BIN : _FIRST_BIN + _NUM_BINS]
    high = power[..., _FIRST_BIN + _NUM_BINS :] @ _BANDS
    return np.log10(np.concatenate([low, high], axis=-1) + np.float32(_FLOOR))


def windows_of(samples: np.ndarray) -> np.ndarray:
    """float32 [320 n], silence before it → [n, 640], one window for each frame."""
    padded = np.pad(samples, (FRAME_SAMPLES, 0))
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::FRAME_SAMPLES]


class Foreground:
    """Hears every frame of one stream, in order."""

    def __init__(self, network: "Network | None" = None) -> None:
        self._network = network or shipped_network()
        self._before = np.zeros(FRAME_SAMPLES, np.float32)
        self._mean = np.zeros(NUM_FEATURES, np.float32)
        self.num_frames = 0
        self._state = np.zeros(self._network.size, np.float32)

    def hear(self, frame: np.ndarray) -> float:
        """The probability, 0 to 1, that somebody near speaks in the next frame, float32 [320]."""
        features = spectra(np.concatenate([self._before, frame]))
        self._before = frame
        self.num_frames += 1
        weight = np.float32(1 / min(self.num_frames, MEAN_FRAMES))
        self._mean += weight * (features - self._mean)
        self._state = self._network.step(features, self._mean, self._state)
        return self._network.probability(self._state)


class Network:
    """A dense layer, a gated recurrent unit (Cho et al., 2014, as PyTorch has it) and one output.

    The layer sees the spectrum and how far it is above its mean, which levels alone cannot move.
    """

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        self.size = weights["output.weight"].shape[1]
        self._inner = np.ascontiguousarray(weights["input.weight"].T), weights["input.bias"]
        self._gates = np.ascontiguousarray(weights["gru.weight_ih"].T), weights["gru.bias_ih"]
        self._recurrent = np.ascontiguousarray(weights["gru.weight_hh"].T), weights["gru.bias_hh"]
        self._output = weights["output.weight"][0], float(weights["output.bias"][0])

    def step(self, features: np.ndarray, mean: np.ndarray, state: np.ndarray) -> np.ndarray:
        """The state [size] behind a frame with these features [80] and their mean [80]."""
        inner = np.maximum(_dense(inputs(features, mean), self._inner), 0.0)
        new, old = _dense(inner, self._gates), _dense(state, self._recurrent)
        size = self.size
        gates = _sigmoid(new[: 2 * size] + old[: 2 * size])
        reset, update = gates[:size], gates[size:]
        fresh = np.tanh(new[2 * size :] + reset * old[2 * size :])
        return fresh + update * (state - fresh)

    def probability(self, state: np.ndarray) -> float:
        weight, bias = self._output
        return float(_sigmoid(state @ weight + np.float32(bias)))


def inputs(features: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """What the network sees of log10 powers [..., 80] and of their means: [..., 160]."""
    return np.concatenate([0.5 * features + 1.0, features - mean], axis=-1)


@cache
def shipped_network() -> Network:
    return Network(load_file(_WEIGHTS))


def _dense(values: np.ndarray, layer: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    weight, bias = layer
    return values @ weight + bias


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * values)


def _hann() -> np.ndarray:
    """Periodic."""
    phase = 2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)


def _triangles() -> np.ndarray:
    """Weighted means of the lines above the low ones: float32 [258, 20], half over each other."""
    first = _FIRST_BIN + _NUM_BINS
    lines = np.arange(first, WINDOW_SAMPLES // 2 + 1)[:, None]
    edges = np.geomspace(first * _BIN_HZ, _HIGHEST_HZ, _NUM_BANDS + 2) / _BIN_HZ
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((lines - low) / (centre - low), (high - lines) / (high - centre))
    weights = triangles.clip(min=0.0)
    return (weights / weights.sum(axis=0)).astype(np.float32)


_WINDOW, _BANDS = _hann(), _triangles()
