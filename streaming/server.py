"""The ASGI app and the server that runs it: streams, page, health, metrics, and an orderly end.

Owns the listening socket and the set of connections. Knows no model: the engine is started by
whoever composes the server, see `serve.py`.
"""

import asyncio
import math
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import PurePosixPath

import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from .admission import Load, Readiness, readiness, refusal
from .bridge import Bridge, BridgeStatus, EnginePort, StartEngine
from .config import ServerConfig
from .connection import Connection
from .doors import DOORS
from .errors import StreamError
from .keys import keyring_of
from .line import Line, Listener
from .lines import Lines
from .metrics import CONTENT_TYPE as METRICS_CONTENT_TYPE
from .metrics import Metrics
from .protocols.base import Denial, Dialect, Door, Handshake, House
from .session import Terms, error_event
from .turned_away import turn_away
from .websocket import SOCKET, PatientWebSocket

CUT_PATIENCE_S = 1.0  # for last messages and close frames to arrive when the server stops

_PAGE_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


class Service:
    """All streams of one server, and the bridge to its engine."""

    def __init__(self, config: ServerConfig, start_engine: StartEngine) -> None:
        """Raises ConfigError: a key that the settings name cannot be used."""
        self.config = config
        self.bridge = Bridge()
        self.metrics = Metrics(self._read_port, self.load)
        self.keys = keyring_of(config)
        self._start_engine = start_engine
        self._connections: set[Connection] = set()
        self._empty = asyncio.Event()  # no connections
        self._empty.set()
        self._draining = False

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """From before the first request to after the last."""
        self.bridge.start(self._start_engine)
        yield
        await self.bridge.close()

    def load(self) -> Load:
        port = self.bridge.port
        return Load(
            loading=self.bridge.status is BridgeStatus.LOADING,
            failed=self.bridge.status is BridgeStatus.FAILED,
            draining=self._draining,
            streams=self._num_streams(),
            max_streams=0 if port is None else port.max_streams,
            capacity=None if port is None else port.load.capacity,
        )

    async def enter(self, door: Door, websocket: WebSocket) -> None:
        """Admit a client by one of the doors, and serve it until it ends."""
        handshake = handshake_of(websocket)
        try:
            self.keys.check(handshake)
            refused = refusal(self.load())
            dialect = door.open(handshake, self._house())
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
        connection = self._connect(websocket, dialect)
        try:
            await websocket.accept(dialect.subprotocol, header_list(dialect.accept_headers))
            await connection.run()
        finally:
            self._connections.discard(connection)
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

    async def drain(self) -> None:
        """Admit nobody, let every stream say what it has heard, then hang up.

        Takes at most `drain_s` and `CUT_PATIENCE_S`.
        """
        self._draining = True
        for connection in list(self._connections):
            connection.drain()
        if await self._emptied(self.config.drain_s):
            return
        for connection in list(self._connections):
            connection.cut()
        await self._emptied(CUT_PATIENCE_S)

    def _connect(self, websocket: WebSocket, dialect: Dialect) -> Connection:
        config = self.config
        connection = Connection(
            websocket,
            dialect,
            lines=Lines(self.new_line, self.release),
            count_outcome=lambda outcome: self.metrics.sessions.labels(outcome).inc(),
            send_timeout_s=config.send_timeout_s,
            linger_s=config.drain_s,
            max_waiting=config.max_waiting_events,
        )
        self._connections.add(connection)
        self._note_streams()
        return connection

    async def _deny(self, websocket: WebSocket, denial: Denial, error: StreamError) -> None:
        """Answer the handshake with HTTP."""
        self.metrics.sessions.labels(error.code).inc()
        await websocket.send_denial_response(response_of(denial))

    async def _turn_away(self, websocket: WebSocket, dialect: Dialect, error: StreamError) -> None:
        """Say why in the dialect's own words, and close."""
        self.metrics.sessions.labels(error.code).inc()
        self.metrics.count_said(error_event(error))
        with suppress(TimeoutError, WebSocketDisconnect):
            await turn_away(websocket, dialect, error, patience_s=self.config.hello_timeout_s)

    def _house(self) -> House:
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

    def _port(self) -> EnginePort:
        assert self.bridge.port is not None, "admission lets nobody in before the engine runs"
        return self.bridge.port

    def _note_streams(self) -> None:
        self.metrics.streams.set(self._num_streams())
        if not self._connections:
            self._empty.set()
        else:
            self._empty.clear()

    def _num_streams(self) -> int:
        return sum(connection.num_streams for connection in self._connections)

    async def _emptied(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    def _read_port(self) -> EnginePort | None:
        return self.bridge.port


# --- the app -------------------------------------------------------------------------------------


def create_app(service: Service) -> Starlette:
    """The ASGI app of a service; starting and stopping the app starts and stops the engine."""

    async def ready(request: Request) -> Response:
        load = service.load()
        status = readiness(load)
        port = service.bridge.port
        standing = service.keys.standing(handshake_of(request))
        key = {} if standing is None else {"key": standing}
        if status is not Readiness.READY or port is None:
            return JSONResponse({"status": status, "headroom": 0, **key}, status_code=503)
        return JSONResponse(
            {
                "status": status,
                "model": port.model_name,
                "streams": load.streams,
                "max_streams": load.max_streams,
                "headroom": load.headroom,
                **key,
            }
        )

    async def metrics(request: Request) -> Response:
        return Response(service.metrics.render(), media_type=METRICS_CONTENT_TYPE)

    return Starlette(
        routes=[
            Route("/", _page),
            Route("/static/{name}", _page),
            Route("/healthz", _health),
            Route("/readyz", ready),
            Route("/metrics", metrics),
            *(WebSocketRoute(path, partial(service.enter, door)) for path, door in DOORS.items()),
        ],
        lifespan=service.lifespan,
    )


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _page(request: Request) -> Response:
    """A file of the captions page. Not async, so Starlette reads it off the event loop."""
    name = request.path_params.get("name", "index.html")
    kind = _PAGE_TYPES.get(PurePosixPath(name).suffix)
    file = next((each for each in resources.files("hark.web").iterdir() if each.name == name), None)
    if kind is None or file is None or not file.is_file():
        return PlainTextResponse("not found\n", 404)
    return Response(file.read_bytes(), media_type=kind, headers={"Cache-Control": "no-cache"})


def handshake_of(request: HTTPConnection) -> Handshake:
    """What dialects see of a request."""
    return Handshake(
        path=request.url.path,
        query={name: request.query_params.getlist(name) for name in request.query_params},
        headers=dict(request.headers),
        subprotocols=tuple(request.scope.get("subprotocols", ())),
    )


def response_of(denial: Denial) -> Response:
    return Response(denial.body, denial.status, dict(denial.headers), media_type=denial.media_type)


def header_list(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI wants them."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]


# --- running it ----------------------------------------------------------------------------------


class HarkServer(uvicorn.Server):
    """uvicorn, with our WebSocket settings, and streams drained before anything is closed."""

    def __init__(self, service: Service, on_stop: Callable[[], None] = lambda: None) -> None:
        """`on_stop` is called when a signal ends the server, before it drains."""
        self._service = service
        self._on_stop = on_stop
        config = service.config
        super().__init__(
            uvicorn.Config(
                create_app(service),
                ws=PatientWebSocket,
                ws_per_message_deflate=False,
                ws_ping_interval=config.ping_interval_s,
                ws_ping_timeout=config.ping_interval_s,
                timeout_graceful_shutdown=math.ceil(CUT_PATIENCE_S),
                log_config=None,
                access_log=False,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then close. A second Ctrl-C cuts the draining short."""
        if self._service.bridge.failure is None:
            self._on_stop()
        leaving = asyncio.create_task(self._take_leave())
        while not leaving.done() and not self.force_exit:
            await asyncio.wait({leaving}, timeout=0.1)  # as often as uvicorn itself looks
        leaving.cancel()
        await super().shutdown(sockets)

    async def _take_leave(self) -> None:
        """Drain, then give clients time to answer our close frames.

        To close a socket that still holds a client's audio is to reset its connection, and the
        client may then never read its last final.
        """
        await self._service.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(CUT_PATIENCE_S):
                while self._has_websockets():  # noqa: ASYNC110 - uvicorn has no event for it
                    await asyncio.sleep(0.01)

    def _has_websockets(self) -> bool:
        return any(isinstance(each, PatientWebSocket) for each in self.server_state.connections)


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one.

    Raises:
        OSError: the address is in use, or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)
