"""Events of a stream as caption lines: a reducer and its rendering. Pure; writes to no screen.

Stable words are plain, unstable ones dim; where there is no colour, unstable words stand in [ ].
A line the model was unsure of says so.
"""

from dataclasses import dataclass, replace

from rich.text import Text

from hark.streaming.events import Event, Final, Partial, SpeechStarted

METER_FLOOR_DB = -60.0


@dataclass(frozen=True, slots=True)
class Line:
    """The final text of one segment; `unsure` when it is more likely a guess than a transcript."""

    start_ms: int
    text: str
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Captions:
    """What is on the screen: the words of the open segment, if one is open."""

    open: bool = False
    start_ms: int = 0
    stable: str = ""
    unstable: str = ""
    language: str | None = None
    unsure: bool = False  # the last line was


def advance(
    captions: Captions, event: Event, unsure_below: float = 0.0
) -> tuple[Captions, Line | None]:
    """The captions after an event, and the line the event finished. Empty finals make no line.

    A final of a lower confidence than `unsure_below`, 0 to 1, is unsure.
    """
    match event:
        case SpeechStarted():
            opened = Captions(
                open=True,
                start_ms=event.start_ms,
                language=captions.language,
                unsure=captions.unsure,
            )
            return opened, None
        case Partial():
            grown = replace(
                captions,
                open=True,
                start_ms=event.start_ms,
                stable=event.stable,
                unstable=event.unstable,
                language=event.language or captions.language,
            )
            return grown, None
        case Final():
            text = event.text.strip()
            unsure = event.confidence < unsure_below if text else captions.unsure
            after = Captions(language=event.language or captions.language, unsure=unsure)
            return after, Line(event.start_ms, text, unsure) if text else None
        case _:
            return captions, None


def line_text(line: Line, speaker: Text | None = None) -> Text:
    """A finished line for a terminal; `speaker` stands before the words."""
    start = _start(line.start_ms, speaker)
    if line.unsure:
        return Text.assemble(start, (line.text, "dim italic"), ("  (unsure)", "yellow"))
    return Text.assemble(start, line.text)


def live_text(captions: Captions, speaker: Text | None = None) -> Text:
    """The growing line for a terminal; empty while nobody speaks."""
    if not captions.open:
        return Text()
    words = (captions.stable, ""), (captions.unstable, "dim")
    if not captions.stable and not captions.unstable:
        words = (("…", "dim"),)
    return Text.assemble(_start(captions.start_ms, speaker), *words)


def live_plain(captions: Captions) -> str:
    """The growing line where there is neither colour nor a cursor to move."""
    stable, unstable = captions.stable, captions.unstable.strip()
    if not unstable:
        return stable.strip()
    gap = " " if stable and captions.unstable.startswith(" ") else ""
    return f"{stable}{gap}[{unstable}]".strip()


def level_text(level_db: float, width: int) -> Text:
    """A level meter of `width` cells from -60 dBFS to 0, red where it comes close to clipping."""
    share = (max(METER_FLOOR_DB, min(0.0, level_db)) - METER_FLOOR_DB) / -METER_FLOOR_DB
    lit = round(share * width)
    num_loud = max(0, lit - round(width * 0.9))
    return Text.assemble(
        ("■" * (lit - num_loud), "green"), ("■" * num_loud, "red"), ("·" * (width - lit), "dim")
    )


def _start(start_ms: int, speaker: Text | None) -> Text:
    return Text.assemble((f"{clock(start_ms)}  ", "dim cyan"), speaker or "")


def clock(time_ms: int) -> str:
    """Minutes and seconds, with hours once there are any."""
    seconds = time_ms // 1000
    minutes, hours = seconds // 60 % 60, seconds // 3600
    if hours:
        return f"{hours}:{minutes:02}:{seconds % 60:02}"
    return f"{minutes:02}:{seconds % 60:02}"
