"""Async client of a Hark server: audio in, events out. Knows the wire, no files and no devices.

    async with connect("ws://127.0.0.1:8765", language="English") as stream:
        await stream.send(audio)
        ...
        async for event in stream:
            ...

A task of the stream's own reads the socket, so `finalize` and `close` come back whether or not
anybody iterates at that moment.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Unpack
from urllib.parse import urlsplit

import numpy as np
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    NegotiationError,
)
from websockets.typing import Subprotocol

from hark.streaming.events import Bye, Error, Event, Finalized, Ready

from .errors import (
    BadAddressError,
    ConnectionLostError,
    HarkError,
    ServerRefusedError,
    ServerUnreachableError,
    StreamFailedError,
)
from .inbox import Inbox
from .keys import key_headers, refusal_of_key
from .settings import Changes, Settings, to_wire
from .wire import Wire, WireName, make_wire, stream_url

MAX_AUDIO_FRAME_BYTES = 256 * 1024  # the server takes messages up to 1 MiB
MAX_EVENT_BYTES = 1024 * 1024
ANSWER_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 5.0
_NORMAL_CLOSURE = 1000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@asynccontextmanager
async def connect(
    url: str = "ws://127.0.0.1:8765",
    *,
    key: str | None = None,
    wire: WireName = "json",
    **settings: Unpack[Settings],
) -> AsyncIterator["Stream"]:
    """Open one stream; leaving the block closes its connection.

    `key` is one of the server's API keys, if it has any.

    Call `Stream.close` before leaving to hear everything: without it, what the server has not
    said yet is dropped.

    Raises:
        BadAddressError: `url` cannot be understood.
        BadKeyError: `key` cannot be one.
        ServerUnreachableError: nobody answers, or not as a Hark server does.
        ServerRefusedError: the server has no room, or does not accept the key or the options.
    """
    framing = make_wire(wire)
    socket = await _open(stream_url(url), framing, key)
    try:
        ready = await _greet(socket, framing, settings)
        stream = Stream(socket, framing, ready)
        try:
            yield stream
        finally:
            await stream._stop()  # pyright: ignore[reportPrivateUsage]
    finally:
        await socket.close()


class Stream:
    """An open stream. Iterating gives its events up to `Bye`; made by `connect`.

    At most 1,000 events wait unread, newer partials replacing older ones; one more ends the
    stream with UnreadEventsError. Every method raises HarkError once the stream has failed.
    """

    def __init__(self, socket: ClientConnection, wire: Wire, ready: Ready) -> None:
        self.ready = ready
        self._socket = socket
        self._wire = wire
        self._encoding = str(ready.options.get("encoding", "pcm_s16le"))
        self._inbox = Inbox()
        self._failure: HarkError | None = None
        self._flushes: dict[str, asyncio.Future[Finalized]] = {}
        self._num_flushes = 0
        self._closing = False
        self._reader = asyncio.create_task(self._read(), name="hark stream reader")

    async def send(self, audio: bytes | np.ndarray) -> None:
        """Send the next samples; waits while the server is behind.

        `audio` is bytes in the stream's encoding, of any length, or an array [n] of float32 in
        -1..1 or int16, which is converted (for the two PCM encodings only).
        """
        payload = audio if isinstance(audio, bytes) else samples_to_bytes(audio, self._encoding)
        for start in range(0, len(payload), MAX_AUDIO_FRAME_BYTES):
            await self._put(self._wire.audio(payload[start : start + MAX_AUDIO_FRAME_BYTES]))

    async def configure(self, **changes: Unpack[Changes]) -> None:
        """Change options from the next segment on; what is refused comes back as an `Error`."""
        await self._put(self._wire.message({"type": "configure", **to_wire(changes)}))

    async def finalize(self) -> Finalized:
        """End the open segment here; returns when everything sent before has been heard.

        The segment's final, and `Finalized` itself, are among the events by then.
        """
        self._num_flushes += 1
        flush_id = f"flush-{self._num_flushes}"
        answer = asyncio.get_running_loop().create_future()
        self._flushes[flush_id] = answer
        try:
            await self._put(self._wire.message({"type": "finalize", "id": flush_id}))
            return await answer
        finally:
            del self._flushes[flush_id]

    async def close(self) -> None:
        """Say that no more audio comes; returns when the server has said everything.

        The last finals and `Bye` are among the events by then. Closing twice is harmless.
        """
        if not self._closing:
            self._closing = True
            await self._put(self._wire.message({"type": "close"}))
        await asyncio.shield(self._reader)
        if self._failure is not None:
            raise self._failure

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> Event:
        event = await self._inbox.get()
        if event is None:
            raise StopAsyncIteration
        return event

    async def _put(self, frame: str | bytes) -> None:
        if self._failure is not None:
            raise self._failure
        try:
            await self._socket.send(frame)
        except ConnectionClosed:
            # The reader knows why: the server's error stands in what it has yet to read.
            await asyncio.shield(self._reader)
            raise self._failure or ConnectionLostError("the stream is closed") from None

    async def _read(self) -> None:
        """Take in events until the socket ends, then say how the stream ended."""
        last: Event | None = None
        try:
            async for frame in self._socket:
                last = self._wire.event(frame)
                self._take(last)
        except ConnectionClosed:
            pass  # how it closed is read from the socket below, whichever way it was
        except HarkError as error:
            self._failure = error
        except ValueError as error:
            self._failure = StreamFailedError(f"cannot read the server: {error}", code="bad_event")
        self._failure = self._failure or self._failure_in(last)
        self._inbox.end(self._failure)
        for answer in self._flushes.values():
            if not answer.done():
                answer.set_exception(
                    self._failure or ConnectionLostError("the stream was closed before the flush")
                )

    def _take(self, event: Event) -> None:
        self._inbox.put(event)
        if isinstance(event, Finalized):
            answer = self._flushes.get(event.id)
            if answer is not None and not answer.done():
                answer.set_result(event)

    def _failure_in(self, last: Event | None) -> HarkError | None:
        """Why the ended socket is a failure; None if `last` and the close code say all is well."""
        if self._socket.close_code == _NORMAL_CLOSURE and isinstance(last, Bye):
            return None
        if isinstance(last, Error):
            return StreamFailedError.from_event(last)
        code, reason = self._socket.close_code, self._socket.close_reason
        why = f"close code {code}, {reason}" if reason else f"close code {code}"
        return ConnectionLostError(f"the connection to the server ended ({why})")

    async def _stop(self) -> None:
        self._reader.cancel()
        await asyncio.wait([self._reader])


def samples_to_bytes(samples: np.ndarray, encoding: str) -> bytes:
    """An array [n] of float32 in -1..1 or int16 as bytes of a PCM encoding, little-endian."""
    if samples.ndim != 1 or samples.dtype not in (np.float32, np.int16):
        raise TypeError(
            f"audio is bytes or a one-dimensional float32 or int16 array, "
            f"not {samples.dtype}{list(samples.shape)}"
        )
    if encoding == "pcm_f32le":
        wide = samples.astype("<f4")
        return (wide / 32768 if samples.dtype == np.int16 else wide).tobytes()
    if encoding == "pcm_s16le":
        if samples.dtype == np.int16:
            return samples.astype("<i2").tobytes()
        return (np.clip(samples, -1, 1) * 32767).round().astype("<i2").tobytes()
    raise TypeError(f"arrays cannot be sent as {encoding}, send bytes")


async def _open(url: str, wire: Wire, key: str | None) -> ClientConnection:
    # A proxy from the environment never stands between this machine and itself.
    proxy = None if urlsplit(url).hostname in _LOOPBACK else True
    try:
        return await open_socket(
            url,
            additional_headers=key_headers(key),
            subprotocols=[Subprotocol(wire.subprotocol)],
            compression=None,
            proxy=proxy,
            open_timeout=ANSWER_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_EVENT_BYTES,
        )
    except InvalidURI as error:
        raise BadAddressError(f"{url} is no server address: {error}") from None
    except InvalidStatus as error:
        status = error.response.status_code
        if status == HTTPStatus.UNAUTHORIZED:
            raise ServerRefusedError(refusal_of_key(url, key), code="unauthorized") from None
        raise ServerRefusedError(
            f"{url} answered HTTP {status}", code=f"http_{status}", retry=status == 503
        ) from None
    except (NegotiationError, InvalidHandshake, EOFError) as error:
        raise ServerUnreachableError(f"{url} does not speak Hark's protocol: {error}") from None
    except TimeoutError:
        raise ServerUnreachableError(f"{url} does not answer") from None
    except OSError as error:
        raise ServerUnreachableError(f"cannot connect to {url}: {_plain(error)}") from None


async def _greet(socket: ClientConnection, wire: Wire, settings: Settings) -> Ready:
    """Say hello and wait for `ready`."""
    hello = wire.message({"type": "hello", **to_wire(settings)})
    with suppress(ConnectionClosed):  # a full server hangs up at once; its reason can be read
        await socket.send(hello)
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            first = wire.event(await socket.recv())
    except TimeoutError:
        raise ServerUnreachableError("the server accepts the connection and says nothing") from None
    except ConnectionClosed as closed:
        raise ServerRefusedError(
            f"the server closed the connection: {closed}", code="closed", retry=True
        ) from None
    except ValueError as error:
        raise ServerUnreachableError(f"this is no Hark server: {error}") from None
    if isinstance(first, Error):
        raise ServerRefusedError.from_event(first)
    if not isinstance(first, Ready):
        raise ServerUnreachableError(f"the server began with {first.type!r} instead of 'ready'")
    return first


def _plain(error: OSError) -> str:
    """The system's own words, such as "Connection refused"; resolver errors have negative codes."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__
