"""When a segment's steps fall due, and what becomes of one that an endpointer asked for."""

import math
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.engine.decoding.kv_pool import KVLedger
from hark.engine.decoding.sequence import Hypothesis, PromptIds, Sequence, Step
from hark.engine.streams.endpointing import Reading
from hark.engine.streams.segment import Segment, Spent
from hark.engine.types import MIN_CLIP_SAMPLES, SAMPLE_RATE, StreamOptions, WorkCounters
from tests.engine.models import tiny_tokenizer

TOKENIZER = tiny_tokenizer()
CADENCE = 320 * SAMPLE_RATE // 1000
START = 77
SPENT = Spent(0.0, 0.0)


def new_segment(seconds: float, **options: object) -> Segment:
    prompt = PromptIds.of(TOKENIZER, "")
    sequence = Sequence(prompt, KVLedger(num_pages=1, page_tokens=64), WorkCounters())
    segment = Segment(0, START, StreamOptions().with_changes(**options), sequence, TOKENIZER)
    sequence.append(np.zeros(int(seconds * SAMPLE_RATE), np.float32))
    return segment


def hypothesis(text: str, num_samples: int) -> Hypothesis:
    """One whose last token and whose end have a probability of 1/2 each."""
    tokens = TOKENIZER.encode(text)
    logprobs = [0.0] * (len(tokens) - 1) + [math.log(0.5)]
    return Hypothesis(
        tokens, logprobs, num_samples, 1, "English", "end", TOKENIZER.im_end_id, math.log(0.5)
    )


@given(st.integers(3 * SAMPLE_RATE - CADENCE, 3 * SAMPLE_RATE))
def test_a_step_in_between_puts_off_no_other(asked: int) -> None:
    segment = new_segment(3.0)
    segment.step_done(hypothesis("we met", asked), SPENT)
    points = []
    while segment.sequence.num_samples < 6 * SAMPLE_RATE:
        segment.sequence.append(np.zeros(160, np.float32))
        due = segment.due_samples()
        if due is not None:
            points.append(due)
            segment.step_done(hypothesis("we met", due), SPENT)
    assert np.diff(points).tolist() == [CADENCE] * (len(points) - 1)
    assert points[0] <= 3 * SAMPLE_RATE + CADENCE


def test_a_look_back_is_read_and_not_shown() -> None:
    segment = new_segment(3.0)
    assert segment.step_done(hypothesis("we met at", 40_000), SPENT) is not None
    assert segment.step_done(hypothesis("we met.", 38_000), SPENT) is None
    reading = cast(Reading, segment.reading)
    assert (reading.end_sample, reading.text) == (START + 38_000, "we met.")
    assert reading.end_probability == pytest.approx(0.25)
    assert segment.step_done(hypothesis("we met at", 41_000), SPENT) is None, "nothing changed"
    assert cast(Reading, segment.reading).end_sample == START + 41_000


def guessed(text: str, num_samples: int, *, language: float, words: float) -> Hypothesis:
    """One that names its language, with these probabilities of its tag and of each token behind."""
    tag = [*TOKENIZER.encode("language English"), TOKENIZER.asr_text_id]
    tokens = TOKENIZER.encode(text)
    logprobs = [math.log(language)] + [0.0] * (len(tag) - 1) + [math.log(words)] * len(tokens)
    made = hypothesis(text, num_samples)
    return replace(made, tokens=tag + tokens, logprobs=logprobs, language=None)


def test_what_is_more_likely_nothing_begins_no_caption() -> None:
    segment = new_segment(4.0)
    assert segment.step_done(guessed("we", 20_000, language=0.55, words=0.45), SPENT) is None
    shown = segment.step_done(guessed("we met", 25_000, language=0.55, words=0.55), SPENT)
    assert shown is not None
    assert shown.unstable == "we met"
    again = segment.step_done(guessed("we met at", 30_000, language=0.4, words=0.4), SPENT)
    assert again is not None, "what has begun goes on"
    other = new_segment(4.0)
    assert other.step_done(guessed("we", 20_000, language=0.65, words=0.4), SPENT) is not None


def test_an_empty_text_ends_nothing() -> None:
    segment = new_segment(3.0)
    nothing = replace(hypothesis("language None<asr_text>", 40_000), language=None)
    segment.step_done(nothing, SPENT)
    assert segment.reading == Reading(START + 40_000, "", 0.0)


def test_what_cannot_be_read() -> None:
    segment = new_segment(3.0)
    assert segment.can_read(START + MIN_CLIP_SAMPLES)
    assert not segment.can_read(START + MIN_CLIP_SAMPLES - 1)
    assert not new_segment(3.0, partials=False).can_read(START + SAMPLE_RATE)


class ScriptedSequence:
    """Hears what it is told to, with and without the context."""

    num_samples = 3 * SAMPLE_RATE

    def __init__(self, biased: str, unbiased: str) -> None:
        self._texts = {True: biased, False: unbiased}
        self.asked: list[bool] = []

    def recognise(self, num_samples: int, *, biased: bool = True, **_: object) -> Step:
        self.asked.append(biased)
        yield from ()
        text = self._texts[biased]
        said = f"language English<asr_text>{text}" if text else "language None<asr_text>"
        return replace(hypothesis(said, num_samples), language=None)


@pytest.mark.parametrize(
    ("biased", "unbiased", "expected", "passes"),
    [
        ("Belluna.", "", "", 2),  # only the context was there to be read
        ("Gannis, Belluna.", "", "", 2),
        ("Belluna.", "Bell Una.", "Belluna.", 2),  # something was said, and the context spells it
        ("Belluna meets Gannis.", "Bell Una meets", "Belluna meets Gannis.", 1),
        ("Una.", "", "Una.", 1),  # a part of a word is not in the context
        ("", "", "", 1),
    ],
)
def test_a_context_is_no_speech(biased: str, unbiased: str, expected: str, passes: int) -> None:
    sequence = ScriptedSequence(biased, unbiased)
    options = StreamOptions().with_changes(context="Lina, Gannis, Belluna")
    segment = Segment(0, START, options, cast(Sequence, sequence), TOKENIZER)
    segment.end(START + sequence.num_samples, START + sequence.num_samples)
    with pytest.raises(StopIteration) as stop:
        next(segment.final_step())
    found = cast(Hypothesis, stop.value.value)
    text = TOKENIZER.decode(found.tokens).partition("<asr_text>")[2]
    assert text == expected
    assert len(sequence.asked) == passes


def test_a_step_that_read_the_context_is_no_final() -> None:
    options = StreamOptions().with_changes(
        context="Belluna", language="English", final_window_s=1, partial_window_s=1
    )
    segment = Segment(0, START, options, new_segment(3.0).sequence, TOKENIZER)
    for text, is_ready in [("Belluna", False), ("Belluna came", True)]:
        segment.step_done(hypothesis(text, 3 * SAMPLE_RATE), SPENT)
        segment.end(START + 3 * SAMPLE_RATE, START + 3 * SAMPLE_RATE)
        assert (segment.ready_final() is not None) == is_ready
