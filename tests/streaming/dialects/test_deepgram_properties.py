"""What holds for any talk to Deepgram: its ranges, channels and words."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine import types as engine
from hark.engine.types import AudioFormat, Encoding
from hark.streaming.protocols.deepgram.intake import Interleaved
from hark.streaming.protocols.deepgram.results import plain
from tests.streaming.dialects.deepgram_client import (
    CLOSE,
    FINALIZE,
    RAW,
    entered,
    transcript,
)
from tests.streaming.dialects.rig import (
    closed,
    final,
    finalized,
    heard,
    partial,
    started,
    stopped,
)

# --- ranges ---------------------------------------------------------------------------------------

TEXTS = st.sampled_from(["", "one", "two words", "and now three"])
# What happens next: so much silence, or speech that is dated back, with an end by itself or not.
TALK = st.lists(
    st.one_of(
        st.tuples(st.just("silence"), st.integers(1, 20_000)),
        st.tuples(st.just("flush"), st.just(0)),
        st.tuples(st.just("speech"), st.integers(100, 27_000), st.integers(0, 460), TEXTS),
        st.tuples(st.just("cut off"), st.integers(100, 27_000), st.integers(0, 460), TEXTS),
    ),
    max_size=12,
)


class Talk:
    """An engine that hears a talk, in the order of the real one."""

    def __init__(self) -> None:
        self.rig = entered()
        self.clock = self.segment = self.last_end = 0
        self.texts: list[str] = []
        self.num_flushes = 0
        self.said: list[Any] = []

    def hear(self, *updates: engine.EngineUpdate) -> None:
        self.said += self.rig.hear(*updates)

    def silence(self, length: int) -> None:
        for _ in range(0, length, 1000):
            self.clock += min(1000, length)
            self.hear(heard(self.clock))

    def flush(self, _: int) -> None:
        self.said += self.rig.client(FINALIZE)
        self.num_flushes += 1
        self.hear(finalized(str(self.num_flushes), self.clock), heard(self.clock))

    def speech(self, length: int, dated_back: int, text: str) -> None:
        self._segment(length, dated_back, text)

    def cut_off(self, length: int, dated_back: int, text: str) -> None:
        self.said += self.rig.client(FINALIZE)
        self.num_flushes += 1
        self._segment(length, dated_back, text, finalized(str(self.num_flushes), 0))

    def _segment(self, length: int, back: int, text: str, *then: engine.EngineUpdate) -> None:
        begin, number = max(self.last_end, self.clock - back), self.segment
        self.clock += length
        self.hear(started(number, begin), heard(self.clock - 1))
        self.hear(partial(number, begin, self.clock, text))
        self.hear(stopped(number, begin, self.clock), final(number, begin, self.clock, text), *then)
        self.hear(heard(self.clock))
        self.last_end, self.segment = self.clock, number + 1
        self.texts += [text] * bool(text)


@given(TALK)
@settings(max_examples=400, deadline=None)
def test_finals_cover_the_stream_without_a_gap_and_say_every_word(talk: list[Any]) -> None:
    teller = Talk()
    for kind, *rest in talk:
        getattr(teller, kind.replace(" ", "_"))(*rest)
    teller.said += teller.rig.client(CLOSE)
    teller.hear(closed(teller.clock))
    told_ms = 0
    word_starts: list[float] = []
    finals = []
    for message in teller.said:
        if message["type"] != "Results":
            continue
        start, end = message["start"], message["start"] + message["duration"]
        assert round(start * 1000) == told_ms
        words = message["channel"]["alternatives"][0]["words"]
        assert all(start <= word["start"] <= word["end"] <= end + 1e-6 for word in words)
        if message["is_final"]:
            told_ms = round(end * 1000)
            word_starts += [word["start"] for word in words]
            finals.append(message)
    assert told_ms == teller.clock
    assert word_starts == sorted(word_starts)
    assert [text for each in finals if (text := transcript(each))] == teller.texts
    assert sum(each["from_finalize"] for each in finals) == teller.num_flushes
    assert all(not each["from_finalize"] or each["speech_final"] for each in finals)


# --- channels -------------------------------------------------------------------------------------


@given(
    st.sampled_from([Encoding.PCM_S16LE, Encoding.PCM_F32LE, Encoding.MULAW, Encoding.ALAW]),
    st.integers(2, 20),
    st.binary(max_size=400),
    st.lists(st.integers(0, 60), max_size=30),
)
@settings(max_examples=300, deadline=None)
def test_channels_are_taken_apart_whatever_the_cuts(
    encoding: Encoding, num_channels: int, audio: bytes, cuts: list[int]
) -> None:
    intake = Interleaved(AudioFormat(encoding, 8000), num_channels)
    size = encoding.sample_bytes
    assert size
    channels = [b""] * num_channels
    places = [0, *itertools.accumulate(cuts), len(audio)]
    for begin, end in itertools.pairwise(places):
        for number, payload in enumerate(intake.take(audio[begin:end])):
            channels[number] += payload
    block = size * num_channels
    whole = [audio[at : at + block] for at in range(0, len(audio) - block + 1, block)]
    for number, heard_bytes in enumerate(channels):
        assert heard_bytes == b"".join(each[number * size :][:size] for each in whole)


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Hello, World!", "hello world"),
        ("It's 5.5% of O'Neill's (again).", "it's 5.5% of o'neill's again"),
        ("¿Qué? — «Sí»…", "qué sí"),
        ("$20 and/or C++ at a@b.c", "$20 and/or c++ at a@b.c"),
        ("你好。世界。", "你好世界"),
        ("…", ""),
    ],
)
def test_a_plain_text_has_no_marks_and_no_capitals(text: str, bare: str) -> None:
    assert plain(text) == bare


@given(st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_words_of_a_partial_are_those_of_its_transcript(text: str) -> None:
    for query in (RAW, f"{RAW}&punctuate=true"):
        rig = entered(f"{query}&interim_results=true")
        (told,) = rig.hear(started(0, 0), partial(0, 0, 3000, text))
        (alternative,) = told["channel"]["alternatives"]
        kind = "word" if query == RAW else "punctuated_word"
        joined = "".join(word[kind] for word in alternative["words"])
        assert letters(joined) == letters(alternative["transcript"])
        times = [word[end] for word in alternative["words"] for end in ("start", "end")]
        assert times == sorted(times)
        assert not times or (times[0] >= 0.0 and times[-1] <= 3.0)


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
