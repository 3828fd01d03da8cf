"""Statistics, the search for a limit, and results that survive a stop."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import Results, median_run, percentile, spread
from benchmarks.limit import find_limit


def test_percentiles() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.95)) == (51.0, 96.0)
    assert percentile([7.0], 0.99) == 7.0
    assert percentile([], 0.5) != percentile([], 0.5), "nothing is not a number"


def test_the_median_run_is_one_of_the_runs() -> None:
    assert median_run([3.0, 1.0, 2.0]) == 2
    assert median_run([4.0, 1.0, 2.0, 3.0]) == 2, "of two in the middle, the faster"
    assert spread([2.0, 1.0, 3.0]) == 1.0


@given(limit=st.integers(0, 2000), first=st.integers(1, 300), most=st.integers(1, 1500))
def test_the_limit_is_found_within_three_percent(limit: int, first: int, most: int) -> None:
    asked: list[int] = []

    def holds(count: int) -> bool:
        asked.append(count)
        return count <= limit

    found = find_limit(holds, first, most)
    within = min(limit, most)
    assert within - max(1, 0.03 * within) <= found <= within
    assert found == 0 or found in asked, "only what was tried is claimed"
    assert all(1 <= count <= most for count in asked)
    assert len(asked) == len(set(asked)), "nothing is measured twice"


def test_results_go_on_where_they_stopped(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    first = Results(file, {"shape": "0.6b", "seconds": [60, 300]})
    assert first.once("step 0", lambda: {"wall_s": 1.5}) == {"wall_s": 1.5}
    again = Results(file, {"shape": "0.6b", "seconds": [60, 300]})
    assert again.once("step 0", lambda: pytest.fail("measured again")) == {"wall_s": 1.5}
    with pytest.raises(SystemExit, match="move it"):
        Results(file, {"shape": "1.7b", "seconds": [60, 300]})
    assert again.get("step 0") == {"wall_s": 1.5}, "the refused file is as it was"
