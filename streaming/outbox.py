"""What one client is still to be told, in order and bounded; knows no frames and no sockets.

A message may take the place of an older one that still waits, before either is encoded: the newer
says all that the older said. Nothing else is ever dropped: a client so slow that too many messages
wait is given up on by the caller.
"""

from collections import OrderedDict
from collections.abc import Hashable
from itertools import count

from .effects import Hangup
from .protocols.base import Say


class Outbox:
    """Messages wait here for the socket.

    `max_waiting` bounds those that nothing replaces; of the others there is one a `replaces`.
    """

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._waiting: OrderedDict[Hashable, Say] = OrderedDict()
        self._num_lasting = 0  # of those waiting
        self._numbers = count()
        self._hangup: Hangup | None = None

    @property
    def is_ending(self) -> bool:
        """Whether a hangup is the last thing to take."""
        return self._hangup is not None

    @property
    def is_crowded(self) -> bool:
        """Whether it is time to hear no more of the client until it has been told some of this."""
        return self._num_lasting > self._max_waiting // 2

    def put(self, say: Say) -> bool:
        """Queue a message; False, and it is not queued, when too many wait."""
        assert self._hangup is None, "nothing follows a hangup"
        if say.replaces is not None:
            self._waiting.pop(say.replaces, None)
            self._waiting[say.replaces] = say
            return True
        if self._num_lasting >= self._max_waiting:
            return False
        self._num_lasting += 1
        self._waiting["lasting", next(self._numbers)] = say
        return True

    def hang_up(self, hangup: Hangup) -> None:
        """The last thing to take; nothing can be put after it."""
        self._hangup = hangup

    def clear(self) -> None:
        """Forget all that waits, a hangup, too."""
        self._waiting.clear()
        self._num_lasting = 0
        self._hangup = None

    def take(self) -> Say | Hangup | None:
        """The next message, then the hangup; None while there is nothing to send."""
        if not self._waiting:
            return self._hangup
        _, say = self._waiting.popitem(last=False)
        self._num_lasting -= say.replaces is None
        return say
