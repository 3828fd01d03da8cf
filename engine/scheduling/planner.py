"""Which jobs the segments of a stream need now; knows streams and load, and computes nothing."""

from collections.abc import Callable
from functools import partial

from ..streams.segment import Segment
from ..streams.stream import Stream
from ..types import StreamId
from .job import Job, JobSteps
from .ladder import Pressure
from .scheduler import Rank
from .workbench import Workbench


class Planner:
    """Puts jobs on the bench: one per segment, a final when it has ended, else a step."""

    def __init__(self, bench: Workbench, pressure: Pressure) -> None:
        self._bench, self._pressure = bench, pressure

    def plan(self, stream_id: StreamId, stream: Stream, now: float) -> None:
        """The jobs of a stream that has heard something, or of which a job has ended."""
        for segment in stream.undecoded():
            self._bench.withdraw(segment)
            if not self._bench.has(segment):
                self._add(stream_id, stream, segment, Rank.FINAL, segment.final_step, now)
        segment = stream.open
        if segment is None or self._bench.has(segment):
            return
        heard = stream.due_samples(self._pressure.ladder.stretch, now)
        ahead = segment.options.final_window_s
        if heard is not None:
            steps = partial(segment.step, heard)
            self._add(stream_id, stream, segment, Rank.STEP, steps, now, heard=heard)
        elif segment.sequence.windows_ahead(ahead) > 0:
            steps = partial(segment.sequence.encode_ahead, ahead)
            self._add(stream_id, stream, segment, Rank.AHEAD, steps, now)

    def _add(
        self,
        stream_id: StreamId,
        stream: Stream,
        segment: Segment,
        rank: Rank,
        make_steps: Callable[[], JobSteps],
        now: float,
        *,
        heard: int | None = None,
    ) -> None:
        in_time = rank is Rank.AHEAD or not stream.is_ahead(now)
        due_at = min(now, stream.heard_at)
        job = Job(
            stream_id,
            segment,
            rank if in_time else Rank.CATCH_UP,
            spoken_at=due_at if heard is None else stream.spoken_at(heard),
            due_at=due_at,
            deadline=due_at + segment.options.cadence_ms / 1000,
            is_final=rank is Rank.FINAL,
            make_steps=make_steps,
        )
        self._bench.add(job)
