"""The participants of a meeting and the lines that hear them, for both of Jitsi's ways.

A line begins with a participant's sound, is closed when none has come for `IDLE_S`, and begins anew
with the next. Captions carry the same id from the first interim of an utterance to its final.
Knows no message and no packet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Generic, TypeVar

from hark.engine.types import AudioFormat, StreamOptions

from ...effects import Hangup
from ...errors import BadOptionError
from ...events import AudioIn, CloseIn, Event, Final, Hello, Partial, SpeechStarted
from ..base import Action, House, LineId, Stay, Tell
from ..wire import language_of
from .timeline import Timeline

MAX_PARTICIPANTS = 256  # whose sound one connection carries
IDLE_S = 30.0  # without sound, and the line is closed
RETRY_S = 5.0  # after a line was refused or failed, and the participant is heard again

_NORMAL = 1000
_BYE = Hangup(_NORMAL, "bye")


@dataclass(slots=True, eq=False)
class Source:
    """Sound under a name of the client's, of a participant.

    `language` is the one it was asked to be in, None if the model decides; `spoken` the last one
    that was heard.
    """

    name: str
    participant: str
    language: str | None = None
    spoken: str | None = None
    hearing: "Hearing | None" = None
    heard_at: float = 0.0
    refused_until: float = 0.0


@dataclass(slots=True, eq=False)
class Hearing:
    """What one line has heard of a source, `fed_ms` so far, and what it has not told in full."""

    line: LineId
    source: Source
    timeline: Timeline = field(default_factory=Timeline)
    fed_ms: float = 0.0
    offset_ms: float | None = None  # of the sender's clock from `fed_ms`, where it has one
    open: dict[int, tuple[str, int]] = field(default_factory=dict)  # segment: id, when it began


@dataclass(frozen=True, slots=True)
class Caption:
    """The whole text of an utterance so far, or for good.

    `at_ms` is the time of day of its begin, `language` the English name of what it is in,
    `confidence` a probability, `stability` the share of the text that stays as it is.
    """

    id: str
    line: LineId
    source: Source
    at_ms: int
    text: str
    language: str | None
    confidence: float
    stability: float
    is_final: bool


AnySource = TypeVar("AnySource", bound=Source)


class Meeting(Generic[AnySource]):
    """Every participant of one connection. `options` are those of each line, but the language."""

    def __init__(self, house: House, audio: AudioFormat, options: StreamOptions) -> None:
        self.sources: dict[str, AnySource] = {}
        self.is_ending = False
        self._farewell = _BYE
        self._house = house
        self._audio, self._options = audio, options
        self._hearings: dict[LineId, Hearing] = {}
        self._numbers = count(1)  # lines are numbered: what a client calls them goes into no log
        self._deadline: float | None = None  # no line can be idle before

    def time_ms(self, now: float) -> float:
        """The time of day in milliseconds since 1970."""
        return (self._house.epoch + now) * 1000

    def admit(self, source: AnySource) -> AnySource | None:
        """A source that was not there; None while `MAX_PARTICIPANTS` others are heard."""
        if len(self.sources) >= MAX_PARTICIPANTS:
            silent = (each for each in self.sources.values() if each.hearing is None)
            longest = min(silent, key=lambda each: each.heard_at, default=None)
            if longest is None:
                return None
            del self.sources[longest.name]
        self.sources[source.name] = source
        return source

    def listen(self, source: AnySource, now: float) -> list[Action]:
        """Sound of a source has come: begin its line if it has none and may have one."""
        source.heard_at = now
        if source.hearing is not None or self.is_ending or now < source.refused_until:
            return []
        hearing = Hearing(str(next(self._numbers)), source)
        self._hearings[hearing.line] = source.hearing = hearing
        if self._deadline is None:
            self._deadline = now + IDLE_S
        options = replace(self._options, language=source.language)
        return [Tell(hearing.line, Hello(self._audio, options))]

    def feed(self, hearing: Hearing, payload: bytes, sound_ms: float) -> Tell:
        """The next bytes of a line, and how long they sound."""
        hearing.fed_ms += sound_ms
        return Tell(hearing.line, AudioIn(payload))

    def close(self, source: AnySource) -> list[Action]:
        """Let a source's line tell the rest; sound that comes later begins another one."""
        hearing, source.hearing = source.hearing, None
        return [] if hearing is None else [Tell(hearing.line, CloseIn())]

    # --- what lines say ---

    def said(self, line: LineId, event: Event) -> Caption | None:
        """The caption an event makes, if it makes one."""
        hearing = self._hearings.get(line)
        match event:
            case _ if hearing is None:
                return None
            case SpeechStarted():
                self._utterance(hearing, event)
            case Partial():
                caption_id, at_ms = self._utterance(hearing, event)
                text = event.stable + event.unstable
                stability = len(event.stable) / max(1, len(text))
                return _caption(hearing, event, caption_id, at_ms, text, stability)
            case Final():
                caption_id, at_ms = self._utterance(hearing, event)
                del hearing.open[event.segment]
                hearing.source.spoken = event.language or hearing.source.spoken
                return _caption(hearing, event, caption_id, at_ms, event.text, 1.0)
            case _:
                pass
        return None

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        """A line is over; the connection is with the last one, if it was ended."""
        hearing = self._hearings.pop(line, None)
        if hearing is None:
            return []
        if hearing.source.hearing is hearing:
            hearing.source.hearing = None
        if farewell.code != _NORMAL:
            hearing.source.refused_until = now + RETRY_S
        return self._hang_up_when_ended()

    def _utterance(self, hearing: Hearing, event: Event) -> tuple[str, int]:
        """The id of a segment's utterance and when it was begun, the same until its final."""
        if event.segment not in hearing.open:
            at_ms = hearing.timeline.begin_of(event.start_ms)
            hearing.open[event.segment] = self._house.new_id(), at_ms
        return hearing.open[event.segment]

    # --- the end ---

    def end(self, farewell: Hangup = _BYE) -> list[Action]:
        """No more sound will be heard: tell what was, then hang up."""
        self.is_ending = True
        self._farewell = farewell
        closing = [action for source in self.sources.values() for action in self.close(source)]
        return [*closing, *self._hang_up_when_ended()]

    def left(self) -> list[Action]:
        """The client sends nothing more; it is waited for while a line has something to tell."""
        return [Stay(), *self.end()] if self._hearings else []

    def _hang_up_when_ended(self) -> list[Action]:
        return [self._farewell] if self.is_ending and not self._hearings else []

    # --- time ---

    def next_deadline(self) -> float | None:
        return self._deadline

    def timed_out(self, now: float) -> list[Action]:
        """Close the lines nothing has come for."""
        if self._deadline is None or now < self._deadline:
            return []
        heard = [source for source in self.sources.values() if source.hearing is not None]
        idle = [source for source in heard if now >= source.heard_at + IDLE_S]
        closing = [action for source in idle for action in self.close(source)]
        left = (source.heard_at + IDLE_S for source in heard if source.hearing is not None)
        self._deadline = min(left, default=None)
        return closing


def _caption(
    hearing: Hearing,
    event: Partial | Final,
    caption_id: str,
    at_ms: int,
    text: str,
    stability: float,
) -> Caption | None:
    """None where there are no words: an empty caption is none."""
    if not text.strip():
        return None
    return Caption(
        id=caption_id,
        line=hearing.line,
        source=hearing.source,
        at_ms=at_ms,
        text=text.strip(),
        language=event.language or hearing.source.language or hearing.source.spoken,
        confidence=min(1.0, max(0.0, float(event.confidence))),
        stability=round(stability, 2),
        is_final=isinstance(event, Final),
    )


def wanted_language(tag: str, languages: Sequence[str]) -> str | None:
    """The language a participant is said to speak; None where the model has to find out.

    That is so for one it does not know, too: who names it speaks all the same.
    """
    try:
        return language_of(tag, languages)
    except BadOptionError:
        return None
