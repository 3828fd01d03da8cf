"""Pieces of a clip: each word is placed once, and where an aligner of short reach is exact."""

import json
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.clients.samples import SAMPLES_FOLDER
from hark.engine.alignment.aligner import Aligner, Utterance
from hark.engine.alignment.placement import Placement, Times
from hark.engine.alignment.word_times import WordTime
from hark.engine.audio.files import open_audio
from hark.engine.model.hub import resolve_aligner

REACH_S = 6
CLIPS_S = st.integers(1, 120)


@st.composite
def spoken(draw: st.DrawFn) -> tuple[int, list[Times]]:
    """The length of a clip in seconds, and when its words were said: no pause is over 1.5 s."""
    times: list[Times] = []
    at = 0
    for pause, length in draw(
        st.lists(st.tuples(st.integers(0, 1_500), st.integers(40, 1_200)), min_size=1, max_size=120)
    ):
        times.append((at + pause, at + pause + length))
        at = times[-1][1]
    return -(-at // 1000), times


@given(spoken(), st.randoms(use_true_random=False))
def test_what_is_beyond_the_reach_does_not_count(
    case: tuple[int, list[Times]], chance: random.Random
) -> None:
    clip_s, times = case
    placement = Placement(len(times), clip_s, REACH_S)
    while (piece := placement.piece) is not None:
        begin_ms, sure_ms = 1000 * piece.begin_s, 1000 * 1.5 * REACH_S
        found = [(max(0, a - begin_ms), max(0, b - begin_ms)) for a, b in times]
        drift = 1 + chance.choice([-0.1, 0.05, 0.1])
        placement.take(
            [
                (a, b) if b <= sure_ms else (int(a * drift), int(b * drift))
                for a, b in (found[word] for word in piece.words)
            ]
        )
    assert placement.times == times


@given(st.data(), CLIPS_S, st.integers(1, 200), st.none() | st.integers(1, 40))
def test_whatever_is_found_every_word_is_placed(
    data: st.DataObject, clip_s: int, num_words: int, reach_s: int | None
) -> None:
    placement = Placement(num_words, clip_s, reach_s)
    pieces = []
    while (piece := placement.piece) is not None:
        pieces.append(piece)
        assert 0 <= piece.begin_s < piece.end_s <= clip_s
        assert len(placement.times) in piece.words
        ms = st.integers(0, 1000 * clip_s)
        chosen = data.draw(st.lists(ms, min_size=2, max_size=6))
        steps = np.sort(np.resize(chosen, 2 * len(piece.words))).tolist()
        placement.take(list(zip(steps[::2], steps[1::2], strict=True)))
    assert len(placement.times) == num_words
    assert len(pieces) <= clip_s
    assert all(one.begin_s < other.begin_s for one, other in pairwise(pieces))
    if reach_s is None or clip_s <= 1.5 * reach_s:
        assert len(pieces) == 1


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner.load(resolve_aligner("embedded"))


def test_the_embedded_aligner_keeps_its_place_in_half_a_minute(aligner: Aligner) -> None:
    folder = SAMPLES_FOLDER / "bench"
    entries = json.loads((folder / "clips.json").read_text("utf-8"))[:9]
    clips = [np.concatenate(list(open_audio(folder / each["file"]).blocks())) for each in entries]
    begins = np.cumsum([0, *(clip.shape[0] for clip in clips)]) / 16
    true = [
        (begin + start, begin + end)
        for begin, entry in zip(begins, entries, strict=False)
        for _, start, end in entry["words"]
    ]
    whole = Utterance(np.concatenate(clips), " ".join(e["text"] for e in entries), "English")
    assert 26 < begins[-1] / 1000 < 30

    def shift_ms(words: list[WordTime]) -> float:
        found = [(1000 * word.start_s, 1000 * word.end_s) for word in words]
        return float(np.abs(np.array(found) - true).mean())

    passes = aligner.passes([whole], in_one=True)
    with pytest.raises(StopIteration) as done:
        next(passes)
    [in_one] = done.value.value
    [in_pieces] = aligner.align([whole])
    assert shift_ms(in_pieces) < 100 < shift_ms(in_one)
    times = [time for word in in_pieces for time in (word.start_s, word.end_s)]
    assert times == sorted(times)
