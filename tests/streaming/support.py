"""A server on a real socket around a `FakeEngine`, and a client that speaks plain WebSocket."""

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import msgpack
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from hark.streaming.bridge import EnginePort, OnCrash, Publish, StartEngine
from hark.streaming.config import ServerConfig
from hark.streaming.server import HarkServer, listen
from hark.streaming.service import Service
from tests.fakes import FakeEngine

SECOND = bytes(32_000)  # of 16 kHz 16-bit audio
HELLO = {"type": "hello"}


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens, and what is inside it."""

    address: str
    service: Service
    server: HarkServer

    @property
    def engine(self) -> FakeEngine:
        port = self.service.bridge.port
        assert isinstance(port, FakeEngine)
        return port

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://{self.address}{path}")

    @asynccontextmanager
    async def client(
        self,
        path: str = "/v1/stream",
        *,
        subprotocols: list[str] | None = None,
        headers: dict[str, str] | None = None,
        max_queue: int | None = 16,
    ) -> AsyncIterator["Client"]:
        """A connection that pings nobody and takes messages of any size."""
        async with open_socket(
            f"ws://{self.address}{path}",
            additional_headers=headers,
            subprotocols=[Subprotocol(name) for name in subprotocols or []] or None,
            compression=None,
            ping_interval=None,
            max_size=None,
            max_queue=max_queue,
            close_timeout=5,
            proxy=None,
        ) as socket:
            yield Client(socket)

    async def oversend(self, path: str, size: int) -> tuple[int, bytes]:
        """Send one message of `size` bytes to the end, and read the code and reason of the close.

        The client library would stop half-way, and then not read.
        """
        reader, writer = await asyncio.open_connection(*self.address.split(":"))
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: hark\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        writer.write(struct.pack("!BBQ4x", 0x82, 0x80 | 127, size))  # binary, masked with zeros
        for start in range(0, size, 1 << 20):
            writer.write(bytes(min(1 << 20, size - start)))
            await writer.drain()
        answer = await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        opcode, _, code = struct.unpack_from("!BBH", answer)
        assert opcode == 0x88
        return code, answer[4:]

    async def serves(self) -> bool:
        """Whether a fresh client gets its words."""
        async with self.client() as client:
            await client.say(HELLO)
            await client.socket.send(SECOND)
            await client.say({"type": "close"})
            messages, code = await client.rest()
        texts = [message["text"] for message in messages if message["type"] == "final"]
        return texts == ["w0 w1 w2 w3 w4 w5 w6 w7 w8 w9"] and code == 1000


@dataclass(frozen=True, slots=True)
class Client:
    socket: ClientConnection

    async def say(self, message: dict[str, Any]) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        return json.loads(await self.socket.recv())

    async def hear_until(self, kind: str) -> dict[str, Any]:
        while (message := await self.hear())["type"] != kind:
            pass
        return message

    def leave(self) -> None:
        """Send a close frame, and go on reading."""
        self.socket.protocol.send_close(1000)
        self.socket.send_data()

    async def rest(self) -> tuple[list[dict[str, Any]], int | None]:
        """Everything up to the end, and the close code."""
        messages: list[dict[str, Any]] = []
        try:
            while True:
                messages.append(await self.hear())
        except ConnectionClosed:
            return messages, self.socket.close_code


@asynccontextmanager
async def serving(start_engine: StartEngine = FakeEngine, **config: Any) -> AsyncIterator[Running]:
    """A server on a free port; it has drained and stopped when the block is left."""
    service = Service(ServerConfig(**config), start_engine)
    server = HarkServer(service)
    listener = listen("127.0.0.1", 0)
    host, port = listener.getsockname()
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    try:
        yield Running(f"{host}:{port}", service, server)
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def serving_ready(
    start_engine: StartEngine = FakeEngine, **config: Any
) -> AsyncIterator[Running]:
    """As `serving`, with the engine loaded."""
    async with serving(start_engine, **config) as running:
        await running.service.bridge.settled()
        yield running


def fake_engine(**options: Any) -> StartEngine:
    """A starter of a `FakeEngine` with these options."""

    def start(publish: Publish, on_crash: OnCrash) -> EnginePort:
        return FakeEngine(publish, on_crash, **options)

    return start


def pack(message: Any) -> bytes:
    """The message in msgpack, even if it holds what is not Unicode."""
    packed = msgpack.packb(message, unicode_errors="surrogatepass")
    assert packed is not None
    return packed


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that happens on another thread or in another task."""
    while not is_so():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.005)


async def settled_value(read: Callable[[], int]) -> int:
    """The value of something that grows, once it has not grown for half a second."""
    value, unchanged = read(), 0
    while unchanged < 50:
        await asyncio.sleep(0.01)
        unchanged = unchanged + 1 if read() == value else 0
        value = read()
    return value
