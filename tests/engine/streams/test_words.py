"""The words of a final: where they stand in its text, when they were said, how sure they are."""

# ruff: noqa: RUF001 (texts in many scripts)

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.engine.streams.final_words import FinalWords
from hark.engine.streams.timing import FRAME, FirstSightings, estimate, loud_frames
from hark.engine.streams.words import characters, word_confidences, written_words
from hark.engine.types import SAMPLE_RATE, Granularity
from tests.engine.models import tiny_tokenizer

TOKENIZER = tiny_tokenizer()
TEXTS = st.text(alphabet="ab Zé.,?¿“ 你好 \u0301\U0001f600", max_size=40).map(str.strip)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's half past ten.", ["It's", "half", "past", "ten."]),
        ("¿Qué tal? – Bien.", ["¿Qué", "tal? –", "Bien."]),
        ("— Yes", ["— Yes"]),
        ("你好，世界。", ["你", "好，", "世", "界。"]),
        ("…", ["…"]),
        ("", []),
    ],
)
def test_words_as_they_are_written(text: str, words: list[str]) -> None:
    assert [text[begin:end] for begin, end in written_words(text)] == words


@given(TEXTS)
def test_words_hold_everything_but_spaces(text: str) -> None:
    spans = written_words(text)
    held = "".join(text[begin:end] for begin, end in spans)
    assert "".join(held.split()) == "".join(text.split())
    assert all(a < b <= c for (a, b), (c, _) in pairwise(spans))
    for begin, end in spans:
        parts = characters(text[begin:end])
        assert "".join(text[begin:end][a:b] for a, b in parts) == text[begin:end]


@given(TEXTS, st.integers(0, 2**32 - 1))
def test_confidence_of_a_word_is_that_of_its_tokens(text: str, seed: int) -> None:
    tokens = TOKENIZER.encode(" " + text)
    if TOKENIZER.decode(tokens, final=True).strip() != text:
        return  # the tokenizer writes it in another normal form
    logprobs = np.random.default_rng(seed).uniform(-2, 0, len(tokens)).tolist()
    spans = written_words(text)
    sure = word_confidences(text, spans, tokens, logprobs, TOKENIZER)
    assert sure is not None
    assert len(sure) == len(spans)
    # By the long way round: a token belongs to a word when without it the word isn't all there.
    for (begin, end), own in zip(spans, sure, strict=True):
        before, behind = (" " + text[:begin]).encode(), (" " + text[:end]).encode()
        at, probabilities = 0, []
        for token, logprob in zip(tokens, logprobs, strict=True):
            length = TOKENIZER.byte_lengths([token])[0]
            if at < len(behind) and at + length > len(before):
                probabilities.append(np.exp(logprob))
            at += length
        assert own == pytest.approx(np.mean(probabilities))


def test_a_text_that_lost_a_loop_has_no_confidence_by_word() -> None:
    tokens = TOKENIZER.encode("la la la")
    assert word_confidences("la", [(0, 2)], tokens, [-0.1] * len(tokens), TOKENIZER) is None


def test_first_sightings_survive_a_change_before_them() -> None:
    sightings = FirstSightings()
    sightings.note(["so", " I"], 100)
    sightings.note(["so", " I", " went", " home"], 200)
    sightings.note(["So", " he", " went", " home", " now"], 300)
    assert sightings.of(["So", " she", " went", " home", " now"]) == [300, None, 200, 200, 300]


def speech(*bursts: tuple[float, float], seconds: float) -> np.ndarray:
    """Noise in these (start, end) s over a floor 40 dB below."""
    rng = np.random.default_rng(1)
    samples = rng.standard_normal(int(seconds * SAMPLE_RATE)).astype(np.float32)
    level = np.full(samples.shape, 0.001, np.float32)
    for start, end in bursts:
        level[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)] = 0.1
    return samples * level


def test_words_lie_where_it_is_loud() -> None:
    loud = loud_frames(speech((1.0, 1.5), (3.0, 3.5), seconds=5))
    assert (np.flatnonzero(loud) * FRAME / SAMPLE_RATE).min() == pytest.approx(1.0, abs=0.03)
    first, second = estimate(["aaaa", " bbb"], [None, None], loud)
    assert np.array(first) / SAMPLE_RATE == pytest.approx([1.0, 1.5], abs=0.05)
    assert np.array(second) / SAMPLE_RATE == pytest.approx([3.0, 3.5], abs=0.05)


def test_a_first_sighting_moves_a_word() -> None:
    loud = loud_frames(speech((0.0, 4.0), seconds=4))
    spread = estimate(["aa", " bb"], [None, None], loud)
    assert spread[0][1] / SAMPLE_RATE == pytest.approx(2.0, abs=0.35)
    [(_, end), _] = estimate(["aa", " bb"], [SAMPLE_RATE, None], loud)
    assert 0.5 < end / SAMPLE_RATE <= 1.0, "it was written after 1 s of audio"


@given(
    st.lists(st.sampled_from(["a", " bcd", " efghij"]), max_size=8),
    st.lists(st.none() | st.integers(0, 80_000), min_size=8, max_size=8),
    st.lists(st.booleans(), max_size=250),
)
def test_estimates_never_go_back(
    words: list[str], seen: list[int | None], loud: list[bool]
) -> None:
    times = estimate(words, seen[: len(words)], np.array(loud, bool))
    assert len(times) == len(words)
    flat = [time for pair in times for time in pair]
    assert flat == sorted(flat)
    assert all(0 <= time <= len(loud) * FRAME for time in flat)


@pytest.mark.parametrize(
    ("granularity", "texts"),
    [
        ("word", ["Hi", "you."]),
        ("character", ["H", "i", "y", "o", "u."]),
        ("segment", ["Hi you."]),
    ],
)
def test_granularity(granularity: Granularity, texts: list[str]) -> None:
    tokens = TOKENIZER.encode("Hi you.")
    samples = speech((0.5, 1.5), seconds=2)
    of = FinalWords(TOKENIZER, granularity)
    words = of.estimated("Hi you.", tokens, [-0.5] * len(tokens), samples)
    assert [word.text for word in words] == texts
    assert words[0].start_sample == pytest.approx(0.5 * SAMPLE_RATE, abs=FRAME)
    assert words[-1].end_sample == pytest.approx(1.5 * SAMPLE_RATE, abs=FRAME)
    assert all(word.confidence == pytest.approx(np.exp(-0.5)) for word in words)
