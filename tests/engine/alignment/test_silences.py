"""Long silences are left out of what an aligner hears, and times find the way back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.engine.alignment.silences import Shortened
from hark.engine.streams.timing import FRAME
from hark.engine.types import SAMPLE_RATE
from tests.engine.models import bursts

STRETCHES = st.lists(
    st.tuples(st.floats(0.0, 6.0), st.floats(0.3, 4.0)), min_size=1, max_size=5
)  # seconds of silence, and of a voice behind it


def tone(seconds: float) -> np.ndarray:
    return (0.1 * np.sin(np.arange(int(seconds * SAMPLE_RATE)))).astype(np.float32)


def scene(stretches: list[tuple[float, float]], tail_s: float) -> tuple[np.ndarray, list[int]]:
    """Samples, and the ms in the middle of each voice."""
    parts, middles, at = [], [], 0.0
    for silence_s, voice_s in stretches:
        parts += [np.zeros(int(silence_s * SAMPLE_RATE), np.float32), tone(voice_s)]
        middles.append(round(1000 * (at + silence_s + voice_s / 2)))
        at += silence_s + voice_s
    return np.concatenate([*parts, np.zeros(int(tail_s * SAMPLE_RATE), np.float32)]), middles


@given(STRETCHES, st.floats(0.0, 6.0))
def test_every_voice_is_kept_and_its_times_come_back(
    stretches: list[tuple[float, float]], tail_s: float
) -> None:
    samples, middles = scene(stretches, tail_s)
    short = Shortened(samples)
    silences = [silence_s for silence_s, _ in stretches] + [tail_s]
    left = sum(voice_s for _, voice_s in stretches) + sum(min(s, 1.3) for s in silences)
    assert short.samples.shape[0] <= left * SAMPLE_RATE + FRAME
    voiced = np.flatnonzero(short.samples)
    assert voiced.size == np.count_nonzero(samples)

    at = 0.0  # where the middle of each voice lies in the short clip: its samples are counted
    for (_, voice_s), middle in zip(stretches, middles, strict=True):
        place = min(int((at + voice_s / 2) * SAMPLE_RATE), voiced.size - 1)
        inside = int(voiced[place]) // 16
        [(start, end)] = short.original([(inside, inside)])
        assert start == end == pytest.approx(middle, abs=5)
        at += voice_s


@given(st.lists(st.integers(0, 12_000), min_size=2, max_size=40).map(sorted), STRETCHES)
def test_times_stay_in_order(times: list[int], stretches: list[tuple[float, float]]) -> None:
    short = Shortened(scene(stretches, 0.0)[0])
    pairs = list(zip(times[::2], times[1::2], strict=False))
    found = [time for pair in short.original(pairs) for time in pair]
    assert found == sorted(found)


def test_what_has_no_long_silence_is_left_as_it_is() -> None:
    samples = bursts(8.0, seed=3)
    assert Shortened(samples).samples is samples
    nothing = np.zeros(5 * SAMPLE_RATE, np.float32)
    assert Shortened(nothing).samples is nothing
    assert Shortened(samples[:100]).samples.shape == (100,)
