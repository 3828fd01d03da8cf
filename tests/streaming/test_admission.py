"""The admission policy: one word for each load, and what a refused client is told."""

import pytest

from hark.streaming.admission import Load, Readiness, readiness, refusal


def load(
    *, loading: bool = False, failed: bool = False, draining: bool = False, streams: int = 0
) -> Load:
    return Load(loading=loading, failed=failed, draining=draining, streams=streams, max_streams=2)


@pytest.mark.parametrize(
    ("state", "word", "code", "retry_after_s"),
    [
        (load(), Readiness.READY, None, None),
        (load(streams=1), Readiness.READY, None, None),
        (load(streams=2), Readiness.FULL, "capacity", 5.0),
        (load(loading=True), Readiness.LOADING, "capacity", 5.0),
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
