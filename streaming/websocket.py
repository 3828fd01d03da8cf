"""uvicorn's WebSocket protocol with five habits that slow, silent and rude peers call for.

Knows bytes and timers of one connection; knows nothing of streams.

- A peer is not dropped for a late pong while we leave its bytes unread: the pong waits behind them.
- A connection ended for a peer's mistake is closed gently: the close frame goes out and what the
  peer still sends is discarded. Closing at once would make the kernel reset the connection, and
  the peer would never see the reason.
- A text message that is not UTF-8 is such a mistake, and none of ours to log.
- What the app still sends to a peer that was closed on is a disconnect, not a bug of the app.
- A closed connection is gone after `close_timeout`, even if the peer never reads the rest.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.server import ServerProtocol

DIRECT = "hark.direct"
"""The ASGI extension by which an app asks for messages without a queue: see `listen`."""

Listener = Callable[[str | bytes], bool]


class _Protocol(ServerProtocol):
    """The library's machine, with our word for a message that is too large."""

    def fail(self, code: int, reason: str = "") -> None:
        super().fail(code, "too_large" if code == CloseCode.MESSAGE_TOO_BIG else reason)


class PatientWebSocket(WebSocketsSansIOProtocol):
    """Give this class to uvicorn as `ws`. Messages are not compressed."""

    _listener: Listener | None = None

    _heard_since_ping = False
    _abort_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.conn = _Protocol(max_size=self.config.ws_max_size, logger=self.logger)

    def data_received(self, data: bytes) -> None:
        self._heard_since_ping = True
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._abort_timer is not None:
            self._abort_timer.cancel()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._abort_later()

    async def send(self, message: ASGISendEvent) -> None:
        await self.writable.wait()
        if self.close_sent and self.initial_response is None:
            raise ClientDisconnected
        await super().send(message)

    def send_keepalive_ping(self) -> None:
        self._heard_since_ping = False
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        if self.read_paused or self._heard_since_ping:
            self.pong_timer = None
            self.pending_ping_payload = None
            self.schedule_ping()
            return
        super().keepalive_timeout()
        self._abort_later()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions = cast(dict[str, object], self.scope.get("extensions"))
            extensions[DIRECT] = self.listen

    def listen(self, listener: Listener) -> None:
        """Give each message to `listener` as it is read; those it declines go to `receive`.

        Through `receive` each message costs a change of tasks and two of what the loop watches.
        """
        self._listener = listener

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.conn.fail(CloseCode.INVALID_DATA, "a text message that is not UTF-8")
            self.handle_parser_exception()
            return
        if not self._is_heard():
            super().send_receive_event_to_app()

    def _is_heard(self) -> bool:
        """Whether the listener took the message; not while earlier ones wait for `receive`."""
        if self._listener is None or self.close_sent or not self.queue.empty():
            return False
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        message = data.decode() if self.curr_msg_data_type == "text" else data
        if not self._listener(message):
            return False
        self.frames = []
        return True

    def handle_parser_exception(self) -> None:
        if self.close_sent:
            return  # more bytes of a peer that was told already
        self.close_sent = True
        self.stop_keepalive()
        close = self.conn.close_sent
        code, reason = (close.code, close.reason) if close is not None else (1006, "")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        # With a close timer set, uvicorn leaves the transport open when the app returns.
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def _abort_later(self) -> None:
        if not self.disconnected and self._abort_timer is None:
            self._abort_timer = self.loop.call_later(self.close_timeout, self.transport.abort)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
