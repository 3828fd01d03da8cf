"""One timer of the event loop for deadlines that move with every message; knows no streams."""

import asyncio
from collections.abc import Callable


class Alarm:
    """Rings at the earliest deadline or before it; who is woken too early finds nothing to do.

    Each message moves a deadline, so a timer that is set is left alone while it can be.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None

    def set(self, deadline: float | None) -> None:
        """Ring by then, in the loop's time; None is no deadline."""
        if deadline is None or (self._timer is not None and self._timer.when() <= deadline):
            return
        self.stop()
        self._timer = self._loop.call_at(deadline, self._wake)

    def stop(self) -> None:
        """Ring no more, whatever was set."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        self._timer = None
        self._ring()
