"""How rates, losses, augmentation and clip lengths change over a training run.

Everything is a function of ``progress`` (0 … 1), the share of the wall time that has passed,
so that a run ends when it should on a machine of any speed.
"""

from __future__ import annotations

import random

from training.loss import Weights

ADAM_RATE = 1.5e-3
MUON_RATE = 3.0e-3
WARM_UP_STEPS = 150
DECAY_FROM = 0.4
BATCH_FRAMES = 12_000
WINDOWS = {1: 0.35, 2: 0.12, 4: 0.13, 8: 0.40}
"""Attention window in seconds → share of the batches."""

_LENGTHS: tuple[tuple[float, dict[int, int]], ...] = (
    (0.00, {200: 2, 300: 4}),
    (0.04, {100: 1, 200: 3, 300: 5, 400: 5, 500: 3}),
    (0.10, {100: 1, 200: 3, 300: 4, 400: 4, 500: 3, 600: 3, 800: 2, 1200: 2}),
    (0.18, {100: 1, 200: 2, 300: 4, 400: 4, 500: 3, 600: 2, 800: 2}
     | {1200: 3, 1600: 1, 2000: 2, 2400: 1, 3000: 3}),
    (0.65, {100: 1, 200: 2, 300: 4, 400: 4, 500: 3, 600: 2, 800: 2}
     | {1200: 3, 1600: 3, 2000: 4, 2400: 4, 3000: 6}),
)  # fmt: skip
"""From this progress on, the weights of the padded clip lengths in frames."""


def rate_factor(progress: float, step: int) -> float:
    """Multiplier of the learning rates: warm-up, constant, then linear to zero."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return warm * min(1.0, max(0.0, (1.0 - progress) / (1.0 - DECAY_FROM)))


def loss_weights(progress: float) -> Weights:
    """Auxiliary losses start strong and give way to the main one."""
    return Weights(
        smoothing=0.05 if progress < 0.5 else 0.0,
        guided=_fade(progress, 1.0, 0.15, 0.6, 0.1),
        ctc=_fade(progress, 0.5, 0.2, 0.8, 0.1),
        phone=_fade(progress, 0.6, 0.1, 0.8, 0.1),
    )


def augment_strength(progress: float) -> float:
    """Near-clean at first, moderate from a third of the run on."""
    return _fade(progress, 0.0, 0.08, 0.35, 0.6)


def draw_length(progress: float, rng: random.Random) -> tuple[int, int, int]:
    """(clips, shortest and longest clip in frames) of the next batch.

    The clips of a batch are of similar length, so that little of it is padding.
    """
    weights = next(weights for start, weights in reversed(_LENGTHS) if progress >= start)
    longest = rng.choices(list(weights), weights=list(weights.values()))[0]
    shortest = longest - (90 if longest <= 600 else longest // 5)
    return max(1, BATCH_FRAMES // longest), shortest, longest


def draw_window(rng: random.Random) -> int:
    """Attention window of the next batch, in chunks of 1 s."""
    return rng.choices(list(WINDOWS), weights=list(WINDOWS.values()))[0]


def _fade(progress: float, begin: float, start: float, stop: float, end: float) -> float:
    """``begin`` before ``start``, ``end`` after ``stop``, linear in between."""
    part = min(1.0, max(0.0, (progress - start) / (stop - start)))
    return begin + (end - begin) * part
