"""The overload ladder against a simple engine whose steps take longer the more there is to do."""

import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.engine.scheduling.ladder import (
    CALM_WINDOWS,
    GATHER_S,
    HOT_WINDOWS,
    STRETCHES,
    WINDOW_S,
    Heat,
    Ladder,
    Pressure,
    heat_of,
)
from tests.fakes import ManualClock

CADENCE_S = 0.32


class Simulation:
    """An engine with time for `room` streams at their own cadence; a queue grows beyond that."""

    def __init__(self, room: float, *, guess: float = 1000.0) -> None:
        self.clock = ManualClock()
        self.pressure = Pressure(guess, self.clock.now)
        self.room = room
        self.changes = 0

    def run(self, seconds: float, num_streams: int) -> None:
        for _ in range(int(seconds / 0.05)):
            now = self.clock.advance(0.05)
            stretch = self.pressure.ladder.stretch
            use = num_streams / (self.room * stretch)
            took_s = min(5.0, 0.03 / (1 - use)) if use < 1 else 5.0
            for _ in range(num_streams // 6):
                self.pressure.note_step(late_s=0.0, took_s=took_s, cadence_s=CADENCE_S)
            self.pressure.note_busy(0.05 * min(1.0, use))
            self.changes += self.pressure.update(num_streams, num_streams, now)

    @property
    def stretch(self) -> float:
        return self.pressure.ladder.stretch


def test_there_is_no_stretch_while_there_is_time() -> None:
    engine = Simulation(room=100)
    engine.run(30, 80)
    assert (engine.stretch, engine.changes) == (1.0, 0)
    assert 0.75 < engine.pressure.busy_ratio < 0.85
    assert not engine.pressure.is_at_leisure
    engine.run(30, 8)
    assert engine.pressure.is_at_leisure


@given(num_streams=st.integers(101, 290))
def test_overload_is_met_by_a_longer_cadence_that_fits_and_does_not_swing(
    num_streams: int,
) -> None:
    engine = Simulation(room=100)
    engine.run(12, num_streams)
    assert num_streams / 100 <= engine.stretch <= 1.65 * num_streams / 100
    settled = engine.changes
    engine.run(60, num_streams)
    assert engine.changes - settled <= 4, "one try each half minute, and back"


@given(num_streams=st.integers(101, 290))
def test_when_the_excess_leaves_the_cadence_is_back_within_five_seconds(num_streams: int) -> None:
    engine = Simulation(room=100)
    engine.run(15, num_streams)
    engine.run(5, 60)
    assert engine.stretch == 1.0


def test_overload_that_no_stretch_can_meet_stays_at_the_last_rung() -> None:
    engine = Simulation(room=10)
    engine.run(30, 400)
    assert engine.stretch == STRETCHES[-1]


@given(st.lists(st.tuples(st.sampled_from(Heat), st.integers(1, 50)), max_size=80))
def test_rungs_are_left_one_at_a_time_and_downwards_only_after_calm(
    windows: list[tuple[Heat, int]],
) -> None:
    ladder, before, calm, hot = Ladder(), 0, 0, 0
    for number, (heat, num_streams) in enumerate(windows):
        ladder.close_window(heat, num_streams, number * WINDOW_S)
        rung = STRETCHES.index(ladder.stretch)
        calm = calm + 1 if heat is Heat.CALM else 0
        hot = hot + 1 if heat is Heat.HOT else 0
        assert abs(rung - before) <= 1
        if rung > before:
            assert hot >= HOT_WINDOWS
        if rung < before:
            assert calm >= CALM_WINDOWS
            calm = 0
        before = rung


@given(backlog=st.integers(1, 20), staying=st.integers(1, 76))
def test_the_heat_of_what_streams_left_behind_is_not_held_against_those_that_stay(
    backlog: int, staying: int
) -> None:
    ladder, now = Ladder(), 0.0

    def windows(heat: Heat, num_streams: int, count: int) -> None:
        nonlocal now
        for _ in range(count):
            ladder.close_window(heat, num_streams, now := now + WINDOW_S)

    windows(Heat.HOT, 81, 2 * HOT_WINDOWS)
    stretched = ladder.stretch
    assert stretched > 1
    windows(Heat.HOT, staying, backlog)
    assert ladder.stretch == stretched
    windows(Heat.CALM, staying, CALM_WINDOWS * len(STRETCHES))
    assert ladder.stretch == 1


def test_steps_gather_at_a_third_of_the_stretched_cadence() -> None:
    engine = Simulation(room=100)
    engine.run(10, 150)
    assert engine.stretch > 1
    assert engine.pressure.gather_s == pytest.approx(engine.stretch * CADENCE_S / 3)


def test_one_slow_step_heats_nothing() -> None:
    assert heat_of([9.0]) is heat_of([]) is heat_of([0.1] * 20 + [9.0, 9.0]) is Heat.CALM
    assert heat_of([9.0, 9.0]) is Heat.HOT
    assert heat_of([0.8] * 3 + [0.1] * 7) is Heat.WARM


def test_steps_gather_on_a_busy_engine_and_that_is_no_lateness() -> None:
    engine = Simulation(room=100)
    for num_streams, gather_s in ((50, 0.0), (80, GATHER_S), (40, GATHER_S), (20, 0.0)):
        engine.run(3, num_streams)
        assert engine.pressure.gather_s == gather_s
    engine.run(3, 80)
    engine.pressure.note_step(late_s=2 * GATHER_S, took_s=0.1, cadence_s=CADENCE_S)
    engine.pressure.note_step(late_s=2 * GATHER_S + 0.1, took_s=0.1, cadence_s=CADENCE_S)
    assert engine.pressure._shares[-2:] == pytest.approx([0.1 / CADENCE_S, 0.2 / CADENCE_S])


def test_capacity_is_what_there_is_when_that_is_enough() -> None:
    engine = Simulation(room=100)
    engine.run(5, 90)  # a step of 300 ms in a cadence of 320: warm
    assert engine.pressure.capacity.streams == 90
    engine.run(30, 90)
    assert engine.pressure.capacity.streams == 90


def test_capacity_sinks_below_what_needed_a_stretch_and_grows_when_streams_do_well() -> None:
    engine = Simulation(room=100)
    engine.run(10, 150)
    assert engine.pressure.capacity.streams <= 100
    engine.run(60, 60)
    assert 60 < engine.pressure.capacity.streams <= 1.25 * 60 + 4


def test_who_comes_after_an_overload_is_as_welcome_as_before() -> None:
    engine = Simulation(room=100)
    engine.run(10, 300)
    assert engine.stretch > 2
    assert engine.pressure.capacity.streams < 100
    few_left = engine.pressure.capacity.streams
    engine.run(1, 10)  # on the way down, which is calm
    assert engine.stretch > 1
    assert engine.pressure.capacity.streams == few_left
    engine.run(1, 0)
    assert (engine.stretch, engine.pressure.capacity.streams) == (1.0, 1000.0)


def test_a_guess_that_was_too_low_is_outgrown() -> None:
    engine = Simulation(room=100, guess=10)
    for num_streams in range(10, 80, 2):
        engine.run(1.5, num_streams)
        assert engine.pressure.capacity.streams > num_streams


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless_threads")
def test_the_load_can_be_read_while_the_engine_works() -> None:
    simulation = Simulation(room=40)
    engine = threading.Thread(target=simulation.run, args=(2_000, 12))
    engine.start()
    while engine.is_alive():
        assert 0 <= simulation.pressure.busy_ratio <= 1
        assert simulation.pressure.lateness_s == 0
