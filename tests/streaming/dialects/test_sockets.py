"""The realtime dialects over real sockets, with an engine that hears a word each 100 ms."""

import asyncio
import base64
import json
import struct
import time
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from hark.streaming.protocols.base import Frame
from hark.streaming.protocols.openai import machine
from hark.streaming.protocols.openai.message import Message, read_message
from tests.fakes import words
from tests.streaming.support import serving_ready


async def rest_of(socket: ClientConnection) -> list[dict[str, Any]]:
    """Everything until the server closes."""
    events = []
    try:
        while True:
            events.append(json.loads(await socket.recv()))
    except ConnectionClosed:
        return events


def append(num_bytes: int) -> str:
    audio = base64.b64encode(bytes(num_bytes)).decode()
    return json.dumps({"type": "input_audio_buffer.append", "audio": audio})


async def hear_until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while (event := json.loads(await socket.recv()))["type"] != kind:
        pass
    return event


COMMIT = json.dumps({"type": "input_audio_buffer.commit"})
COMPLETED = "conversation.item.input_audio_transcription.completed"


async def test_openai_by_a_browser_with_its_key_in_the_subprotocol() -> None:
    async with serving_ready(api_keys="k") as running:
        offered = [Subprotocol("realtime"), Subprotocol("openai-insecure-api-key.k")]
        url = f"ws://{running.address}/v1/realtime"
        async with connect(url, subprotocols=offered, proxy=None) as socket:
            assert socket.subprotocol == "realtime"
            await hear_until(socket, "session.created")
            assert running.engine.open_streams == 0
            await socket.send(append(48_000))
            await socket.send(COMMIT)
            assert (await hear_until(socket, COMPLETED))["transcript"] == words(10)


def read_slowly(frame: Frame) -> Message:
    if len(frame) > 1 << 20:
        time.sleep(0.5)
    return read_message(frame)


async def test_a_large_append_is_taken_whole_and_nothing_overtakes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "read_message", read_slowly)
    async with serving_ready() as running:
        url = f"ws://{running.address}/v1/realtime"
        async with connect(url, max_size=None, proxy=None) as socket:
            await socket.send(append(12 << 20))
            await asyncio.sleep(0.2)  # while the server reads it on another thread
            await socket.send(COMMIT)
            events = [json.loads(await socket.recv())]
            while events[-1]["type"] != COMPLETED:
                events.append(json.loads(await socket.recv()))
        assert "error" not in [event["type"] for event in events]  # as an early commit would be
        assert running.engine.fed_bytes == 12 << 20


async def test_one_too_large_closes_with_1009() -> None:
    async with (
        serving_ready() as running,
        connect(f"ws://{running.address}/v1/realtime", proxy=None) as socket,
    ):
        await hear_until(socket, "session.created")
        header = struct.pack("!BBQ4x", 0x81, 0x80 | 127, 22 << 20)  # its mask is zeros
        socket.transport.write(header)
        await rest_of(socket)
        assert socket.close_code == 1009


@pytest.mark.parametrize("path", ["/v1/realtime", "/api-ws/v1/realtime"])
async def test_a_client_that_closes_first_still_hears_its_last_words(path: str) -> None:
    async with serving_ready() as running:
        async with connect(f"ws://{running.address}{path}", proxy=None) as socket:
            await socket.send(append(48_000))
            await hear_until(socket, "input_audio_buffer.speech_started")
            socket.protocol.send_close(1000)
            socket.transport.write(b"".join(socket.protocol.data_to_send()))
            events = await rest_of(socket)
        assert running.engine.open_streams == 0
    texts = [event["transcript"] for event in events if event["type"] == COMPLETED]
    assert texts
    assert texts[0].startswith("w0")


async def test_dashscope_finishes() -> None:
    async with serving_ready() as running:
        url = f"ws://{running.address}/api-ws/v1/realtime"
        async with connect(url, proxy=None) as socket:
            await socket.send(append(32_000))
            await socket.send(json.dumps({"type": "session.finish"}))
            events = await rest_of(socket)
            assert socket.close_code == 1000
    assert events[-1]["type"] == "session.finished"
    assert events[-2]["transcript"] == words(10)


async def test_a_stopping_server_closes_with_1001_and_no_error() -> None:
    async with serving_ready() as running:
        url = f"ws://{running.address}/v1/realtime"
        async with connect(url, proxy=None) as idle, connect(url, proxy=None) as busy:
            await busy.send(append(48_000))
            await hear_until(busy, "input_audio_buffer.speech_started")
            await hear_until(idle, "session.created")
            await running.service.drain()
            assert await rest_of(idle) == []
            events = await rest_of(busy)
    assert (idle.close_code, busy.close_code) == (1001, 1001)
    assert [event["transcript"] for event in events if event["type"] == COMPLETED] == [words(10)]
    assert all(event["type"] != "error" for event in events)


@pytest.mark.parametrize(
    ("path", "request_text", "answer"),
    [
        ("/v1/listen?encoding=linear16&sample_rate=16000", '{"type": "Finalize"}', "from_finalize"),
        ("/v1/realtime", '{"type": "session.update", "session": {}}', "session.updated"),
    ],
)
async def test_a_burst_of_requests_is_answered_to_a_client_that_reads(
    path: str, request_text: str, answer: str
) -> None:
    """They come in one piece, before the first answer is on its way."""
    async with (
        serving_ready(max_waiting_events=32) as running,
        connect(f"ws://{running.address}{path}", proxy=None, max_queue=None) as socket,
    ):
        for _ in range(300):
            socket.protocol.send_text(request_text.encode())
        socket.transport.write(b"".join(socket.protocol.data_to_send()))
        num_answers = 0
        while num_answers < 300:
            num_answers += answer in str(await socket.recv())
