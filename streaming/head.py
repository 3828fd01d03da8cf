"""uvicorn's HTTP protocol with bounds: on heads and unread bodies in time, on a read in bytes.

Knows bytes and timers of one connection; a WebSocket's are in `websocket.py`, once it is one.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_PATIENCE_S = 10.0

_READ_BYTES = 1 << 14
"""What is read of a socket at once. asyncio's own 256 KiB hold 40,000 WebSocket messages of a byte,
and everybody else waits while those are read."""

_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class PatientHttp(H11Protocol):
    """Give this class to uvicorn as `http`."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        if hasattr(transport, "max_size"):
            transport.max_size = _READ_BYTES  # pyright: ignore[reportAttributeAccessIssue]
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        has_begun_a_head = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if self._sends_in_vain or (has_begun_a_head and self.transport.get_protocol() is self):
            self._expect_head()
        else:
            self._stop_expecting()

    def on_response_complete(self) -> None:
        """Who was answered before all of the body had come may not go on for ever."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_expecting()

    @property
    def _sends_in_vain(self) -> bool:
        """Whether more of a body comes that is answered already."""
        is_answered = self.cycle is not None and self.cycle.response_complete
        return is_answered and self.conn.their_state is h11.SEND_BODY

    def _expect_head(self) -> None:
        """The head that comes has this long, however many pieces it comes in."""
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_PATIENCE_S, self._give_up)

    def _stop_expecting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        """Who has sent nothing at all may be a browser that connects in advance: say nothing."""
        if self.conn.trailing_data[0] and self.conn.our_state is h11.IDLE:
            self.transport.write(_TOO_LATE)
        self.transport.close()
