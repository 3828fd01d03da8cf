"""What endpointers make of voiced frames and of hypotheses, without any audio."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.engine.audio.voice import VAD_FRAME_SAMPLES, VoiceDetector
from hark.engine.streams.endpointing import (
    Begin,
    Decision,
    End,
    Endpointer,
    Reading,
    new_endpointer,
)
from hark.engine.types import SAMPLE_RATE, Endpointing

FRAME = np.zeros(VAD_FRAME_SAMPLES, np.float32)
MS = SAMPLE_RATE // 1000


class Script(VoiceDetector):
    """A detector that says what it was told to; the first voiced frames are loud."""

    def __init__(self, voiced: list[bool], *, num_loud: int = 1 << 30, lag_frames: int = 0) -> None:
        super().__init__()
        self._lag_frames = lag_frames
        self._script = iter(voiced)
        self._num_loud = num_loud
        self._is_voiced = False

    def hear(self, frame: np.ndarray, *, in_speech: bool) -> bool:
        self._is_voiced = next(self._script)
        self._num_loud -= self._is_voiced
        return self._is_voiced

    @property
    def lag_frames(self) -> int:
        return self._lag_frames

    @property
    def is_loud(self) -> bool:
        return self._is_voiced and self._num_loud >= 0


def decisions(options: Endpointing, voiced: list[bool]) -> list[Decision]:
    """What one stream's endpointers say to each frame; a new one follows each end."""
    detector, said = Script(voiced), []
    endpointer = new_endpointer(options, detector, 0)
    for number in range(1, len(voiced) + 1):
        clock = number * VAD_FRAME_SAMPLES
        said.append(endpointer.hear(FRAME, clock))
        if isinstance(said[-1], End):
            endpointer = new_endpointer(options, detector, clock)
    return said


@pytest.mark.parametrize(
    ("pause_ms", "pad_after_ms", "kept_ms"),
    [(600, None, 400), (600, 100, 100), (600, 500, 400), (240, None, 120), (200, 0, 0)],
)
def test_in_noise_a_pause_is_cut_before_a_soft_beginning(
    pause_ms: int, pad_after_ms: int | None, kept_ms: int
) -> None:
    """A voice is noticed up to 200 ms late there."""
    voiced = [True] * 20 + [False] * 50
    options = Endpointing(pause_ms=pause_ms, pad_after_ms=pad_after_ms)
    endpointer = new_endpointer(options, Script(voiced, lag_frames=10), 0)
    said = [endpointer.hear(FRAME, n * VAD_FRAME_SAMPLES) for n in range(1, 21 + pause_ms // 20)]
    assert said[-1] == End(20 * VAD_FRAME_SAMPLES + kept_ms * MS)


def begins(options: list[Endpointing], voiced: list[bool]) -> list[int]:
    """Where segments begin when the options change in turn, with each frame outside of segments."""
    detector, found = Script(voiced), []
    endpointer: Endpointer | None = None
    in_speech = False
    for number in range(1, len(voiced) + 1):
        clock = number * VAD_FRAME_SAMPLES
        if not in_speech or endpointer is None:
            these = options[number % len(options)]
            endpointer = new_endpointer(these, detector, clock, before=endpointer)
        decision = endpointer.hear(FRAME, clock)
        if isinstance(decision, Begin):
            found.append(decision.sample)
            in_speech = True
        elif isinstance(decision, End):
            endpointer, in_speech = None, False
    return found


RUNS = st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=20)
OPTIONS = st.builds(
    Endpointing,
    pause_ms=st.integers(200, 900),
    min_speech_ms=st.integers(20, 300),
    pad_before_ms=st.integers(0, 500),
    pad_after_ms=st.none() | st.integers(0, 1000),
)


@given(OPTIONS, RUNS, st.sampled_from(["vad", "semantic"]))
def test_options_that_change_lose_nothing_of_what_was_heard(
    options: Endpointing, runs: list[tuple[bool, int]], other: str
) -> None:
    voiced = [is_voiced for is_voiced, length in runs for _ in range(length)]
    changed = replace(options, stall_ms=777)
    assert begins([options, changed], voiced) == begins([options], voiced)
    once_other = replace(options, mode=other)
    assert len(begins([options, once_other], voiced)[:1]) == len(begins([options], voiced)[:1])


@given(OPTIONS, RUNS)
def test_a_segment_is_speech_up_to_a_pause(
    options: Endpointing, runs: list[tuple[bool, int]]
) -> None:
    voiced = [is_voiced for is_voiced, length in runs for _ in range(length)]
    pause = -(-options.pause_ms // 20)
    enough = -(-options.min_speech_ms // 20)
    began, silent = False, 0
    recent: list[bool] = []
    for at, decision in enumerate(decisions(options, voiced)):
        silent = 0 if voiced[at] else silent + 1
        recent = [] if began else [*recent, voiced[at]][-(enough * 8 // 5) :]
        if began and silent == pause:
            last_voice = (at + 1 - pause) * VAD_FRAME_SAMPLES
            assert isinstance(decision, End)
            kept = decision.sample - last_voice
            pad_ms = options.pad_after_ms
            whole = pause * VAD_FRAME_SAMPLES
            assert kept == (whole if pad_ms is None else min(whole, pad_ms * MS))
            began, recent = False, []
        elif not began and sum(recent) >= enough:
            first = at + 1 - len(recent) + recent.index(True)
            expected = first * VAD_FRAME_SAMPLES - options.pad_before_ms * MS
            assert decision == Begin(expected)
            began = True
        else:
            assert decision is None


@given(OPTIONS, RUNS)
def test_without_hypotheses_semantic_decides_as_vad(
    options: Endpointing, runs: list[tuple[bool, int]]
) -> None:
    voiced = [is_voiced for is_voiced, length in runs for _ in range(length)]
    assert decisions(replace(options, mode="semantic"), voiced) == decisions(options, voiced)


class Pause:
    """A semantic endpointer whose speaker has spoken for a second and now is silent."""

    def __init__(self, pause_ms: int = 600) -> None:
        self.spoken = 50 * VAD_FRAME_SAMPLES
        self.clock = 0
        self._voiced = [True] * 50 + [False] * 200
        options = Endpointing("semantic", pause_ms=pause_ms)
        self.endpointer: Endpointer = new_endpointer(options, Script(self._voiced), 0)
        self.go_on(1000)

    def go_on(self, milliseconds: int) -> Decision:
        """The first decision in so much more audio, if there is one."""
        for _ in range(milliseconds // 20):
            self.clock += VAD_FRAME_SAMPLES
            decision = self.endpointer.hear(FRAME, self.clock)
            if isinstance(decision, End):
                return decision
        return None

    def answer(self, text: str, probability: float) -> Decision:
        question = self.endpointer.question
        assert question is not None
        return self.endpointer.read(Reading(question, text, probability))

    def end(self) -> int | None:
        """How long the pause is that ends the segment, in ms; 0 if it has been one already."""
        decision = self.go_on(4000)
        return (decision.sample - self.spoken) // MS if isinstance(decision, End) else None


@pytest.mark.parametrize(
    ("text", "probability", "pause_ms"),
    [
        ("We met at noon.", 0.99, 300),  # the sentence is over
        ("我们中午见。", 0.99, 300),
        ("We met at noon.", 0.65, 300),
        ("We met at noon.", 0.55, 600),  # or it may be
        ("We met at noon...", 0.99, 840),  # or is not
        ("We met at", 0.99, 840),
        ("We met at", 0.7, 600),
        ("", 0.99, 600),  # nothing was understood
    ],
)
def test_the_pause_depends_on_the_sentence(text: str, probability: float, pause_ms: int) -> None:
    pause = Pause()
    assert pause.go_on(200) is None
    assert pause.answer(text, probability) is None
    assert pause.end() == pause_ms


def test_the_question_is_about_the_audio_up_to_shortly_behind_the_voice() -> None:
    pause = Pause()
    assert pause.endpointer.question is None
    pause.go_on(200)
    question = pause.endpointer.question
    assert question is not None
    assert 0 < question - pause.spoken <= 100 * MS
    pause.answer("We met.", 0.99)
    assert pause.endpointer.question is None, "asked once"


def test_a_late_answer_ends_the_segment_where_it_would_have_ended() -> None:
    pause = Pause()
    assert pause.go_on(500) is None
    assert pause.answer("We met at noon.", 0.99) == End(pause.spoken + 300 * MS)


def test_a_hypothesis_that_changes_takes_the_answer_back() -> None:
    pause = Pause()
    pause.go_on(200)
    pause.answer("We met at noon.", 0.99)
    pause.endpointer.read(Reading(pause.clock, "We met at noon today.", 0.99))
    assert pause.end() == 600
    same = Pause()
    same.go_on(200)
    same.answer("We met at noon.", 0.99)
    same.endpointer.read(Reading(same.clock, "We met at noon!", 0.99))  # in silence marks move
    assert same.end() == 300


def test_a_short_pause_is_long_enough_to_be_one() -> None:
    pause = Pause(pause_ms=300)
    pause.go_on(160)
    pause.answer("We met.", 0.99)
    assert pause.end() == 240


@pytest.mark.parametrize("num_loud", [1000, 50])
def test_who_speaks_on_is_asked_about_anew(num_loud: int) -> None:
    """Also who speaks on so softly that it might be the ring of the voice."""
    voiced = [True] * 50 + [False] * 10 + [True] * 15 + [False] * 10
    detector = Script(voiced, num_loud=num_loud)
    endpointer = new_endpointer(Endpointing("semantic"), detector, 0)
    questions = []
    for number in range(1, len(voiced) + 1):
        decision = endpointer.hear(FRAME, number * VAD_FRAME_SAMPLES)
        assert isinstance(decision, Begin | None)
        question = endpointer.question
        if question is not None:
            questions.append(question)
            endpointer.read(Reading(question, "We met.", 0.99))
    assert len(questions) == len(set(questions)) == 2
    assert endpointer.read(Reading(questions[0], "We met.", 0.2)) is None, "it comes too late"
    assert endpointer.question is None
