"""Who runs first and who gets pages; no tensors."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.engine.decoding.kv_pool import KVLedger, Lease
from hark.engine.scheduling.scheduler import Budget, Rank, Scheduler, starts_at


@dataclass(eq=False)
class Job:
    rank: Rank
    deadline: float
    lease: Lease = field(default_factory=Lease)
    num_new: int = 1
    num_choices: int = 1
    spoken_at: float = 0.0


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


def new_scheduler(**budget: float) -> Scheduler:
    return Scheduler(KVLedger(num_pages=1, page_tokens=1), Budget(**budget))  # pyright: ignore[reportArgumentType]


@given(waiting=jobs, running=jobs)
def test_finals_first_then_by_deadline(waiting: list[Job], running: list[Job]) -> None:
    started = new_scheduler(max_jobs=8, max_spare=2).to_start(waiting, running, 9.0)
    for is_live, limit in ((True, 8), (False, 2)):
        chosen = [job for job in started if job.rank.is_live is is_live]
        keys = [(job.rank, job.deadline) for job in chosen]
        assert keys == sorted(keys)
        before = sum(job.rank.is_live is is_live for job in running)
        wanting = [job for job in waiting if job.rank.is_live is is_live]
        assert len(chosen) == min(len(wanting), max(0, limit - before))
        held = [job for job in wanting if job not in chosen]
        assert all((job.rank, job.deadline) >= keys[-1] for job in held if keys)


@given(
    waiting=st.lists(
        st.builds(Job, st.sampled_from(Rank), st.floats(0, 9), spoken_at=st.floats(0, 0.5)),
        max_size=12,
    ),
    now=st.floats(0.0, 1.0),
    gather_s=st.just(0.0) | st.floats(0.01, 0.3),
)
def test_steps_start_together_and_nothing_else_waits_for_company(
    waiting: list[Job], now: float, gather_s: float
) -> None:
    started = new_scheduler().to_start(waiting, [], now, gather_s)
    for job in waiting:
        if job.rank is Rank.FINAL:
            assert job in started
        elif job.rank is Rank.STEP:
            begin = starts_at(job, gather_s)
            assert (job in started) is (begin <= now)
            if gather_s:
                assert gather_s - 1e-9 <= begin - job.spoken_at <= 2 * gather_s + 1e-9
                assert begin / gather_s == pytest.approx(round(begin / gather_s))
                later = replace(job, spoken_at=job.spoken_at + 3 * gather_s)
                waited = starts_at(later, gather_s) - begin
                assert waited == pytest.approx(3 * gather_s) or waited == pytest.approx(
                    4 * gather_s
                ), "the same wait, but for rounding"


def test_finals_have_every_other_tick_to_themselves() -> None:
    scheduler = new_scheduler()
    final, step = Job(Rank.FINAL, 0.0), Job(Rank.STEP, 0.0)
    ticks = [scheduler.to_run([final, step], float(now)) for now in range(4)]
    assert ticks == [[final], [final, step], [final], [final, step]]
    assert scheduler.to_run([step], 4.0) == [step]


@given(running=jobs, every=st.floats(0.1, 1.0), tick=st.floats(0.01, 0.5))
def test_live_work_is_never_held_up_and_the_rest_gets_a_bounded_share(
    running: list[Job], every: float, tick: float
) -> None:
    scheduler = new_scheduler(spare_every_s=every)
    finals = [job for job in running if job.rank is Rank.FINAL]
    live = [job for job in running if job.rank.is_live]
    spare = [job for job in running if not job.rank.is_live]
    turns, num_ticks = 0, 50
    for number in range(1, num_ticks + 1):
        active = scheduler.to_run(running, number * tick)
        alone = bool(finals) and number % 2 == 1  # finals have every other tick to themselves
        now_live = finals if alone else live
        assert [job for job in active if job.rank.is_live] == now_live
        turns += len(active) - len(now_live)
    if live and spare:
        assert 1 <= turns <= num_ticks * tick / every + 2
    else:
        assert turns == num_ticks * len(spare)


def test_work_that_had_the_engine_to_itself_has_had_its_turn() -> None:
    scheduler = new_scheduler(spare_every_s=0.25)
    step, spare = Job(Rank.STEP, 0.0), Job(Rank.CATCH_UP, 0.0)
    assert scheduler.to_run([spare], 1.0) == [spare]
    assert scheduler.to_run([step, spare], 1.2) == [step]
    assert scheduler.to_run([step, spare], 1.3) == [step, spare]


@given(num_live=st.integers(0, 3), at=st.floats(0, 1))
def test_audio_that_can_wait_is_taken_in_when_work_on_it_may_run(num_live: int, at: float) -> None:
    scheduler = new_scheduler(max_spare=3, spare_every_s=0.25)
    scheduler.to_run([Job(Rank.STEP, 0.0), Job(Rank.CATCH_UP, 0.0)], 1.0)
    now = 1.0 + at
    expected = 3 if num_live == 0 else int(now >= 1.25)
    assert scheduler.num_spare_turns(num_live, now) == expected


def feed(scheduler: Scheduler, ready: list[Job]) -> list[tuple[Job, int]]:
    """What `to_forward` says, and what the passes then do to the jobs."""
    chosen = scheduler.to_forward(ready, [])
    for job, num_tokens in chosen:
        job.lease.num_tokens += num_tokens
        job.num_new -= num_tokens
    return chosen


@given(sizes=st.lists(st.tuples(st.integers(2, 300), st.integers(1, 60)), min_size=1, max_size=6))
def test_passes_are_bounded_and_every_token_is_fed_in_order(sizes: list[tuple[int, int]]) -> None:
    ledger = KVLedger(num_pages=100, page_tokens=100)
    scheduler = Scheduler(ledger, Budget(max_tokens=100))
    ready = [
        Job(Rank.STEP, float(at), ledger.open(), max(new, choices), choices)
        for at, (new, choices) in enumerate(sizes)
    ]
    wanted = [job.num_new for job in ready]
    while left := [job for job in ready if job.num_new]:
        first = min(left, key=lambda job: job.deadline)
        could_wait = first.num_new - first.num_choices
        chosen = feed(scheduler, left)
        assert chosen[0][0] is first, "the most urgent one always goes on"
        # Only choices that do not fit at all may be more than the bound, and then alone.
        total = sum(num_tokens for _, num_tokens in chosen)
        assert total <= 100 or (len(chosen) == 1 and could_wait == 0)
        assert all(job.num_new == 0 or job.num_new >= job.num_choices for job, _ in chosen)
    assert [job.lease.num_tokens for job in ready] == wanted


def test_passes_shrink_to_what_the_device_does_in_time_and_grow_again() -> None:
    scheduler = Scheduler(
        KVLedger(num_pages=100, page_tokens=100), Budget(pass_s=0.1, min_tokens=64)
    )
    ready = [Job(Rank.STEP, 0.0, scheduler.ledger.open(), 4000)]
    scheduler.note_pass(1000, 1.0)
    assert scheduler.to_forward(ready, [])[0][1] == 100
    scheduler.note_pass(100, 5.0)
    assert scheduler.to_forward(ready, [])[0][1] == 64
    for _ in range(40):
        scheduler.note_pass(scheduler.to_forward(ready, [])[0][1], 0.01)
    assert scheduler.to_forward(ready, [])[0][1] == 4000


def test_pages_come_from_those_at_rest_longest_first() -> None:
    ledger = KVLedger(num_pages=6, page_tokens=10)
    resting = []
    for tokens in (10, 30, 20):
        lease = ledger.open()
        assert ledger.grow(lease, tokens)
        lease.num_tokens = tokens
        resting.append(Resting(ledger, lease))
    job = Job(Rank.FINAL, 0.0, ledger.open(), 25)
    assert Scheduler(ledger).to_forward([job], resting) == [(job, 25)]
    assert [holder.num_kv_tokens for holder in resting] == [10, 0, 20]
    ledger.audit()


def test_a_job_without_pages_waits() -> None:
    ledger = KVLedger(num_pages=2, page_tokens=10)
    first, second = Job(Rank.STEP, 0.0, ledger.open(), 15), Job(Rank.STEP, 1.0, ledger.open(), 15)
    assert Scheduler(ledger).to_forward([second, first], []) == [(first, 15)]
