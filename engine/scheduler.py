"""Which jobs run in this tick, and who gets KV pages; integers and deadlines, never a tensor.

Deadlines come before fairness, fairness before throughput: finals first, then the steps that have
been due longest, then work done ahead. A job that was started is never held up by one that was not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeVar

from .kv_pool import KVLedger, Lease


class Rank(IntEnum):
    """What kind of job it is; lower goes first."""

    FINAL = 0
    STEP = 1
    AHEAD = 2


class Schedulable(Protocol):
    """What the scheduler needs to know of a job."""

    @property
    def rank(self) -> Rank: ...
    @property
    def due_at(self) -> float: ...


class Forwardable(Schedulable, Protocol):
    """A job that waits for a forward pass of `num_new` tokens at the end of `lease`."""

    @property
    def lease(self) -> Lease: ...
    @property
    def num_new(self) -> int: ...


class Holder(Protocol):
    """A sequence at rest whose pages could be taken: it would prefill again later."""

    @property
    def num_kv_tokens(self) -> int: ...

    def release(self) -> None: ...


J = TypeVar("J", bound=Schedulable)
F = TypeVar("F", bound=Forwardable)


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds of one tick, so that no stream's long pass holds up everyone's next token."""

    max_jobs: int = 64
    max_tokens: int = 4096


class Scheduler:
    """Pure policy over a ledger."""

    def __init__(self, ledger: KVLedger, budget: Budget | None = None) -> None:
        self.ledger = ledger
        self.budget = budget or Budget()

    def to_start(self, waiting: Iterable[J], num_running: int) -> list[J]:
        """The waiting jobs to start now. Work ahead starts only when nothing else is there."""
        room = self.budget.max_jobs - num_running
        ordered = sorted(waiting, key=lambda job: (job.rank, job.due_at))
        urgent = [job for job in ordered if job.rank is not Rank.AHEAD]
        if urgent or num_running:
            return urgent[: max(room, 0)]
        return ordered[:1]

    def to_forward(self, ready: Sequence[F], resting: Sequence[Holder]) -> list[F]:
        """The jobs whose forward pass runs in this tick; their leases have grown to hold it.

        Pages that are short are taken from sequences at rest, longest first. A job that cannot get
        its pages waits for a tick in which others have given theirs back.
        """
        chosen: list[F] = []
        victims = sorted(resting, key=lambda holder: holder.num_kv_tokens)
        tokens = 0
        for job in sorted(ready, key=lambda job: (job.rank, job.due_at)):
            tokens += job.num_new
            if chosen and tokens > self.budget.max_tokens:
                break
            wanted = job.lease.num_tokens + job.num_new
            while not self.ledger.grow(job.lease, wanted) and victims:
                victims.pop().release()
            if self.ledger.pages_missing(job.lease, wanted) == 0:
                chosen.append(job)
        return chosen
