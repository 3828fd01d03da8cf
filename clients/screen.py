"""The terminal captions are shown on; knows rich, no streams.

On a terminal the open line is redrawn in place; elsewhere (a file, a pipe) each change is a line.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from hark.streaming.events import Event

from .captions import Captions, advance, line_text, live_plain, live_text

REFRESH_PER_S = 12


def live_lines(
    console: Console, lines: Callable[[], RenderableType]
) -> AbstractContextManager[object]:
    """While this is entered, `lines` are redrawn in place below what is printed; on a terminal.

    Leaving it draws them a last time, and there they stay.
    """
    if not console.is_terminal:
        return nullcontext()
    return Live(
        console=console,
        get_renderable=lines,
        refresh_per_second=REFRESH_PER_S,
        vertical_overflow="visible",
    )


class CaptionScreen:
    """Shows a stream's events as they come; `status` gives the line below them, on a terminal.

    Finals of a lower confidence than `unsure_below` are marked.
    """

    def __init__(
        self,
        console: Console,
        status: Callable[[Captions], Text] | None = None,
        *,
        unsure_below: float = 0.0,
    ) -> None:
        self.captions = Captions()
        self._unsure_below = unsure_below
        self._console = console
        self._status = status
        self._lines = live_lines(console, self._renderable)

    def __enter__(self) -> Self:
        self._lines.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status = None
        self._lines.__exit__(kind, error, trace)

    def show(self, event: Event) -> None:
        before = self.captions
        self.captions, line = advance(before, event, self._unsure_below)
        if line is not None:
            self._console.print(line_text(line))
        elif not self._console.is_terminal:
            words = live_plain(self.captions)
            if words not in ("", live_plain(before)):
                self._console.print(f"       {words}", markup=False)

    def _renderable(self) -> Group | Text:
        words = live_text(self.captions)
        if self._status is None:
            return words
        return Group(words, self._status(self.captions))
