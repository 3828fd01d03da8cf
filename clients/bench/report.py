"""What `hark bench` prints: a line for each probe, a table for a run; knows figures only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from .figures import Spread
from .runs import Run, in_words

_NOT_MEASURED = "-"


def show_line(console: Console, run: Run, name: str = "") -> None:
    """A run in one line: how many streams, the three figures of the promise, and the verdict."""
    figures = run.figures
    verdict = Text("holds", "green") if run.holds else Text("; ".join(run.broken), "red")
    console.print(
        Text.assemble(
            f"{run.streams:5} streams {name:14} word p95 {_ms(figures.word_s.p95)}, "
            f"finalize p95 {_ms(figures.finalize_s.p95)}, "
            f"in cadence {_percent(figures.steps_kept)}  ",
            verdict,
        ),
        soft_wrap=True,
    )


def show_run(console: Console, run: Run) -> None:
    console.print(_latencies(run))
    console.print(_counts(run))


def _latencies(run: Run) -> Table:
    table = Table(title=f"{run.streams} streams, {run.span.until - run.span.since:g} s measured")
    table.add_column("milliseconds")
    for name in ("count", "p50", "p95", "p99", "max"):
        table.add_column(name, justify="right")
    rows = {
        "first partial after the first word": run.figures.first_partial_s,
        "word until stable or final": run.figures.word_s,
        "finalize until answered": run.figures.finalize_s,
        "the client's own lag": run.lag_s,
    }
    for name, spread in rows.items():
        table.add_row(name, str(spread.count), *_cells(spread))
    return table


def _counts(run: Run) -> Table:
    figures, server = run.figures, run.server or {}
    table = Table.grid(padding=(0, 2))
    table.add_row("steps in cadence", _percent(figures.steps_kept), f"of {figures.steps}")
    table.add_row("word error rate", _percent(figures.word_error_rate), f"{figures.words} words")
    table.add_row("words never recognised", str(figures.words_never_held))
    table.add_row("revisions a final word", _number(figures.revisions_per_word))
    table.add_row("stable text taken back", str(figures.stable_retracted), "by partials")
    table.add_row(
        "stable words replaced",
        str(figures.stable_words_replaced),
        f"of {figures.stable_words}, by finals",
    )
    compared = f"of {figures.finals_compared}" if figures.finals_compared else "not compared"
    table.add_row("finals changed", str(figures.finals_changed), compared)
    table.add_row("streams ended", in_words(run.ended))
    table.add_row("server", f"{_number(server.get('cpu_percent'))} % of a core", _memory(server))
    table.add_row("client", f"{_number(run.client_cpu_percent)} % of a core")
    verdict = Text("kept", "green") if run.holds else Text("; ".join(run.broken), "red")
    table.add_row("the promise", verdict)
    return table


def show_soak(console: Console, soak: dict[str, Any]) -> None:
    """What visitors left behind."""
    server = soak["server"] or {}
    table = Table.grid(padding=(0, 2))
    table.add_row("visits", str(soak["visits"]), in_words(soak["ended"]))
    table.add_row("streams left", str(soak["streams_left"]))
    table.add_row("server", f"{_number(server.get('cpu_percent'))} % of a core", _memory(server))
    console.print(table)


def moved_in_words(flood: dict[str, Any]) -> str:
    """How far a flood moved the others' p95, and which moved too far."""
    names = {"word_s": "word", "finalize_s": "finalize", "first_partial_s": "first partial"}
    moved = ", ".join(
        f"{names[name]} {_NOT_MEASURED if seconds is None else f'{seconds * 1000:+.0f} ms'}"
        for name, seconds in flood["p95_moved_s"].items()
    )
    too_far = " and ".join(names[name] for name in flood["too_far"])
    verdict = f"too far: {too_far} (allowed are 10 % or 50 ms)" if too_far else "fair"
    return f"p95 moved: {moved}; {verdict}"


def _memory(server: dict[str, float | None]) -> str:
    parts = [f"{_number(server.get('rss_mb_max'))} MB at most"]
    if server.get("rss_mb_per_hour") is not None:
        parts.append(f"{server['rss_mb_per_hour']:+.1f} MB an hour")
    if server.get("gpu_percent") is not None:
        parts.append(f"GPU {_number(server['gpu_percent'])} %")
        parts.append(f"{_number(server.get('gpu_memory_mb_max'))} MB")
    return ", ".join(parts)


def _cells(spread: Spread) -> Iterator[str]:
    for value in (spread.p50, spread.p95, spread.p99, spread.max):
        yield _NOT_MEASURED if value is None else f"{value * 1000:.0f}"


def _ms(seconds: float | None) -> str:
    return _NOT_MEASURED if seconds is None else f"{seconds * 1000:.0f} ms"


def _percent(share: float | None) -> str:
    return _NOT_MEASURED if share is None else f"{share:.1%}"


def _number(value: float | None) -> str:
    return _NOT_MEASURED if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"


class Bars:
    """Progress on a terminal: one bar for what is going on. Elsewhere a line when it begins."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def __call__(self, what: str, seconds: float) -> Iterator["_Advance"]:
        if not self._console.is_terminal:
            self._console.print(f"{what} …" if seconds <= 0 else f"{what}, {seconds:.0f} s …")
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(
            *columns,
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        ) as progress:
            # Without an end in sight the bar only moves.
            task = progress.add_task(what, total=seconds if seconds > 0 else None)
            yield _Advance(progress, task)


class _Advance:
    """Called now and then: moves a bar to the time that has passed."""

    def __init__(self, progress: Progress, task: int) -> None:
        self._progress, self._task = progress, task

    def __call__(self) -> None:
        task = self._progress.tasks[0]
        self._progress.update(task.id, completed=task.elapsed or 0.0)
