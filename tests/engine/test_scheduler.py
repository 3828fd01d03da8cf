"""Who runs first and who gets pages; no tensors."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from hark.engine.kv_pool import KVLedger, Lease
from hark.engine.scheduler import Budget, Rank, Scheduler


@dataclass
class Job:
    rank: Rank
    due_at: float
    lease: Lease = field(default_factory=Lease)
    num_new: int = 1


@dataclass
class Resting:
    ledger: KVLedger
    lease: Lease

    @property
    def num_kv_tokens(self) -> int:
        return self.lease.num_tokens

    def release(self) -> None:
        self.ledger.truncate(self.lease, 0)


jobs = st.lists(st.builds(Job, st.sampled_from(Rank), st.floats(0, 9)), max_size=12)


@given(jobs, st.integers(0, 12))
def test_finals_first_then_the_longest_due(waiting: list[Job], running: int) -> None:
    scheduler = Scheduler(KVLedger(num_pages=1, page_tokens=1), Budget(max_jobs=8))
    started = scheduler.to_start(waiting, running)
    keys = [(job.rank, job.due_at) for job in started]
    assert keys == sorted(keys)
    assert len(started) <= max(0, 8 - running)
    held = [job for job in waiting if all(job is not other for other in started)]
    if started and Rank.AHEAD not in [job.rank for job in started]:
        assert all((job.rank, job.due_at) >= keys[-1] for job in held)


@given(jobs, st.integers(0, 2))
def test_work_ahead_only_when_there_is_nothing_else(waiting: list[Job], running: int) -> None:
    scheduler = Scheduler(KVLedger(num_pages=1, page_tokens=1))
    started = scheduler.to_start(waiting, running)
    if any(job.rank is Rank.AHEAD for job in started):
        assert running == 0
        assert len(started) == 1
        assert all(job.rank is Rank.AHEAD for job in waiting)


def test_a_tick_is_bounded_and_never_empty() -> None:
    scheduler = Scheduler(KVLedger(num_pages=100, page_tokens=10), Budget(max_tokens=100))
    ledger = scheduler.ledger
    ready = [Job(Rank.STEP, at, ledger.open(), 60) for at in range(3)]
    assert scheduler.to_forward(ready, []) == ready[:1]
    ready[0].num_new = 1000
    assert scheduler.to_forward(ready[:1], []) == ready[:1]  # larger than the budget, but first


def test_pages_come_from_those_at_rest_longest_first() -> None:
    ledger = KVLedger(num_pages=6, page_tokens=10)
    resting = []
    for tokens in (10, 30, 20):
        lease = ledger.open()
        assert ledger.grow(lease, tokens)
        lease.num_tokens = tokens
        resting.append(Resting(ledger, lease))
    job = Job(Rank.FINAL, 0.0, ledger.open(), 25)
    assert Scheduler(ledger).to_forward([job], resting) == [job]
    assert [holder.num_kv_tokens for holder in resting] == [10, 0, 20]
    ledger.audit()


def test_a_job_without_pages_waits() -> None:
    ledger = KVLedger(num_pages=2, page_tokens=10)
    first, second = Job(Rank.STEP, 0.0, ledger.open(), 15), Job(Rank.STEP, 1.0, ledger.open(), 15)
    assert Scheduler(ledger).to_forward([second, first], []) == [first]
