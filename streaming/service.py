"""All streams of one server: who may come in, who is there, and how they leave.

Owns the bridge to the engine and the set of guests. Knows no paths and no sockets that listen.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Protocol

from starlette.applications import Starlette
from starlette.websockets import WebSocket, WebSocketDisconnect

from .admission import Load, refusal
from .asgi import handshake_of, header_list, response_of
from .bridge import Bridge, BridgeStatus, EnginePort, StartEngine
from .config import ServerConfig
from .connection import Connection
from .effects import error_event
from .errors import StreamError
from .keys import keyring_of
from .line import Line, Listener
from .lines import Lines
from .metrics import Metrics
from .protocols.base import Denial, Dialect, Door, House
from .terms import Terms
from .turned_away import turn_away
from .websocket import SOCKET

_WATCH_S = 5.0  # between two looks at whether the engine moves
_log = logging.getLogger(__name__)

CUT_PATIENCE_S = 1.0  # for last messages and close frames to arrive when the server stops


class Guest(Protocol):
    """Whoever has streams here: a connection, or a file on its way to its answer."""

    @property
    def num_streams(self) -> int:
        """How many streams it is counted for."""
        ...

    def drain(self) -> None:
        """The server is stopping: say what was heard, and go."""
        ...

    def cut(self) -> None:
        """Go now."""
        ...


class Service:
    """All streams of one server, and the bridge to its engine."""

    def __init__(self, config: ServerConfig, start_engine: StartEngine) -> None:
        """Raises ConfigError: a key that the settings name cannot be used."""
        self.config = config
        self.bridge = Bridge()
        self.metrics = Metrics(self._read_port, self.load)
        self.keys = keyring_of(config)
        self._start_engine = start_engine
        self._guests: set[Guest] = set()
        self._empty = asyncio.Event()  # no guests
        self._empty.set()
        self._draining = False

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """From before the first request to after the last."""
        self.bridge.start(self._start_engine)
        watch = asyncio.create_task(self._watch())
        yield
        watch.cancel()
        await self.bridge.close()

    async def _watch(self) -> None:
        """Log when the engine gets stuck, and when it moves again."""
        was_stuck = False
        while True:
            await asyncio.sleep(_WATCH_S)
            load = self.load()
            is_stuck = load.is_stuck and not load.failed
            if is_stuck and not was_stuck:
                _log.warning("stuck: the engine has not moved for %.0f s", load.silent_s)
            elif was_stuck and not is_stuck:
                _log.warning("the engine moves again")
            was_stuck = is_stuck

    def load(self) -> Load:
        port = self.bridge.port
        load = None if port is None else port.load
        return Load(
            loading=self.bridge.status is BridgeStatus.LOADING,
            failed=self.bridge.status is BridgeStatus.FAILED,
            draining=self._draining,
            streams=self._num_streams(),
            max_streams=0 if port is None else port.max_streams,
            capacity=None if load is None else load.capacity,
            silent_s=0.0 if load is None else load.silent_s,
        )

    async def enter(self, door: Door, websocket: WebSocket) -> None:
        """Admit a client by one of the doors, and serve it until it ends."""
        handshake = handshake_of(websocket)
        try:
            self.keys.check(handshake)
            refused = refusal(self.load())
            dialect = door.open(handshake, self.house())
        except StreamError as error:
            denial = door.deny(error, handshake)
            assert denial is not None, "a client without a dialect is turned away by HTTP"
            await self._deny(websocket, denial, error)
            return
        denial = None if refused is None else door.deny(refused, handshake)
        if refused is not None and denial is not None:
            await self._deny(websocket, denial, refused)
            return
        websocket.scope["extensions"][SOCKET].limit(door.max_message_bytes)
        if refused is not None:
            await websocket.accept(dialect.subprotocol)
            await self._turn_away(websocket, dialect, refused)
            return
        connection = self._connection(websocket, dialect)
        with self.hosting(connection):
            await websocket.accept(dialect.subprotocol, header_list(dialect.accept_headers))
            await connection.run()

    def admit(self) -> None:
        """Let one more guest in.

        Raises:
            StreamError: there is no room, or no engine.
        """
        error = refusal(self.load())
        if error is not None:
            self.metrics.count_said(error_event(error))
            raise error

    @contextmanager
    def hosting(self, guest: Guest) -> Iterator[None]:
        """While this is entered, the guest is counted, and hears of the server's end."""
        self._guests.add(guest)
        self._note_streams()
        try:
            yield
        finally:
            self._guests.discard(guest)
            self._note_streams()

    def new_line(self, name: str, listener: Listener, is_reserved: bool) -> Line:
        """One more stream of whoever listens, for whom one is counted already if `is_reserved`.

        Raises:
            StreamError: there is no room, or no engine.
        """
        load = self.load()
        error = refusal(replace(load, streams=load.streams - is_reserved))
        if error is not None:
            raise error
        port, config = self._port(), self.config
        terms = Terms(
            languages=port.languages,
            max_segment_s=port.max_segment_s,
            unsure_below=port.unsure_below,
            hello_timeout_s=config.hello_timeout_s,
            stall_s=config.stall_s,
        )
        return Line(
            name,
            listener,
            open_link=self.bridge.open,
            terms=terms,
            metrics=self.metrics,
            clock=asyncio.get_running_loop().time,
        )

    def release(self, line: Line) -> None:
        """A stream is over."""
        self.bridge.release(line.link)
        self._note_streams()

    def count_outcome(self, outcome: str) -> None:
        """A guest has left: `bye`, `gone`, or the code of an error."""
        self.metrics.sessions.add(outcome)

    def house(self) -> House:
        """What dialects may tell of this server; empty while it has no engine."""
        port = self.bridge.port
        return House(
            model="" if port is None else port.model_name,
            languages=() if port is None else port.languages,
            max_segment_s=0 if port is None else port.max_segment_s,
            unsure_below=0.0 if port is None else port.unsure_below,
            epoch=time.time() - asyncio.get_running_loop().time(),
            new_id=lambda: secrets.token_hex(12),
        )

    async def drain(self) -> None:
        """Admit nobody, let every stream say what it has heard, then hang up.

        Takes at most `drain_s` and `CUT_PATIENCE_S`.
        """
        self._draining = True
        for guest in list(self._guests):
            guest.drain()
        if await self._emptied(self.config.drain_s):
            return
        for guest in list(self._guests):
            guest.cut()
        await self._emptied(CUT_PATIENCE_S)

    def _connection(self, websocket: WebSocket, dialect: Dialect) -> Connection:
        config = self.config
        return Connection(
            websocket,
            dialect,
            lines=Lines(self.new_line, self.release),
            count_outcome=self.count_outcome,
            send_timeout_s=config.send_timeout_s,
            linger_s=config.drain_s,
            max_waiting=config.max_waiting_events,
        )

    async def _deny(self, websocket: WebSocket, denial: Denial, error: StreamError) -> None:
        """Answer the handshake with HTTP."""
        self.count_outcome(error.code)
        self.metrics.count_said(error_event(error))
        await websocket.send_denial_response(response_of(denial))

    async def _turn_away(self, websocket: WebSocket, dialect: Dialect, error: StreamError) -> None:
        """Say why in the dialect's own words, and close."""
        self.count_outcome(error.code)
        self.metrics.count_said(error_event(error))
        with suppress(TimeoutError, WebSocketDisconnect):
            await turn_away(websocket, dialect, error, patience_s=self.config.hello_timeout_s)

    def _port(self) -> EnginePort:
        assert self.bridge.port is not None, "admission lets nobody in before the engine runs"
        return self.bridge.port

    def _note_streams(self) -> None:
        self.metrics.streams.set(self._num_streams())
        if not self._guests:
            self._empty.set()
        else:
            self._empty.clear()

    def _num_streams(self) -> int:
        return sum(guest.num_streams for guest in self._guests)

    async def _emptied(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    def _read_port(self) -> EnginePort | None:
        return self.bridge.port
