"""Test signals that need no transformers: other environments make them, too."""

import numpy as np

SAMPLE_RATE = 16_000


def clip(seconds: float, *, seed: int = 1) -> np.ndarray:
    """Sweeping tones over noise whose loudness changes by 60 dB, loudest in the last third."""
    source = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tones = np.zeros_like(time)
    for _ in range(4):
        base, sweep, phase = source.uniform([90, 20, 0], [3000, 400, 6])
        tones += np.sin(2 * np.pi * base * time + sweep * np.sin(2 * np.pi * 0.7 * time) + phase)
    noise = source.normal(0, 0.5, time.shape)
    loudness = 10 ** (-1.5 + 1.4 * np.sin(2 * np.pi * (time / (seconds * 1.1) - 0.45)))
    return (0.2 * loudness * (tones + noise)).astype(np.float32)
