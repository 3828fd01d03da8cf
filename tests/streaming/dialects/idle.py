"""Clients that come in, say what they want, and send no sound; each little more than a socket."""

import asyncio
import socket
from collections.abc import Mapping
from functools import partial

from websockets.frames import Frame, Opcode

from hark.streaming.protocols.base import Frame as Message

from . import formats, ways
from .formats import Make
from .ways import Dialect, Way

_NARROW = partial(formats.pcm, rate=8_000)
_COSTLY: Mapping[Dialect, Make] = {
    ways.native: formats.mulaw,
    ways.openai: formats.mulaw,
    ways.openai_beta: formats.mulaw,
    ways.dashscope: _NARROW,
    ways.deepgram: formats.mulaw,
    ways.bridge: formats.opus,
    ways.vosk: _NARROW,
}


def costliest(dialect: Dialect) -> Make:
    """Of the formats it carries, one that takes the most to be heard: a decoder, a resampler."""
    return _COSTLY.get(dialect, formats.pcm)


async def come_in(address: str, way: Way) -> socket.socket:
    """A client whose wishes the server has read, and who keeps silent. The caller closes it."""
    host, _, port = address.partition(":")
    client = socket.socket()
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (host, int(port)))
    headers = "".join(f"{name}: {value}\r\n" for name, value in way.headers.items())
    request = (
        f"GET {way.url} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{headers}\r\n"
    )
    await loop.sock_sendall(client, request.encode())
    heard = await loop.sock_recv(client, 4_096)
    assert heard.startswith(b"HTTP/1.1 101"), heard
    for message in way.first:
        await send(client, message)
    await loop.sock_sendall(client, Frame(Opcode.PING, b"hark").serialize(mask=True))
    pong = Frame(Opcode.PONG, b"hark").serialize(mask=False)
    while pong not in heard:
        heard += await loop.sock_recv(client, 4_096)
    return client


async def send(client: socket.socket, message: Message) -> None:
    is_text = isinstance(message, str)
    opcode, data = (Opcode.TEXT, message.encode()) if is_text else (Opcode.BINARY, message)
    frame = Frame(opcode, data).serialize(mask=True)
    await asyncio.get_running_loop().sock_sendall(client, frame)
