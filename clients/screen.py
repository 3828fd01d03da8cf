"""The terminal captions are shown on; knows rich, no streams.

On a terminal the open line is redrawn in place; elsewhere (a file, a pipe) each change is a line.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from hark.streaming.events import Event

from .captions import Captions, advance, line_text, live_plain, live_text

REFRESH_PER_S = 12


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
        self._live: Live | None = None
        if console.is_terminal:
            self._live = Live(
                console=console,
                get_renderable=self._renderable,
                refresh_per_second=REFRESH_PER_S,
                vertical_overflow="visible",
            )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status = None
        if self._live is not None:
            self._live.stop()

    def show(self, event: Event) -> None:
        before = self.captions
        self.captions, line = advance(before, event, self._unsure_below)
        if line is not None:
            self._console.print(line_text(line))
        elif self._live is None and live_plain(self.captions) not in ("", live_plain(before)):
            self._console.print(f"       {live_plain(self.captions)}", markup=False)

    def _renderable(self) -> Group | Text:
        words = live_text(self.captions)
        if self._status is None:
            return words
        return Group(words, self._status(self.captions))
