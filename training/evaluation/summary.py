"""What is wanted of the model, and whether the measured figures hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from training.evaluation.measure import WINDOWS
from training.synthesis import voices

MEGABYTES_WANTED = 16.0


@dataclass(frozen=True)
class Line:
    """One figure: its name, its wanted and measured value in words, and whether it holds.

    None is a figure that says nothing, as the model was trained on it.
    """

    what: str
    wanted: str
    measured: str
    holds: bool | None


def of_section(name: str, figures: Mapping) -> list[Line]:
    """The lines of one section; none if nothing is wanted of it."""
    return list(_LINES[name](figures)) if name in _LINES else []


def share(rate: Mapping, digits: int = 1) -> str:
    """A percentage with its interval."""
    return f"{rate['value']:.{digits}f} % ({rate['low']:.1f} to {rate['high']:.1f})"


def points(interval: Mapping) -> str:
    """A difference of percentages with its interval."""
    return f"{interval['value']:+.1f} ({interval['low']:+.1f} to {interval['high']:+.1f})"


def milliseconds(interval: Mapping) -> str:
    """A mean time with its interval."""
    return f"{interval['value']:.0f} ms ({interval['low']:.0f} to {interval['high']:.0f})"


def _size(what: str, size: int) -> Line:
    megabytes = size / 1e6
    wanted = f"at most {MEGABYTES_WANTED:g} MB"
    return Line(what, wanted, f"{megabytes:.2f} MB", megabytes <= MEGABYTES_WANTED)


def _at_most(what: str, rate: Mapping, limit: float, aim: str = "") -> Line:
    holds = rate["value"] <= limit
    looks_held = not holds and round(rate["value"], 1) <= limit
    return Line(what, f"at most {limit:g} %{aim}", share(rate, 2 if looks_held else 1), holds)


def _closed(figures: Mapping) -> Iterator[Line]:
    row = figures["rows"]["all"]
    for window in WINDOWS:
        yield _at_most(f"closed domain, {window} window: WER", row[window], 2)
    change = row["difference"]
    yield Line(
        "closed domain, 1 s window against 8 s",
        "within 1 point",
        points(change),
        abs(change["value"]) <= 1,
    )


def _unseen(figures: Mapping) -> Iterator[Line]:
    rate = figures["rows"][voices.LEFT_OUT]["8 s"]
    yield _at_most(f"{voices.LEFT_OUT}, left out: WER", rate, 15, ", aim 10 %")


def _open(figures: Mapping) -> Iterator[Line]:
    for language, row in figures["rows"].items():
        yield _at_most(f"open vocabulary, {language}: WER", row["8 s"], 20, ", aim 10 %")


def _long(figures: Mapping) -> Iterator[Line]:
    yield _at_most("clips of 20 to 28 s: WER", figures["rows"]["all"]["8 s"], 4)


def _digits(figures: Mapping) -> Iterator[Line]:
    for speaker, row in figures["rows"].items():
        what = f"digits by {speaker} ({row['heard by']}): WER"
        line = _at_most(what, row["8 s"], 3)
        yield replace(line, holds=None if row["trained on"] else line.holds)


def _partials(figures: Mapping) -> Iterator[Line]:
    for window in WINDOWS:
        yield _at_most(
            f"broken-off clips, {window} window: WER", figures["rows"]["strict"][window], 5
        )


def _stream(figures: Mapping) -> Iterator[Line]:
    retracted = figures["stable words retracted by partials"]
    yield Line("stable words retracted by partials", "0", str(retracted), retracted == 0)
    replaced = figures["stable words replaced by finals"]
    yield _at_most("stable words replaced by finals", replaced, 1)
    late = figures["delay with the time to compute, ms"].get("p95", 0.0)
    yield Line("delay of a stable word, p95", "at most 1500 ms", f"{late:.0f} ms", late <= 1500)
    for first, second in (("last partials", "finals"), ("finals", "whole clips")):
        change = figures[f"{first} minus {second}"]
        what = f"streaming, {first} against {second}: WER"
        yield Line(what, "within 1 point", points(change), change["value"] <= 1)


def _noise(figures: Mapping) -> Iterator[Line]:
    for name, row in figures["rows"].items():
        if name not in ("clean", "another room"):
            change, limit = row["8 s minus clean"], 6 if name.endswith("10 dB") else 2
            wanted = f"within {limit} points of clean"
            yield Line(name, wanted, points(change), change["value"] <= limit)


def _quiet(figures: Mapping) -> Iterator[Line]:
    row = figures["rows"]["all"]
    words = row["words 8 s"] + row["words 1 s"] + row["stream words"]
    what = f"{row['minutes']:.0f} minutes without speech: words, all ways"
    yield Line(what, "0", f"{words:.0f}", words == 0)


def _language(figures: Mapping) -> Iterator[Line]:
    wrong = figures["rows"]["all"]["8 s"]
    right = f"{100 - wrong['value']:.1f} % ({100 - wrong['high']:.1f} to {100 - wrong['low']:.1f})"
    yield Line("language of clips of 3 s", "at least 98 %", right, wrong["value"] <= 2)


def _names(figures: Mapping) -> Iterator[Line]:
    recall, gain = figures["recall with"], figures["gain"]
    yield Line(
        "invented names in the context: recall",
        "at least 50 %, aim 80 %",
        share(recall),
        recall["value"] >= 50,
    )
    yield Line(
        "the same, above the recall without context",
        "at least 30 points",
        points(gain),
        gain["value"] >= 30,
    )
    alarms = figures["false alarms"]
    yield Line("listed names that were not said", "under 1 %", share(alarms), alarms["value"] < 1)


def _confidence(figures: Mapping) -> Iterator[Line]:
    area = figures["area"]
    measured = f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})"
    what = "human speech told from its own domain: area under the curve"
    yield Line(what, "at least 0.9", measured, area["value"] >= 0.9)


def _speed(figures: Mapping) -> Iterator[Line]:
    yield _size("size on disk", figures["bytes in all"])
    loading = figures["loading s"]
    yield Line("loading", "under 1 s", f"{loading:.2f} s", loading < 1)
    late = figures["step ms"].get("p95", 0.0)
    yield Line("a 320 ms step on one core, p95", "under 40 ms", f"{late:.0f} ms", late < 40)


def _aligner(figures: Mapping) -> Iterator[Line]:
    shift = figures["rows"]["all"]["shift ms"]
    measured, holds = milliseconds(shift), shift["value"] <= 60
    yield Line("aligner: average shift", "at most 60 ms, aim 45", measured, holds)
    yield _size("aligner: size on disk", figures["bytes in all"])


_LINES: dict[str, Callable[[Mapping], Iterator[Line]]] = {
    "closed": _closed,
    "unseen": _unseen,
    "open": _open,
    "long": _long,
    "digits": _digits,
    "partials": _partials,
    "stream": _stream,
    "noise": _noise,
    "quiet": _quiet,
    "language": _language,
    "names": _names,
    "confidence": _confidence,
    "speed": _speed,
    "aligner": _aligner,
}
