"""Timing and pitch for speech made of diphones, which brings neither of its own."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np

from training.synthesis.speech import Speech

_VOWELS = tuple("aeiouyAEIOUVWY@03")
_PLOSIVES = tuple("pbtdkg")
_SHORTEST, _SHORTEST_PLOSIVE, _EDGE = 0.035, 0.05, 0.09
"""Least seconds of a phone, of a plosive with its closure, and of the silence at both ends."""
_STEP = 0.05
_ACCENT_WIDTH = 0.09
_PHRASE_PAUSE = 0.08


@dataclass(frozen=True)
class Prosody:
    """How a festival voice speaks.

    ``stretch`` > 1 is slower. ``pitch`` is the mean in Hz, ``pitch_range`` the height of an accent
    as a share of it. ``shift`` > 1 plays the voice faster and higher, as a shorter vocal tract
    would; time and pitch are set so that they come out as asked after it.
    """

    stretch: float = 1.0
    pitch: float = 120.0
    pitch_range: float = 0.15
    shift: float = 1.0


@dataclass(frozen=True)
class Score:
    """What to speak: (label, seconds) per phone, (start, end) per word, (seconds, Hz) of pitch."""

    phones: list[tuple[str, float]]
    words: list[tuple[float, float]]
    pitch: list[tuple[float, float]]


def score(source: Speech, prosody: Prosody, rng: random.Random, *, question: bool) -> Score:
    """The phones of ``source`` with new durations, the words moved along, and a new melody."""
    old_ends, new_ends, phones = [0.0], [0.0], []
    kept = audible(source.phones)
    begin = 0.0
    for i, (label, end) in enumerate(kept):
        seconds = (end - begin) * prosody.stretch * prosody.shift * rng.gauss(1.0, 0.1)
        seconds = max(_shortest(label, edge=i in (0, len(kept) - 1)), seconds)
        phones.append((label, seconds))
        old_ends.append(end)
        new_ends.append(new_ends[-1] + seconds)
        begin = end
    words = [(float(a), float(b)) for a, b in np.interp(source.words, old_ends, new_ends).tolist()]
    melody = _melody(phones, words, prosody, rng, question=question)
    return Score(phones, words, melody)


def audible(phones: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """espeak-ng's phones without its marks of no sound, with a silence at both ends."""
    kept, begin = [], 0.0
    for label, end in phones:
        if end - begin > 1e-3 and not label.startswith(("(", "?")):
            kept.append((label, end))
            begin = end
    if not kept[0][0].startswith("_"):
        kept.insert(0, ("_", 0.0))
    if not kept[-1][0].startswith("_"):
        kept.append(("_", kept[-1][1]))
    return kept


def _shortest(label: str, *, edge: bool) -> float:
    if edge:
        return _EDGE
    return _SHORTEST_PLOSIVE if label[:1] in _PLOSIVES else _SHORTEST


def _melody(
    phones: list[tuple[str, float]],
    words: list[tuple[float, float]],
    prosody: Prosody,
    rng: random.Random,
    *,
    question: bool,
) -> list[tuple[float, float]]:
    """Pitch every 50 ms: a fall over each phrase, accents on words, a rise or fall at the end."""
    spans = _spans(phones)
    end = spans[-1][2]
    times = np.arange(0.0, end, _STEP)
    height = np.zeros(len(times))
    for start, stop in _phrases(spans):
        inside = (times >= start) & (times < stop)
        slope = prosody.pitch_range * rng.uniform(0.3, 0.9)
        height[inside] += slope * (0.5 - (times[inside] - start) / (stop - start))
    for start, stop in words:
        if rng.random() < 0.65 and (centre := _stressed(spans, start, stop)) is not None:
            size = prosody.pitch_range * rng.uniform(0.4, 1.3)
            height += size * np.exp(-(((times - centre) / _ACCENT_WIDTH) ** 2))
    rises = question and rng.random() < 0.6
    final = np.clip((times - (words[-1][1] - 0.35)) / 0.35, 0.0, 1.0)
    height += final * prosody.pitch_range * (1.5 if rises else -0.8)
    height += [rng.gauss(0.0, 0.015) for _ in times]
    hertz = prosody.pitch / prosody.shift * np.clip(1.0 + height, 0.6, 1.7)
    return list(zip(times.tolist(), hertz.tolist(), strict=True))


def _spans(phones: list[tuple[str, float]]) -> list[tuple[str, float, float]]:
    """(label, start, end) of each phone."""
    spans, begin = [], 0.0
    for label, seconds in phones:
        spans.append((label, begin, begin + seconds))
        begin += seconds
    return spans


def _phrases(spans: list[tuple[str, float, float]]) -> list[tuple[float, float]]:
    """(start, end) of the stretches between pauses."""
    phrases: list[tuple[float, float]] = []
    start = math.nan
    for label, begin, end in spans:
        if label.startswith("_") and end - begin >= _PHRASE_PAUSE:
            if not math.isnan(start):
                phrases.append((start, begin))
            start = math.nan
        elif math.isnan(start):
            start = begin
    return phrases


def _stressed(spans: list[tuple[str, float, float]], start: float, stop: float) -> float | None:
    """Middle of the word's longest vowel, taken as its stressed one."""
    vowels = [
        (end - begin, (begin + end) / 2)
        for label, begin, end in spans
        if label.startswith(_VOWELS) and start <= (begin + end) / 2 < stop
    ]
    return max(vowels)[1] if vowels else None
