"""One run: streams that begin, a warm-up, a span that counts; and the same words unhurried.

The timeline, on the clock all processes share:

    begin ─ streams join over ramp_s ─ warm-up ─┤ measured ├─ TAIL_S, still under load ─ close
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from .figures import Figures, Slo, Spread, figures_of
from .fleet import Fleet
from .machine import Monitor
from .script import PROFILES, Profile
from .speaker import HUNG_UP, Order
from .target import Target
from .worker import Dialling, Report

RAMP_S = 5.0
TAIL_S = 2.0
SETTLE_S = 2.0  # from one run to the next, for the server to forget the last one
MAX_LAG_P99_S = 0.050
UNHURRIED_STREAMS = 2  # open at a time
_START_S = 1.5  # streams connect a second before they begin

Progress = Callable[[str, float], AbstractContextManager[Callable[[], None]]]
"""Shows that something takes so many seconds; the function it gives is called now and then."""


class UnhurriedRunError(RuntimeError):
    """The texts to compare with could not be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a run measures: from `since` to `until`."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Run:
    """A run and what came of it. `ended` counts how streams ended, by name."""

    streams: int
    span: Span
    report: Report
    figures: Figures
    lag_s: Spread
    ended: dict[str, int]
    server: dict[str, Any] | None
    client_cpu_percent: float
    broken: list[str] = field(default_factory=list)

    @property
    def is_valid(self) -> bool:
        """Whether the client kept its own schedule."""
        return self.lag_s.p99 is None or self.lag_s.p99 <= MAX_LAG_P99_S

    @property
    def holds(self) -> bool:
        return not self.broken

    def as_dict(self) -> dict[str, Any]:
        return {
            "streams": self.streams,
            "seconds": self.span.until - self.span.since,
            "valid": self.is_valid,
            "holds": self.holds,
            "broken": self.broken,
            **self.figures.as_dict(),
            "ended": self.ended,
            "client_lag_s": asdict(self.lag_s),
            "client_cpu_percent": self.client_cpu_percent,
            "server": self.server,
        }


def no_progress(what: str, seconds: float) -> AbstractContextManager[Callable[[], None]]:
    return nullcontext(lambda: None)


class Bench:
    """Runs loads against one server, and remembers what it says when nothing hurries it."""

    def __init__(
        self,
        target: Target,
        dialling: Dialling,
        fleet: Fleet,
        *,
        seconds: float,
        warmup_s: float,
        ramp_s: float = RAMP_S,
        compares: bool = True,
        slo: Slo | None = None,
        progress: Progress = no_progress,
    ) -> None:
        """`compares` False leaves out the unhurried streams, and that finals equal theirs."""
        self.target, self.dialling, self.fleet = target, dialling, fleet
        self.seconds, self.warmup_s, self.ramp_s = seconds, warmup_s, ramp_s
        self.compares = compares
        self.slo = Slo() if slo is None else slo
        self.progress = progress
        self._unhurried: dict[int, tuple[float, dict[tuple[int, int], tuple[str, ...]]]] = {}
        self._last_end = 0.0

    def run(
        self,
        streams: int,
        *,
        compare: Literal["always", "if all else holds"] = "always",
        apart: Callable[[Span], Sequence[Order]] = lambda span: (),
    ) -> Run:
        """A load of so many paced streams, and what it was like for them.

        `apart` gives further streams, which are not measured, from a process of their own.
        """
        time.sleep(max(0.0, self._last_end + SETTLE_S - time.monotonic()))
        span = self.next_span()
        orders = [self.order(stream, span) for stream in range(streams)]
        report, server = self.speak(f"{streams} streams", orders, span, apart=apart(span))
        run = self.judge(streams, orders, report, span, server)
        if self.compares and (compare == "always" or run.holds):
            texts = self._texts(orders)
            figures = figures_of(report.logs, span.since, span.until, texts)
            run = replace(run, figures=figures, broken=[*run.broken, *_changed(figures)])
        return run

    def next_span(self) -> Span:
        since = time.monotonic() + _START_S + self.ramp_s + self.warmup_s
        return Span(since, since + self.seconds)

    def order(self, stream: int, span: Span) -> Order:
        """A stream that joins before the warm-up and stays until after the span.

        Its length is the same to the sample in every run.
        """
        joining = random.Random(f"{self.dialling.seed}/begin/{stream}").uniform(0, self.ramp_s)
        before_s = joining + self.warmup_s
        seconds = round(before_s + span.until - span.since + TAIL_S, 3)
        return Order(stream, span.since - before_s, seconds)

    def speak(
        self, what: str, orders: Sequence[Order], span: Span, *, apart: Sequence[Order] = ()
    ) -> tuple[Report, dict[str, Any] | None]:
        """All that was heard, and what it cost the server in the span."""
        last = max(order.begin + order.seconds for order in orders)
        with (
            Monitor(self.target.pid) as monitor,
            self.progress(what, last - time.monotonic()) as on_wait,
        ):
            report = self.fleet.speak(self.dialling, orders, apart=apart, on_wait=on_wait)
        self._last_end = time.monotonic()
        return report, monitor.summary(span.since, span.until)

    def judge(
        self,
        streams: int,
        orders: Sequence[Order],
        report: Report,
        span: Span,
        server: dict[str, Any] | None,
    ) -> Run:
        """The figures of a span, and what of the promise is broken in it."""
        figures = figures_of(report.logs, span.since, span.until)
        seconds = max(order.seconds for order in orders)
        run = Run(
            streams=streams,
            span=span,
            report=report,
            figures=figures,
            lag_s=Spread.of(report.lags_s),
            ended=dict(Counter(outcome.ended for outcome in report.outcomes)),
            server=server,
            client_cpu_percent=100 * report.cpu_s / seconds,
        )
        profile = PROFILES[self.dialling.profile]
        faults = _faults(run, profile)
        is_judged = figures.word_s.p95 is not None and figures.finalize_s.p95 is not None
        if profile.utterance_s is not None and not is_judged:
            faults.append("too short to be judged: no word or no final in the measured span")
        return replace(run, broken=[*faults, *self.slo.broken_by(figures)])

    def _texts(self, orders: Sequence[Order]) -> dict[tuple[int, int], tuple[str, ...]]:
        """The finals of these streams, sent as fast as the server takes them, two at a time."""
        missing = [
            replace(order, begin=0.0, paced=False, returns=True)
            for order in orders
            if self._unhurried.get(order.stream, (0.0, {}))[0] != order.seconds
        ]
        if missing:
            what = f"{len(missing)} streams unhurried"
            with self.progress(what, 0.0) as on_wait:
                report = self.fleet.speak(
                    replace(self.dialling, partials=False),
                    missing,
                    at_once=UNHURRIED_STREAMS,
                    on_wait=on_wait,
                )
            self._remember(missing, report)
            self._last_end = time.monotonic()
        known = (self._unhurried[order.stream][1] for order in orders)
        return {key: texts for of_stream in known for key, texts in of_stream.items()}

    def _remember(self, orders: Sequence[Order], report: Report) -> None:
        failed = Counter(o.ended for o in report.outcomes if o.ended != "bye")
        if failed:
            raise UnhurriedRunError(
                f"the server did not finish streams sent {UNHURRIED_STREAMS} at a time: "
                f"{in_words(failed)}"
            )
        for order in orders:
            self._unhurried[order.stream] = order.seconds, {}
        for log in report.logs:
            self._unhurried[log.stream][1][log.stream, log.index] = log.texts


def in_words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _faults(run: Run, profile: Profile) -> list[str]:
    """What no latency shows."""
    faults = []
    if profile.utterance_s is not None and not run.figures.word_s.count:
        faults.append(f"none of {run.figures.words} words was recognised")
    wrong = {name: count for name, count in run.ended.items() if name not in ("bye", HUNG_UP)}
    if wrong:
        faults.append(f"streams ended by {in_words(wrong)}")
    if run.figures.unanswered:
        faults.append(f"{run.figures.unanswered} unanswered")
    if run.figures.stable_retracted:
        faults.append(f"stable text taken back {run.figures.stable_retracted} times")
    if not run.is_valid and run.lag_s.p99 is not None:
        faults.append(f"the client lagged {run.lag_s.p99 * 1000:.0f} ms (p99)")
    return faults


def _changed(figures: Figures) -> list[str]:
    if not figures.finals_changed:
        return []
    return [f"{figures.finals_changed} of {figures.finals_compared} finals changed"]
