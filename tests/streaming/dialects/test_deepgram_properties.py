"""Deepgram's live protocol under anything: ranges, channels, words, and clients gone mad."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine import types as engine
from hark.engine.types import AudioFormat, Encoding
from hark.streaming.errors import StreamError
from hark.streaming.protocols.deepgram.door import DeepgramDoor
from hark.streaming.protocols.deepgram.intake import Interleaved
from hark.streaming.protocols.deepgram.messages import read_message
from hark.streaming.protocols.deepgram.results import plain
from hark.streaming.session import State
from tests.streaming.dialects.rig import (
    Rig,
    closed,
    final,
    finalized,
    heard,
    opened,
    partial,
    started,
    stopped,
)
from tests.streaming.dialects.test_deepgram import (
    ALL,
    AUDIO,
    CLOSE,
    FINALIZE,
    RAW,
    STEREO,
    entered,
    handshake,
    transcript,
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


# --- anything -------------------------------------------------------------------------------------

MESSAGES = st.sampled_from(
    [
        {"type": "KeepAlive"},
        FINALIZE,
        CLOSE,
        {"type": "Finalize", "channel": 0},
        {"type": "Finalize", "channel": -1},
        {"type": "Configure", "keyterms": ["a", "b"], "features": {"numerals": True}},
        {"type": "Configure", "keyterms": None},
        {"type": "Configure"},
    ]
)
JSONS = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
    st.lists(st.text(max_size=3) | st.integers(), max_size=3),
    st.dictionaries(st.sampled_from("ab"), st.booleans() | st.none(), max_size=2),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A message with a field of another kind, or cut, or with a character changed."""
    message = dict(draw(MESSAGES))
    field = draw(st.sampled_from(["type", "channel", "keyterms", "features", "else"]))
    text = json.dumps({**message, field: draw(JSONS)})
    cut = draw(st.integers(0, len(text)))
    return draw(st.sampled_from([text, text[:cut], text[:cut] + "\\" + text[cut:]]))


TEXT_FRAMES = st.one_of(MESSAGES.map(json.dumps), mutated(), st.text(max_size=60))
FRAMES = st.one_of(TEXT_FRAMES, st.binary(max_size=60), st.just(AUDIO), st.just(b""))


@given(FRAMES)
@settings(max_examples=2_500, deadline=None)
def test_reading_never_raises_anything_but_a_refusal(frame: str | bytes) -> None:
    try:
        read_message(frame)
    except StreamError as error:
        assert isinstance(frame, str)
        assert error.message


@given(st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace").decode()))
@settings(max_examples=500, deadline=None)
def test_any_query_is_understood_or_refused(query: str) -> None:
    try:
        Rig.enter(DeepgramDoor(), handshake(query))
    except StreamError as error:
        denial = DeepgramDoor().deny(error, handshake(query))
        assert denial.headers["dg-error"].isascii()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("client"), FRAMES),
        st.tuples(st.just("hears"), st.integers(0, 9)),
        st.tuples(st.just("time"), st.floats(0.1, 12.0)),
        st.tuples(st.just("leave"), st.none()),
        st.tuples(st.just("drain"), st.none()),
    ),
    max_size=25,
)


@pytest.mark.parametrize("query", [ALL, RAW, STEREO, "", "encoding=opus&vad_events=true"])
@given(STEPS)
@settings(max_examples=1_200, deadline=None)
def test_whatever_happens_nothing_breaks_and_an_end_is_an_end(query: str, steps: list[Any]) -> None:
    rig = Rig.enter(DeepgramDoor(), handshake(query))
    mad = Mad(rig)
    for kind, what in steps:
        if rig.hangup is not None:
            return
        getattr(mad, kind)(what)
    if rig.hangup is None:
        mad.client(json.dumps(CLOSE))
        mad.finish()
        assert rig.hangup is not None


class Mad:
    """Does anything that a connection could do, in any order, and finishes what was begun."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.answered: dict[str, int] = {}  # requests of each line

    def client(self, frame: str | bytes) -> None:
        self.rig.client(frame)

    def leave(self, _: None) -> None:
        self.rig.leave()

    def time(self, seconds: float) -> None:
        deadline = self.rig.dialect.next_deadline()
        self.rig.at(self.rig.now + seconds)
        assert deadline is None or self.rig.hangup or self.rig.dialect.next_deadline() != 0

    def drain(self, _: None) -> None:
        for line, session in list(self.rig.sessions.items()):
            if line in self.rig.sessions:
                self.rig._effects(line, session.drain())

    def hears(self, choice: int) -> None:
        for line in list(self.rig.sessions):
            if line in self.rig.sessions and self.rig.hangup is None:
                self._say(line, choice)

    def _say(self, line: str, choice: int) -> None:
        at = 700 * (choice + len(self.rig.requests[line]))
        updates: list[list[engine.EngineUpdate]] = [
            [started(0, at)],
            [partial(0, at, at + 500, "so far", " so good")],
            [stopped(0, at, at + 500), final(0, at, at + 600, "so far so good")],
            [final(0, at, at + 600, "")],
            [heard(at, 10)],
            [heard(at + 9_000)],
            [engine.Refused(engine.OptionError("no"))],
            [engine.Failed(engine.EngineError("broken"))],
            [engine.Failed(engine.BadAudioError("what is this"))],
        ]
        self.rig.hear(*(updates[choice] if choice < len(updates) else self._owed(line)), line=line)

    def _owed(self, line: str) -> list[engine.EngineUpdate]:
        """What the engine owes a line."""
        requests = self.rig.requests[line]
        begin, self.answered[line] = self.answered.get(line, 0), len(requests)
        answers: list[engine.EngineUpdate] = []
        for request in requests[begin:]:
            match request:
                case engine.Open():
                    answers.append(opened())
                case engine.Configure():
                    answers.append(engine.Configured())
                case engine.Finalize(id=str() as name):
                    answers.append(finalized(name, 900))
                case engine.Close():
                    answers.append(closed(1000))
                case _:
                    pass
        return answers

    def finish(self) -> None:
        for line, session in list(self.rig.sessions.items()):
            assert session.state in (State.CLOSING, State.DRAINING)
            self.rig.hear(*self._owed(line), line=line)
