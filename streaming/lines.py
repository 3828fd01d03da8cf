"""The streams of one connection, by the names its dialect gave them; owns each to its end."""

from collections.abc import Callable

from .line import Line, Listener
from .protocols.base import LineId

NewLine = Callable[[str, Listener, bool], Line]
"""Makes a line, given what logs call it, who listens, and whether a stream is reserved for it.

Raises:
    StreamError: there is no room for one more stream.
"""


class Lines:
    """Lines that are there now. `release` is called once for each that `new_line` made."""

    def __init__(self, new_line: NewLine, release: Callable[[Line], None]) -> None:
        self._new_line, self._release = new_line, release
        self._by_id: dict[LineId, Line] = {}
        self._ids: dict[Line, LineId] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def all(self) -> list[Line]:
        """Those that are there now; some may go while the caller works through the list."""
        return list(self._by_id.values())

    def get(self, name: LineId) -> Line | None:
        return self._by_id.get(name)

    def id_of(self, line: Line) -> LineId:
        return self._ids[line]

    def begin(self, name: LineId, log_name: str, listener: Listener) -> Line:
        """A new line.

        Raises:
            StreamError: there is no room for one more stream.
        """
        line = self._new_line(log_name, listener, not self._by_id)
        self._by_id[name] = line
        self._ids[line] = name
        return line

    def remove(self, line: Line) -> LineId:
        """The line is over."""
        name = self._ids.pop(line)
        del self._by_id[name]
        self._release(line)
        return name

    def drop(self, line: Line) -> None:
        """End a line without a word."""
        line.forget()
        self.remove(line)

    def drop_all(self) -> None:
        for line in self.all():
            self.drop(line)

    def have_room(self) -> bool:
        """Whether the socket should be read."""
        return self.crowded() is None

    def crowded(self) -> Line | None:
        """A line of which too much waits for the engine, if there is one."""
        for line in self._by_id.values():  # `next` costs a generator, with every message
            if not line.link.has_room:
                return line
        return None
