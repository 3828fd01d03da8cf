"""uvicorn's WebSocket protocol with nine habits, for many, slow, silent and rude peers.

Knows bytes and timers of one connection; knows nothing of streams.

- A peer is not dropped for a late pong while we leave its bytes unread: the pong waits behind them.
- A connection ended for a peer's mistake is closed gently: the close frame goes out and what the
  peer still sends is discarded. Closing at once would make the kernel reset the connection, and
  the peer would never see the reason.
- A text message that is not UTF-8 is such a mistake, and none of ours to log.
- A handshake that the app answers with HTTP is none of ours to log either.
- A message costs no more memory for coming in many fragments, empty ones for instance.
- What the app still sends to a peer that was closed on is a disconnect, not a bug of the app.
- A peer that has said it will send nothing more, by a close frame or by closing its side of the
  connection, is answered when the app returns or closes: until then it can still be told things.
- A message that comes whole does not go through the library's parser (`edges.py`).
- A closed connection is gone after `close_timeout`, even if the peer never reads the rest.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from .edges import FrameEdges, message_frame, whole_message

SOCKET = "hark.socket"
"""The ASGI extension that holds the `PatientWebSocket` of a scope, for `listen` and `limit`."""

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_LEAVING = "hark.leaving"
_MAX_PARTS = 1024  # fragments of a message that are joined at once

Listener = Callable[[str | bytes], bool]


def is_leaving(disconnect: Mapping[str, Any]) -> bool:
    """Whether the peer of a `websocket.disconnect` may still read."""
    return bool(disconnect.get(_LEAVING))


class _Protocol(ServerProtocol):
    """The library's machine, with our word for a message that is too large, and late farewells."""

    held_close: Frame | None = None
    """The peer's close frame, not yet answered."""

    def fail(self, code: int, reason: str = "") -> None:
        super().fail(code, "too_large" if code == CloseCode.MESSAGE_TOO_BIG else reason)

    def recv_frame(self, frame: Frame) -> None:
        if self.held_close is not None:
            return  # nothing may follow a close frame
        if frame.opcode is Opcode.CLOSE and self.state in (State.CONNECTING, State.OPEN):
            Close.parse(frame.data)  # raises on what is no close frame
            self.current_size = None  # of a message that it has broken off
            self.held_close = frame
            return
        super().recv_frame(frame)

    def answer_close(self) -> None:
        """Go on with the close frame that was held."""
        frame, self.held_close = self.held_close, None
        if frame is not None:
            super().recv_frame(frame)


class PatientWebSocket(WebSocketsSansIOProtocol):
    """Give this class to uvicorn as `ws`. Messages are not compressed."""

    _listener: Listener | None = None
    _parts: bytearray  # of a message in many fragments, those that came first
    _heard_since_ping = False
    _owes_pongs = False
    _is_leaving = False
    _abort_timer: asyncio.TimerHandle | None = None
    _edges: FrameEdges | None = None  # known from the end of the request on

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._machine = _Protocol(max_size=self.config.ws_max_size, logger=self.logger)
        self.conn = self._machine
        self._inner_app, self.app = self.app, self._run_app
        self._parts = bytearray()

    def data_received(self, data: bytes) -> None:
        self._heard_since_ping = True
        at = 0
        while at < len(data) and not self._is_leaving:  # nothing may follow a close frame
            whole = self._whole_message(data, at)
            if whole is not None:
                message, at = whole
                self.curr_msg_data_type, self.frames = "bytes", [message]
                self.send_receive_event_to_app()
                continue
            end = self._edge_behind(data, at)
            self._parse(data[at:end])
            at = end
        if self._owes_pongs:
            self._send_pongs()

    def _whole_message(self, data: bytes, at: int) -> tuple[bytes, int] | None:
        """The message at `at` and where it ends, if all of it is there and nothing under way."""
        machine = self._machine
        if self._edges is None or not self._edges.is_at_edge or machine.state is not State.OPEN:
            return None
        if machine.current_size is not None:
            return None  # a message in fragments has begun
        return whole_message(data, at, machine.max_message_size)

    def _edge_behind(self, data: bytes, at: int) -> int:
        """Where the frame at `at` ends, or the data; the data, where frames are not followed.

        They are no more once the peer has made a mistake: all that still comes is discarded.
        """
        if self._edges is None or self._machine.state in (State.CLOSING, State.CLOSED):
            return len(data)
        return self._edges.follow(data, at)

    def _parse(self, data: bytes) -> None:
        """Bytes for the library's parser."""
        is_head = self._machine.state is State.CONNECTING and data.endswith(_END_OF_HEAD)
        if self._edges is None and is_head and data.find(_END_OF_HEAD) == len(data) - 4:
            self._edges = FrameEdges()
        super().data_received(data)
        if self._machine.handshake_exc is not None and not self.handshake_initiated:
            self._refuse_head()
        if self._machine.held_close is not None:
            self._leave(bytes(self._machine.held_close.data))

    def _refuse_head(self) -> None:
        """A request that is no HTTP, or whose head is longer than is read, gets to no app."""
        self.transport.write(b"".join(self._machine.data_to_send()) or _BAD_REQUEST)
        self.transport.close()

    def handle_ping(self) -> None:
        """The library has its answer ready, to be sent when the packet has been read."""
        self._owes_pongs = True

    def _send_pongs(self) -> None:
        """Answer all pings of a packet, unless the peer reads nothing: they would pile up here."""
        self._owes_pongs = False
        pongs = self.conn.data_to_send()
        if pongs and self.writable.is_set() and not self.transport.is_closing():
            self.transport.write(b"".join(pongs))

    def eof_received(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The peer has closed its side, perhaps without a close frame. True keeps ours open."""
        if not self.handshake_complete or self.close_sent:
            return False
        self._leave(b"")
        return True

    def _leave(self, data: bytes) -> None:
        """Tell the app that nothing more comes."""
        if self._is_leaving or self.close_sent:
            return
        self._is_leaving = True
        close = Close.parse(data)
        message = {"type": "websocket.disconnect", "code": close.code, "reason": close.reason}
        self.queue.put_nowait(cast(Any, message | {_LEAVING: True}))

    async def _run_app(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """The app, and then the answer to a close frame, if the app has not closed itself."""
        try:
            await self._inner_app(scope, receive, send)
            if self.initial_response is not None and self.close_sent:
                self.handshake_complete = True  # with another answer than uvicorn expects
        finally:
            if self._machine.held_close and self.handshake_complete and not self.close_sent:
                self._machine.answer_close()
                self.transport.write(b"".join(self.conn.data_to_send()))
                self.close_sent = True

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._abort_timer is not None:
            self._abort_timer.cancel()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._abort_later()

    @property
    def is_writable(self) -> bool:
        """Whether a message can be said now; of a peer that is gone too, as nobody need wait."""
        return self.writable.is_set()

    async def wait_writable(self) -> None:
        """Wait until the peer has read enough of what it was told, or is gone."""
        await self.writable.wait()

    def say(self, message: str | bytes) -> None:
        """Send a message at once, to be called while `is_writable`; not to a peer that is gone.

        Through `send` each message costs a change of tasks.
        """
        if self.close_sent or self.transport.is_closing() or self.conn.state is not State.OPEN:
            return
        self.transport.write(message_frame(message))

    def abort(self) -> None:
        """Close the connection at once; what the peer has not read is lost."""
        self.transport.abort()

    async def send(self, message: ASGISendEvent) -> None:
        await self.writable.wait()
        if self.close_sent and self.initial_response is None:
            raise ClientDisconnected
        await super().send(message)
        if self.close_sent and self._machine.held_close is not None:
            self._machine.answer_close()
            self.transport.close()

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
            extensions[SOCKET] = self

    def limit(self, max_bytes: int) -> None:
        """Bound the messages of this peer; to be called before it is let in."""
        self._machine.max_message_size = max_bytes

    def listen(self, listener: Listener) -> None:
        """Give each message to `listener` as it is read; those it declines go to `receive`.

        Through `receive` each message costs a change of tasks and two of what the loop watches.
        """
        self._listener = listener

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) == _MAX_PARTS:
            self._parts += b"".join(self.frames)
            self.frames = []
        self.frames.append(bytes(event.data))
        if event.fin:
            if self._parts:
                self.frames = [bytes(self._parts), *self.frames]
                self._parts = bytearray()
            self.send_receive_event_to_app()

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
