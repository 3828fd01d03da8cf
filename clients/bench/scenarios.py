"""What is asked of a server: how many streams it carries, and what strangers do to them."""

import math
from collections import Counter
from dataclasses import asdict, replace
from typing import Any, Protocol

from ..errors import UsageError
from .figures import Spread, recovery_s
from .runs import Bench, Run, Span
from .search import CONFIRMATIONS, find_limit
from .speaker import HUNG_UP, Order
from .worker import Outcome

FLOOD_STREAM = 1_000_000
FLOOD_S = 3600.0
FLOOD_ALLOWANCE = (0.10, 0.050)  # p95 may move by this share or by this many seconds
RECOVERY_S = 5.0
AFTER_S = 30.0  # watched after the excess has left
VISIT_S = 2.0
_GREETING_AND_LEAVE_S = 3.0  # of a visit, before and after its audio


class Show(Protocol):
    """Shows a run; `name` says which of several it is."""

    def __call__(self, run: Run, name: str = "") -> None: ...


def limit(bench: Bench, *, start: int, ceiling: int, show: Show) -> dict[str, Any]:
    """N@SLO and every probe on the way; a probe in which the client lagged is tried once more."""
    probes: list[dict[str, Any]] = []

    def probe(streams: int) -> Run:
        run = bench.run(streams, compare="if all else holds")
        probes.append(run.as_dict())
        show(run)
        return run

    def holds(streams: int) -> bool:
        run = probe(streams)
        return (run if run.is_valid else probe(streams)).holds

    found = find_limit(holds, start=start, ceiling=ceiling)
    if probes and not any(run["finalize_s"]["count"] for run in probes):
        raise UsageError("no run was long enough to be judged: more --seconds are needed")
    return {
        "n_at_slo": found,
        "ceiling": ceiling,
        "at_ceiling": found == ceiling,
        "confirmations": CONFIRMATIONS,
        "probes": probes,
    }


def flood(bench: Bench, *, streams: int, show: Show) -> dict[str, Any]:
    """The same load twice, the second time beside one stream that sends an hour at once."""
    alone = bench.run(streams)
    show(alone, "alone")
    beside = bench.run(streams, apart=lambda span: [_greedy(span)])
    flooder = next(o for o in beside.report.outcomes if o.stream == FLOOD_STREAM)
    if not flooder.was_ready:
        raise UsageError(
            f"the stream that floods was not let in ({flooder.ended}): fewer --streams"
        )
    show(beside, "beside a flood")
    moved = {
        name: _moved(getattr(alone.figures, name), getattr(beside.figures, name))
        for name in ("word_s", "finalize_s", "first_partial_s")
    }
    return {
        "alone": alone.as_dict(),
        "beside_flood": beside.as_dict(),
        "p95_moved_s": {name: seconds for name, (seconds, _) in moved.items()},
        "too_far": [name for name, (_, is_fair) in moved.items() if not is_fair],
        "fair": all(is_fair for _, is_fair in moved.values()),
    }


def _greedy(span: Span) -> Order:
    return Order(
        FLOOD_STREAM,
        span.since,
        FLOOD_S,
        paced=False,
        finalizes=False,
        hang_up_at=span.until,
    )


def _moved(before: Spread, after: Spread) -> tuple[float | None, bool]:
    """By how much p95 rose, and whether that is within the allowance."""
    if before.p95 is None or after.p95 is None:
        return None, before.p95 is after.p95
    share, seconds = FLOOD_ALLOWANCE
    moved = after.p95 - before.p95
    return moved, moved <= max(share * before.p95, seconds)


def overload(bench: Bench, *, streams: int, factor: float, show: Show) -> dict[str, Any]:
    """A load, the same with more streams than fit on top, and the same again when they left."""
    before = bench.next_span()
    during = Span(before.until, before.until + bench.seconds)
    after = Span(during.until, during.until + AFTER_S)
    base = [bench.order(stream, Span(before.since, after.until)) for stream in range(streams)]
    excess = [
        _latecomer(stream, during) for stream in range(streams, max(1, round(factor * streams)))
    ]
    orders = base + excess
    what = f"{streams} streams, then {len(orders)}"
    report, server = bench.speak(what, orders, during)
    refused = [o for o in report.outcomes if o.stream >= streams and _is_refusal(o)]
    others = replace(
        report, outcomes=[o for o in report.outcomes if o.stream < streams or not _is_refusal(o)]
    )
    runs = {}
    for name, num, span in (
        ("before", streams, before),
        ("during", len(orders) - len(refused), during),
        ("after", streams, after),
    ):
        runs[name] = bench.judge(num, orders, others, span, server)
        show(runs[name], name)
    recovery = recovery_s(report.logs, after.since, after.until, bench.slo)
    return {
        "base": streams,
        "excess": len(excess),
        "refused": len(refused),
        "refused_without_retry_after": sum(o.retry_after_s is None for o in refused),
        "refusal_codes": dict(Counter(o.ended for o in refused)),
        "retry_after_s": asdict(Spread.of(o.retry_after_s or 0.0 for o in refused)),
        "recovery_s": recovery,
        "kept": runs["before"].holds and runs["during"].holds and recovery <= RECOVERY_S,
        **{name: run.as_dict() for name, run in runs.items()},
    }


def _latecomer(stream: int, during: Span) -> Order:
    """A stream that joins in the first fifth of the span and closes at its end."""
    length = during.until - during.since
    begin = during.since + 0.2 * length * ((stream * 0.618) % 1)
    return Order(stream, begin, during.until - begin)


def _is_refusal(outcome: Outcome) -> bool:
    return not outcome.was_ready and outcome.ended != "bye"


def visits_at_once(visits: int, seconds: float) -> int:
    """How many streams of a soak are open at a time."""
    return math.ceil(visits / seconds * (VISIT_S + _GREETING_AND_LEAVE_S))


def soak(bench: Bench, *, visits: int) -> dict[str, Any]:
    """Short streams one after another, half of which hang up without a word; server memory."""
    begin = bench.next_span().since - bench.warmup_s
    span = Span(begin, begin + bench.seconds)
    orders = []
    for visit in range(visits):
        at = begin + bench.seconds * visit / visits
        hang_up_at = at + 0.75 * VISIT_S if visit % 2 else None
        orders.append(Order(visit, at, VISIT_S, hang_up_at=hang_up_at))
    report, server = bench.speak(f"{visits} visits", orders, span)
    ended = Counter(outcome.ended for outcome in report.outcomes)
    streams_left = bench.target.state().get("streams")
    return {
        "visits": visits,
        "ended": dict(ended),
        "streams_left": streams_left,
        "kept": streams_left == 0 and set(ended) <= {"bye", HUNG_UP},
        "server": server,
    }
