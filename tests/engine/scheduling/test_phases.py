"""Where in their cadence steps fall: as many in each third, away from where one third ends."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from hark.engine.scheduling.ladder import STRETCHES
from hark.engine.scheduling.phases import THIRDS, free_phase
from hark.engine.streams.segment import Segment
from hark.engine.types import SAMPLE_RATE, StreamOptions


@given(st.lists(st.one_of(st.none(), st.integers(0, 99)), max_size=120))
def test_thirds_are_as_full_as_each_other(comings_and_goings: list[int | None]) -> None:
    """None opens a segment, a number ends one."""
    taken: list[float] = []
    for ends in comings_and_goings:
        if ends is None or not taken:
            before = Counter(int(phase * THIRDS) for phase in taken)
            phase = free_phase(taken)
            assert before[int(phase * THIRDS)] == min(before[third] for third in range(THIRDS))
            assert 0.25 < phase * THIRDS % 1 < 0.8
            taken.append(phase)
        else:
            taken.pop(ends % len(taken))


def test_many_places_are_shared_evenly() -> None:
    taken: list[float] = []
    for _ in range(48):
        taken.append(free_phase(taken))
    assert set(Counter(taken).values()) == {4}


@given(st.floats(0, 1e6), st.floats(0, 0.99), st.sampled_from(STRETCHES))
def test_steps_keep_to_their_phase_on_the_engines_clock(
    spoken_from: float, phase: float, stretch: float
) -> None:
    """Whenever a segment began, and however cadences are stretched."""
    sequence = _Heard()
    segment = Segment(0, 0, StreamOptions(), sequence, None, phase=phase)  # pyright: ignore
    segment.spoken_from = spoken_from
    due = segment.due_samples(stretch)
    assert due is not None
    cadence_s = 0.32 * stretch
    place = (spoken_from + due / SAMPLE_RATE) / cadence_s
    away_s = ((place - phase + 0.5) % 1 - 0.5) * cadence_s
    assert -0.011 < away_s < 0.004  # whole frames


class _Heard:
    num_samples = 60 * SAMPLE_RATE
