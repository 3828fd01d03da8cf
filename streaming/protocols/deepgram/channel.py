"""One channel of a Deepgram stream: which ranges are told, and when an utterance is over.

    0 ────────── told_ms ───────────────────── heard
    finals, gapless   │ interims restate this  │

Ranges follow one another without a gap: a final begins where the one before ended, so that the
silence before a segment is its own, and long silence is told in finals without text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ...events import (
    Bye,
    Event,
    Final,
    Finalized,
    Heard,
    Partial,
    SpeechEnded,
    SpeechStarted,
)
from ..base import Say
from .results import Map, Range, Style, alternative_of, results, silence

SILENCE_MS = 5_000  # is told in pieces as long as this
UNSETTLED_MS = 500  # speech that begins now may be dated back so far


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every channel of a connection.

    `pauses_end`: a pause ends an utterance. After `utterance_end_ms` without a word it is told to
    be over; None never does. Segments of `cut_ms` may have been cut in mid-speech.
    """

    pauses_end: bool
    utterance_end_ms: int | None
    vad_events: bool
    cut_ms: int


class Channel:
    """Turns what a stream says into messages. `place` is [channel, number of channels]."""

    def __init__(self, place: Sequence[int], rules: Rules, style: Style, metadata: Map) -> None:
        self.style = style
        self._place, self._rules, self._metadata = list(place), rules, metadata
        self._told_ms = 0
        self._in_segment = False
        self._speech_end_ms = 0  # of the segment that has ended
        self._num_flushes = 0  # asked for and not acknowledged
        self._held: Final | None = None  # while it is not sure whose it is
        self._utterance: _Utterance | None = None  # the last one, until its `UtteranceEnd`

    def will_flush(self) -> None:
        """A `Finalized` is going to come."""
        self._num_flushes += 1

    def said(self, event: Event) -> list[Say]:
        """The messages an event of the stream leads to."""
        if isinstance(event, Finalized):
            return self._flushed(event)
        return [*self._let_go(), *self._told(event)]

    def _told(self, event: Event) -> list[Say]:
        match event:
            case SpeechStarted():
                return self._started(event)
            case Partial():
                return [self._interim(event)]
            case SpeechEnded():
                self._speech_end_ms = event.end_ms
                return []
            case Final():
                return self._ended(event)
            case Heard() if not self._in_segment:
                return [*self._silence(event.end_ms), *self._utterance_end(event.end_ms)]
            case Bye():
                return [*self._rest(event.end_ms), *self._utterance_end(event.end_ms)]
            case _:
                return []

    # --- a segment ---

    def _started(self, event: SpeechStarted) -> list[Say]:
        self._in_segment = True
        said = self._utterance_end(event.start_ms)
        if self._rules.vad_events:
            at = event.start_ms / 1000
            said.append(Say({"type": "SpeechStarted", "channel": self._place, "timestamp": at}))
        return said

    def _interim(self, partial: Partial) -> Say:
        range_ = Range(self._place, self._told_ms, max(self._told_ms, partial.end_ms), False)
        message = results(range_, alternative_of(partial, self.style), self._metadata)
        return Say(message, replaces=("interim", self._place[0]))

    def _ended(self, final: Final) -> list[Say]:
        """A final that a flush may have brought about waits for the next event, which says so.

        The engine says both in one breath.
        """
        self._in_segment = False
        if self._num_flushes:
            self._held = final
            return []
        return [self._final(final, from_finalize=False)]

    def _let_go(self) -> list[Say]:
        final, self._held = self._held, None
        return [] if final is None else [self._final(final, from_finalize=False)]

    def _flushed(self, event: Finalized) -> list[Say]:
        self._num_flushes -= 1
        final, self._held = self._held, None
        if final is not None:
            return [self._final(final, from_finalize=True)]
        if self._utterance is not None:
            self._utterance.is_closed = True
        return [self._empty(event.end_ms - UNSETTLED_MS, speech_final=True, from_finalize=True)]

    def _final(self, final: Final, *, from_finalize: bool) -> Say:
        alternative = alternative_of(final, self.style)
        speech_final = from_finalize or self._ends_utterance(final)
        if alternative["transcript"]:
            end_ms = final.words[-1]["end_ms"] if final.words else self._speech_end_ms
            self._utterance = _Utterance(end_ms)
        if self._utterance is not None:
            self._utterance.is_closed = speech_final
        start_ms, self._told_ms = self._told_ms, max(self._told_ms, final.end_ms)
        range_ = Range(self._place, start_ms, self._told_ms, True, speech_final, from_finalize)
        return Say(results(range_, alternative, self._metadata))

    def _ends_utterance(self, final: Final) -> bool:
        """Whether a pause ended the segment. Where its limit did, the voice went on behind it."""
        may_be_cut = final.end_ms - final.start_ms >= self._rules.cut_ms
        is_cut = may_be_cut and self._speech_end_ms >= final.end_ms
        return self._rules.pauses_end and not is_cut

    # --- no segment ---

    def _silence(self, heard_ms: int) -> list[Say]:
        settled_ms = heard_ms - UNSETTLED_MS
        return [self._empty(settled_ms)] if settled_ms - self._told_ms >= SILENCE_MS else []

    def _rest(self, end_ms: int) -> list[Say]:
        return [self._empty(end_ms)] if end_ms > self._told_ms else []

    def _empty(
        self, end_ms: int, *, speech_final: bool = False, from_finalize: bool = False
    ) -> Say:
        start_ms, self._told_ms = self._told_ms, max(self._told_ms, end_ms)
        range_ = Range(self._place, start_ms, self._told_ms, True, speech_final, from_finalize)
        return Say(results(range_, silence(), self._metadata))

    def _utterance_end(self, at_ms: int) -> list[Say]:
        """Due when so long after the last word there is no other one."""
        utterance, wait_ms = self._utterance, self._rules.utterance_end_ms
        if utterance is None or wait_ms is None or at_ms - utterance.last_word_ms < wait_ms:
            return []
        self._utterance = None
        last_word_end = -1 if utterance.is_closed else utterance.last_word_ms / 1000
        message = {"type": "UtteranceEnd", "channel": self._place, "last_word_end": last_word_end}
        return [Say(message)]


@dataclass(slots=True)
class _Utterance:
    """`is_closed`: a `speech_final` has said that it is over."""

    last_word_ms: int
    is_closed: bool = False
