"""Scenes whose pauses are known, and the judgement of where their segments ended."""

import numpy as np
import pytest

from benchmarks import scenes
from benchmarks.endpointing import Heard, Row, judge
from benchmarks.scenes import Utterance
from hark.engine.types import SAMPLE_RATE

MS = SAMPLE_RATE // 1000


def tone(*words_ms: tuple[int, int]) -> Utterance:
    """An utterance with a tone for each word, given as (start, end)."""
    samples = np.zeros(words_ms[-1][1] * MS, np.float32)
    words = [(begin * MS, end * MS) for begin, end in words_ms]
    for begin, end in words:
        samples[begin:end] = 0.1 * np.sin(0.3 * np.arange(end - begin))
    return Utterance(samples, words)


def heard(start_ms: int, end_ms: int, *, late_ms: int = 0) -> Heard:
    return Heard(start_ms * MS, end_ms * MS, (end_ms + late_ms) * MS, "", 0, 0)


def test_words_are_where_the_scene_says_and_pauses_are_silent() -> None:
    scene = scenes.compose([tone((0, 400), (600, 900)), tone((0, 300))], seed=1)
    inside = np.zeros(scene.samples.shape, bool)
    for begin, end in (word for words in scene.utterances for word in words):
        inside[begin:end] = True
    assert not scene.samples[~inside].any()
    [first, second] = scene.utterances
    assert first[0][0] == scenes.LEAD_S * SAMPLE_RATE
    low, high = (seconds * SAMPLE_RATE for seconds in scenes.PAUSES_S)
    assert low - 1 <= second[0][0] - first[-1][1] <= high


def test_a_hesitation_moves_the_words_behind_it() -> None:
    whole = tone((0, 200), (200, 400), (400, 600), (600, 800))
    [hesitating] = scenes.with_hesitations([whole], seed=3)
    length = hesitating.samples.shape[0] - whole.samples.shape[0]
    assert 0.3 * SAMPLE_RATE <= length <= 1.0 * SAMPLE_RATE
    moved = [b[0] - a[0] for a, b in zip(whole.words, hesitating.words, strict=True)]
    assert sorted(set(moved)) == [0, length]
    at = moved.index(length)
    gap = hesitating.samples[hesitating.words[at - 1][1] : hesitating.words[at][0]]
    assert gap.shape[0] == length
    assert not gap.any()


@pytest.mark.parametrize("snr_db", [20.0, 5.0])
def test_noise_has_the_ratio_asked_for(snr_db: float) -> None:
    scene = scenes.compose([tone((0, 1000))], seed=1)
    noise = scenes.in_noise(scene, "white noise", snr_db, 1) - scene.samples
    [[(begin, end)]] = scene.utterances
    ratio = np.mean(scene.samples[begin:end] ** 2) / np.mean(noise**2)
    assert 10 * np.log10(ratio) == pytest.approx(snr_db, abs=0.1)


def test_ends_are_delayed_missed_or_cuts() -> None:
    utterances = [
        [(1000 * MS, 2000 * MS), (2500 * MS, 3000 * MS)],
        [(5000 * MS, 6000 * MS)],
        [(8000 * MS, 9000 * MS)],
    ]
    found = [
        heard(900, 1500),  # inside the first word
        heard(1500, 2400),  # between the words of the first sentence
        heard(2450, 3700, late_ms=20),
        heard(4900, 8010),  # as the third begins: the end of the second is missed
        heard(8010, 9600),
    ]
    row = judge(Row("s", "silence", "vad"), utterances, found, least_gap=1 << 62)
    assert row.delays_ms == [720, 600]
    assert (row.missed, row.cuts_in_words, row.cuts_in_sentences) == (1, 1, 3)
    assert row.words_lost == 0
    pauses_count = judge(Row("s", "silence", "vad"), utterances, found, least_gap=400 * MS)
    assert pauses_count.cuts_in_sentences == 2, "a pause of the recording's own is no cut"


def test_an_end_before_the_last_sound_is_a_cut_and_no_miss() -> None:
    utterances = [[(1000 * MS, 2000 * MS)], [(4000 * MS, 5000 * MS)], [(7000 * MS, 8000 * MS)]]
    found = [heard(900, 1900, late_ms=600), heard(3900, 5200), heard(7100, 7500)]
    row = judge(Row("s", "silence", "vad"), utterances, found, least_gap=0)
    assert row.delays_ms == [200], "there is none to measure where the end was not heard"
    assert (row.missed, row.cuts_in_words, row.words_lost) == (1, 2, 1), "of the third 400 ms"
