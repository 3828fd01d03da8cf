"""The search for the limit, on probes that only compare numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.clients.bench.search import find_limit


@given(st.integers(0, 3000), st.integers(1, 600), st.integers(1, 2000))
def test_it_finds_the_limit_to_within_its_resolution(limit: int, start: int, ceiling: int) -> None:
    probes: list[int] = []

    def holds(streams: int) -> bool:
        probes.append(streams)
        return streams <= limit

    found = find_limit(holds, start=start, ceiling=ceiling)
    truth = min(limit, ceiling)
    assert found <= truth
    assert truth - found <= max(1, 0.04 * truth)
    assert all(1 <= probe <= ceiling for probe in probes)
    assert len(probes) <= 35
    if found:
        assert probes[-3:] == [found] * 3  # confirmed three times more


def test_exactly_one_is_found_and_none_is_zero() -> None:
    assert find_limit(lambda streams: streams <= 1, start=8, ceiling=100) == 1
    assert find_limit(lambda streams: False, start=8, ceiling=100) == 0


def test_a_lucky_probe_is_not_the_result() -> None:
    """64 holds once, by luck; what is confirmed is less."""
    luck = iter([True])
    found = find_limit(
        lambda streams: streams <= 50 or (streams == 64 and next(luck, False)),
        start=16,
        ceiling=1000,
    )
    assert 45 <= found <= 50


@pytest.mark.parametrize("confirmations", [0, 1, 5])
def test_confirmations_are_as_many_as_asked_for(confirmations: int) -> None:
    probes: list[int] = []
    found = find_limit(
        lambda streams: not probes.append(streams) and streams <= 4,
        start=4,
        ceiling=5,
        confirmations=confirmations,
    )
    assert (found, probes) == (4, [4, 5] + [4] * confirmations)
