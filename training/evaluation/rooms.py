"""A box-shaped room by the image method: the room of the evaluation.

Training draws echoes and tails from statistics (``effects``); here they follow from walls, so
that the evaluation hears a room of another kind.
"""

from __future__ import annotations

import random

import numpy as np

from training.synthesis.speech import SAMPLE_RATE

_SPEED = 343.0
"""Metres a second."""
_IMAGES = 9
"""Images of the room on either side of it along each axis."""
_LONGEST_S = 0.5


def reverberate(samples: np.ndarray, rng: random.Random) -> np.ndarray:
    """Speech in a random room, as loud, as long and as timely as before."""
    response = impulse_response(rng)
    size = 1 << (len(samples) + len(response) - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)
    wet = wet[: len(samples)]
    level = np.sqrt(np.mean(samples**2) / max(1e-12, np.mean(wet**2)))
    return (wet * level).astype(np.float32)


def impulse_response(rng: random.Random) -> np.ndarray:
    """From a speaker to a microphone 0.5 to 2.5 m away; the direct sound comes first.

    An image's strength falls with its distance and with every wall its sound has met.
    """
    size = np.array([rng.uniform(3, 8), rng.uniform(2.5, 6), rng.uniform(2.3, 3.2)])
    speaker = size * [rng.uniform(0.2, 0.8) for _ in range(3)]
    microphone = _nearby(speaker, size, rng)
    reflection = rng.uniform(0.65, 0.88)
    steps = np.arange(-_IMAGES, _IMAGES + 1)
    positions, walls = [], []
    for axis in range(3):
        direct = 2 * steps * size[axis] + speaker[axis]
        mirrored = 2 * steps * size[axis] - speaker[axis]
        positions.append(np.concatenate([direct, mirrored]) - microphone[axis])
        walls.append(np.concatenate([np.abs(2 * steps), np.abs(2 * steps - 1)]))
    x, y, z = np.meshgrid(*positions, indexing="ij")
    distances = np.sqrt(x**2 + y**2 + z**2).ravel()
    hits = np.sum(np.meshgrid(*walls, indexing="ij"), axis=0).ravel()
    delays = ((distances - distances.min()) / _SPEED * SAMPLE_RATE).astype(int)
    response = np.zeros(int(_LONGEST_S * SAMPLE_RATE))
    heard = delays < len(response)
    np.add.at(response, delays[heard], (reflection**hits / distances)[heard])
    return response / response[0]


def _nearby(speaker: np.ndarray, size: np.ndarray, rng: random.Random) -> np.ndarray:
    """A place 0.5 to 2.5 m from the speaker, inside the room."""
    while True:
        place = size * [rng.uniform(0.1, 0.9) for _ in range(3)]
        if 0.5 <= float(np.linalg.norm(place - speaker)) <= 2.5:
            return place
