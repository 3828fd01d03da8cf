"""From clips and answers to the rows of the evaluation's tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from training.evaluation import scoring
from training.evaluation.evaluate import TestClip

WINDOWS = {"8 s": 8, "1 s": 1}
"""Attention windows: the one of finals, and the one of partials."""

Answers = Sequence[tuple[str, str]]
"""(language, text) per clip."""
Decode = Callable[[Sequence[TestClip], int], Answers]
"""Answers to clips, decoded with a window in seconds."""


def in_both_windows(clips: Sequence[TestClip], decode: Decode) -> dict[str, Answers]:
    """Answers by the name of the window."""
    return {name: decode(clips, seconds) for name, seconds in WINDOWS.items()}


def window_rows(
    clips: Sequence[TestClip],
    answers: Mapping[str, Answers],
    groups: Mapping[str, Sequence[int]],
) -> dict[str, dict]:
    """For each group of clips: WER in both windows, their difference and a few mistakes."""
    return {name: _row(clips, answers, chosen) for name, chosen in groups.items()}


def set_rows(sets: Mapping[str, Sequence[TestClip]], decode: Decode) -> dict[str, dict]:
    """The same for test sets that don't overlap; they are decoded together."""
    clips = [clip for some in sets.values() for clip in some]
    groups, begin = {}, 0
    for name, some in sets.items():
        groups[name] = range(begin, begin + len(some))
        begin += len(some)
    return window_rows(clips, in_both_windows(clips, decode), groups)


def errors_of(clips: Sequence[TestClip], answers: Answers) -> tuple[list[int], list[int]]:
    """Word errors and words of each clip."""
    pairs = [
        scoring.word_errors(clip.text, text) for clip, (_, text) in zip(clips, answers, strict=True)
    ]
    return [errors for errors, _ in pairs], [words for _, words in pairs]


def word_error_rate(clips: Sequence[TestClip], answers: Answers) -> dict:
    """WER with its interval and counts."""
    return asdict(scoring.rate(*errors_of(clips, answers)))


def _row(clips: Sequence[TestClip], answers: Mapping[str, Answers], chosen: Sequence[int]) -> dict:
    some = [clips[i] for i in chosen]
    wide, narrow = ([answers[name][i] for i in chosen] for name in WINDOWS)
    wide_errors, words = errors_of(some, wide)
    narrow_errors, _ = errors_of(some, narrow)
    return {
        "8 s": asdict(scoring.rate(wide_errors, words)),
        "1 s": asdict(scoring.rate(narrow_errors, words)),
        "difference": asdict(scoring.difference(narrow_errors, wide_errors, words)),
        "mistakes": _mistakes(some, wide),
    }


def _mistakes(clips: Sequence[TestClip], answers: Answers, most: int = 5) -> list[dict]:
    """A few wrong clips, to see what goes wrong."""
    wrong = [
        {"voice": clip.voice, "said": clip.text, "heard": text}
        for clip, (_, text) in zip(clips, answers, strict=True)
        if scoring.word_errors(clip.text, text)[0]
    ]
    return wrong[:: max(1, len(wrong) // most)][:most]
