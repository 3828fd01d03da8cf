"""A sign of life of an engine: written by its thread, read by any thread or by a parent process."""

import time
from typing import Protocol


class Cell(Protocol):
    """Where a number is kept; for two processes, in memory they share."""

    value: float


class _Own:
    value = 0.0


class Pulse:
    """How long ago an engine last went round its loop."""

    def __init__(self, cell: Cell | None = None) -> None:
        self._beat_at = _Own() if cell is None else cell
        self.beat()

    def beat(self) -> None:
        self._beat_at.value = time.monotonic()  # a clock that all processes of a machine share

    @property
    def silent_s(self) -> float:
        return time.monotonic() - self._beat_at.value
