"""One WebSocket: two pumps, one alarm, and the dialect between them and the connection's streams.

Carries frames, actions and events to where they belong; decides nothing about a stream.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from .alarm import Alarm
from .effects import Hangup, error_event
from .errors import ShuttingDownError, SlowReaderError, StreamError, internal_error
from .events import Event, Hello
from .line import Line, SessionLog
from .lines import Lines
from .outbox import Outbox
from .protocols.base import (
    Action,
    Begin,
    Dialect,
    Drop,
    LineId,
    Refuse,
    Say,
    Tell,
)
from .reader import Input, Reader
from .websocket import SOCKET, PatientWebSocket

_log = logging.getLogger(__name__)

_LAST_WORDS_S = 0.5  # to be read by a client that is cut off


class Connection:
    """One client, from its handshake to its close."""

    def __init__(
        self,
        websocket: WebSocket,
        dialect: Dialect,
        *,
        lines: Lines,
        count_outcome: Callable[[str], None],
        send_timeout_s: float,
        linger_s: float,
        max_waiting: int,
    ) -> None:
        """`lines` is empty and this connection's own."""
        self._websocket = websocket
        self._socket: PatientWebSocket = websocket.scope["extensions"][SOCKET]
        self._dialect = dialect
        self._count_outcome = count_outcome
        self._send_timeout_s, self._linger_s = send_timeout_s, linger_s
        self._name = secrets.token_hex(6)
        self._log = SessionLog(_log, {"session": self._name})
        self._loop = asyncio.get_running_loop()
        self._lines = lines
        self._outbox = Outbox(max_waiting)
        self._will_send = False
        self._needs_writer = asyncio.Event()
        self._patience: asyncio.Timeout | None = None  # with a client that does not read
        self._alarm = Alarm(self._on_alarm)
        self._was_told = asyncio.Event()
        self._reader = Reader(
            websocket,
            dialect,
            lines,
            step=self._step,
            alarm=self._alarm,
            outbox=self._outbox,
            caught_up=self._caught_up,
        )
        self._is_draining = False
        self._outcome = "gone"

    @property
    def num_streams(self) -> int:
        """How many streams the client is counted for: one at least, as it may begin it any time."""
        return max(1, len(self._lines))

    async def run(self) -> None:
        """Serve the client until either side has ended it."""
        peer = self._websocket.client
        self._log.info("connected from %s", peer.host if peer else "nowhere")
        self._step(self._dialect.opened)
        try:
            async with asyncio.TaskGroup() as pumps:
                writer = pumps.create_task(self._write())
                reader = pumps.create_task(self._read())
                writer.add_done_callback(lambda _: reader.cancel())
                reader.add_done_callback(lambda _: writer.cancel())
        finally:
            self._lines.drop_all()
            self._alarm.stop()
            self._count_outcome(self._outcome)
            self._log.info("ended: %s", self._outcome)

    def drain(self) -> None:
        """The server is stopping: let the engine finish what was heard, then hang up."""
        self._is_draining = True
        for line in self._lines.all():
            line.drain()
        self._hang_up_when_drained()

    def cut(self) -> None:
        """The server cannot wait any longer."""
        for line in self._lines.all():
            line.fail(ShuttingDownError("the server is being stopped"))
        self._hang_up_when_drained()
        self._send_timeout_s = min(self._send_timeout_s, _LAST_WORDS_S)
        if self._patience is not None:
            self._patience.reschedule(self._loop.time() + self._send_timeout_s)

    # --- the two pumps ---

    async def _read(self) -> None:
        if await self._reader.run():
            await self._linger()

    async def _linger(self) -> None:
        """The client sends nothing more, but still reads: it is to hear what it has said."""
        if self._outbox.is_ending:
            await asyncio.sleep(self._linger_s)
            return
        actions: list[Action] = []

        def leave(now: float) -> list[Action]:
            actions.extend(self._dialect.left(now))
            return actions

        self._step(leave)
        if actions:
            await asyncio.sleep(self._linger_s)  # the writer's end cancels this

    async def _write(self) -> None:
        """Wait for a client that reads slowly, and hang up at the end.

        All else is sent by `_send_waiting`, without a task being woken for each message.
        """
        try:
            while True:
                await self._needs_writer.wait()
                self._needs_writer.clear()
                async with self._patiently():
                    await self._socket.wait_writable()
                    if hangup := self._send_waiting():
                        await self._websocket.close(hangup.code, hangup.reason)
                        return
        except TimeoutError:
            self._outcome = SlowReaderError.code
        except WebSocketDisconnect:
            pass  # the reader finds out, too; either may be first

    @asynccontextmanager
    async def _patiently(self) -> AsyncIterator[None]:
        """Wait no longer for the client than it is allowed to take; `cut` may shorten that."""
        async with asyncio.timeout(self._send_timeout_s) as self._patience:
            try:
                yield
            finally:
                self._patience = None

    def _send_soon(self) -> None:
        """Send what waits when all inputs that came with this one have been heard."""
        if not self._will_send:
            self._will_send = True
            self._loop.call_soon(self._send_waiting)

    def _send_waiting(self) -> Hangup | None:
        """Send what waits while the client takes it; the hangup, if that is all that is left."""
        self._will_send = False
        while self._socket.is_writable:
            item = self._outbox.take()
            if item is None:
                return None
            if isinstance(item, Hangup):
                self._needs_writer.set()
                return item
            self._send(item.message)
            self._was_told.set()
        self._needs_writer.set()
        return None

    async def _caught_up(self) -> None:
        """Wait until the client has taken its share of what it was told."""
        while self._outbox.is_crowded:
            self._was_told.clear()
            await self._was_told.wait()

    def _send(self, message: Any) -> None:
        try:
            frame = self._dialect.encode(message)
        except Exception:  # noqa: BLE001 - logged and told; other streams must not suffer
            self._log.exception("a bug ended the connection: a message cannot be encoded")
            self._outbox.clear()
            self._give_up(internal_error())
            return
        self._socket.say(frame)

    # --- into the dialect ---

    def line_said(self, line: Line, event: Event) -> None:
        """See `Listener`."""
        self._step(self._dialect.said, self._lines.id_of(line), event)

    def line_waits(self, line: Line) -> None:
        """See `Listener`."""
        self._alarm.set(line.next_deadline())

    def line_ended(self, line: Line, farewell: Hangup) -> None:
        """See `Listener`."""
        name = self._lines.remove(line)
        self._step(self._dialect.ended, name, farewell)
        if self._is_draining:
            self._hang_up_when_drained()

    def _step(self, actions_at: Input, *what: Any) -> None:
        """Put one input to the dialect; this is the edge where a bug ends one client, not all."""
        if self._outbox.is_ending:
            return
        try:
            self._perform(actions_at(*what, self._loop.time()))
        except Exception:  # noqa: BLE001 - logged and told; other streams must not suffer
            self._log.exception("a bug ended the connection")
            self._give_up(internal_error())
        self._alarm.set(self._dialect.next_deadline())

    # --- out of the dialect ---

    def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            if self._outbox.is_ending:
                return
            match action:
                case Tell():
                    self._tell(action)
                case Say():
                    if not self._outbox.put(action):
                        self._give_up(SlowReaderError("too many messages wait to be read"))
                        return
                    self._send_soon()
                case Begin(line=name):
                    self._begin(name)
                case Refuse(line=name, error=error):
                    if line := self._lines.get(name):
                        line.refuse(error)
                case Drop(line=name):
                    if line := self._lines.get(name):
                        self._lines.drop(line)
                case Hangup():
                    self._hang_up(action)

    def _tell(self, tell: Tell) -> None:
        line = self._lines.get(tell.line)
        if line is None and isinstance(tell.command, Hello):
            line = self._begin(tell.line)
        if line is not None:
            line.tell(tell.command)
            self._alarm.set(line.next_deadline())

    def _begin(self, name: LineId) -> Line | None:
        """A new line, or None where there is no room: then the dialect has been told."""
        try:
            line = self._lines.begin(name, f"{self._name}/{name}" if name else self._name, self)
        except StreamError as error:
            now = self._loop.time()
            self._perform(self._dialect.said(name, error_event(error), now))
            self._perform(self._dialect.ended(name, Hangup(error.close_code, error.code), now))
            return None
        self._alarm.set(line.next_deadline())
        return line

    def _hang_up(self, hangup: Hangup) -> None:
        self._outcome = hangup.reason or "bye"
        self._outbox.hang_up(hangup)
        self._send_soon()

    def _hang_up_when_drained(self) -> None:
        if not len(self._lines) and not self._outbox.is_ending:
            error = ShuttingDownError("the server is being stopped")
            self._hang_up(Hangup(error.close_code, error.code))

    def _give_up(self, error: StreamError) -> None:
        """Drop what waits, tell the client why if it ever reads again, and hang up."""
        if self._outbox.is_ending:
            return
        self._outbox.clear()
        self._lines.drop_all()
        try:
            for action in self._dialect.said("", error_event(error), self._loop.time()):
                if isinstance(action, Say):
                    self._outbox.put(action)
        except Exception:  # noqa: BLE001 - the dialect may be what is broken
            self._log.exception("the client could not be told")
        self._hang_up(Hangup(error.close_code, error.code))

    # --- time ---

    def _on_alarm(self) -> None:
        for line in self._lines.all():
            line.timed_out()
        self._step(self._dialect.timed_out)
        for line in self._lines.all():
            self._alarm.set(line.next_deadline())
