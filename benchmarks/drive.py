"""Runs streams through an engine on this thread, at the engine's pace or at the speakers'.

Knows requests and updates; knows no sockets, and of time only a clock that jumps over idleness: a
run at the speakers' pace takes as long as the engine computes, and every figure is what it would
be had it waited.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.speech import Speech
from hark.engine.engine import Engine
from hark.engine.types import (
    SAMPLE_RATE,
    Abort,
    AudioFormat,
    Close,
    Closed,
    EngineUpdate,
    Failed,
    Feed,
    Finalize,
    Finalized,
    Open,
    Partial,
    StreamId,
    StreamOptions,
)

_DRAIN_S = 10.0  # after the last frame: what is not out by then is counted as an error


class SetClock:
    """A clock that stands still until it is set: the engine seems to compute in no time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run_alone(
    engine: Engine, clock: SetClock, speech: Speech, options: StreamOptions, *, block_ms: int
) -> Iterator[EngineUpdate]:
    """One stream of which no step is left out: each block is worked off before the next is fed.

    `clock` is the engine's and is set to when each block would have been spoken.

    Raises:
        EngineError: an option is refused.
    """
    begins_at = clock.now
    engine.handle(Open(0, AudioFormat(), options))
    for end, payload, ends in speech.blocks(block_ms):
        clock.now = begins_at + end / SAMPLE_RATE
        engine.handle(Feed(0, payload))
        if ends:
            engine.handle(Finalize(0, str(end)))
        yield from _until_idle(engine)
    engine.handle(Close(0))
    yield from _until_idle(engine)


def _until_idle(engine: Engine) -> Iterator[EngineUpdate]:
    while True:
        for _, update in engine.tick():
            if isinstance(update, Failed):
                raise update.error
            yield update
        if engine.idle:
            return


class SkippingClock:
    """Seconds from its start; runs with the real one and can be set forward."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._origin = clock()

    def __call__(self) -> float:
        return self._clock() - self._origin

    def skip_to(self, at: float) -> None:
        """Set forward to `at`; nothing when that has passed."""
        self._origin -= max(0.0, at - self())


@dataclass(slots=True)
class PacedStream:
    """One live speaker: when each of its blocks is due, and what was heard back so far."""

    speech: Speech
    begins_at: float
    ends: list[int] = field(default_factory=list)  # of its blocks, in samples
    asked: dict[str, float] = field(default_factory=dict)  # finalize id: when
    first_partials: set[int] = field(default_factory=set)  # segments that have had one

    def due(self, end_sample: int) -> float:
        return self.begins_at + end_sample / SAMPLE_RATE

    def arrived(self, sample: int) -> float:
        """When the block that holds this sample was due."""
        at = bisect_left(self.ends, sample)
        return self.due(self.ends[min(at, len(self.ends) - 1)])


@dataclass(slots=True)
class Lags:
    """Seconds between audio and what was made of it, after the warm-up."""

    partial: list[float] = field(default_factory=list)
    first_partial: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    errors: int = 0
    wall_s: float = 0.0  # with the idle time jumped over
    busy_s: float = 0.0


class PacedRun:
    """Many speakers at once, on an absolute schedule: a late block makes no later one late."""

    def __init__(
        self,
        engine: Engine,
        clock: SkippingClock,
        streams: list[PacedStream],
        *,
        block_ms: int,
        warm_up_s: float,
    ) -> None:
        """`clock` is the engine's, and near 0."""
        self._engine, self._streams, self._warm_up_s = engine, streams, warm_up_s
        self._schedule = self._plan(block_ms)
        self._clock = clock
        self._open = len(streams)
        self.lags = Lags()

    def _plan(self, block_ms: int) -> list[tuple[float, StreamId, int, bytes, bool]]:
        schedule = []
        for stream_id, stream in enumerate(self._streams):
            for end, payload, ends in stream.speech.blocks(block_ms):
                stream.ends.append(end)
                schedule.append((stream.due(end), stream_id, end, payload, ends))
        return sorted(schedule, key=lambda block: block[:3])

    def run(self, options: StreamOptions, *, progress: Callable[[float], None]) -> Lags:
        """From the first block to the last `Closed`; `progress` is told the schedule's seconds."""
        for stream_id in range(len(self._streams)):
            self._engine.handle(Open(stream_id, AudioFormat(), options))
        last_due = self._schedule[-1][0]
        at = 0
        while self._open and self._clock() < last_due + _DRAIN_S:
            at = self._feed(at)
            rest_s = self._engine.rest_s
            if rest_s > 0 and at < len(self._schedule):
                self._clock.skip_to(min(self._schedule[at][0], self._clock() + rest_s))
                continue
            began = self._clock()
            updates = self._engine.tick()
            now = self._clock()
            self.lags.busy_s += now - began
            for stream_id, update in updates:
                self._take(self._streams[stream_id], update, now)
            progress(min(now, last_due))
        self._end()
        return self.lags

    def _feed(self, at: int) -> int:
        """Hand over every block that is due; the index of the first that is not."""
        now = self._clock()
        while at < len(self._schedule) and self._schedule[at][0] <= now:
            due, stream_id, end, payload, ends = self._schedule[at]
            stream = self._streams[stream_id]
            self._engine.handle(Feed(stream_id, payload), due)
            if ends:
                stream.asked[str(end)] = due
                self._engine.handle(Finalize(stream_id, str(end)), due)
            if end == stream.ends[-1]:
                self._engine.handle(Close(stream_id), due)
            at += 1
        return at

    def _take(self, stream: PacedStream, update: EngineUpdate, now: float) -> None:
        match update:
            case Partial(segment=segment, end_sample=end_sample):
                arrived = stream.arrived(end_sample)
                self._note(self.lags.partial, arrived, now)
                if segment not in stream.first_partials:
                    stream.first_partials.add(segment)
                    self._note(self.lags.first_partial, arrived, now)
            case Finalized(id=asked_id):
                self._note(self.lags.final, stream.asked.pop(asked_id), now)
            case Closed():
                self._open -= 1
            case Failed():
                self._open -= 1
                self.lags.errors += 1
            case _:
                pass

    def _note(self, lags: list[float], since: float, now: float) -> None:
        if since >= self._warm_up_s:
            lags.append(now - since)

    def _end(self) -> None:
        """Whoever is still open has fallen too far behind."""
        self.lags.errors += self._open
        self.lags.wall_s = self._clock()
        for stream_id in range(len(self._streams)):
            self._engine.handle(Abort(stream_id))
        self._engine.tick()
