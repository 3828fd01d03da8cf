"""Slot times made to go forward."""

from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.engine.alignment.repair import longest_rising, repair

times = st.lists(st.integers(0, 12).map(lambda step: 80 * step), max_size=24)


@pytest.mark.parametrize(
    ("given_times", "repaired"),
    [
        ([80, 4000, 160, 240], [80, 80, 160, 240]),
        ([80, 160, 0, 400], [80, 160, 160, 400]),
        ([80, 160, 240, 320, 0, 0, 0, 800], [80, 160, 240, 320, 440, 560, 680, 800]),
        ([80, 160, 240, 320, 0, 0, 0, 800, 880], [80, 160, 240, 320, 440, 560, 680, 800, 880]),
        ([500, 80, 160], [80, 80, 160]),
        ([400, 320, 240], [400, 400, 400]),
        ([160, 160, 80, 80], [160, 160, 160, 160]),
        ([0, 80, 900, 990, 160, 200, 240], [0, 80, 80, 160, 160, 200, 240]),  # one to either side
        ([0, 80, 9, 8, 7, 160, 240], [0, 80, 100, 120, 140, 160, 240]),
        ([0, 80, 7, 6, 5, 180, 240], [0, 80, 105, 130, 155, 180, 240]),
        ([0, 80, 7, 6, 5, 83, 240], [0, 80, 80, 81, 82, 83, 240]),  # rounded down
        ([80], [80]),
        ([], []),
    ],
)
def test_worked_examples(given_times: list[int], repaired: list[int]) -> None:
    assert repair(given_times) == repaired


@given(times)
def test_times_go_forward_and_none_is_lost(raw: list[int]) -> None:
    repaired = repair(raw)
    assert len(repaired) == len(raw)
    assert all(before <= after for before, after in pairwise(repaired))
    assert all(type(time) is int for time in repaired)


@given(times.map(sorted))
def test_what_goes_forward_stays(raw: list[int]) -> None:
    assert repair(raw) == raw


@given(times)
def test_what_is_kept_is_as_much_as_can_be_and_unchanged(raw: list[int]) -> None:
    kept, repaired = longest_rising(raw), repair(raw)
    assert [repaired[index] for index in kept] == [raw[index] for index in kept]
    assert all(raw[before] <= raw[after] for before, after in pairwise(kept))
    tails: list[int] = []  # the least end of a rising subsequence of each length
    for time in raw:
        tails[(at := bisect_right(tails, time)) : at + 1] = [time]
    assert len(kept) == len(tails)
