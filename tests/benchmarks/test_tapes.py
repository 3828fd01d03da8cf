"""The script: a pure function of seconds, at its rate, over tapes that are as recorded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.tapes import Script, Tape, load_tapes, pack, unpack
from hark.clients.samples import load_samples, same_words, spoken_words
from hark.engine.model.hub import embedded_folder
from hark.engine.model.tokenizer import Tokenizer

GROWING = [[1], [1, 2], [1, 9, 3], [1, 2, 3], [1, 2, 3, 4]]  # 0.5 s to 0.82 s
TAPES = [
    Tape("one", 1.0, short=GROWING, long=[tokens[:2] for tokens in GROWING[:-1]] + [[1, 2, 3, 4]]),
    Tape("two", 1.0, short=[[5], [5, 6]], long=[[5], [5, 6]]),
]


@given(st.lists(st.text(max_size=12), max_size=20))
def test_texts_come_back_as_they_were(texts: list[str]) -> None:
    assert unpack(pack(texts)) == texts


def test_a_tape_is_read_by_its_times() -> None:
    tape = TAPES[0]
    assert [tape.at(seconds, 1) for seconds in (0.0, 0.49, 0.5, 0.579)] == [[], [], [1], [1]]
    assert tape.at(0.66, 1) == [1, 9, 3]
    assert tape.at(0.66, 8) == [1, 9], "finals have a window of their own"
    assert tape.at(0.99, 1) == tape.at(5.0, 1) == [1, 2, 3, 4]


def test_a_script_lays_tapes_end_to_end() -> None:
    script = Script(TAPES, rate=3.0)  # as recorded: 6 tokens in 2 s
    assert script.speed == 1.0
    assert script.tokens(1.6, 1) == [1, 2, 3, 4, 5, 6]
    assert script.tokens(1.5, 1, start=7) == [5, 6, 1], "any number chooses a first tape"
    assert script.tokens(2.6, 1) == [1, 2, 3, 4, 5, 6, 1, 2]
    assert script.tokens(0.83, 1, start=0) == Script(TAPES, rate=6.0).tokens(0.415, 1, start=0)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_folder(embedded_folder())


def test_the_recorded_tapes_are_of_the_bundled_samples(tokenizer: Tokenizer) -> None:
    samples, tapes = load_samples(), load_tapes(tokenizer.encode)
    assert [tape.name for tape in tapes] == [sample.name for sample in samples]
    heard = [
        same_words(tokenizer.decode(tape.final), sample.text)
        for tape, sample in zip(tapes, samples, strict=True)
    ]
    assert sum(heard) > len(heard) / 2, "noise costs some words, not most"


def test_they_change_their_mind_as_a_live_transcript_does(tokenizer: Tokenizer) -> None:
    tapes = load_tapes(tokenizer.encode)
    steps = [pair for tape in tapes for pair in zip(tape.short, tape.short[1:], strict=False)]
    revised = sum(later[: len(sooner)] != sooner for sooner, later in steps)
    assert 0.02 < revised / len(steps) < 0.5
    assert any(tape.short[-1] != tape.final for tape in tapes)


def test_the_script_keeps_its_rate(tokenizer: Tokenizer) -> None:
    tapes = load_tapes(tokenizer.encode)
    lap_s = sum(tape.duration_s for tape in tapes) / Script(tapes).speed
    for start in range(len(tapes)):
        for laps in (1, 4):
            tokens = Script(tapes).tokens(laps * lap_s + 1e-6, 1, start=start)
            assert len(tokens) == pytest.approx(3.5 * laps * lap_s)


def test_a_disguise_hides_every_word(tokenizer: Tokenizer) -> None:
    said = {word for sample in load_samples() for word in spoken_words(sample.text)}
    for tape in load_tapes(tokenizer.encode, disguised=True):
        shown = spoken_words(tokenizer.decode(tape.final))
        assert shown
        assert not said & set(shown)
