"""The terminal a conference is shown on: a growing line for each who speaks; knows no streams.

Finished lines stay above them, in the order they are finished. Where the output is no terminal,
there are finished lines only.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.text import Text

from hark.streaming.events import Event

from ..captions import Captions, advance, line_text, live_text
from ..screen import live_lines

COLOURS = ("green", "magenta", "blue", "yellow", "cyan", "red")


class ConferenceScreen:
    """Shows the events of all speakers, under the names they were given."""

    def __init__(self, console: Console, names: Sequence[str]) -> None:
        self._console = console
        width = max(map(len, names))
        self._labels = {
            name: Text(name.ljust(width) + "  ", COLOURS[number % len(COLOURS)])
            for number, name in enumerate(names)
        }
        self._captions = dict.fromkeys(names, Captions())
        self._lines = live_lines(console, self._growing)

    def __enter__(self) -> Self:
        self._lines.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.__exit__(kind, error, trace)

    def show(self, name: str, event: Event, unsure_below: float) -> None:
        """Take in what happened in a speaker's stream, at the conference's time."""
        self._captions[name], line = advance(self._captions[name], event, unsure_below)
        if line is not None:
            self._console.print(line_text(line, self._labels[name]))

    def warn(self, name: str, words: str) -> None:
        self._console.print(Text.assemble(" " * 7, self._labels[name], (words, "yellow")))

    def _growing(self) -> Group:
        """The open lines, those that began first on top."""
        open_lines = [(name, now) for name, now in self._captions.items() if now.open]
        open_lines.sort(key=lambda line: line[1].start_ms)
        return Group(*(live_text(now, self._labels[name]) for name, now in open_lines))
