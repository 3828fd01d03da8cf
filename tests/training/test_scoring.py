"""Counts, intervals and what is concluded from them."""

import random

import numpy as np
import pytest

from training.evaluation import scoring
from training.evaluation.report_confidence import best_threshold


def test_word_errors_ignore_case_and_punctuation() -> None:
    assert scoring.word_errors("Turn left, please.", "turn left please") == (0, 3)
    assert scoring.word_errors("one two three", "one three four") == (2, 3)
    assert scoring.word_errors("", "two words") == (2, 0)


def test_a_rate_holds_its_value_and_its_interval_narrows_with_more_clips() -> None:
    chance = random.Random(1)

    def rate_of(clips: int) -> scoring.Rate:
        return scoring.rate([int(chance.random() < 0.2) for _ in range(clips)], [4] * clips)

    few, many = rate_of(40), rate_of(4000)
    assert few.low <= few.value <= few.high
    assert abs(many.value - 5.0) < 0.6
    assert many.low < 5.0 < many.high
    assert many.high - many.low < few.high - few.low


def test_the_same_counts_give_the_same_interval() -> None:
    counts = [1, 0, 3, 0, 0, 1], [5, 4, 6, 3, 7, 5]
    assert scoring.rate(*counts) == scoring.rate(*counts)


def test_nothing_seen_is_not_nothing_possible() -> None:
    none = scoring.rate([0] * 50, [6] * 50)
    assert (none.value, none.low, none.high) == (0.0, 0.0, 1.0)
    whole = scoring.complement(none)
    assert (whole.value, whole.low, whole.high) == (100.0, 99.0, 100.0)


def test_a_paired_difference_is_surer_than_the_two_rates() -> None:
    chance = random.Random(2)
    clean = [chance.choice([0, 0, 0, 8]) for _ in range(200)]
    noisy = [errors + (index % 10 == 0) for index, errors in enumerate(clean)]
    change = scoring.difference(noisy, clean, [8] * 200)
    assert change.value == 1.25
    assert 0 < change.low < change.high < 2.5


def test_area_under_the_curve() -> None:
    assert scoring.area_under_curve([0.9, 0.8], [0.1, 0.2, 0.3]).value == 1.0
    assert scoring.area_under_curve([0.5, 0.5], [0.5]).value == 0.5
    chance = np.random.default_rng(3)
    area = scoring.area_under_curve(list(chance.normal(1, 1, 200)), list(chance.normal(0, 1, 200)))
    assert area.low < area.value < area.high
    assert abs(area.value - 0.76) < 0.05


def test_the_threshold_lies_between_the_two_sides() -> None:
    assert best_threshold([0.9, 0.8, 0.95], [0.3, 0.4]) == pytest.approx(0.6)
    assert 0.4 < best_threshold([0.9, 0.8, 0.2], [0.3, 0.4]) < 0.8


def test_matches_pair_equal_words_in_order() -> None:
    assert scoring.matches(["a", "b", "c", "d"], ["a", "x", "c", "d"]) == [(0, 0), (2, 2), (3, 3)]
