"""The evaluation's figures as markdown tables.

A figure is followed by its 95 % interval in brackets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from training.evaluation import summary
from training.evaluation.measure import WINDOWS

_HOLDS = {True: "yes", False: "**no**", None: "trained on"}


def markdown(record: Mapping) -> str:
    """All tables, the summary first."""
    sections = record["sections"]
    return f"{overview(sections)}\n{details(sections)}"


def details(sections: Mapping[str, dict]) -> str:
    """A table for each section."""
    return "\n".join(
        f"### {title}\n\n{render(sections[name])}"
        for name, (title, render) in _TABLES.items()
        if name in sections
    )


def overview(sections: Mapping[str, dict]) -> str:
    """Every figure that has a wanted value."""
    rows = []
    for name in [name for name in _TABLES if name in sections]:
        for line in summary.of_section(name, sections[name]):
            rows.append([line.what, line.wanted, line.measured, _HOLDS[line.holds]])
    return table(["", "wanted", "measured", "holds"], rows)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A markdown table."""
    lines = ["| " + " | ".join(header) + " |"]
    lines.append("|" + " --- |" * len(header))
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _accuracy(figures: dict) -> str:
    header = ["", "clips", "words", *(f"WER, {window} window" for window in WINDOWS), "1 s - 8 s"]
    rows = []
    for name, row in figures["rows"].items():
        first = row["8 s"]
        rates = [summary.share(row[window]) for window in WINDOWS]
        points = summary.points(row["difference"]) if "difference" in row else ""
        rows.append([name, first["clips"], first["total"], *rates, points])
    return table(header, rows)


def _digits(figures: dict) -> str:
    header = ["speaker", "heard by", "clips", "words", *(f"WER, {w} window" for w in WINDOWS)]
    rows = [
        [name, row["heard by"], row["8 s"]["clips"], row["8 s"]["total"]]
        + [summary.share(row[window]) for window in WINDOWS]
        for name, row in figures["rows"].items()
    ]
    return table(header, rows)


def _noise(figures: dict) -> str:
    header = ["", "clips"]
    for window in WINDOWS:
        header += [f"WER, {window} window", "against clean"]
    rows = []
    for name, row in figures["rows"].items():
        cells = []
        for window in WINDOWS:
            change = row.get(f"{window} minus clean")
            cells += [summary.share(row[window]), summary.points(change) if change else ""]
        rows.append([name, row["8 s"]["clips"], *cells])
    return table(header, rows) + (
        "\nThe same sentences each time. Noises, babble and music are mixed in by samples, at a "
        "ratio of mean powers. Telephone and room are drawn afresh from what training uses; the "
        "other room is computed from its walls.\n"
    )


def _quiet(figures: dict) -> str:
    header = ["", "minutes", "words, 8 s", "words, 1 s", "streamed", "taken for speech", "words"]
    keys = ("minutes", "words 8 s", "words 1 s", "stream minutes", "segments", "stream words")
    rows = [[name, *(row[key] for key in keys)] for name, row in figures["rows"].items()]
    return table(header, rows) + (
        "\nThe first three columns are clips of 10 to 28 s, decoded whole. In the others the sound "
        "goes through the engine as a stream (minutes; segments that its voice activity opened; "
        "words shown).\n"
    )


def _language(figures: dict) -> str:
    header = ["", "clips", *(f"wrong language, {window} window" for window in WINDOWS)]
    rows = [
        [name, row["8 s"]["clips"], *(summary.share(row[window]) for window in WINDOWS)]
        for name, row in figures["rows"].items()
    ]
    forced = figures["forced"]
    wrong = forced["wrong"]
    lengths = wrong["words written per word said, 5th percentile, median, 95th"]
    return table(header, rows) + (
        f"\nThe right language forced: WER {summary.share(forced['right'])}. A wrong one forced, "
        f"{wrong['clips']} clips: {lengths[1]} words are written per word said (5th to 95th "
        f"percentile {lengths[0]} to {lengths[2]}), nothing in {wrong['clips without a word']} "
        f"clips, more than twice as many words in {wrong['clips more than twice as long']}.\n"
    )


def _names(figures: dict) -> str:
    harm = figures["harm"]
    rates = {
        "recall with context": figures["recall with"],
        "recall without": figures["recall without"],
        "false alarms": figures["false alarms"],
        "WER with context": figures["words with context"],
        "WER without": figures["words without context"],
    }
    rows = [[name, rate["total"], summary.share(rate)] for name, rate in rates.items()]
    rows.append(["WER without names, foreign ones listed", harm["clips"], summary.points(harm)])
    return table(["", "count", ""], rows) + (
        f"\nContexts list {figures['listed']} names or fewer. Recall counts names spelled exactly; "
        "a false alarm is a listed name that was written without being spoken. The last row is the "
        "change against no context.\n"
    )


def _stream(figures: dict) -> str:
    rows = [
        ["clips", figures["clips"]],
        ["stable words", figures["stable words"]],
        ["stable words retracted by partials", figures["stable words retracted by partials"]],
        ["replaced by finals", summary.share(figures["stable words replaced by finals"])],
        ["delay, audio clock", _times(figures["delay of stable words, ms of audio"])],
        ["delay with compute", _times(figures["delay with the time to compute, ms"])],
        ["WER of last partials", summary.share(figures["words of last partials"])],
        ["WER of finals", summary.share(figures["words of finals"])],
        ["WER of the clips decoded whole", summary.share(figures["words of whole clips"])],
    ]
    return table(["", ""], rows)


def _speed(figures: dict) -> str:
    rows = [["parameters", f"{figures['parameters'] / 1e6:.2f} million"]]
    rows += [[name, f"{size:,} bytes"] for name, size in figures["bytes"].items()]
    rows.append(["loading", f"{figures['loading s']} s"])
    rows += [[f"{name}, one core", _times(figures[name])] for name in figures if "step ms" in name]
    return table(["", ""], rows) + (
        "\nSteps are those that brought new text, 320 ms apart, through the engine. Loading is "
        "timed in a new process that has torch already. Load average of the machine: "
        f"{figures['load average']}.\n"
    )


def _confidence(figures: dict) -> str:
    rows = [
        [name, row["called guesses"]["clips"], row["median"], summary.share(row["called guesses"])]
        for name, row in figures["rows"].items()
    ]
    area = figures["area"]
    return table(["clips of 4 to 12 s", "clips", "median", "called guesses"], rows) + (
        f"\nArea under the curve, in domain against people: {area['value']:.3f} "
        f"({area['low']:.3f} to {area['high']:.3f}). A text of confidence below "
        f"{figures['threshold']} is called a guess: what parts these very clips with the fewest "
        "errors, so their own shares flatter it. The people's clips are pieces of the recordings "
        "below.\n"
    )


def _people(figures: dict) -> str:
    lines = [
        f"{figures['recordings']} recordings: WER {summary.share(figures['WER'])} of "
        f"{figures['WER']['total']} words.",
        "",
    ]
    for example in figures["examples"]:
        lines += [f"- said: {example['said']}", f"  heard: {example['heard']}"]
    return "\n".join(lines) + "\n"


def _aligner(figures: dict) -> str:
    rows = [
        [name, row["shift ms"]["clips"], row["words"], summary.milliseconds(row["shift ms"])]
        for name, row in figures["rows"].items()
    ]
    return table(["", "clips", "words", "average shift"], rows)


def _times(spread: Mapping) -> str:
    if not spread["count"]:
        return "none"
    return f"median {spread['median']:.0f} ms, p95 {spread['p95']:.0f} ms ({spread['count']})"


_TABLES: dict[str, tuple[str, Callable[[dict], str]]] = {
    "closed": ("Closed domain, trained voices, unseen sentences", _accuracy),
    "unseen": ("Closed domain, voices left out of training", _accuracy),
    "open": ("Open vocabulary, trained voices", _accuracy),
    "long": ("Clips of 20 to 28 s, closed domain", _accuracy),
    "digits": ("Digits spoken by people, strings of 3 to 7", _digits),
    "partials": ("Clips broken off at random points, closed domain", _accuracy),
    "stream": ("Streams through the engine, closed domain", _stream),
    "noise": ("Noise, lines and rooms, closed domain", _noise),
    "quiet": ("Sounds without speech", _quiet),
    "language": ("Language identification, clips of 3 s and more", _language),
    "names": ("Invented names", _names),
    "confidence": ("Confidence", _confidence),
    "people": ("Free human speech", _people),
    "speed": ("Size and speed", _speed),
    "aligner": ("Aligner", _aligner),
}
