"""The events a stream has received and its user has not read yet; knows no socket.

Bounded: a partial replaces an unread partial of the same segment, everything else is kept. One
event more than the bound is an error the reader of the inbox meets, after the events before it.
"""

import asyncio
from collections import deque

from hark.streaming.events import Event, Partial

from .errors import HarkError, UnreadEventsError

MAX_UNREAD_EVENTS = 1_000


class Inbox:
    """A queue with an end: `put` events, `end` it once, and `get` gives what came, in order."""

    def __init__(self, max_unread: int = MAX_UNREAD_EVENTS) -> None:
        self._max_unread = max_unread
        self._events: deque[Event] = deque()
        self._changed = asyncio.Event()
        self._ended = False
        self._failure: HarkError | None = None

    def put(self, event: Event) -> None:
        """Add an event.

        Raises:
            UnreadEventsError: the inbox is full.
        """
        last = self._events[-1] if self._events else None
        if isinstance(event, Partial) and isinstance(last, Partial):
            if event.segment == last.segment:
                self._events.pop()
        elif len(self._events) >= self._max_unread:
            raise UnreadEventsError(
                f"{self._max_unread} events wait unread; iterate over the stream while sending"
            )
        self._events.append(event)
        self._changed.set()

    def end(self, failure: HarkError | None) -> None:
        """No event will follow; `failure` says why, None if all is well."""
        self._ended = True
        self._failure = failure
        self._changed.set()

    async def get(self) -> Event | None:
        """The next event, None after the last one.

        Raises:
            HarkError: the stream ended by this failure and all its events have been read.
        """
        while not self._events:
            if self._ended:
                if self._failure is not None:
                    raise self._failure
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._events.popleft()
