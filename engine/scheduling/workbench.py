"""Jobs on their way: starts those that are due and packs the work of all into batches.

Knows jobs, the scheduler and the runner; knows no streams and nothing of what a job is for.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from ..decoding.runner import EncodeWork, ForwardWork, Runner, StemWork
from ..streams.segment import Segment
from ..types import StreamId
from .job import Job
from .scheduler import Budget, Holder, Scheduler, starts_at

W = TypeVar("W", StemWork, EncodeWork, ForwardWork)

_MORE_ROUNDS_S, _FINAL_ROUNDS_S = 0.03, 0.06
"""How long a tick goes on after its first round, so that short steps, and finals where they have it
to themselves, end in the tick they began."""
_SPARE_ROUND_S = 0.005


class Workbench:
    """The jobs of one engine. One tick at a time."""

    def __init__(self, runner: Runner, clock: Callable[[], float]) -> None:
        self._runner, self._clock = runner, clock
        self._scheduler = Scheduler(runner.ledger, Budget.for_device(runner.model.device.type))
        self._jobs: list[Job] = []
        self._busy: set[Segment] = set()

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def num_live(self) -> int:
        return sum(job.rank.is_live for job in self._jobs)

    @property
    def num_idle_slots(self) -> int:
        """How many more jobs that are not live could run now; none while a live one does."""
        return 0 if self.num_live else max(0, self._scheduler.budget.max_spare - len(self._jobs))

    def num_spare_turns(self, now: float) -> int:
        """How many streams that are in no hurry may take in audio now."""
        return self._scheduler.num_spare_turns(self.num_live, now)

    def has(self, segment: Segment) -> bool:
        """Whether a job of this segment waits or runs: there is one at a time."""
        return segment in self._busy

    def add(self, job: Job) -> None:
        self._jobs.append(job)
        self._busy.add(job.segment)

    def withdraw(self, segment: Segment) -> None:
        """Forget the segment's step that has not begun: its final is due."""
        for job in [job for job in self._jobs if job.segment is segment and job.steps is None]:
            if not job.is_final:
                self._remove(job)

    def drop(self, stream_id: StreamId) -> None:
        """Forget the jobs of a stream."""
        for job in [job for job in self._jobs if job.stream_id == stream_id]:
            if job.steps is not None:
                job.steps.close()
            self._remove(job)

    def rest_s(self, now: float, gather_s: float) -> float:
        """How long all jobs do nothing but wait for others to start with; 0 without any jobs."""
        if any(job.steps is not None for job in self._jobs):
            return 0.0
        first = min((starts_at(job, gather_s) for job in self._jobs), default=now)
        return max(0.0, first - now)

    def run(
        self, resting: Callable[[], Iterable[Segment]], now: float, gather_s: float = 0.0
    ) -> list[Job]:
        """Start what is due and do some rounds of work; returns the jobs that ended.

        Steps wait for others to start with, at multiples of `gather_s`. Pages may be taken from
        the segments `resting` gives, but for those whose job has begun.
        """
        running = [job for job in self._jobs if job.steps is not None]
        waiting = [job for job in self._jobs if job.steps is None]
        for job in self._scheduler.to_start(waiting, running, now, gather_s):
            job.start(now)
            running.append(job)
        active = self._scheduler.to_run(running, now)
        self._round(active, resting)
        are_finals = all(job.is_final for job in active)
        until = self._clock() + (_FINAL_ROUNDS_S if are_finals else _MORE_ROUNDS_S)
        while any(job.rank.is_live and job.work for job in active) and self._clock() < until:
            self._round(active, resting)
        ended = [job for job in self._jobs if job.done]
        for job in ended:
            self._remove(job)
        return ended

    def _remove(self, job: Job) -> None:
        self._jobs.remove(job)
        self._busy.discard(job.segment)

    # --- batches ---------------------------------------------------------------------------------

    def _round(self, active: Sequence[Job], resting: Callable[[], Iterable[Segment]]) -> None:
        """One packed batch of each kind of work that is waiting, if some of it is live.

        Of work that is in no hurry it is what little time allows, and one batch at least: what
        falls due meanwhile waits for it.
        """
        is_live = any(job.rank.is_live for job in active)
        until = self._clock() + _SPARE_ROUND_S
        for batch in (
            lambda: self._run(active, StemWork, self._runner.stems),
            lambda: self._run(active, EncodeWork, self._runner.encode),
            lambda: self._run_forward(active, resting, short=False),
            lambda: self._run_forward(active, resting, short=True),
        ):
            if batch() and not is_live and self._clock() >= until:
                return

    def _run(self, active: Sequence[Job], kind: type[W], run: Callable[[list[W]], list]) -> bool:
        """Whether there was any of this kind."""
        jobs = [job for job in active if isinstance(job.work, kind)]
        if not jobs:
            return False
        for job, answer in zip(jobs, self._try(jobs, run, [j.work for j in jobs]), strict=False):
            job.resume(answer)
        return True

    def _run_forward(
        self, active: Sequence[Job], resting: Callable[[], Iterable[Segment]], *, short: bool
    ) -> bool:
        """Passes of many tokens, or those of one and the few guesses behind it; whether any.

        They are batches of their own, for who wants one token would wait for a whole prefill.
        """
        longest = self._scheduler.budget.short_tokens
        ready = [
            job
            for job in active
            if isinstance(job.work, ForwardWork) and (job.num_new <= longest) == short
        ]
        if not ready:
            return False
        chosen = self._scheduler.to_forward(ready, self._holders(resting))
        if not chosen:
            self._make_room()
            return True
        jobs = [job for job, _ in chosen]
        began = self._clock()
        answers = self._try(jobs, self._runner.forward, [job.part(n) for job, n in chosen])
        if not short:
            self._scheduler.note_pass(sum(n for _, n in chosen), self._clock() - began)
        for (job, num_tokens), answer in zip(chosen, answers, strict=False):
            job.fed(num_tokens, answer)
        return True

    def _holders(self, resting: Callable[[], Iterable[Segment]]) -> Iterator[Holder]:
        running = {job.segment for job in self._jobs if job.steps is not None}
        for segment in resting():
            if segment.sequence.num_kv_tokens and segment not in running:
                yield segment.sequence

    def _make_room(self) -> None:
        """All pages are with jobs in mid-decode: the one that can wait longest starts again."""
        holding = [job for job in self._jobs if isinstance(job.work, ForwardWork)]
        max(holding, key=lambda job: (job.rank, job.deadline)).restart()

    def _try(self, jobs: list[Job], run: Callable[[list], list], works: list) -> list:
        """Run one batch; when the device fails, the streams in it fail and the others go on."""
        try:
            return run(works)
        except Exception as error:  # noqa: BLE001 - whatever the device says
            for job in jobs:
                job.fail(error)
            return []
