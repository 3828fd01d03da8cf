"""The times of words, as whoever asked for them wants them: of words, characters or the whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from ..types import Granularity
from .placement import Times
from .repair import repair
from .splitting import Word


@dataclass(frozen=True, slots=True)
class WordTime:
    """When a word, character or segment was said, in seconds from the start of the clip.

    `start_s` and `end_s` are whole steps of 80 ms or interpolated between such; they may be equal.
    Nothing keeps them inside the clip but the model. `text` is what the aligner was given, without
    punctuation (a segment's is its whole text); it comes from `begin_char` to `end_char`
    (exclusive) of the utterance's text.
    """

    text: str
    start_s: float
    end_s: float
    begin_char: int
    end_char: int


def word_times(
    text: str, words: Sequence[Word], times: Sequence[Times], granularity: Granularity
) -> list[WordTime]:
    """What the times of its words, at least one, say of a text; they are made to go forward."""
    times = forward(list(chain.from_iterable(times)))
    if granularity == "segment":
        return [WordTime(text, _seconds(times[0][0]), _seconds(times[-1][1]), 0, len(text))]
    timed = zip(words, times, strict=True)
    if granularity == "word":
        return [_word_time(word, start, end) for word, (start, end) in timed]
    return [part for word, (start, end) in timed for part in _spread(word, start, end)]


def forward(times: Sequence[int]) -> list[Times]:
    """Starts and ends by turns, made to go forward, as pairs."""
    fixed = repair(times)
    return list(zip(fixed[::2], fixed[1::2], strict=True))


def _spread(word: Word, start_ms: int, end_ms: int) -> Iterator[WordTime]:
    """The characters of a word, each as long as the others."""
    characters = word.characters
    edges = np.linspace(start_ms, end_ms, len(characters) + 1).tolist()
    for character, (start, end) in zip(characters, pairwise(edges), strict=True):
        yield _word_time(character, start, end)


def _word_time(word: Word, start_ms: float, end_ms: float) -> WordTime:
    begin, end = word.begin_char, word.end_char
    return WordTime(word.text, _seconds(start_ms), _seconds(end_ms), begin, end)


def _seconds(time_ms: float) -> float:
    return round(time_ms / 1000, 3)
