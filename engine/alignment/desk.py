"""Finals on their way through a forced aligner: those of all streams wait here, and go together.

The aligner only adds times. Whatever keeps it from doing so, the final goes out with the times
that were estimated, and no stream fails.
"""

import logging
from collections import deque
from dataclasses import dataclass

from ..streams.segment import Segment
from ..types import SAMPLE_RATE, Final, StreamId
from .aligner import Aligner, Utterance, WordTime
from .splitting import punctuated

_log = logging.getLogger(__name__)

MAX_WAITING = 256
"""Finals that may wait; past that they go out with estimated times."""
_BATCH_S, _CPU_BATCH_S = 600.0, 30.0
"""Audio of one turn at most (or one final, however long): it holds up all streams."""


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

    def __len__(self) -> int:
        return len(self._waiting)

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

    def run(self) -> list[Ticket]:
        """Align the finals that have waited longest, together; returns them with their times."""
        batch: list[Ticket] = []
        seconds = 0.0
        while self._waiting:
            final = self._waiting[0].final
            seconds += (final.end_sample - final.start_sample) / SAMPLE_RATE
            if batch and seconds > self._batch_s:
                break
            batch.append(self._waiting.popleft())
        return self._align(batch) if batch else []

    def _align(self, batch: list[Ticket]) -> list[Ticket]:
        utterances = [
            Utterance(ticket.segment.samples(), ticket.final.text, ticket.final.language or "")
            for ticket in batch
        ]
        try:
            found = self._aligner.align(utterances)
            return [
                Ticket(ticket.stream_id, ticket.segment, _timed(ticket, words)) if words else ticket
                for ticket, words in zip(batch, found, strict=True)
            ]
        except Exception:  # noqa: BLE001 - it only adds times
            _log.exception("the aligner failed; %d finals keep estimated times", len(batch))
            return batch


def _timed(ticket: Ticket, words: list[WordTime]) -> Final:
    final = ticket.final
    length = final.end_sample - final.start_sample
    spans = punctuated(final.text, [(word.begin_char, word.end_char) for word in words])
    times = [(_sample(word.start_s, length), _sample(word.end_s, length)) for word in words]
    return ticket.segment.retimed(final, spans, times)


def _sample(time_s: float, length: int) -> int:
    """A time from the segment's start as a sample of the segment."""
    return min(max(0, round(time_s * SAMPLE_RATE)), length)
