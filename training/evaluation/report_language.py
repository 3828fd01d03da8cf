"""The language the model names, and what it writes when another one is forced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from training.evaluation import measure, scoring, testsets
from training.evaluation.evaluate import TestClip
from training.evaluation.exam import Exam
from training.language import text
from training.synthesis import voices


def language(exam: Exam) -> dict:
    """The language of clips of 3 s and more, named by the model, forced right and forced wrong."""
    rng = exam.rng("language")
    families = testsets.stock(exam.rng("voices"), exam.sizes.voice_draws)
    shared = testsets.shared_families(families)
    clips = [
        testsets.joined_clip(exam.engines, rng, 3, 12, name)
        for name in text.LANGUAGES
        for _ in range(exam.sizes.language_clips)
    ]
    wrong_by_window = {
        window: [int(named != c.language) for c, (named, _) in zip(clips, answers, strict=True)]
        for window, answers in measure.in_both_windows(clips, exam.answers).items()
    }
    return {
        "rows": {
            name: _row([i for i, clip in enumerate(clips) if is_member(clip)], wrong_by_window)
            for name, is_member in _groups(shared).items()
        },
        "forced": _forced(exam, clips),
    }


def _groups(shared: Sequence[str]) -> dict[str, Callable[[TestClip], bool]]:
    """Which clips each row counts; ``shared`` are voice families of several languages."""
    groups: dict[str, Callable[[TestClip], bool]] = {"all": lambda clip: True}
    for name in text.LANGUAGES:
        groups[name] = lambda clip, name=name: clip.language == name
    groups["voices of several languages"] = lambda clip: voices.family(clip.voice) in shared
    return groups


def _row(chosen: Sequence[int], wrong_by_window: Mapping[str, Sequence[int]]) -> dict:
    return {
        window: asdict(scoring.rate([wrong[i] for i in chosen], [1] * len(chosen)))
        for window, wrong in wrong_by_window.items()
    }


def _forced(exam: Exam, clips: Sequence[TestClip]) -> dict:
    """The right language forced, and each clip's next language in the list, which is wrong."""
    right, wrong = [], []
    following = dict(zip(text.LANGUAGES, text.LANGUAGES[1:] + text.LANGUAGES[:1], strict=True))
    some = [clip for i, clip in enumerate(clips) if i % 3 == 0]
    ordered: list[TestClip] = []
    for name in text.LANGUAGES:
        spoken = [clip for clip in some if clip.language == name]
        ordered += spoken
        right += exam.answers(spoken, 8, language=name)
        wrong += exam.answers(spoken, 8, language=following[name])
    lengths = [
        len(answer.split()) / max(1, len(clip.text.split()))
        for clip, (_, answer) in zip(ordered, wrong, strict=True)
    ]
    return {
        "right": measure.word_error_rate(ordered, right),
        "wrong": {
            "clips": len(ordered),
            "words written per word said, 5th percentile, median, 95th": [
                round(float(value), 2) for value in np.percentile(lengths, [5, 50, 95])
            ],
            "clips without a word": sum(not answer for _, answer in wrong),
            "clips more than twice as long": sum(length > 2 for length in lengths),
        },
    }
