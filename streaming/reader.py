"""What one client sends, read in order and no faster than the engine takes its audio in.

Turns frames into inputs for the dialect; decides nothing about a stream.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, Protocol

from starlette.websockets import WebSocket

from .alarm import Alarm
from .errors import StreamError
from .frames import frame_of
from .lines import Lines
from .outbox import Outbox
from .protocols.base import Action, Dialect, Frame
from .websocket import SOCKET, is_leaving

_LARGE_FRAME = 1 << 18  # read on another thread, as the loop would stand still meanwhile

Input = Callable[..., list[Action]]
"""What a dialect makes of something, given that and the time of the loop's clock."""


class Step(Protocol):
    """Puts one input to the dialect: `what` it is about, and the time."""

    def __call__(self, actions_at: Input, *what: Any) -> None: ...


class Reader:
    """Reads a client's socket. `step` takes each input, `alarm` the deadlines of waiting lines.

    While the `outbox` is crowded with answers that the client has not taken, nothing more is read
    until it has `caught_up`.
    """

    def __init__(
        self,
        websocket: WebSocket,
        dialect: Dialect,
        lines: Lines,
        *,
        step: Step,
        alarm: Alarm,
        outbox: Outbox,
        caught_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._websocket = websocket
        self._dialect = dialect
        self._lines = lines
        self._step = step
        self._alarm = alarm
        self._outbox, self._caught_up = outbox, caught_up
        self._holds_frame = False  # one that no later one may overtake

    async def run(self) -> bool:
        """Hear the client until it sends nothing more; whether it may still read.

        Most messages come by `_take`, without a task being woken for each.
        """
        self._websocket.scope["extensions"][SOCKET].listen(self._take)
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return is_leaving(message)
            self._holds_frame = True
            await self._wait_for_room()
            await self._caught_up()
            frame = frame_of(message)
            is_large = len(frame) > _LARGE_FRAME
            read = self._input_of
            self._step(*(await asyncio.to_thread(read, frame) if is_large else read(frame)))
            self._holds_frame = False

    def _take(self, frame: Frame) -> bool:
        """Hear a message at once; False, and it has to wait its turn.

        It waits while an earlier one does, while answers wait to be read, while there is no room,
        or where it is large.
        """
        if self._holds_frame or self._outbox.is_crowded or len(frame) > _LARGE_FRAME:
            return False
        if not self._lines.have_room():
            return False
        self._step(*self._input_of(frame))
        return True

    def _input_of(self, frame: Frame) -> tuple[Input, Any]:
        """What a frame is to the dialect; a mistake and a bug, too, are for `step`."""
        try:
            message = self._dialect.read(frame)
        except StreamError as error:
            return self._dialect.misread, error
        except Exception as bug:  # noqa: BLE001 - raised again by `step`
            return _raise, bug
        return self._dialect.received, message

    async def _wait_for_room(self) -> None:
        """Leave the socket unread while too much audio of a line waits for the engine."""
        while crowded := self._lines.crowded():
            waiting = self._lines.all()
            for line in waiting:
                line.reading_paused()
            await crowded.link.room()
            for line in waiting:
                line.reading_resumed()
                self._alarm.set(line.next_deadline())


def _raise(bug: Exception, now: float) -> NoReturn:
    raise bug
