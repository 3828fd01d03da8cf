"""A dialect with real sessions behind it and no I/O: what a connection does, step by step."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hark.engine import types as engine
from hark.engine.types import SAMPLE_RATE
from hark.streaming.effects import Effect, Emit, Hangup, ToEngine, error_event
from hark.streaming.errors import StreamError
from hark.streaming.protocols.base import (
    Action,
    Begin,
    Dialect,
    Door,
    Drop,
    Frame,
    Handshake,
    House,
    LineId,
    Refuse,
    Say,
    Tell,
)
from hark.streaming.session import Session
from hark.streaming.terms import Terms

LANGUAGES = ("English", "Spanish", "German")
TERMS = Terms(languages=LANGUAGES, max_segment_s=30, unsure_below=0.5)


def house() -> House:
    numbers = itertools.count(1)
    return House(
        model="fake",
        languages=LANGUAGES,
        max_segment_s=30,
        unsure_below=0.5,
        epoch=1_700_000_000.0,
        new_id=lambda: f"{next(numbers):024x}",
    )


@dataclass
class Rig:
    """One client's connection. `said` are the frames sent, decoded where they are JSON."""

    dialect: Dialect
    said: list[Any] = field(default_factory=list)
    requests: dict[LineId, list[engine.EngineRequest]] = field(default_factory=dict)
    hangup: Hangup | None = None
    now: float = 0.0
    sessions: dict[LineId, Session] = field(default_factory=dict)
    refusal: StreamError | None = None  # of every line that would begin

    @classmethod
    def enter(cls, door: Door, handshake: Handshake) -> "Rig":
        rig = cls(door.open(handshake, house()))
        rig.perform(rig.dialect.opened(rig.now))
        return rig

    # --- what happens ---

    def client(self, *frames: Frame | dict[str, Any]) -> list[Any]:
        """Frames of the client, dicts as JSON; what was said since."""
        for frame in frames:
            text = json.dumps(frame) if isinstance(frame, dict) else frame
            try:
                message = self.dialect.read(text)
            except StreamError as error:
                self.perform(self.dialect.misread(error, self.now))
            else:
                self.perform(self.dialect.received(message, self.now))
        return self.news()

    def hear(self, *updates: engine.EngineUpdate, line: LineId = "") -> list[Any]:
        """Updates of the engine about a line; what was said since."""
        for update in updates:
            self._effects(line, self.sessions[line].engine_said(update))
        return self.news()

    def at(self, now: float) -> list[Any]:
        """Time passes, and timers fire; what was said since."""
        self.now = now
        for line, session in list(self.sessions.items()):
            self._effects(line, session.handle_timeout(now))
        self.perform(self.dialect.timed_out(now))
        return self.news()

    def leave(self) -> list[Any]:
        """The client sends nothing more; what was said since."""
        self.perform(self.dialect.left(self.now))
        return self.news()

    def drain(self) -> list[Any]:
        """The server is stopping; what was said since."""
        for line, session in list(self.sessions.items()):
            self._effects(line, session.drain())
        return self.news()

    def news(self) -> list[Any]:
        """What was said since the last time."""
        fresh, self.said = self.said, []
        return fresh

    def last_request(self, line: LineId = "") -> engine.EngineRequest:
        return self.requests[line][-1]

    # --- as a connection does ---

    def perform(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if self.hangup is not None:
                return
            match action:
                case Say(message=message):
                    frame = self.dialect.encode(message)
                    self.said.append(json.loads(frame) if isinstance(frame, str) else frame)
                case Begin(line=line):
                    self._session(line)
                case Tell(line=line, command=command):
                    session = self.sessions.get(line) or self._begun(line, command)
                    if session is not None:
                        self._effects(line, session.receive(command, self.now))
                case Refuse(line=line, error=error):
                    self._effects(line, self.sessions[line].refuse(error))
                case Drop(line=line):
                    if session := self.sessions.pop(line, None):
                        self._effects(line, session.disconnected())
                case Hangup():
                    self.hangup = action

    def _begun(self, line: LineId, command: object) -> Session | None:
        if type(command).__name__ != "Hello":
            return None
        if self.refusal is None:
            return self._session(line)
        error = self.refusal
        self.perform(self.dialect.said(line, error_event(error), self.now))
        self.perform(self.dialect.ended(line, Hangup(error.close_code, error.code), self.now))
        return None

    def _session(self, line: LineId) -> Session:
        number = len(self.requests)
        session = Session(number, f"s-{number}", terms=TERMS, now=self.now)
        self.sessions[line] = session
        self.requests.setdefault(line, [])
        return session

    def _effects(self, line: LineId, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case ToEngine(request=request):
                    self.requests[line].append(request)
                case Emit(event=event):
                    self.perform(self.dialect.said(line, event, self.now))
                case Hangup():
                    del self.sessions[line]
                    self.perform(self.dialect.ended(line, effect, self.now))


# --- updates, in milliseconds ---------------------------------------------------------------------


def samples(milliseconds: int) -> int:
    return milliseconds * SAMPLE_RATE // 1000


def opened() -> engine.Opened:
    return engine.Opened(model="fake")


def started(segment: int, at_ms: int) -> engine.SpeechStarted:
    return engine.SpeechStarted(segment=segment, start_sample=samples(at_ms))


def partial(
    segment: int, start_ms: int, end_ms: int, stable: str, unstable: str = ""
) -> engine.Partial:
    return engine.Partial(
        segment=segment,
        start_sample=samples(start_ms),
        end_sample=samples(end_ms),
        stable=stable,
        unstable=unstable,
        language="English",
        confidence=0.9,
        steps=1,
        queue_ms=0.0,
        compute_ms=0.0,
    )


def stopped(segment: int, start_ms: int, end_ms: int) -> engine.SpeechEnded:
    return engine.SpeechEnded(
        segment=segment, start_sample=samples(start_ms), end_sample=samples(end_ms)
    )


def final(segment: int, start_ms: int, end_ms: int, text: str) -> engine.Final:
    """Its words share the time equally."""
    parts = text.split()
    each = samples(end_ms - start_ms) // max(1, len(parts))
    words = tuple(
        engine.Word(
            text=part,
            start_sample=samples(start_ms) + index * each,
            end_sample=samples(start_ms) + (index + 1) * each,
            confidence=0.9,
        )
        for index, part in enumerate(parts)
    )
    return engine.Final(
        segment=segment,
        start_sample=samples(start_ms),
        end_sample=samples(end_ms),
        text=text,
        words=words,
        times="estimated",
        language="English" if text else None,
        language_confidence=0.95,
        confidence=0.9,
        stable_words_replaced=0,
        queue_ms=0.0,
        compute_ms=0.0,
    )


def finalized(flush_id: str, at_ms: int) -> engine.Finalized:
    return engine.Finalized(id=flush_id, at_sample=samples(at_ms))


def heard(at_ms: int, num_bytes: int = 0) -> engine.Consumed:
    return engine.Consumed(num_bytes, samples(at_ms))


def closed(end_ms: int) -> engine.Closed:
    return engine.Closed(end_sample=samples(end_ms))
