"""Deepgram clients and engines gone mad: nothing raises, nothing hangs."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine import types as engine
from hark.streaming.errors import StreamError
from hark.streaming.protocols.deepgram.door import DeepgramDoor
from hark.streaming.protocols.deepgram.messages import read_message
from hark.streaming.session import State
from tests.streaming.dialects.deepgram_client import (
    ALL,
    AUDIO,
    CLOSE,
    FINALIZE,
    RAW,
    STEREO,
    handshake,
    let_in,
)
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
        let_in(query)
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
    rig = let_in(query)
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
        self.rig.at(self.rig.now + seconds)
        deadline = self.rig.dialect.next_deadline()
        assert deadline is None or self.rig.hangup or deadline > self.rig.now

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
