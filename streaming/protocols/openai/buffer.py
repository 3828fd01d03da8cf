"""The input audio buffer of a realtime session, as a clock; holds no audio."""

from hark.engine.types import AudioFormat


class InputBuffer:
    """How much was appended, and how much of it is in an item or was cleared away.

    Times are milliseconds of the connection, which count on across `clear`; a line's own times
    count from where it begins.
    """

    def __init__(self) -> None:
        self._appended_ms = 0.0
        self._used_ms = 0.0
        self._line_begin_ms = 0.0

    @property
    def waiting_ms(self) -> float:
        """What was appended and is in no item yet."""
        return self._appended_ms - self._used_ms

    def begin_line(self) -> None:
        """What is appended from here on goes to a new line."""
        self._line_begin_ms = self._appended_ms

    def append(self, audio: bytes, form: AudioFormat) -> None:
        self._appended_ms += len(audio) * 1000 / form.bytes_per_second

    def use_all(self) -> None:
        """All that was appended is in an item now, or is forgotten."""
        self._used_ms = self._appended_ms

    def use_until(self, line_ms: int) -> None:
        """An item ends at this time of its line."""
        self._used_ms = max(self._used_ms, self.at(line_ms))

    def at(self, line_ms: int) -> int:
        """A time of the line as one of the connection."""
        return int(self._line_begin_ms) + line_ms
