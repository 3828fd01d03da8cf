"""Logs of many utterances → the figures of a run, and whether they keep the promise; pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .measure import UtteranceLog

Texts = Mapping[tuple[int, int], tuple[str, ...]]
"""The finals of an unhurried server, by stream and utterance."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution; all but `count` in the unit of the values, None where there are none."""

    count: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        ordered = sorted(values)
        if not ordered:
            return cls(0)
        p50, p95, p99 = (percentile(ordered, share) for share in (0.50, 0.95, 0.99))
        return cls(len(ordered), p50, p95, p99, ordered[-1])


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    return ordered[max(0, -(-round(share * 1000) * len(ordered) // 1000) - 1)]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a span of time was like for those who spoke in it. Latencies in seconds."""

    utterances: int
    first_partial_s: Spread
    word_s: Spread
    finalize_s: Spread
    unanswered: int
    words: int
    words_never_held: int
    word_error_rate: float | None
    steps: int
    steps_kept: float | None
    steps_kept_by_audio: float | None
    steps_kept_by_arrival: float | None
    revisions_per_word: float | None
    stable_retracted: int
    stable_words: int
    stable_words_replaced: int
    finals_compared: int = 0
    finals_changed: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def figures_of(
    logs: Sequence[UtteranceLog], since: float, until: float, texts: Texts | None = None
) -> Figures:
    """Words by when they ended, steps by when they came, the rest by when the utterance ended.

    With `texts`, all utterances' finals are compared, in whatever span they lie.
    """
    inside = [log for log in logs if since <= log.ended_at < until]
    words = [word for log in logs for word in log.words if since <= word[0] < until]
    steps = [step for log in logs for step in log.steps if since <= step.at < until]
    num_steps = sum(step.num for step in steps)
    num_final_words = sum(log.final_words for log in inside)
    num_words = sum(len(log.words) for log in inside)
    compared = [] if texts is None else [log for log in logs if (log.stream, log.index) in texts]
    return Figures(
        utterances=len(inside),
        first_partial_s=Spread.of(_given(log.first_partial_s for log in inside)),
        word_s=Spread.of(_given(latency for _, latency in words)),
        finalize_s=Spread.of(_given(log.finalize_s for log in inside)),
        unanswered=sum(log.finalize_s is None for log in inside),
        words=len(words),
        words_never_held=sum(latency is None for _, latency in words),
        word_error_rate=_share(sum(log.word_errors for log in inside), num_words),
        steps=num_steps,
        steps_kept=_share(num_steps - sum(step.late for step in steps), num_steps),
        steps_kept_by_audio=_share(num_steps - sum(s.late_audio for s in steps), num_steps),
        steps_kept_by_arrival=_share(num_steps - sum(s.late_arrival for s in steps), num_steps),
        revisions_per_word=_share(sum(log.revisions for log in inside), num_final_words),
        stable_retracted=sum(log.retracted for log in inside),
        stable_words=sum(log.stable_words for log in inside),
        stable_words_replaced=sum(log.replaced for log in inside),
        finals_compared=len(compared),
        finals_changed=sum(log.texts != texts[log.stream, log.index] for log in compared)
        if texts is not None
        else 0,
    )


@dataclass(frozen=True, slots=True)
class Slo:
    """What admitted streams are promised."""

    word_p95_s: float = 1.5
    finalize_p95_s: float = 0.5
    steps_kept: float = 0.95

    def broken_by(self, figures: Figures) -> list[str]:
        """What is not kept, in words; nothing if all is. Latencies alone, not errors or texts."""
        word, finalize = figures.word_s.p95, figures.finalize_s.p95
        broken = []
        if word is not None and word >= self.word_p95_s:
            broken.append(f"p95 stable word {word:.2f} s")
        if finalize is not None and finalize >= self.finalize_p95_s:
            broken.append(f"p95 finalize {finalize * 1000:.0f} ms")
        if figures.steps_kept is not None and figures.steps_kept < self.steps_kept:
            broken.append(f"{figures.steps_kept:.1%} of steps in cadence")
        return broken


def recovery_s(logs: Sequence[UtteranceLog], left_at: float, until: float, slo: Slo) -> float:
    """After how many seconds from `left_at` on the promise holds for all the time that is left.

    Single seconds say little: a few percent of all steps and finals are late in a kept promise.
    """
    num_seconds = math.ceil(until - left_at)
    for second in range(num_seconds):
        if not slo.broken_by(figures_of(logs, left_at + second, until)):
            return float(second)
    return float(num_seconds)


def _given(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
