"""The SDK against a real server on a real socket, with an engine that hears one word per 100 ms."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from hark.clients import (
    BadAddressError,
    Endpointing,
    ServerRefusedError,
    ServerUnreachableError,
    Stream,
    StreamFailedError,
    connect,
)
from hark.clients.sdk import samples_to_bytes
from hark.clients.wire import WireName, stream_url
from hark.engine.types import Abort, Configure
from hark.streaming.events import (
    Bye,
    Error,
    Event,
    Final,
    Finalized,
    Partial,
    SpeechEnded,
    SpeechStarted,
)

from ..fakes import words
from ..streaming.support import Running, fake_engine, serving_ready, until

SECOND = bytes(32_000)  # of 16 kHz 16-bit audio


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    async with serving_ready() as running:
        yield running


async def rest(stream: Stream) -> list[Event]:
    return [event async for event in stream]


@pytest.mark.parametrize("wire", ["json", "msgpack"])
async def test_a_stream_from_hello_to_bye(server: Running, wire: WireName) -> None:
    async with connect(server.address, wire=wire) as stream:
        assert stream.ready.model == "fake"
        await stream.send(SECOND)
        finalized = await stream.finalize()
        await stream.send(SECOND[:3200])
        await stream.close()
        events = await rest(stream)
    kinds = [type(event) for event in events if not isinstance(event, Partial)]
    segment = [SpeechStarted, SpeechEnded, Final]
    assert kinds == [*segment, Finalized, *segment, Bye]
    assert finalized in events
    assert [event.text for event in events if isinstance(event, Final)] == [words(10), words(1)]
    partials = [event for event in events if isinstance(event, Partial)]
    assert partials[0].stable + partials[0].unstable == words(10)


async def test_every_setting_reaches_the_server(server: Running) -> None:
    async with connect(
        server.address,
        language="es",
        context=["Ada", "Lovelace"],
        encoding="pcm_f32le",
        sample_rate=44_100,
        cadence_ms=500,
        partial_window_s=2,
        final_window_s=4,
        segment_limit_s=20,
        endpointing=Endpointing(mode="manual", pause_ms=900, pad_after_ms=50, stall_ms=0),
        partials=False,
        granularity="segment",
    ) as stream:
        assert stream.ready.options == {
            "language": "Spanish",
            "context": "Ada, Lovelace",
            "encoding": "pcm_f32le",
            "sample_rate": 44_100,
            "cadence_ms": 500,
            "partial_window_s": 2,
            "final_window_s": 4,
            "segment_limit_s": 20,
            "endpointing": {
                "mode": "manual",
                "pause_ms": 900,
                "min_speech_ms": 100,
                "pad_before_ms": 300,
                "pad_after_ms": 50,
                "stall_ms": 0,
            },
            "partials": False,
            "granularity": "segment",
        }


async def test_configure_changes_what_is_given(server: Running) -> None:
    async with connect(server.address, context="kept") as stream:
        await stream.configure(language="Spanish", endpointing=Endpointing(pause_ms=700))
        await stream.close()
    [configure] = [r for r in server.engine.requests if isinstance(r, Configure)]
    assert configure.changes == {
        "language": "Spanish",
        "endpointing": Endpointing(pause_ms=700, stall_ms=2000),
    }


async def test_a_refused_change_is_an_event_and_the_stream_goes_on(server: Running) -> None:
    async with connect(server.address) as stream:
        await stream.configure(language="Klingon")
        await stream.send(SECOND)
        await stream.close()
        events = await rest(stream)
    [error] = [event for event in events if isinstance(event, Error)]
    assert error.code == "bad_option" and "Klingon" in error.message
    assert [event.text for event in events if isinstance(event, Final)] == [words(10)]


@pytest.mark.parametrize(
    ("encoding", "array", "sent"),
    [
        ("pcm_s16le", np.array([0, 1, -1, 2, 0.5], np.float32), [0, 32767, -32767, 32767, 16384]),
        ("pcm_s16le", np.array([0, -32768, 5], np.int16), [0, -32768, 5]),
        ("pcm_f32le", np.array([0, 0.25, -1], np.float32), [0, 0.25, -1]),
        ("pcm_f32le", np.array([0, 16384, -32768], np.int16), [0, 0.5, -1]),
    ],
)
def test_arrays_become_the_encoding(encoding: str, array: np.ndarray, sent: list[float]) -> None:
    kind = "<i2" if encoding == "pcm_s16le" else "<f4"
    assert np.frombuffer(samples_to_bytes(array, encoding), kind).tolist() == sent


@pytest.mark.parametrize(
    ("encoding", "array"),
    [
        ("pcm_s16le", np.zeros((2, 4), np.float32)),
        ("pcm_s16le", np.zeros(4, np.float64)),
        ("mulaw", np.zeros(4, np.int16)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(encoding: str, array: np.ndarray) -> None:
    with pytest.raises(TypeError):
        samples_to_bytes(array, encoding)


async def test_a_large_send_is_cut_into_messages_the_server_takes(server: Running) -> None:
    async with connect(server.address) as stream:
        await stream.send(bytes(3_000_001))
        await stream.close()
    assert server.engine.fed_bytes == 3_000_001


async def test_sending_waits_for_a_server_that_is_behind(server: Running) -> None:
    async with connect(server.address) as stream:
        server.engine.hold()
        sending = asyncio.create_task(stream.send(SECOND * 600))
        await asyncio.wait([sending], timeout=0.5)
        assert not sending.done()
        server.engine.go_on()
        await sending
        await stream.close()
        finals = [event for event in await rest(stream) if isinstance(event, Final)]
    assert finals[0].text == words(6000)


async def test_leaving_without_close_drops_the_stream(server: Running) -> None:
    async with connect(server.address) as stream:
        await stream.send(SECOND)
    await until(lambda: server.engine.has_handled(Abort))
    assert server.engine.open_streams == 0


async def test_refused_option() -> None:
    async with serving_ready() as server:
        with pytest.raises(ServerRefusedError, match="cadence_ms") as caught:
            async with connect(server.address, cadence_ms=1):
                pass
    assert (caught.value.code, caught.value.retry) == ("bad_option", False)


async def test_full_server_says_when_to_come_back() -> None:
    async with serving_ready(fake_engine(max_streams=1)) as server, connect(server.address):
        with pytest.raises(ServerRefusedError) as caught:
            async with connect(server.address):
                pass
    assert (caught.value.code, caught.value.retry) == ("capacity", True)
    assert caught.value.retry_after_s is not None


async def test_failure_reaches_every_waiter(server: Running) -> None:
    async with connect(server.address, encoding="pcm_f32le") as stream:
        server.engine.hold()
        await stream.send(np.array([0, np.nan], np.float32))
        flushing = asyncio.create_task(stream.finalize())
        server.engine.go_on()
        for waiting in (flushing, rest(stream), stream.close()):
            with pytest.raises(StreamFailedError) as caught:
                await waiting
            assert caught.value.code == "bad_audio"
        with pytest.raises(StreamFailedError):
            await stream.send(SECOND)


async def test_server_that_stops_says_so_after_the_finals() -> None:
    async with serving_ready() as server, connect(server.address) as stream:
        await stream.send(SECOND)
        await until(lambda: server.engine.fed_bytes == len(SECOND))
        server.server.should_exit = True
        events: list[Event] = []
        with pytest.raises(StreamFailedError) as caught:
            async for event in stream:
                events.append(event)
    assert caught.value.code == "shutting_down"
    assert [event.text for event in events if isinstance(event, Final)] == [words(10)]


async def test_nobody_answers(unused_tcp_port: int) -> None:
    with pytest.raises(ServerUnreachableError, match=str(unused_tcp_port)):
        async with connect(f"127.0.0.1:{unused_tcp_port}"):
            pass


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b"220 mail.example ESMTP\r\n", b""],
)
async def test_something_else_answers(answer: bytes) -> None:
    async def other_service(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(other_service, "127.0.0.1", 0) as other:
        host, port = other.sockets[0].getsockname()
        with pytest.raises((ServerUnreachableError, ServerRefusedError)):
            async with connect(f"{host}:{port}"):
                pass


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("localhost", "ws://localhost:8765/v1/stream"),
        ("10.0.0.7:99", "ws://10.0.0.7:99/v1/stream"),
        ("[::1]:99", "ws://[::1]:99/v1/stream"),
        ("ws://host:1/", "ws://host:1/v1/stream"),
        ("ws://host:1/v1/stream", "ws://host:1/v1/stream"),
        ("http://host:1", "ws://host:1/v1/stream"),
        ("https://host", "wss://host/v1/stream"),
        ("wss://host/captions/", "wss://host/captions/v1/stream"),
    ],
)
def test_forms_of_an_address(address: str, url: str) -> None:
    assert stream_url(address) == url


@pytest.mark.parametrize("address", ["", "ftp://host", "http://", "host:notaport", "ws://[::1"])
def test_no_address(address: str) -> None:
    with pytest.raises(BadAddressError):
        stream_url(address)
