"""The engine: requests in, updates out, one `tick` at a time; has no thread and awaits nothing.

A tick takes in what has arrived, starts the jobs that are due, and runs one packed batch per kind
of work over all of them: chunks through the stem, windows through the encoder, passes and single
tokens through the decoder. A job is a step (a generator, see `sequence.py`) and waits for nothing
but its own answers, so streams join and leave at any tick.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator

from .alignment.aligner import Aligner
from .alignment.desk import AlignmentDesk, Ticket
from .decoding.habits import Habits
from .decoding.kv_pool import KVLedger
from .decoding.runner import Runner
from .decoding.sequence import Hypothesis, PromptIds, Sequence
from .limits import EngineLimits
from .model.tokenizer import Tokenizer
from .scheduling.job import Job
from .scheduling.ladder import Pressure
from .scheduling.phases import free_phase
from .scheduling.planner import Planner
from .scheduling.scheduler import Rank
from .scheduling.workbench import Workbench
from .streams.segment import Segment, Spent
from .streams.stream import Stream
from .types import (
    Abort,
    CapacityError,
    Close,
    Configure,
    Configured,
    EngineError,
    EngineLoad,
    EngineRequest,
    EngineUpdate,
    Failed,
    Feed,
    Finalize,
    Open,
    Opened,
    OptionError,
    Refused,
    StreamId,
    StreamOptions,
    WorkCounters,
)

_log = logging.getLogger(__name__)

_SLOTS_PER_SECOND = 4  # idle slots for which a stream that is ahead takes in another second a tick


class Engine:
    """Runs the streams of one model on one device. Call it from one thread at a time.

    With an `aligner`, finals wait for the times of their words; without, those are estimated.
    """

    def __init__(
        self,
        runner: Runner,
        tokenizer: Tokenizer,
        limits: EngineLimits,
        *,
        model_name: str,
        aligner: Aligner | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.runner, self.tokenizer, self.limits = runner, tokenizer, limits
        self.model_name = model_name
        self._clock = clock
        self._ledger: KVLedger = runner.ledger
        self._bench = Workbench(runner, lambda: self._clock())
        self._desk = None if aligner is None else AlignmentDesk(aligner)
        self._pressure = Pressure(limits.max_streams, clock())
        self._habits = Habits()
        self._planner = Planner(self._bench, self._pressure)
        self._streams: dict[StreamId, Stream] = {}
        self._awake: dict[StreamId, None] = {}  # in order: those with something to do or to say
        self._updates: list[tuple[StreamId, EngineUpdate]] = []
        self._is_audited = False

    @property
    def counters(self) -> WorkCounters:
        return self.runner.counters

    @property
    def load(self) -> EngineLoad:
        """How hard it works for live streams."""
        pressure = self._pressure
        return EngineLoad(
            pressure.busy_ratio,
            pressure.lateness_s,
            pressure.ladder.stretch,
            min(self.limits.max_streams, int(pressure.capacity.streams)),
        )

    def handle(self, request: EngineRequest, arrived_at: float | None = None) -> None:
        """Take a request; its answer comes with the updates of a later tick.

        `arrived_at`, on the engine's clock, is when it came, None for now. Requests of streams
        that have ended are ignored: they crossed the stream's last update.
        """
        now = self._clock() if arrived_at is None else arrived_at
        try:
            match request:
                case Open():
                    self._open(request, now)
                case Abort(stream=stream_id):
                    self._drop(stream_id)
                    return
                case _ if request.stream not in self._streams:
                    return
                case Configure():
                    self._configure(request, now)
                case Feed() | Finalize() | Close():
                    self._streams[request.stream].push(request, now)
            self._awake[request.stream] = None
        except EngineError as error:
            self._fail(request.stream, error)

    def tick(self) -> list[tuple[StreamId, EngineUpdate]]:
        """Do one round of work and return what there is to say, in order per stream."""
        now = self._clock()
        touched, self._awake = self._awake, {}
        is_live = self._take_in(touched, now)
        for job in self._bench.run(self._segments, now, self._pressure.gather_s):
            touched[job.stream_id] = None
            self._is_audited = False
            self._end_job(job)
        self._align(touched)
        self._note_time(now, is_live=is_live)
        self._gather(touched)
        updates, self._updates = self._updates, []
        return updates

    @property
    def idle(self) -> bool:
        """Nothing to do until the next request. Audits the page ledger once when it becomes so."""
        if self._awake or len(self._bench) or self._desk:
            return False
        if not self._is_audited:
            self._ledger.audit()
            self._is_audited = True
        return True

    @property
    def rest_s(self) -> float:
        """How long it has nothing to do if no request comes: without end when it is idle."""
        if self.idle:
            return math.inf
        if self._awake or self._desk:
            return 0.0
        return self._bench.rest_s(self._clock(), self._pressure.gather_s)

    def new_sequence(self, context: str) -> Sequence:
        """A sequence of this engine's model, for a clip that is no stream."""
        prompt = PromptIds.of(self.tokenizer, context)
        return Sequence(prompt, self._ledger, self.counters, self._habits)

    # --- streams ---------------------------------------------------------------------------------

    def _open(self, request: Open, now: float) -> None:
        if len(self._streams) >= self.limits.max_streams:
            raise CapacityError(f"all {self.limits.max_streams} streams of this engine are taken")
        self._check(request.options)
        stream = Stream(request.audio, request.options, self._new_segment, now)
        self._streams[request.stream] = stream
        self._updates.append((request.stream, Opened(self.model_name)))

    def _configure(self, request: Configure, now: float) -> None:
        stream = self._streams[request.stream]
        answer: EngineUpdate = Configured()
        try:
            options = stream.accepted.with_changes(**request.changes)
            self._check(options)
            stream.configure(options, now)
        except OptionError as error:
            answer = Refused(error)
        self._updates.append((request.stream, answer))

    def _check(self, options: StreamOptions) -> None:
        self.limits.check(options, head_tokens=len(self.tokenizer.prompt_head(options.context)))

    def _new_segment(self, index: int, start_sample: int, options: StreamOptions) -> Segment:
        sequence = self.new_sequence(options.context)
        segments = (stream.open for stream in self._streams.values())
        phase = free_phase(s.phase for s in segments if s is not None and s.options.partials)
        return Segment(index, start_sample, options, sequence, self.tokenizer, phase=phase)

    def _segments(self) -> Iterator[Segment]:
        """All that may hold pages: open ones, and those that wait for their final."""
        for stream in self._streams.values():
            yield from (entry.segment for entry in stream.finishing)
            if stream.open is not None:
                yield stream.open

    def _take_in(self, awake: Iterable[StreamId], now: float) -> bool:
        """What has arrived, and the jobs that makes due; whether there is live work.

        Streams that are ahead take turns: a few of them in a tick that is theirs.
        """
        num_spare = self._bench.num_spare_turns(now)
        was_live = self._bench.num_live > 0
        had_turn: list[StreamId] = []
        for stream_id in awake:
            stream = self._streams.get(stream_id)
            if stream is None:
                continue
            waits = stream.is_ahead(now) and num_spare <= 0
            num_spare -= stream.is_ahead(now)
            self._advance(stream_id, stream, now, waits=waits)
            if waits and stream.has_requests:
                self._awake[stream_id] = None
            elif stream.has_requests:
                had_turn.append(stream_id)
        self._awake.update(dict.fromkeys(had_turn))
        return was_live or self._bench.num_live > 0

    def _advance(self, stream_id: StreamId, stream: Stream, now: float, *, waits: bool) -> None:
        """Let a stream take in what has come; one that is ahead sees to it that no slot is idle."""
        slots = self._bench.num_idle_slots if stream.is_ahead(now) else 0
        ahead_seconds = 0 if waits else 1 + slots // _SLOTS_PER_SECOND
        try:
            stream.advance(now, ahead_seconds=ahead_seconds, spare_finals=slots)
            for segment in stream.undecoded():
                ready = None if self._bench.has(segment) else segment.ready_final()
                if ready is not None:
                    self._end_final(stream_id, stream, segment, ready, Spent(0.0, 0.0))
            self._planner.plan(stream_id, stream, now)
        except EngineError as error:
            self._fail(stream_id, error)
        except Exception:  # noqa: BLE001 - our fault; the other streams go on
            _log.exception("stream %d failed", stream_id)
            self._fail(stream_id, EngineError("the engine failed on this stream"))

    def _fail(self, stream_id: StreamId, error: EngineError) -> None:
        self._drop(stream_id)
        self._updates.append((stream_id, Failed(error)))

    def _drop(self, stream_id: StreamId) -> None:
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            self._awake.pop(stream_id, None)
            self._bench.drop(stream_id)
            if self._desk is not None:
                self._desk.drop(stream_id)
            stream.release()

    # --- the end of a tick -----------------------------------------------------------------------

    def _end_job(self, job: Job) -> None:
        """A job's result to its stream, which may have the next thing to do."""
        stream = self._streams.get(job.stream_id)
        if stream is None:
            return  # another of its jobs failed in this tick
        if job.error is not None:
            _log.error("stream %d failed", job.stream_id, exc_info=job.error)
            self._fail(job.stream_id, EngineError("the engine failed on this stream"))
            return
        self._awake[job.stream_id] = None
        late_s, took_s = job.started_at - job.due_at, self._clock() - job.started_at
        if job.rank is Rank.STEP:
            cadence_s = job.segment.options.cadence_ms / 1000
            self._pressure.note_step(late_s=late_s, took_s=took_s, cadence_s=cadence_s)
        if job.result is None:
            return
        spent = Spent(late_s * 1000, took_s * 1000)
        try:
            if job.is_final:
                self._habits.learn(job.result.tokens)
                self._end_final(job.stream_id, stream, job.segment, job.result, spent)
            else:
                stream.step_done(job.segment, job.result, spent)
        except Exception:  # noqa: BLE001 - our fault; the other streams go on
            _log.exception("stream %d failed", job.stream_id)
            self._fail(job.stream_id, EngineError("the engine failed on this stream"))

    def _end_final(
        self,
        stream_id: StreamId,
        stream: Stream,
        segment: Segment,
        hypothesis: Hypothesis,
        spent: Spent,
    ) -> None:
        """A final goes out by way of the aligner, where there is one and time for it."""
        final = segment.final_done(hypothesis, spent)
        desk = self._desk if self._pressure.ladder.stretch <= 1 else None
        if desk is None or not desk.take(Ticket(stream_id, segment, final)):
            stream.final_done(segment, final)

    def _align(self, touched: dict[StreamId, None]) -> None:
        """One pass over finals that wait for the times of their words."""
        is_hurried = not self._pressure.is_at_leisure
        for ticket in self._desk.run(is_hurried=is_hurried) if self._desk else ():
            self._streams[ticket.stream_id].final_done(ticket.segment, ticket.final)
            self._awake[ticket.stream_id] = None
            touched[ticket.stream_id] = None

    def _note_time(self, began: float, *, is_live: bool) -> None:
        """What the tick says about the load; a new stretch concerns every stream."""
        now = self._clock()
        if is_live:
            self._pressure.note_busy(now - began)
        if self._pressure.update(len(self._streams), self._bench.num_live, now):
            self._awake.update(dict.fromkeys(self._streams))

    def _gather(self, touched: Iterable[StreamId]) -> None:
        """What these streams have to say; those that have said all are gone."""
        for stream_id in touched:
            stream = self._streams.get(stream_id)
            if stream is None:
                continue
            self._updates += [(stream_id, update) for update in stream.take_updates()]
            if stream.closed and not stream.finishing:
                self._drop(stream_id)
