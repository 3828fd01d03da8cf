"""The ASGI app and the server that runs it: streams, page, health, metrics, and an orderly end.

Owns the listening socket and the set of connections. Knows no model: the engine is started by
whoever composes the server, see `serve.py`.
"""

import asyncio
import math
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from importlib import resources
from pathlib import PurePosixPath

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from .admission import Load, Readiness, readiness, refusal
from .bridge import Bridge, BridgeStatus, EnginePort, StartEngine
from .config import ServerConfig
from .connection import Connection, send_frame
from .errors import StreamError
from .metrics import CONTENT_TYPE as METRICS_CONTENT_TYPE
from .metrics import Metrics
from .protocols.base import Adapter
from .protocols.native import JSON_SUBPROTOCOL, MSGPACK_SUBPROTOCOL, choose_adapter
from .session import Terms, error_event
from .websocket import PatientWebSocket

MAX_MESSAGE_BYTES = 1 << 20
CUT_PATIENCE_S = 1.0  # for last messages and close frames to arrive when the server stops

_PAGE_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


class Service:
    """All streams of one server, and the bridge to its engine."""

    def __init__(self, config: ServerConfig, start_engine: StartEngine) -> None:
        self.config = config
        self.bridge = Bridge()
        self.metrics = Metrics(self._read_port, self.load)
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
            streams=len(self._connections),
            max_streams=0 if port is None else port.max_streams,
            capacity=None if port is None else port.load.capacity,
        )

    async def stream(self, websocket: WebSocket) -> None:
        """`/v1/stream`: admit the connection and serve it until it ends."""
        adapter = choose_adapter(websocket.scope["subprotocols"])
        if adapter is None:
            known = f"{JSON_SUBPROTOCOL}, {MSGPACK_SUBPROTOCOL}"
            denial = PlainTextResponse(f"no known subprotocol; known are {known}\n", 400)
            await websocket.send_denial_response(denial)
            return
        error = refusal(self.load())
        if error is not None:
            await self._refuse(websocket, adapter, error)
            return
        connection = self._connect(websocket, adapter)
        try:
            await websocket.accept(adapter.subprotocol)
            await connection.run()
        finally:
            self._forget(connection)

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

    def _connect(self, websocket: WebSocket, adapter: Adapter) -> Connection:
        port = self.bridge.port
        assert port is not None, "admission lets nobody in before the engine runs"
        config = self.config
        connection = Connection(
            websocket,
            adapter,
            name=secrets.token_hex(6),
            open_link=self.bridge.open,
            terms=Terms(
                languages=port.languages,
                max_segment_s=port.max_segment_s,
                unsure_below=port.unsure_below,
                hello_timeout_s=config.hello_timeout_s,
                stall_s=config.stall_s,
            ),
            metrics=self.metrics,
            config=config,
        )
        self._connections.add(connection)
        self._empty.clear()
        self.metrics.streams.set(len(self._connections))
        return connection

    async def _refuse(self, websocket: WebSocket, adapter: Adapter, error: StreamError) -> None:
        await websocket.accept(adapter.subprotocol)
        notice = replace(error_event(error), seq=0)
        self.metrics.sessions.labels(error.code).inc()
        with suppress(TimeoutError, WebSocketDisconnect):
            async with asyncio.timeout(self.config.send_timeout_s):
                await send_frame(websocket, adapter.encode(notice))
                self.metrics.count_sent(notice)
                await websocket.close(error.close_code, error.code)

    def _forget(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self.metrics.streams.set(len(self._connections))
        self.bridge.release(connection.link)
        if not self._connections:
            self._empty.set()

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
        if status is not Readiness.READY or port is None:
            return JSONResponse({"status": status, "headroom": 0}, status_code=503)
        return JSONResponse(
            {
                "status": status,
                "model": port.model_name,
                "streams": load.streams,
                "max_streams": load.max_streams,
                "headroom": load.headroom,
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
            WebSocketRoute("/v1/stream", service.stream),
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
                ws_max_size=MAX_MESSAGE_BYTES,
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
