"""Invented names given in the context: spelled right when spoken, not written when not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from training.evaluation import measure, scoring, testsets
from training.evaluation.evaluate import TestClip
from training.evaluation.exam import Exam
from training.evaluation.measure import Answers
from training.language import names, text
from training.learning import context

LISTED_NAMES = 8
"""Names in a context, the spoken ones among them."""
_WINDOW_S = 8


@dataclass(frozen=True)
class Heard:
    """Clips, the names said in each and others that its context lists, and the answers."""

    clips: Sequence[TestClip]
    said: list[list[str]]
    others: list[list[str]]
    with_context: Answers
    without: Answers

    @classmethod
    def of(cls, exam: Exam, clips: Sequence[TestClip], rng: random.Random) -> Heard:
        """Hear the clips twice."""
        said = [_said_names(clip) for clip in clips]
        others = [
            _other_names(clip, LISTED_NAMES - len(some), rng)
            for clip, some in zip(clips, said, strict=True)
        ]
        contexts = [
            ", ".join(rng.sample(some + more, len(some + more)))
            for some, more in zip(said, others, strict=True)
        ]
        with_context = exam.answers(clips, _WINDOW_S, contexts)
        return cls(clips, said, others, with_context, exam.answers(clips, _WINDOW_S))

    def missed(self, answers: Answers) -> list[int]:
        """Names of each clip that were said and are not among the answer's words."""
        return [
            sum(name not in words for name in some)
            for some, words in zip(self.said, _words(answers), strict=True)
        ]

    def invented(self) -> list[int]:
        """Names of each clip's context that were written and not said."""
        return [
            sum(name in words for name in some)
            for some, words in zip(self.others, _words(self.with_context), strict=True)
        ]


def context_names(exam: Exam) -> dict:
    """Sentences with invented names and without, heard with a list of names and without."""
    rng, count = exam.rng("names"), exam.sizes.named_clips
    named = Heard.of(
        exam,
        [testsets.mixed_clip(exam.engines, rng, text.draw_named) for _ in range(count)],
        rng,
    )
    plain = Heard.of(exam, [testsets.mixed_clip(exam.engines, rng) for _ in range(count)], rng)
    listed = [len(some) for some in named.others + plain.others]
    return {
        **_recall(named),
        "false alarms": asdict(scoring.rate(named.invented() + plain.invented(), listed)),
        "listed": LISTED_NAMES,
        "words with context": measure.word_error_rate(named.clips, named.with_context),
        "words without context": measure.word_error_rate(named.clips, named.without),
        "harm": _harm(plain),
        "examples": [
            {"said": clip.text, "with": given, "without": bare}
            for clip, (_, given), (_, bare) in zip(
                named.clips[:5], named.with_context[:5], named.without[:5], strict=True
            )
        ],
    }


def _recall(named: Heard) -> dict:
    totals = [len(some) for some in named.said]
    missed_with, missed_without = named.missed(named.with_context), named.missed(named.without)
    return {
        "recall with": asdict(scoring.complement(scoring.rate(missed_with, totals))),
        "recall without": asdict(scoring.complement(scoring.rate(missed_without, totals))),
        "gain": asdict(scoring.difference(missed_without, missed_with, totals)),
    }


def _harm(plain: Heard) -> dict:
    """What a list of names that are not said changes in the WER of other sentences, in points."""
    with_errors, words = measure.errors_of(plain.clips, plain.with_context)
    without_errors, _ = measure.errors_of(plain.clips, plain.without)
    return asdict(scoring.difference(with_errors, without_errors, words))


def _said_names(clip: TestClip) -> list[str]:
    words = clip.text.split()
    return list(dict.fromkeys(context.bare(words[index]) for index in clip.names))


def _other_names(clip: TestClip, count: int, rng: random.Random) -> list[str]:
    """Invented names of the held-out side that the clip doesn't hold."""
    words = {context.bare(word).lower() for word in clip.text.split()}
    drawn = [names.invent(rng, test=True, language=clip.language) for _ in range(count)]
    return [name for name in dict.fromkeys(drawn) if name.lower() not in words]


def _words(answers: Answers) -> list[set[str]]:
    """The written words of each answer as they would stand in a list."""
    return [{context.bare(word) for word in answer.split()} for _, answer in answers]
