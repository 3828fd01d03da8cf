"""Finals on their way through a forced aligner: those of all streams wait here, and go together.

The aligner only adds times. Whatever keeps it from doing so, the final goes out with the times
that were estimated, and no stream fails.
"""

import logging
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, replace

from ..streams.segment import Segment
from ..types import SAMPLE_RATE, Final, StreamId
from .aligner import TIME_STEP_MS, Aligner, Utterance
from .splitting import punctuated
from .word_times import WordTime

_log = logging.getLogger(__name__)

MAX_WAITING = 256
"""Finals that may wait; past that they go out with estimated times."""
_BATCH_S, _CPU_BATCH_S = 600.0, 30.0
"""Audio of a batch at most (or one final, however long): a pass over it holds up all streams."""

_STEP = SAMPLE_RATE * TIME_STEP_MS // 1000

Passes = Generator[None, None, list[list[WordTime]]]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A final of a stream, and the segment it is of."""

    stream_id: StreamId
    segment: Segment
    final: Final


class AlignmentDesk:
    """Owns the aligner. One caller at a time."""

    def __init__(self, aligner: Aligner) -> None:
        self._aligner = aligner
        self._batch_s = _CPU_BATCH_S if aligner.model.device.type == "cpu" else _BATCH_S
        self._waiting: deque[Ticket] = deque()
        self._batch: list[Ticket | None] = []  # in the aligner; None is a stream's that has gone
        self._passes: Passes | None = None

    def __len__(self) -> int:
        return len(self._waiting) + len(self._batch)

    def take(self, ticket: Ticket) -> bool:
        """Queue a final; False when it has nothing to align or there is no room."""
        final = ticket.final
        seconds = (final.end_sample - final.start_sample) / SAMPLE_RATE
        can = (
            final.language in self._aligner.languages
            and bool(final.words)
            and seconds <= self._aligner.max_clip_s
            and len(self._waiting) < MAX_WAITING
        )
        if can:
            self._waiting.append(ticket)
        return can

    def drop(self, stream_id: StreamId) -> None:
        """Forget the finals of a stream."""
        self._waiting = deque(ticket for ticket in self._waiting if ticket.stream_id != stream_id)
        self._batch = [t if t and t.stream_id != stream_id else None for t in self._batch]
        if not any(self._batch):
            self._batch, self._passes = [], None

    def run(self, *, is_hurried: bool = False) -> list[Ticket]:
        """One pass over the finals that have waited longest, together.

        After their last one they are returned, with their times. Where it `is_hurried` as they
        begin that is also the first one, see `Aligner.passes`.
        """
        try:
            if self._passes is None:
                self._begin(in_one=is_hurried)
            if self._passes is not None:
                next(self._passes)
        except StopIteration as done:
            return self._end(done.value)
        except Exception:  # noqa: BLE001 - it only adds times
            return self._fail()
        return []

    def _begin(self, *, in_one: bool) -> None:
        seconds = 0.0
        while self._waiting:
            final = self._waiting[0].final
            seconds += (final.end_sample - final.start_sample) / SAMPLE_RATE
            if self._batch and seconds > self._batch_s:
                break
            self._batch.append(self._waiting.popleft())
        if self._batch:
            utterances = [_utterance(ticket) for ticket in self._batch if ticket]
            self._passes = self._aligner.passes(utterances, in_one=in_one)

    def _end(self, found: list[list[WordTime]]) -> list[Ticket]:
        try:
            timed = [
                _timed(ticket, words) if words else ticket
                for ticket, words in zip(self._batch, found, strict=True)
                if ticket
            ]
        except Exception:  # noqa: BLE001 - as above
            return self._fail()
        self._batch, self._passes = [], None
        return timed

    def _fail(self) -> list[Ticket]:
        """To be called where an exception is handled."""
        tickets = [ticket for ticket in self._batch if ticket]
        self._batch, self._passes = [], None
        _log.exception("the aligner failed; %d finals keep estimated times", len(tickets))
        return tickets


def _utterance(ticket: Ticket) -> Utterance:
    return Utterance(ticket.segment.samples(), ticket.final.text, ticket.final.language or "")


def _timed(ticket: Ticket, words: list[WordTime]) -> Ticket:
    final = ticket.final
    length = final.end_sample - final.start_sample
    spans = punctuated(final.text, [(word.begin_char, word.end_char) for word in words])
    times = with_length(
        [(_sample(word.start_s, length), _sample(word.end_s, length)) for word in words], length
    )
    return replace(ticket, final=ticket.segment.retimed(final, spans, times))


def with_length(times: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Words that begin and end in the same step get one, where the words beside them leave it."""
    given: list[tuple[int, int]] = []
    for (start, end), (following, _) in zip(times, [*times[1:], (length, length)], strict=True):
        if start == end:
            before = given[-1][1] if given else 0
            end = min(start + _STEP, max(start, following))
            start = max(min(start, end - _STEP), min(start, before))
        given.append((start, end))
    return given


def _sample(time_s: float, length: int) -> int:
    """A time from the segment's start as a sample of the segment."""
    return min(max(0, round(time_s * SAMPLE_RATE)), length)
