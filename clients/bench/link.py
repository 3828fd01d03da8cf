"""A WebSocket connection of the native protocol that costs little: no task, no queue, no copy.

Knows frames and the connection's end, no audio and no schedule. The SDK's client takes a task and
several times the processor time for each message; a load of hundreds of streams would then measure
the client.
"""

import asyncio
import json
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from ..keys import key_headers
from ..wire import JsonWire

MAX_EVENT_BYTES = 1 << 20
_SCHEME_PORTS = {"ws": 80, "wss": 443}

Message = dict[str, Any]


class Link(asyncio.Protocol):
    """One connection to a stream endpoint's URL.

    `on_message` is called for each event, `on_change` when `ready_to_send` may have become true,
    `on_end` once, with the close code if there was one.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None,
        on_message: Callable[[Message], None],
        on_change: Callable[[], None],
        on_end: Callable[[int | None], None],
    ) -> None:
        self._url = url
        self._headers = key_headers(key)
        self._on_message, self._on_change, self._on_end = on_message, on_change, on_end
        self._protocol = ClientProtocol(
            parse_uri(url),
            subprotocols=[Subprotocol(JsonWire.subprotocol)],
            max_size=MAX_EVENT_BYTES,
        )
        self._transport: asyncio.Transport | None = None
        self._held_up = False
        self._fragments: list[bytes] = []

    async def connect(self) -> None:
        """Connect; the handshake goes on by itself. Raises OSError when nobody listens."""
        parts = urlsplit(self._url)
        await asyncio.get_running_loop().create_connection(
            lambda: self,
            parts.hostname or "",
            parts.port or _SCHEME_PORTS[parts.scheme],
            ssl=ssl.create_default_context() if parts.scheme == "wss" else None,
        )

    @property
    def is_open(self) -> bool:
        """The handshake is over and nobody has begun to close."""
        return self._protocol.state is State.OPEN

    @property
    def ready_to_send(self) -> bool:
        """Open, and the peer takes what is sent."""
        return self.is_open and not self._held_up

    def send_audio(self, payload: bytes) -> None:
        self._protocol.send_binary(payload)
        self._flush()

    def send(self, message: Message) -> None:
        self._protocol.send_text(json.dumps(message).encode())
        self._flush()

    def abort(self) -> None:
        """Drop the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio calls these ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        request = self._protocol.connect()
        request.headers.update(self._headers)
        self._protocol.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._take_events()

    def eof_received(self) -> bool:
        self._protocol.receive_eof()
        self._take_events()
        return False  # the transport closes itself

    def pause_writing(self) -> None:
        self._held_up = True

    def resume_writing(self) -> None:
        self._held_up = False
        self._on_change()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._protocol.state is not State.CLOSED:
            self._protocol.receive_eof()
        self._on_end(None if self._protocol.close_rcvd is None else self._protocol.close_rcvd.code)

    # --- inside ----------------------------------------------------------------------------------

    def _take_events(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                self._on_change()
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.CONT):
                self._fragments.append(bytes(event.data))
                if event.fin:
                    message, self._fragments = b"".join(self._fragments), []
                    self._on_message(json.loads(message))
        self._flush()

    def _flush(self) -> None:
        """Hand over what the protocol wants sent: frames, pongs, the close; b"" is the end."""
        assert self._transport is not None
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()
