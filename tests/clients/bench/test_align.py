"""Alignment of words against what makes it one: order, equality, fewest edits."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.clients.bench.align import align

words = st.lists(st.sampled_from("abc"), max_size=9)


def distance(reference: list[str], hypothesis: list[str]) -> int:
    """Edit distance by its definition."""

    @cache
    def of(i: int, j: int) -> int:
        if i == 0 or j == 0:
            return i + j
        swap = of(i - 1, j - 1) + (reference[i - 1] != hypothesis[j - 1])
        return min(swap, of(i - 1, j) + 1, of(i, j - 1) + 1)

    return of(len(reference), len(hypothesis))


@given(words, words)
def test_it_takes_the_fewest_edits_and_matches_equal_words_in_order(
    reference: list[str], hypothesis: list[str]
) -> None:
    alignment = align(reference, hypothesis)
    assert alignment.errors == distance(reference, hypothesis)
    assert all(reference[i] == hypothesis[j] for i, j in alignment.matches)
    for (i, j), (next_i, next_j) in zip(alignment.matches, alignment.matches[1:], strict=False):
        assert i < next_i
        assert j < next_j


@given(words, words)
def test_to_a_prefix_the_rest_costs_nothing(reference: list[str], hypothesis: list[str]) -> None:
    best = min(distance(reference[:end], hypothesis) for end in range(len(reference) + 1))
    assert align(reference, hypothesis, to_prefix=True).errors == best


@pytest.mark.parametrize(
    ("reference", "hypothesis", "matches"),
    [
        ("one two one two", "one two", ((0, 0), (1, 1))),  # the earlier of equal words
        ("one two three", "one too three", ((0, 0), (2, 2))),
        ("one two three", "", ()),
        ("", "one", ()),
    ],
)
def test_prefixes(reference: str, hypothesis: str, matches: tuple[tuple[int, int], ...]) -> None:
    assert align(reference.split(), hypothesis.split(), to_prefix=True).matches == matches
