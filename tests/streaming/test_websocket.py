"""The WebSocket protocol class alone, on a transport that only remembers what it was told."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from hark.streaming.websocket import PatientWebSocket, is_leaving

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: hark\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
TOO_LARGE = struct.pack("!BBQ4x", 0x82, 0x80 | 127, 2 << 20)  # a header; its mask is zeros


class Memory(asyncio.Transport):
    """Remembers what is written and how it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.eof = self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.eof = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close


async def nobody(scope: dict, receive, send) -> None:
    raise AssertionError("a request that cannot be read reached the app")


def unconnected(app=nobody) -> PatientWebSocket:
    """A connection that has sent nothing yet."""
    config = uvicorn.Config(app, log_config=None, ws_max_size=1 << 20)
    config.load()
    protocol = PatientWebSocket(config, ServerState(), {})
    protocol.connection_made(Memory())
    return protocol


@asynccontextmanager
async def accepted() -> AsyncIterator[PatientWebSocket]:
    """A connection whose app has accepted it and waits for messages."""
    stop = asyncio.Event()

    async def app(scope: dict, receive, send) -> None:
        await send({"type": "websocket.accept"})
        await stop.wait()

    protocol = unconnected(app)
    protocol.data_received(HANDSHAKE)
    while not protocol.handshake_complete:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0)
    await protocol.receive()
    yield protocol
    stop.set()
    await asyncio.gather(*protocol.tasks)
    protocol.connection_lost(None)


@pytest.fixture
async def protocol() -> AsyncIterator[PatientWebSocket]:
    async with accepted() as protocol:
        yield protocol


async def test_a_mistake_is_answered_and_the_rest_of_it_discarded(
    protocol: PatientWebSocket,
) -> None:
    transport = protocol.transport
    assert isinstance(transport, Memory)
    transport.written = b""
    protocol.data_received(TOO_LARGE)
    for _ in range(10):
        protocol.data_received(bytes(1000))
    assert struct.unpack_from("!BBH", transport.written) == (0x88, transport.written[1], 1009)
    assert len(transport.written) == 2 + transport.written[1], "one close frame and nothing else"
    assert transport.eof
    assert not transport.closed, "closing now would reset the connection"
    assert (await protocol.receive())["type"] == "websocket.disconnect"
    assert protocol.queue.empty()


async def test_what_is_discarded_costs_little(
    protocol: PatientWebSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not cut into frames: of zeros each would be two bytes."""
    protocol.data_received(TOO_LARGE)
    pieces: list[bytes] = []
    monkeypatch.setattr(protocol.conn, "receive_data", pieces.append)
    protocol.data_received(bytes(1000))
    assert pieces == [bytes(1000)]


async def test_what_is_sent_after_a_mistake_is_a_disconnect(protocol: PatientWebSocket) -> None:
    protocol.data_received(TOO_LARGE)
    with pytest.raises(ClientDisconnected):
        await protocol.send({"type": "websocket.send", "text": "a partial on its way"})


def in_one_frame(message: bytes) -> bytes:
    """A binary message of 126 bytes or more; its mask is zeros."""
    return struct.pack("!BBH4x", 0x82, 0x80 | 126, len(message)) + message


TEXTS = st.text("aé💬", max_size=80)
MESSAGES = st.one_of(TEXTS, st.binary(max_size=300), st.sampled_from([bytes(126), bytes(70_000)]))
PINGS = st.builds(Frame, opcode=st.just(Opcode.PING), data=st.binary(max_size=125))


@st.composite
def frames_for(draw: st.DrawFn, message: str | bytes) -> list[Frame]:
    """The message as a peer may send it: in one frame or in several, with pings between them."""
    opcode = Opcode.TEXT if isinstance(message, str) else Opcode.BINARY
    data = message.encode() if isinstance(message, str) else message
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=2)))
    if draw(st.booleans()):
        return [Frame(opcode, data)]
    parts = [data[begin:end] for begin, end in pairwise([0, *cuts, len(data)])]
    frames = []
    for number, part in enumerate(parts):
        frames += draw(st.lists(PINGS, max_size=1))
        kind = Opcode.CONT if number else opcode
        frames.append(Frame(kind, part, fin=number == len(parts) - 1))
    return frames


@given(st.data(), st.lists(MESSAGES, max_size=6), st.integers(0, 6))
def test_messages_are_the_same_however_they_come(
    data: st.DataObject, sent: list[str | bytes], room: int
) -> None:
    """In whatever frames, cut into whatever packets, of which there is room for so many at once."""
    frames = [frame for message in sent for frame in data.draw(frames_for(message))]
    stream = b"".join(frame.serialize(mask=True) for frame in frames)
    inside = data.draw(st.sets(st.integers(0, len(stream)), max_size=8))
    packets = [stream[begin:end] for begin, end in pairwise(sorted({0, len(stream)} | inside))]

    async def hear() -> list[str | bytes]:
        heard: list[str | bytes] = []
        async with accepted() as protocol:
            protocol.listen(lambda frame: len(heard) < room and not heard.append(frame))
            for packet in packets:
                protocol.data_received(packet)
            while len(heard) < len(sent):
                message: dict[str, Any] = dict(await protocol.receive())
                heard.append(message["bytes"] if "bytes" in message else message["text"])
        return heard

    assert asyncio.run(hear()) == sent


async def test_the_bound_of_a_peer_holds_for_messages_that_come_whole(
    protocol: PatientWebSocket,
) -> None:
    heard: list[str | bytes] = []
    protocol.listen(lambda frame: not heard.append(frame))
    protocol.limit(200)
    protocol.data_received(in_one_frame(bytes(200)))
    protocol.data_received(in_one_frame(bytes(201)))
    assert heard == [bytes(200)]
    assert dict(await protocol.receive())["code"] == 1009


async def test_a_listener_hears_at_once_and_what_it_declines_waits_in_order(
    protocol: PatientWebSocket,
) -> None:
    def message(text: bytes) -> bytes:
        return struct.pack("!BB4x", 0x82, 0x80 | len(text)) + text

    heard: list[str | bytes] = []

    def listen(frame: str | bytes) -> bool:
        if len(heard) == 2:
            return False
        heard.append(frame)
        return True

    protocol.listen(listen)
    protocol.data_received(b"".join(message(text) for text in (b"a", b"b", b"c", b"d")))
    assert heard == [b"a", b"b"]
    assert protocol.read_paused
    heard.clear()  # it would take "d" now, but "c" comes first
    protocol.data_received(message(b"e"))
    assert heard == []
    waiting = [await protocol.receive() for _ in range(3)]
    assert [each.get("bytes") for each in waiting] == [b"c", b"d", b"e"]
    assert not protocol.read_paused
    protocol.data_received(message(b"f"))
    assert heard == [b"f"]


CLOSE = struct.pack("!BB4xH", 0x88, 0x80 | 2, 1000)


def frames_of(protocol: PatientWebSocket) -> bytes:
    transport = protocol.transport
    assert isinstance(transport, Memory)
    return transport.written.partition(b"\r\n\r\n")[2]


async def test_a_peer_that_said_goodbye_can_still_be_told_things(
    protocol: PatientWebSocket,
) -> None:
    protocol.data_received(CLOSE)
    protocol.data_received(CLOSE)  # what follows a close frame is nothing
    assert is_leaving(await protocol.receive())
    assert not frames_of(protocol)
    await protocol.send({"type": "websocket.send", "text": "late"})
    await protocol.send({"type": "websocket.close", "code": 1000, "reason": "bye"})
    assert frames_of(protocol) == b"\x81\x04late" + b"\x88\x05\x03\xe8bye"
    assert protocol.transport.is_closing()


async def test_a_close_frame_is_answered_when_the_app_just_returns() -> None:
    async def app(scope: dict, receive, send) -> None:
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    config = uvicorn.Config(app, log_config=None)  # pyright: ignore[reportArgumentType]
    config.load()
    protocol = PatientWebSocket(config, ServerState(), {})
    protocol.connection_made(Memory())
    protocol.data_received(HANDSHAKE)
    protocol.data_received(CLOSE)
    await asyncio.gather(*protocol.tasks)
    assert frames_of(protocol) == b"\x88\x02\x03\xe8"
    protocol.connection_lost(None)


async def test_a_side_that_was_closed_without_a_frame_leaves_ours_open(
    protocol: PatientWebSocket,
) -> None:
    assert protocol.eof_received()
    assert is_leaving(await protocol.receive())
    await protocol.send({"type": "websocket.send", "text": "late"})
    assert frames_of(protocol) == b"\x81\x04late"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HANDSHAKE[:-2] + b"Cookie: " + b"x" * 9000 + b"\r\n\r\n", b"431 "),
        (HANDSHAKE[:-2] + b"A: b\r\n" * 200 + b"\r\n", b"431 "),
        (b"GET /" + b"x" * 9000 + HANDSHAKE[5:], b"414 "),
        (HANDSHAKE.replace(b"Host: hark", b"Host hark"), b"400 "),
    ],
)
async def test_a_head_that_cannot_be_read_is_answered(head: bytes, status: bytes) -> None:
    protocol = unconnected()
    protocol.data_received(head)
    transport = protocol.transport
    assert isinstance(transport, Memory)
    assert transport.written.startswith(b"HTTP/1.1 " + status)
    assert transport.closed
    protocol.connection_lost(None)


async def test_pongs_do_not_pile_up_for_a_peer_that_reads_nothing(
    protocol: PatientWebSocket,
) -> None:
    transport = protocol.transport
    assert isinstance(transport, Memory)
    ping = struct.pack("!BB4x", 0x89, 0x80 | 4) + b"ping"
    protocol.pause_writing()
    transport.written = b""
    protocol.data_received(ping * 10)
    assert transport.written == b""
    protocol.resume_writing()
    protocol.data_received(ping)
    assert transport.written == b"\x8a\x04ping"


async def test_what_follows_a_close_frame_in_one_piece_is_not_heard(
    protocol: PatientWebSocket,
) -> None:
    def frame(opcode: int, data: bytes) -> bytes:
        return struct.pack("!BB4x", 0x80 | opcode, 0x80 | len(data)) + data

    heard: list[str | bytes] = []
    protocol.listen(lambda message: heard.append(message) is None)
    close = frame(8, struct.pack("!H", 1000))
    protocol.data_received(frame(2, b"before") + close + frame(2, b"behind"))
    assert heard == [b"before"]


async def test_a_close_frame_in_mid_message_is_a_close(protocol: PatientWebSocket) -> None:
    close = struct.pack("!BB4xH", 0x88, 0x82, 1000)
    protocol.data_received(struct.pack("!BB4x", 2, 0x80 | 4) + b"half" + close)
    assert is_leaving(dict(await protocol.receive()))
    await protocol.send({"type": "websocket.close", "code": 1000, "reason": ""})
    transport = protocol.transport
    assert isinstance(transport, Memory)
    assert transport.written.endswith(struct.pack("!BBH", 0x88, 2, 1000))


async def test_a_message_in_many_fragments_is_one_and_costs_no_more(
    protocol: PatientWebSocket,
) -> None:
    def frame(first_byte: int, data: bytes) -> bytes:
        return struct.pack("!BB4x", first_byte, 0x80 | len(data)) + data

    heard: list[str | bytes] = []
    protocol.listen(lambda message: heard.append(message) is None)
    protocol.data_received(frame(2, b"a"))
    for piece in (b"b", b"", b"c"):
        for _ in range(20):
            protocol.data_received(frame(0, piece) * 300)
    assert len(protocol.frames) <= 1025
    protocol.data_received(frame(0x80, b"d") + frame(0x82, b"next"))
    assert heard == [b"a" + b"b" * 6000 + b"c" * 6000 + b"d", b"next"]
