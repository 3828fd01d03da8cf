"""The words of a text as they are written: where they stand, and how sure the model was of each."""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

from ..model.tokenizer import Tokenizer
from .hypothesis import split_units

Span = tuple[int, int]
"""Begin and end (exclusive) of characters in a text."""


def written_words(text: str) -> list[Span]:
    """The words between spaces, or the characters of scripts that have none.

    Punctuation belongs to the word before it; at the beginning, to the word behind.
    """
    spans: list[Span] = []
    end, opening = 0, None
    for unit in split_units(text):
        begin, end = end + len(unit) - len(unit.lstrip()), end + len(unit)
        if begin == end:
            continue
        if any(map(str.isalnum, unit)):
            spans.append((begin if opening is None else opening, end))
            opening = None
        elif spans:
            spans[-1] = (spans[-1][0], end)
        elif opening is None:
            opening = begin
    return spans if opening is None else [(opening, end)]


def word_confidences(
    text: str,
    spans: Sequence[Span],
    tokens: Sequence[int],
    logprobs: Sequence[float],
    tokenizer: Tokenizer,
) -> list[float] | None:
    """Mean probability, 0 to 1, of the tokens that wrote each span of `text`.

    `tokens` and `logprobs` are those of the text, without the language tag. None where the text
    is not what the tokens say letter by letter: a loop was cut out, or bytes that are no character.
    """
    written = tokenizer.decode(tokens, final=True)
    lengths = tokenizer.byte_lengths(tokens)
    if written.strip() != text or sum(lengths) != len(written.encode()):
        return None
    skipped = len(written[: len(written) - len(written.lstrip())].encode())
    bytes_before = [skipped, *accumulate((len(c.encode()) for c in text), initial=skipped)][1:]
    ends = list(accumulate(lengths))
    probabilities = [math.exp(logprob) for logprob in logprobs]
    found, first = [], 0
    for begin, end in spans:
        begin_byte, end_byte = bytes_before[begin], bytes_before[end]
        while ends[first] <= begin_byte:
            first += 1
        last = first
        while ends[last] < end_byte:
            last += 1
        own = probabilities[first : last + 1]
        found.append(sum(own) / len(own))
    return found


def characters(word: str) -> list[Span]:
    """The spans of a word's characters; marks and punctuation belong to the one before them."""
    begins = [at for at, character in enumerate(word) if character.isalnum()] or [0]
    return list(pairwise([0, *begins[1:], len(word)]))
