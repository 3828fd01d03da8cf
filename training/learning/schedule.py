"""How rates, losses, augmentation and clip lengths change with the hours of audio seen.

Nothing depends on the wall clock, so a run can be stopped, moved and continued. ``Constant`` is
the long phase, which can be made longer at any time; ``Cooldown`` ends it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from training.learning.loss import Weights
from training.mel import FRAMES_PER_SECOND

ADAM_RATE = 1.5e-3
MUON_RATE = 3.0e-3
WARM_UP_STEPS = 150
_DECAY_FROM = 0.4
BATCH_SECONDS = 120
WINDOWS = {1: 0.35, 2: 0.12, 4: 0.13, 8: 0.40}
"""Attention window in seconds → share of the batches."""

_LENGTHS: tuple[tuple[float, dict[int, int]], ...] = (
    (0, {200: 2, 300: 4}),
    (8, {100: 1, 200: 3, 300: 5, 400: 5, 500: 3, 600: 2}),
    (20, {100: 1, 200: 3, 300: 4, 400: 4, 500: 3, 600: 3, 800: 2, 1200: 2}),
    (35, {100: 1, 200: 2, 300: 4, 400: 4, 500: 3, 600: 2, 800: 2}
     | {1200: 3, 1600: 1, 2000: 2, 2400: 1, 3000: 3}),
    (120, {100: 1, 200: 2, 300: 4, 400: 4, 500: 3, 600: 2, 800: 2}
     | {1200: 3, 1600: 3, 2000: 3, 2400: 3, 3000: 4}),
)  # fmt: skip
"""From this many hours on, the weights of the padded clip lengths in frames."""


@dataclass(frozen=True)
class Constant:
    """Warm-up and a constant rate until ``end`` hours; auxiliary losses give way to the main."""

    end: float

    def rate(self, hours: float, steps: int) -> float:
        """Multiplier of the learning rates."""
        del hours
        return min(1.0, (steps + 1) / WARM_UP_STEPS)

    def losses(self, hours: float) -> Weights:
        """Weights of the auxiliary losses."""
        return Weights(
            smoothing=0.05,
            guided=_fade(hours, 1.0, 40, 120, 0.15),
            copy=0.3,
            ctc=_fade(hours, 0.5, 40, 150, 0.3),
            phone=_fade(hours, 0.6, 40, 150, 0.3),
        )

    def strength(self, hours: float) -> float:
        """Strength of the disturbances: near-clean until the decoder has found its alignment."""
        return _fade(hours, 0.0, 15, 150, 1.0)


@dataclass(frozen=True)
class Cooldown:
    """From ``begin`` to ``end`` hours the rate falls linearly from ``highest`` to zero."""

    begin: float
    end: float
    highest: float = 1.0

    def rate(self, hours: float, steps: int) -> float:
        """Multiplier of the learning rates."""
        del steps
        return _fade(hours, self.highest, self.begin, self.end, 0.0)

    def losses(self, hours: float) -> Weights:
        """Weights of the auxiliary losses."""
        del hours
        return Weights(smoothing=0.0, guided=0.1, copy=0.1, ctc=0.1, phone=0.1)

    def strength(self, hours: float) -> float:
        """Strength of the disturbances: they give way a little at the end."""
        return _fade(hours, 1.0, self.begin, self.end, 0.95)


@dataclass(frozen=True)
class Whole:
    """Warm-up, a constant rate, and a linear decay over the last part of ``end`` hours."""

    end: float

    def rate(self, hours: float, steps: int) -> float:
        """Multiplier of the learning rates."""
        warm = min(1.0, (steps + 1) / WARM_UP_STEPS)
        return warm * _fade(hours, 1.0, _DECAY_FROM * self.end, self.end, 0.0)


Schedule = Constant | Cooldown


def draw_length(hours: float, seconds: float, rng: random.Random) -> tuple[int, int, int]:
    """(clips, shortest and longest clip in frames) of the next batch of about ``seconds``.

    The clips of a batch are of similar length, so that little of it is padding.
    """
    weights = next(weights for start, weights in reversed(_LENGTHS) if hours >= start)
    longest = rng.choices(list(weights), weights=list(weights.values()))[0]
    shortest = longest - (90 if longest <= 600 else longest // 5)
    return max(1, round(seconds * FRAMES_PER_SECOND) // longest), shortest, longest


def draw_window(rng: random.Random) -> int:
    """Attention window of the next batch, in chunks of 1 s."""
    return rng.choices(list(WINDOWS), weights=list(WINDOWS.values()))[0]


def _fade(hours: float, begin: float, start: float, stop: float, end: float) -> float:
    """``begin`` before ``start``, ``end`` after ``stop``, linear in between."""
    part = min(1.0, max(0.0, (hours - start) / max(1e-9, stop - start)))
    return begin + (end - begin) * part
