"""The session machine under any order of inputs; whole conversations are in test_transcripts.py."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hark.engine import types as engine
from hark.engine.types import AudioFormat, Endpointing, StreamOptions
from hark.streaming.effects import Emit, Hangup, ToEngine
from hark.streaming.events import (
    AudioIn,
    Bye,
    CloseIn,
    Command,
    Configured,
    ConfigureIn,
    FinalizeIn,
    Heard,
    Hello,
)
from hark.streaming.session import Session, State
from hark.streaming.terms import Terms
from tests.fakes import ManualClock

COMMANDS = st.sampled_from(
    [
        Hello(AudioFormat(), StreamOptions()),
        Hello(AudioFormat(), StreamOptions(language="nobody's")),
        AudioIn(b"\0\0"),
        AudioIn(b""),
        ConfigureIn({"context": "x"}),
        ConfigureIn({"endpointing": Endpointing("off")}),
        FinalizeIn("x"),
        CloseIn(),
    ]
)
NEWS = st.sampled_from(
    [
        engine.Opened("model"),
        engine.Consumed(2, 1),
        engine.Configured(),
        engine.Refused(engine.OptionError("too long")),
        engine.SpeechStarted(0, 0),
        engine.Finalized("x", 16),
        engine.Failed(engine.EngineError("broken")),
    ]
)


class AnyOrder(RuleBasedStateMachine):
    """Whatever comes in whatever order: requests are well formed, and an end is an end."""

    @initialize()
    def connect(self) -> None:
        self.clock = ManualClock()
        self.session = Session(1, "s", terms=Terms(("English",), 30, 0.5), now=0.0)
        self.requests: list[engine.EngineRequest] = []
        self.hangups: list[Hangup] = []

    def take(self, effects: list) -> None:
        for effect in effects:
            assert not self.hangups, "nothing follows a hangup"
            match effect:
                case ToEngine(request=request):
                    self.requests.append(request)
                case Hangup():
                    self.hangups.append(effect)
                case Emit(event=event):
                    assert not isinstance(event, Bye) or effects[-1] == Hangup(1000, "bye")

    @rule(command=COMMANDS)
    def client(self, command: Command) -> None:
        self.take(self.session.receive(command, self.clock.now))

    @precondition(lambda self: self.requests)
    @rule(update=NEWS)
    def engine(self, update: engine.EngineUpdate) -> None:
        self.take(self.session.engine_said(update))

    @precondition(lambda self: self.session.state in (State.CLOSING, State.DRAINING))
    @rule()
    def engine_closes(self) -> None:
        self.take(self.session.engine_said(engine.Closed(16_000)))

    @rule(seconds=st.sampled_from([0.5, 2.0, 10.0]))
    def time(self, seconds: float) -> None:
        now = self.clock.advance(seconds)
        self.take(self.session.handle_timeout(now))
        deadline = self.session.next_deadline()
        assert deadline is None or deadline > now

    @rule()
    def drain(self) -> None:
        self.take(self.session.drain())

    @rule()
    def throttle(self) -> None:
        self.session.reading_paused()
        assert self.session.next_deadline() is None
        self.session.reading_resumed(self.clock.now)

    @rule()
    def leave(self) -> None:
        self.take(self.session.disconnected())

    @invariant()
    def requests_are_well_formed(self) -> None:
        kinds = [type(request) for request in self.requests]
        assert kinds[:1] in ([], [engine.Open]), "a stream begins with Open"
        assert kinds.count(engine.Open) <= 1
        after_close = kinds[kinds.index(engine.Close) + 1 :] if engine.Close in kinds else []
        assert after_close in ([], [engine.Abort]), "after Close only Abort"
        assert engine.Abort not in kinds[:-1], "nothing follows Abort"

    @invariant()
    def an_end_is_an_end(self) -> None:
        if self.session.state is State.ENDED:
            assert self.session.next_deadline() is None
        else:
            assert not self.hangups


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(deadline=None)


def test_a_stream_whose_engine_failed_waits_for_nothing():
    session = Session(1, "s", terms=Terms(("English",), 30, 0.5), now=0.0)
    session.receive(Hello(AudioFormat(), StreamOptions()), 0.0)
    session.receive(AudioIn(b"\0\0"), 0.0)
    assert session.next_deadline() is not None
    session.engine_said(engine.Failed(engine.EngineError("broken")))
    assert session.next_deadline() is None
    assert session.handle_timeout(100.0) == []


@pytest.mark.parametrize(
    ("before_ms", "after_ms", "deadline"),
    [(0, 300, 1.3), (60_000, 300, 1.3), (600, 0, None), (600, 5000, 6.0)],
)
def test_a_stall_time_holds_at_once(before_ms: int, after_ms: int, deadline: float | None) -> None:
    """For the audio that has come already, too."""
    session = Session(1, "s", terms=Terms(("English",), 30, 0.5), now=0.0)
    options = StreamOptions(endpointing=engine.Endpointing(stall_ms=before_ms))
    session.receive(Hello(AudioFormat(), options), 0.0)
    session.receive(AudioIn(b"\0\0"), 1.0)
    before = session.next_deadline()
    changed = engine.Endpointing(stall_ms=after_ms)
    session.receive(ConfigureIn({"endpointing": changed}), 1.1)
    assert session.next_deadline() == before, "not before the engine takes it"
    session.engine_said(engine.Configured())
    assert session.next_deadline() == deadline


def test_receipts_are_for_dialects_that_ask() -> None:
    for wanted in (False, True):
        session = Session(1, "s", terms=Terms(("English",), 30, 0.5), now=0.0)
        session.receive(Hello(AudioFormat(), StreamOptions(), receipts=wanted), 0.0)
        session.engine_said(engine.Opened("model"))
        effects = [
            *session.receive(AudioIn(bytes(5000)), 0.0)[1:],
            *session.engine_said(engine.Consumed(3200, 1600)),
            *session.receive(ConfigureIn({"context": "x"}), 0.0),
            *session.engine_said(engine.Configured()),
        ]
        heard = Heard(start_ms=100, end_ms=100, waiting_bytes=1800)
        told = [effect.event for effect in effects if isinstance(effect, Emit)]
        assert told == ([heard, Configured()] if wanted else [])
