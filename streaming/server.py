"""The ASGI app and the server that runs it: paths, page, health, metrics, and an orderly end.

Owns the listening socket. Knows no model: the engine is started by whoever composes the server,
see `serve.py`.
"""

import asyncio
import math
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import resources
from pathlib import PurePosixPath

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from .admission import Readiness, readiness
from .asgi import handshake_of
from .doors import DOORS
from .head import PatientHttp
from .http import file_routes
from .metrics import CONTENT_TYPE as METRICS_CONTENT_TYPE
from .service import CUT_PATIENCE_S, Service
from .websocket import PatientWebSocket

_PAGE_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


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
            *file_routes(service),
            *(WebSocketRoute(path, partial(service.enter, door)) for path, door in DOORS.items()),
            *(Route(path, _upgrade, methods=["GET"]) for path in DOORS),
        ],
        lifespan=service.lifespan,
    )


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _upgrade(request: Request) -> Response:
    """What a path of WebSockets says to a request that asks for none."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return PlainTextResponse(
        "a GET of this path has to ask for a WebSocket (Upgrade: websocket)\n", 426, headers
    )


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
    """uvicorn, with our protocols and settings, and streams drained before anything is closed."""

    def __init__(self, service: Service, on_stop: Callable[[], None] = lambda: None) -> None:
        """`on_stop` is called when a signal ends the server, before it drains."""
        self._service = service
        self._on_stop = on_stop
        config = service.config
        super().__init__(
            uvicorn.Config(
                create_app(service),
                http=PatientHttp,
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
                while self._websockets():  # noqa: ASYNC110 - uvicorn has no event for it
                    await asyncio.sleep(0.01)
        for websocket in self._websockets():  # of clients that read nothing any more
            websocket.abort()

    def _websockets(self) -> list[PatientWebSocket]:
        connections = self.server_state.connections
        return [each for each in connections if isinstance(each, PatientWebSocket)]


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one.

    Raises:
        OSError: the address is in use, or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)
