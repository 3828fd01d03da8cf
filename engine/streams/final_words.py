"""The words of one segment's final, with their times and confidences, in the asked granularity."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..model.tokenizer import Tokenizer
from ..types import Granularity, Word
from .hypothesis import split_units
from .output import confidence
from .timing import FirstSightings, Times, estimate, loud_frames
from .words import Span, characters, word_confidences, written_words


class FinalWords:
    """Watches a segment's hypotheses, and says what its final's words are.

    Positions are samples from the segment's first one.
    """

    def __init__(self, tokenizer: Tokenizer, granularity: Granularity) -> None:
        self._tokenizer, self._granularity = tokenizer, granularity
        self._sightings = FirstSightings()
        self._tokens: Sequence[int] = ()
        self._logprobs: Sequence[float] = ()

    def note(self, text: str, num_samples: int) -> None:
        """Take the text of the hypothesis of the first `num_samples`."""
        self._sightings.note(split_units(text), num_samples)

    def estimated(
        self, text: str, tokens: Sequence[int], logprobs: Sequence[float], samples: np.ndarray
    ) -> tuple[Word, ...]:
        """The words of the final `text` with estimated times; `samples` [N] are the segment's.

        `tokens` wrote the text (without its language tag), with these log-probabilities.
        """
        self._tokens, self._logprobs = tokens, logprobs
        units = split_units(text)
        times = estimate(units, self._sightings.of(units), loud_frames(samples))
        spans = written_words(text)
        return self._words(text, spans, _times_of(spans, units, times))

    def aligned(self, text: str, spans: Sequence[Span], times: Sequence[Times]) -> tuple[Word, ...]:
        """The same words with the times a forced aligner found for these spans of `text`."""
        return self._words(text, spans, times)

    def _words(self, text: str, spans: Sequence[Span], times: Sequence[Times]) -> tuple[Word, ...]:
        if self._granularity == "segment" and spans:
            spans, times = [(0, len(text))], [(times[0][0], times[-1][1])]
        elif self._granularity == "character":
            spans, times = _by_character(text, spans, times)
        sure = word_confidences(text, spans, self._tokens, self._logprobs, self._tokenizer)
        if sure is None:
            sure = [confidence(self._logprobs, 0)] * len(spans)
        return tuple(
            Word(text[begin:end], start, stop, own)
            for (begin, end), (start, stop), own in zip(spans, times, sure, strict=True)
        )


def _times_of(spans: Sequence[Span], units: Sequence[str], times: Sequence[Times]) -> list[Times]:
    """The times of spans that each begin in one unit and end in the same or a later one."""
    found, place, end = [], 0, 0
    ends = [end := end + len(unit) for unit in units]
    for begin_char, end_char in spans:
        while ends[place] <= begin_char:
            place += 1
        first = place
        while ends[place] < end_char:
            place += 1
        found.append((times[first][0], times[place][1]))
    return found


def _by_character(
    text: str, spans: Sequence[Span], times: Sequence[Times]
) -> tuple[list[Span], list[Times]]:
    """Each word's time spread evenly over its characters."""
    parts: list[Span] = []
    part_times: list[Times] = []
    for (begin, end), (start, stop) in zip(spans, times, strict=True):
        own = [(begin + a, begin + b) for a, b in characters(text[begin:end])]
        edges = np.linspace(start, stop, len(own) + 1).round().astype(int).tolist()
        parts += own
        part_times += list(pairwise(edges))
    return parts, part_times
