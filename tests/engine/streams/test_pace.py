"""Who is ahead of real time, on a clock that waits."""

from hypothesis import given
from hypothesis import strategies as st

from hark.engine.streams.pace import SLACK_S, Pace
from tests.fakes import ManualClock


@given(st.lists(st.floats(0.02, 1.0), max_size=200))
def test_who_speaks_is_never_ahead(frames: list[float]) -> None:
    clock = ManualClock()
    pace = Pace(clock.now)
    for seconds in frames:
        pace.hear(seconds, clock.advance(seconds))
        assert not pace.is_ahead(clock.now)


def test_who_sends_a_file_is_ahead_until_as_much_time_has_passed() -> None:
    clock = ManualClock()
    pace = Pace(clock.now)
    pace.hear(60.0, clock.now)
    assert pace.is_ahead(clock.advance(40.0))
    assert not pace.is_ahead(clock.advance(10.0))


@given(burst=st.floats(0.0, 10.0))
def test_a_burst_is_forgiven_while_the_stream_goes_on_at_the_pace_of_speech(burst: float) -> None:
    clock = ManualClock()
    pace = Pace(clock.now)
    pace.hear(burst, clock.now)
    assert pace.is_ahead(clock.now) is (burst > SLACK_S)
    for _ in range(400):
        pace.hear(0.1, clock.advance(0.1))
    assert not pace.is_ahead(clock.now)
