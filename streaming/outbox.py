"""What one client is still to be told, in order and bounded; knows no frames and no sockets.

A new partial replaces one that still waits, before either is encoded. Nothing else is ever
dropped: a client so slow that too many events wait is given up on by the caller.
"""

from collections import deque
from dataclasses import replace

from .events import Event, Partial
from .session import Hangup


class Outbox:
    """Events wait here for the socket; numbers them as they leave.

    `max_waiting` bounds all events but the one partial that may wait among them.
    """

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._waiting: deque[Event] = deque()
        self._partial: Partial | None = None  # the one in `_waiting`
        self._hangup: Hangup | None = None
        self._next_seq = 0

    @property
    def is_ending(self) -> bool:
        """Whether a hangup is the last thing to take."""
        return self._hangup is not None

    def put(self, event: Event) -> bool:
        """Queue an event; False, and the event is not queued, when too many wait."""
        assert self._hangup is None, "nothing follows a hangup"
        if self._partial is not None and isinstance(event, Partial):
            self._waiting.remove(self._partial)
            self._partial = None
        if isinstance(event, Partial):
            self._partial = event
        elif len(self._waiting) - (self._partial is not None) >= self._max_waiting:
            return False
        self._waiting.append(event)
        return True

    def hang_up(self, hangup: Hangup) -> None:
        """The last thing to take; nothing can be put after it."""
        self._hangup = hangup

    def clear(self) -> None:
        """Forget all that waits, a hangup, too."""
        self._waiting.clear()
        self._partial = None
        self._hangup = None

    def not_sent(self) -> None:
        """The event taken last could not leave; its number is free again."""
        self._next_seq -= 1

    def take(self) -> Event | Hangup | None:
        """The next event with its number, then the hangup; None while there is nothing to send."""
        if not self._waiting:
            return self._hangup
        event = self._waiting.popleft()
        if event is self._partial:
            self._partial = None
        numbered = replace(event, seq=self._next_seq)
        self._next_seq += 1
        return numbered
