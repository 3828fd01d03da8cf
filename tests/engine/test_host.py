"""What a process does before its work begins."""

import gc
from collections.abc import Iterator

import pytest

from hark.engine.host import settle_heap


@pytest.fixture
def settled() -> Iterator[None]:
    lasting = [[number] for number in range(200_000)]
    threshold = gc.get_threshold()
    settle_heap()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    del lasting


@pytest.mark.usefixtures("settled")
def test_garbage_is_not_left_lying_beside_a_large_heap() -> None:
    """Beside 200,000 objects Python alone would wait for 50,000 more that look as if they last."""
    before = gc.get_stats()[2]["collections"]
    for _ in range(20):  # pieces, or the young would be collected at once
        kept = [[number] for number in range(1_000)]
        for each in kept:
            each.append(each)  # pyright: ignore[reportArgumentType]
        make_it_look()
        gc.collect(1)
        del kept
    assert gc.get_stats()[2]["collections"] > before


@pytest.mark.usefixtures("settled")
def test_what_is_on_its_way_is_not_looked_at() -> None:
    """Thousands of messages that come and go in bursts are no reason to look for garbage."""
    before = gc.get_stats()
    for _ in range(100):
        burst = [[number] for number in range(5_000)]
        del burst
    assert gc.get_stats() == before


def make_it_look() -> None:
    """So many young objects that Python looks for garbage."""
    young = [[number] for number in range(50_000)]
    del young
