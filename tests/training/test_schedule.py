"""The schedule follows the hours of audio seen, and nothing else."""

import random

from training.learning import schedule
from training.learning.schedule import Constant, Cooldown, Whole


def test_the_constant_phase_can_be_made_longer() -> None:
    short, long = Constant(100), Constant(1000)
    for hours, steps in ((0, 0), (5, 200), (99, 5000)):
        assert short.rate(hours, steps) == long.rate(hours, steps)
        assert short.losses(hours) == long.losses(hours)
    assert short.rate(0, 0) < 0.01
    assert short.rate(50, 2000) == 1.0


def test_the_cooldown_ends_at_zero() -> None:
    plan = Cooldown(begin=400, end=500)
    assert [plan.rate(hours, 9) for hours in (400, 450, 500, 501)] == [1.0, 0.5, 0.0, 0.0]
    assert plan.losses(450).smoothing == 0.0
    assert Cooldown(400, 500, highest=0.2).rate(400, 9) == 0.2


def test_disturbances_come_late_and_give_way_at_the_end() -> None:
    constant, cooldown = Constant(1000), Cooldown(begin=400, end=500)
    assert constant.strength(10) == 0.0 < constant.strength(60) < constant.strength(400) == 1.0
    assert cooldown.strength(400) == 1.0 > cooldown.strength(450) > cooldown.strength(500) > 0.5


def test_a_whole_run_warms_up_and_decays() -> None:
    plan = Whole(100)
    assert plan.rate(0, 0) < 0.01
    assert plan.rate(30, 500) == 1.0
    assert 0.0 == plan.rate(100, 900) < plan.rate(80, 700) < 1.0


def test_clips_get_longer_with_the_hours() -> None:
    rng = random.Random(1)

    def longest(hours: float) -> int:
        return max(schedule.draw_length(hours, 120, rng)[2] for _ in range(300))

    assert [longest(hours) for hours in (0, 10, 25, 40, 500)] == [300, 600, 1200, 3000, 3000]


def test_batches_hold_the_wanted_seconds() -> None:
    rng = random.Random(1)
    for _ in range(100):
        count, shortest, longest = schedule.draw_length(500, 120, rng)
        assert 60 < count * longest / 100 <= 120
        assert 0 < shortest < longest
