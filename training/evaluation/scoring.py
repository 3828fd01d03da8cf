"""Error counts and their uncertainty: bootstrap intervals that resample whole clips.

All shares are in percent. The random numbers are fixed, so the same counts give the same
interval on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from training.language import text

RESAMPLES = 2000
_SEED = 20
_NONE_SEEN = 300.0
"""Where nothing happened in n trials, the 95 % upper limit of the share is about 3 / n."""


@dataclass(frozen=True)
class Rate:
    """``errors`` of ``total`` in percent, with its 95 % interval over the clips."""

    value: float
    low: float
    high: float
    errors: int
    total: int
    clips: int


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval, over so many clips."""

    value: float
    low: float
    high: float
    clips: int


def word_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """(edit distance, reference length) in lower-cased words without punctuation."""
    truth, guess = text.normalise(reference).split(), text.normalise(hypothesis).split()
    row = list(range(len(guess) + 1))
    for i, word in enumerate(truth, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(guess, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1], len(truth)


def matches(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[int, int]]:
    """Index pairs of equal words of two word sequences, in order."""
    blocks = SequenceMatcher(None, reference, hypothesis, autojunk=False).get_matching_blocks()
    return [(block.a + k, block.b + k) for block in blocks for k in range(block.size)]


def rate(errors: Sequence[int], totals: Sequence[int]) -> Rate:
    """Errors over totals; one entry of each per clip."""
    count, total, clips = int(sum(errors)), int(sum(totals)), len(totals)
    if not total:
        return Rate(0.0, 0.0, 0.0, count, 0, clips)
    low, high = _limits(_shares(_weights(clips), errors, totals))
    if not count:
        high = min(100.0, _rounded(_NONE_SEEN / total))
    return Rate(_rounded(100 * count / total), low, high, count, total, clips)


def complement(missed: Rate) -> Rate:
    """The share of what was not missed."""
    return Rate(
        _rounded(100 - missed.value),
        _rounded(100 - missed.high),
        _rounded(100 - missed.low),
        missed.total - missed.errors,
        missed.total,
        missed.clips,
    )


def difference(first: Sequence[int], second: Sequence[int], totals: Sequence[int]) -> Interval:
    """Rate of ``first`` minus rate of ``second`` on the same clips, in points."""
    value = 100 * (sum(first) - sum(second)) / max(1, sum(totals))
    weights = _weights(len(totals))
    spread = _shares(weights, first, totals) - _shares(weights, second, totals)
    return Interval(_rounded(value), *_limits(spread), len(totals))


def mean(sums: Sequence[float], counts: Sequence[int]) -> Interval:
    """Sum over count; one entry of each per clip."""
    weights = _weights(len(counts))
    spread = (weights @ np.asarray(sums)) / np.maximum(1, weights @ np.asarray(counts))
    return Interval(_rounded(sum(sums) / max(1, sum(counts))), *_limits(spread), len(counts))


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> Interval:
    """How often a value of ``positive`` is above one of ``negative``, 0 to 1; ties count half.

    Nothing is known where one side is empty.
    """
    if not positive or not negative:
        return Interval(0.5, 0.0, 1.0, 0)
    above = np.subtract.outer(np.asarray(positive), np.asarray(negative))
    wins = (above > 0) + 0.5 * (above == 0)
    ones, others = _weights(len(positive)), _weights(len(negative), seed=_SEED + 1)
    spread = np.einsum("rp,pn,rn->r", ones, wins, others) / wins.size
    return Interval(round(float(wins.mean()), 4), *_limits(spread, 4), wins.shape[0])


def spread(values: Sequence[float]) -> dict:
    """Count, median, 95th percentile and maximum of measured times or the like."""
    if not values:
        return {"count": 0}
    middle, late = np.percentile(values, [50, 95])
    return {
        "count": len(values),
        "median": round(float(middle), 1),
        "p95": round(float(late), 1),
        "max": round(float(max(values)), 1),
    }


def _weights(clips: int, seed: int = _SEED) -> np.ndarray:
    """How often each clip stands in each resample [RESAMPLES, clips]."""
    return np.random.default_rng(seed).multinomial(clips, np.full(clips, 1 / clips), RESAMPLES)


def _shares(weights: np.ndarray, errors: Sequence[int], totals: Sequence[int]) -> np.ndarray:
    """The rate of each resample [RESAMPLES]."""
    return 100 * (weights @ np.asarray(errors)) / np.maximum(1, weights @ np.asarray(totals))


def _limits(values: np.ndarray, digits: int = 2) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return _rounded(low, digits), _rounded(high, digits)


def _rounded(value: float, digits: int = 2) -> float:
    return round(float(value), digits)
