"""The admission policy: one word for each load, and what a refused client is told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.streaming.admission import Load, Readiness, readiness, refusal


def load(
    *,
    loading: bool = False,
    failed: bool = False,
    draining: bool = False,
    streams: int = 0,
    capacity: int | None = None,
    silent_s: float = 0.0,
) -> Load:
    return Load(
        loading=loading,
        failed=failed,
        draining=draining,
        streams=streams,
        max_streams=2,
        capacity=capacity,
        silent_s=silent_s,
    )


@pytest.mark.parametrize(
    ("state", "word", "code", "retry_after_s"),
    [
        (load(), Readiness.READY, None, None),
        (load(streams=1), Readiness.READY, None, None),
        (load(streams=2), Readiness.FULL, "capacity", 5.0),
        (load(streams=1, capacity=1), Readiness.FULL, "capacity", 5.0),
        (load(streams=1, capacity=9), Readiness.READY, None, None),
        (load(streams=2, capacity=9), Readiness.FULL, "capacity", 5.0),
        (load(loading=True), Readiness.LOADING, "capacity", 5.0),
        (load(silent_s=59.0), Readiness.READY, None, None),
        (load(silent_s=61.0), Readiness.STUCK, "capacity", 5.0),
        (load(silent_s=61.0, streams=2), Readiness.STUCK, "capacity", 5.0),
        (load(silent_s=61.0, loading=True), Readiness.LOADING, "capacity", 5.0),
        (load(failed=True, silent_s=61.0), Readiness.FAILED, "internal", None),
        (load(failed=True, streams=2), Readiness.FAILED, "internal", None),
        (load(draining=True, failed=True), Readiness.DRAINING, "shutting_down", None),
    ],
)
def test_every_load_has_its_answer(
    state: Load, word: Readiness, code: str | None, retry_after_s: float | None
) -> None:
    error = refusal(state)
    assert readiness(state) is word
    assert (error.code if error else None) == code
    assert (error.retry_after_s if error else None) == retry_after_s


@given(
    streams=st.integers(0, 9),
    most=st.integers(0, 9),
    fitting=st.none() | st.integers(0, 9),
    silent_s=st.sampled_from([0.0, 99.0]),
)
def test_headroom_is_how_many_are_let_in(
    streams: int, most: int, fitting: int | None, silent_s: float
) -> None:
    state = Load(False, False, False, streams, most, fitting, silent_s)
    let_in = 0
    while refusal(replace(state, streams=streams + let_in)) is None:
        let_in += 1
    assert let_in == state.headroom


def test_the_client_is_told_which_of_the_two_is_full() -> None:
    assert "all 2 streams" in str(refusal(load(streams=2, capacity=2)))
    assert "busy with 1 streams" in str(refusal(load(streams=1, capacity=1)))
