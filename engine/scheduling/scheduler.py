"""Which jobs run in this tick, and who gets KV pages; integers and deadlines, never a tensor.

Deadlines come before fairness, fairness before throughput: finals first, then the steps whose next
one falls due soonest. Streams that send faster than people speak, and work done ahead, get the time
that live streams leave: they run while no live job does, and one of them now and then anyway. A job
that was started is never held up by one that was not.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeVar

from ..decoding.kv_pool import KVLedger, Lease


class Rank(IntEnum):
    """What kind of job it is; lower goes first. The last two are not live."""

    FINAL = 0
    STEP = 1
    CATCH_UP = 2
    AHEAD = 3

    @property
    def is_live(self) -> bool:
        return self <= Rank.STEP


class Schedulable(Protocol):
    """What the scheduler needs to know of a job.

    `spoken_at` is when the last sample it hears was spoken, `deadline` when it should have ended.
    """

    @property
    def rank(self) -> Rank: ...
    @property
    def spoken_at(self) -> float: ...
    @property
    def deadline(self) -> float: ...


class Forwardable(Schedulable, Protocol):
    """A job that waits for a forward pass of `num_new` tokens at the end of `lease`.

    All but the last `num_choices` may be fed in an earlier pass.
    """

    @property
    def lease(self) -> Lease: ...
    @property
    def num_new(self) -> int: ...
    @property
    def num_choices(self) -> int: ...


class Holder(Protocol):
    """A sequence at rest whose pages could be taken: it would prefill again later."""

    @property
    def num_kv_tokens(self) -> int: ...

    def release(self) -> None: ...


J = TypeVar("J", bound=Schedulable)
F = TypeVar("F", bound=Forwardable)


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds of one tick, so that no stream's long pass holds up everyone's next token.

    `max_tokens` bounds the tokens of one pass; it shrinks to what the device does in `pass_s`, but
    not below `min_tokens`. Passes of at most `short_tokens` are one batch. Of the jobs that are not
    live `max_spare` run at once, and when live ones leave no time one of them has a turn each
    `spare_every_s`.
    """

    max_jobs: int = 64
    max_tokens: int = 4096
    short_tokens: int = 8
    min_tokens: int = 128
    pass_s: float = 0.08
    max_spare: int = 2
    spare_every_s: float = 0.25

    @classmethod
    def for_device(cls, kind: str) -> "Budget":
        """Devices other than CPUs run several hundred streams in one batch.

        Their graphs are of single tokens.
        """
        if kind == "cpu":
            return cls()
        return cls(max_jobs=1024, max_tokens=16_384, short_tokens=1, max_spare=32)


class Scheduler:
    """Pure policy over a ledger."""

    def __init__(self, ledger: KVLedger, budget: Budget | None = None) -> None:
        self.ledger = ledger
        self.budget = budget or Budget()
        self._max_tokens = self.budget.max_tokens
        self._spare_turn_at = 0.0
        self._alone = False

    def to_start(
        self, waiting: Iterable[J], running: Sequence[J], now: float, gather_s: float = 0.0
    ) -> list[J]:
        """The waiting jobs to start now: the live ones there is room for, and few others.

        Steps start together at whole multiples of `gather_s`, for passes that many share cost far
        less than passes of their own. See `starts_at`.
        """
        ordered = sorted(waiting, key=_turn)
        live = [job for job in ordered if job.rank.is_live and starts_at(job, gather_s) <= now]
        spare = [job for job in ordered if not job.rank.is_live]
        num_spare = sum(not job.rank.is_live for job in running)
        num_live = len(running) - num_spare
        return (
            live[: max(0, self.budget.max_jobs - num_live)]
            + spare[: max(0, self.budget.max_spare - num_spare)]
        )

    def to_run(self, running: Sequence[J], now: float) -> list[J]:
        """The started jobs that take part in this tick.

        Finals have every other tick to themselves: a stream waits for its final and nothing else,
        while its next step is one of many.
        """
        finals = [job for job in running if job.rank is Rank.FINAL]
        self._alone = bool(finals) and not self._alone
        live = finals if self._alone else [job for job in running if job.rank.is_live]
        spare = sorted((job for job in running if not job.rank.is_live), key=_turn)
        if not spare or (live and now < self._spare_turn_at):
            return live
        self._spare_turn_at = now + self.budget.spare_every_s
        return [*live, spare[0]] if live else spare

    def num_spare_turns(self, num_live: int, now: float) -> int:
        """How many streams may begin work that is not live, beside so much live work."""
        if num_live == 0:
            return self.budget.max_spare
        return 1 if now >= self._spare_turn_at else 0

    def to_forward(self, ready: Sequence[F], resting: Iterable[Holder]) -> list[tuple[F, int]]:
        """The jobs whose forward pass runs now, and how many of their tokens are fed.

        Their leases have grown to hold them. A pass that would take too long is fed in parts. Pages
        that are short are taken from sequences at rest, longest first. A job that cannot get its
        pages waits until others have given theirs back.
        """
        chosen: list[tuple[F, int]] = []
        victims = _longest_first(resting)
        is_live = any(job.rank.is_live for job in ready)
        left = self._max_tokens if is_live else max(self.budget.min_tokens, self._max_tokens // 4)
        for job in sorted(ready, key=_turn):
            num_tokens = _part(job, left, is_first=not chosen)
            if num_tokens == 0:
                break
            wanted = job.lease.num_tokens + num_tokens
            while not self.ledger.grow(job.lease, wanted) and (victim := next(victims, None)):
                victim.release()
            if self.ledger.pages_missing(job.lease, wanted) == 0:
                chosen.append((job, num_tokens))
                left -= num_tokens
        return chosen

    def note_pass(self, num_tokens: int, seconds: float) -> None:
        """A pass of several tokens took so long: the next ones are sized by it."""
        if seconds > self.budget.pass_s:
            fitting = int(num_tokens * self.budget.pass_s / seconds)
            self._max_tokens = max(self.budget.min_tokens, min(self._max_tokens, fitting))
        elif num_tokens > self._max_tokens // 2:
            self._max_tokens = min(self.budget.max_tokens, self._max_tokens + self._max_tokens // 4)


def starts_at(job: Schedulable, gather_s: float) -> float:
    """When a job may start: a step at the second multiple of `gather_s` after what it hears.

    Counted from when that was spoken, not from when it came: the jitter of frames goes into the
    wait, and where the cadence is a multiple of `gather_s` all steps of a stream wait as long.
    """
    if job.rank is not Rank.STEP or not gather_s:
        return -math.inf
    return math.ceil(job.spoken_at / gather_s + 1) * gather_s


def _turn(job: Schedulable) -> tuple[Rank, float]:
    return job.rank, job.deadline


def _longest_first(holders: Iterable[Holder]) -> Iterator[Holder]:
    """Not looked at before the first is asked for: pages are seldom short."""
    yield from sorted(holders, key=lambda holder: -holder.num_kv_tokens)


def _part(job: Forwardable, room: int, *, is_first: bool) -> int:
    """How many tokens of a job go into a pass with this much room; the first job always goes."""
    if job.num_new <= room:
        return job.num_new
    early = job.num_new - job.num_choices
    if room > 0 and early > 0:
        return min(early, room)
    return job.num_new if is_first else 0
