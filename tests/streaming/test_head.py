"""The HTTP protocol class alone: how long a request's head may take."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from hark.streaming import head
from hark.streaming.head import PatientHttp
from hark.streaming.websocket import PatientWebSocket
from tests.streaming.test_websocket import HANDSHAKE, Memory

REQUEST = b"GET / HTTP/1.1\r\nHost: hark\r\n\r\n"


class Wire(Memory):
    """A transport that knows its protocol, as asyncio's do."""

    max_size = 1 << 18

    def __init__(self) -> None:
        super().__init__()
        self.protocol: asyncio.BaseProtocol | None = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self.protocol is not None
        return self.protocol


async def app(scope: dict, receive, send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await asyncio.sleep(60)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """A connection that has just been made, to a server of little patience."""
    monkeypatch.setattr(head, "HEAD_PATIENCE_S", 0.05)
    config = uvicorn.Config(app, log_config=None, ws=PatientWebSocket)
    config.load()
    wire = Wire()
    wire.protocol = PatientHttp(config, ServerState(), {})
    wire.protocol.connection_made(wire)
    return wire


def put(wire: Wire, data: bytes) -> None:
    protocol = wire.get_protocol()
    assert isinstance(protocol, asyncio.Protocol)
    protocol.data_received(data)


async def test_a_head_that_does_not_end_is_told_so_however_it_drips(wire: Wire) -> None:
    for byte in REQUEST[:20]:
        put(wire, bytes([byte]))
        await asyncio.sleep(0.01)
        if wire.closed:
            break
    assert wire.closed
    assert wire.written.startswith(b"HTTP/1.1 408 ")


async def test_who_says_nothing_is_told_nothing(wire: Wire) -> None:
    await asyncio.sleep(0.1)
    assert wire.closed
    assert not wire.written


async def test_requests_in_time_may_go_on(wire: Wire) -> None:
    for _ in range(3):
        put(wire, REQUEST)
        await asyncio.sleep(0.1)
    assert wire.written.count(b"HTTP/1.1 204 ") == 3
    assert not wire.closed
    put(wire, REQUEST[:5])
    await asyncio.sleep(0.1)
    assert b"408" in wire.written
    assert wire.closed


async def test_a_body_that_was_answered_may_not_go_on_for_ever(wire: Wire) -> None:
    put(wire, REQUEST.replace(b"\r\n\r\n", b"\r\nContent-Length: 1000\r\n\r\n"))
    for _ in range(20):
        await asyncio.sleep(0.01)
        if wire.closed:
            break
        put(wire, b"x")
    assert wire.written.startswith(b"HTTP/1.1 204 ")
    assert wire.closed


async def test_a_websocket_is_no_head_any_more(wire: Wire) -> None:
    put(wire, HANDSHAKE)
    await asyncio.sleep(0.1)
    assert isinstance(wire.protocol, PatientWebSocket)
    assert wire.written.startswith(b"HTTP/1.1 101 ")
    assert not wire.closed
    for task in wire.protocol.tasks:
        task.cancel()


async def test_little_is_read_at_once_so_that_others_have_their_turn(wire: Wire) -> None:
    assert wire.max_size == 1 << 14
    transports: asyncio.Queue[asyncio.BaseTransport] = asyncio.Queue()
    server = await asyncio.start_server(
        lambda _, writer: transports.put_nowait(writer.transport), "127.0.0.1", 0
    )
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    accepted = await transports.get()
    assert hasattr(accepted, "max_size"), "asyncio calls it otherwise now"
    accepted.close()
    writer.close()
    server.close()
