"""The engine: requests in, updates out, one `tick` at a time; has no thread and awaits nothing.

A tick takes in what has arrived, starts the jobs that are due, and runs one packed batch per kind
of work over all of them: chunks through the stem, windows through the encoder, passes and single
tokens through the decoder. A job is a step (a generator, see `sequence.py`) and waits for nothing
but its own answers, so streams join and leave at any tick.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from .config import UNSURE_BELOW
from .encoder import TOKENS_PER_CHUNK
from .job import Job
from .kv_pool import KVLedger
from .runner import EncodeWork, ForwardWork, Runner, StemWork
from .scheduler import Rank, Scheduler
from .segment import Segment, Spent
from .sequence import Limits, PromptIds, Sequence
from .stream import Stream
from .tokenizer import Tokenizer
from .types import (
    SAMPLE_RATE,
    Abort,
    CapacityError,
    Close,
    Configure,
    Configured,
    EngineError,
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

W = TypeVar("W", StemWork, EncodeWork, ForwardWork)


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What this engine can hold; derived from its model and configuration at start.

    `segment_tokens` bounds prompt, audio and text of one segment together.
    """

    max_streams: int
    max_segment_s: int
    segment_tokens: int
    languages: tuple[str, ...]
    unsure_below: float = UNSURE_BELOW


def segment_tokens(seconds: int) -> int:
    """Tokens of a segment of this length without its prompt head: audio, tail and text."""
    tail = 16  # <|audio_end|> to the language tag
    return TOKENS_PER_CHUNK * seconds + tail + Limits.for_audio(seconds * SAMPLE_RATE).max_tokens


class Engine:
    """Runs the streams of one model on one device. Call it from one thread at a time."""

    def __init__(
        self,
        runner: Runner,
        tokenizer: Tokenizer,
        limits: EngineLimits,
        *,
        model_name: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.runner, self.tokenizer, self.limits = runner, tokenizer, limits
        self.model_name = model_name
        self._clock = clock
        self._ledger: KVLedger = runner.ledger
        self._scheduler = Scheduler(runner.ledger)
        self._streams: dict[StreamId, Stream] = {}
        self._jobs: list[Job] = []
        self._updates: list[tuple[StreamId, EngineUpdate]] = []

    @property
    def counters(self) -> WorkCounters:
        return self.runner.counters

    def handle(self, request: EngineRequest) -> None:
        """Take a request; its answer comes with the updates of a later tick.

        Requests of streams that have ended are ignored: they crossed the stream's last update.
        """
        try:
            match request:
                case Open():
                    self._open(request)
                case Abort(stream=stream_id):
                    self._drop(stream_id)
                case _ if request.stream not in self._streams:
                    pass
                case Configure():
                    self._configure(request)
                case Feed() | Finalize() | Close():
                    self._streams[request.stream].push(request)
        except EngineError as error:
            self._fail(request.stream, error)

    def tick(self) -> list[tuple[StreamId, EngineUpdate]]:
        """Do one round of work and return what there is to say, in order per stream."""
        now = self._clock()
        for stream_id, stream in list(self._streams.items()):
            self._advance(stream_id, stream, now)
        running = [job for job in self._jobs if job.steps is not None]
        waiting = [job for job in self._jobs if job.steps is None]
        for job in self._scheduler.to_start(waiting, len(running)):
            job.start(now)
        self._run(StemWork, self.runner.stems)
        self._run(EncodeWork, self.runner.encode)
        self._run_forward(single=False)
        self._run_forward(single=True)
        return self._collect()

    @property
    def idle(self) -> bool:
        """Nothing to do until the next request. Audits the page ledger when so."""
        if self._jobs or any(stream.has_work for stream in self._streams.values()):
            return False
        self._ledger.audit()
        return True

    def new_sequence(self, context: str) -> Sequence:
        """A sequence of this engine's model, for a clip that is no stream."""
        prompt = PromptIds.of(self.tokenizer, context)
        return Sequence(prompt, self._ledger, self.counters)

    # --- streams ---------------------------------------------------------------------------------

    def _open(self, request: Open) -> None:
        if len(self._streams) >= self.limits.max_streams:
            raise CapacityError(f"all {self.limits.max_streams} streams of this engine are taken")
        self._check(request.options)
        self._streams[request.stream] = Stream(request.audio, request.options, self._new_segment)
        self._updates.append((request.stream, Opened(self.model_name)))

    def _configure(self, request: Configure) -> None:
        stream = self._streams[request.stream]
        answer: EngineUpdate = Configured()
        try:
            options = stream.accepted.with_changes(**request.changes)
            self._check(options)
            stream.configure(options)
        except OptionError as error:
            answer = Refused(error)
        self._updates.append((request.stream, answer))

    def _check(self, options: StreamOptions) -> None:
        if options.language is not None and options.language not in self.limits.languages:
            raise OptionError(
                f"language is {options.language!r}, this model knows "
                f"{', '.join(self.limits.languages)}"
            )
        if options.segment_limit_s > self.limits.max_segment_s:
            raise OptionError(
                f"segment_limit_s is {options.segment_limit_s}, "
                f"this model allows at most {self.limits.max_segment_s}"
            )
        wanted = len(self.tokenizer.prompt_head(options.context)) + segment_tokens(
            options.segment_limit_s
        )
        if wanted > self.limits.segment_tokens:
            raise OptionError(
                f"context is {wanted - self.limits.segment_tokens} tokens too long "
                f"for segments of {options.segment_limit_s} s"
            )

    def _new_segment(self, index: int, start_sample: int, options: StreamOptions) -> Segment:
        sequence = self.new_sequence(options.context)
        return Segment(index, start_sample, options, sequence, self.tokenizer)

    def _advance(self, stream_id: StreamId, stream: Stream, now: float) -> None:
        try:
            stream.advance()
            self._plan_jobs(stream_id, stream, now)
        except EngineError as error:
            self._fail(stream_id, error)
        except Exception:  # noqa: BLE001 - our fault; the other streams go on
            _log.exception("stream %d failed", stream_id)
            self._fail(stream_id, EngineError("the engine failed on this stream"))

    def _plan_jobs(self, stream_id: StreamId, stream: Stream, now: float) -> None:
        """One job per segment: a final when it has ended, else a step, else windows ahead."""
        busy = {id(job.segment) for job in self._jobs}
        new = partial(Job, stream_id, due_at=now)
        for segment in [entry.segment for entry in stream.finishing if entry.final is None]:
            if id(segment) in busy:
                continue
            ready = segment.ready_final()
            if ready is not None:
                stream.final_done(segment, ready, Spent(0.0, 0.0))
            else:
                self._jobs.append(
                    new(segment=segment, rank=Rank.FINAL, make_steps=segment.final_step)
                )
        segment = stream.open
        if segment is None or id(segment) in busy:
            return
        heard = segment.due_samples()
        ahead = segment.options.final_window_s
        if heard is not None:
            steps = partial(segment.step, heard)
            self._jobs.append(new(segment=segment, rank=Rank.STEP, make_steps=steps))
        elif segment.sequence.windows_ahead(ahead) > 0:
            steps = partial(segment.sequence.encode_ahead, ahead)
            self._jobs.append(new(segment=segment, rank=Rank.AHEAD, make_steps=steps))

    def _fail(self, stream_id: StreamId, error: EngineError) -> None:
        self._drop(stream_id)
        self._updates.append((stream_id, Failed(error)))

    def _drop(self, stream_id: StreamId) -> None:
        stream = self._streams.pop(stream_id, None)
        if stream is None:
            return
        for job in [job for job in self._jobs if job.stream_id == stream_id]:
            if job.steps is not None:
                job.steps.close()
            self._jobs.remove(job)
        stream.release()

    # --- batches ---------------------------------------------------------------------------------

    def _run(self, kind: type[W], run: Callable[[list[W]], list]) -> None:
        """One packed batch of all work of this kind that is waiting."""
        jobs = [job for job in self._jobs if isinstance(job.work, kind)]
        if jobs:
            self._answer(jobs, run)

    def _run_forward(self, *, single: bool) -> None:
        """Passes of several tokens, or the single-token decodes, in one packed batch."""
        ready = [
            job
            for job in self._jobs
            if isinstance(job.work, ForwardWork) and (job.num_new == 1) == single
        ]
        if not ready:
            return
        busy = {id(job.segment) for job in self._jobs if job.steps is not None}
        resting = [s.open for s in self._streams.values() if s.open is not None]
        chosen = self._scheduler.to_forward(
            ready, [s.sequence for s in resting if id(s) not in busy and s.sequence.num_kv_tokens]
        )
        if chosen:
            self._answer(chosen, self.runner.forward)
        else:
            # All pages are with jobs in mid-decode: the one that can wait longest starts again.
            max(ready, key=lambda job: (job.rank, job.due_at)).restart()

    def _answer(self, jobs: list[Job], run: Callable[[list], list]) -> None:
        """Run one batch; when the device fails, the streams in it fail and the others go on."""
        try:
            answers = run([job.work for job in jobs])
        except Exception as error:  # noqa: BLE001 - whatever the device says
            for job in jobs:
                job.fail(error)
            return
        for job, answer in zip(jobs, answers, strict=True):
            job.resume(answer)

    def _hand_over(self, job: Job) -> None:
        """A finished job's result to its stream."""
        stream = self._streams[job.stream_id]
        queue_ms = (job.started_at - job.due_at) * 1000
        spent = Spent(queue_ms, (self._clock() - job.started_at) * 1000)
        if job.result is None:
            return
        if job.rank is Rank.FINAL:
            stream.final_done(job.segment, job.result, spent)
        else:
            stream.step_done(job.segment, job.result, spent)

    def _collect(self) -> list[tuple[StreamId, EngineUpdate]]:
        """Hand finished jobs to their streams and gather what there is to say."""
        for job in [job for job in self._jobs if job.done]:
            if job.error is not None:
                _log.error("stream %d failed", job.stream_id, exc_info=job.error)
                self._fail(job.stream_id, EngineError("the engine failed on this stream"))
            else:
                self._jobs.remove(job)
                self._hand_over(job)
        for stream_id, stream in list(self._streams.items()):
            self._updates += [(stream_id, update) for update in stream.take_updates()]
            if stream.closed and not stream.finishing:
                self._drop(stream_id)
        updates, self._updates = self._updates, []
        return updates
