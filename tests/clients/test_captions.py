"""Caption lines as a pure function of events, and the screen they are written to."""

import io

import pytest
from rich.console import Console

from hark.clients.captions import (
    Captions,
    Line,
    advance,
    clock,
    level_text,
    line_text,
    live_plain,
    live_text,
)
from hark.clients.screen import CaptionScreen
from hark.streaming.events import Event, Final, Partial, SpeechEnded, SpeechStarted


def partial(stable: str, unstable: str, language: str | None = "English") -> Partial:
    return Partial(
        start_ms=62_000,
        stable=stable,
        unstable=unstable,
        language=language,
        confidence=0.9,
        steps=1,
        queue_ms=0.0,
        compute_ms=0.0,
    )


def final(text: str, confidence: float = 0.9) -> Final:
    return Final(
        start_ms=62_000,
        text=text,
        language="English",
        confidence=confidence,
        stable_words_replaced=0,
        queue_ms=0.0,
        compute_ms=0.0,
    )


STREAM: list[Event] = [
    SpeechStarted(start_ms=62_000),
    partial("", "Turn on"),
    partial("Turn on", " the light"),
    SpeechEnded(),
    final(" Turn on the lights. "),
]


def test_a_segment_grows_and_becomes_a_line() -> None:
    captions, shown, lines = Captions(), [], []
    for event in STREAM:
        captions, line = advance(captions, event)
        shown.append((captions.open, captions.stable, captions.unstable))
        lines.append(line)
    assert shown == [
        (True, "", ""),
        (True, "", "Turn on"),
        (True, "Turn on", " the light"),
        (True, "Turn on", " the light"),
        (False, "", ""),
    ]
    assert lines == [None, None, None, None, Line(62_000, "Turn on the lights.")]


def test_an_empty_final_leaves_no_line() -> None:
    captions, line = advance(Captions(open=True, unstable="Hm"), final(" "))
    assert line is None and not captions.open


def test_a_line_the_model_is_unsure_of_says_so() -> None:
    captions, line = advance(Captions(), final("Torn own.", 0.4), unsure_below=0.5)
    assert line == Line(62_000, "Torn own.", unsure=True) and captions.unsure
    assert line_text(Line(0, "Torn own.", unsure=True)).plain.endswith("Torn own.  (unsure)")
    captions, _ = advance(captions, SpeechStarted())
    captions, _ = advance(captions, final(" ", 0.9), unsure_below=0.5)
    assert captions.unsure, "silence says nothing about the line before it"
    captions, line = advance(captions, final("Turn on.", 0.5), unsure_below=0.5)
    assert line == Line(62_000, "Turn on.") and not captions.unsure


def test_the_language_stays_once_it_is_known() -> None:
    captions, _ = advance(Captions(), partial("", "Hola", "Spanish"))
    captions, _ = advance(captions, partial("Hola", " a", None))
    captions, _ = advance(captions, SpeechStarted())
    assert captions.language == "Spanish"


def test_stable_words_are_plain_and_unstable_ones_dim() -> None:
    text = live_text(Captions(open=True, stable="Turn on", unstable=" the light"))
    styles = {text.plain[span.start : span.end]: span.style for span in text.spans}
    assert text.plain == "00:00  Turn on the light"
    assert styles == {"00:00  ": "dim cyan", " the light": "dim"}


def test_words_are_never_read_as_markup() -> None:
    captions = Captions(open=True, stable="[red]a", unstable="[/]")
    assert live_text(captions).plain.endswith("[red]a[/]")
    assert line_text(Line(0, "[bold]")).plain.endswith("[bold]")


@pytest.mark.parametrize(
    ("stable", "unstable", "shown"),
    [
        ("Turn on", " the", "Turn on [the]"),
        ("Turn on", "", "Turn on"),
        ("", "Turn", "[Turn]"),
        ("你好", "世界", "你好[世界]"),
        ("", "", ""),
    ],
)
def test_without_colour_brackets_hold_the_unstable_words(
    stable: str, unstable: str, shown: str
) -> None:
    assert live_plain(Captions(open=True, stable=stable, unstable=unstable)) == shown


@pytest.mark.parametrize(
    ("level_db", "lit", "red"), [(-90, 0, 0), (-60, 0, 0), (-30, 10, 0), (0, 20, 2), (6, 20, 2)]
)
def test_level_meter(level_db: float, lit: int, red: int) -> None:
    meter = level_text(level_db, 20)
    assert meter.plain == "■" * lit + "·" * (20 - lit)
    assert sum(span.end - span.start for span in meter.spans if span.style == "red") == red


def test_clock() -> None:
    assert [clock(ms) for ms in (0, 59_999, 61_000, 3_661_000)] == [
        "00:00",
        "00:59",
        "01:01",
        "1:01:01",
    ]


def test_in_a_pipe_each_change_is_a_line() -> None:
    output = io.StringIO()
    with CaptionScreen(Console(file=output)) as screen:
        for event in (*STREAM[:3], STREAM[2], *STREAM[3:]):
            screen.show(event)
    assert output.getvalue().splitlines() == [
        "       [Turn on]",
        "       Turn on [the light]",
        "01:02  Turn on the lights.",
    ]


def test_on_a_terminal_the_open_line_is_redrawn_and_the_final_stays() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=60)
    with CaptionScreen(console) as screen:
        for event in STREAM:
            screen.show(event)
    assert output.getvalue().count("Turn on the lights.") == 1
