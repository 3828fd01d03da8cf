"""The same samples, cut in the same way, through a real model: one text by every live dialect."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from hark.clients.samples import Sample, find_sample, spoken_words
from hark.clients.server_process import ServerProcess
from hark.engine.audio.files import open_audio

FRAME_BYTES = 3_200
COMPLETED = "conversation.item.input_audio_transcription.completed"
APPEND = "input_audio_buffer.append"


def pcm_of(sample: Sample) -> bytes:
    """16 kHz, 16 bit; what the recording holds, whatever it was stored as."""
    sound = np.concatenate(list(open_audio(sample.path).blocks(16_000)))
    return np.round(sound * 32_768).clip(-32_768, 32_767).astype("<i2").tobytes()


async def rest_of(socket: ClientConnection) -> list[Any]:
    messages: list[Any] = []
    try:
        while True:
            messages.append(json.loads(await socket.recv()))
    except ConnectionClosed:
        return messages


async def native(url: str, pcm: bytes) -> str:
    return await _binary(
        f"{url}/v1/stream",
        pcm,
        first=[json.dumps({"type": "hello", "endpointing": {"pause_ms": 600}})],
        last=json.dumps({"type": "close"}),
        texts=lambda message: message["text"] if message["type"] == "final" else None,
    )


async def deepgram(url: str, pcm: bytes) -> str:
    query = "encoding=linear16&sample_rate=16000&endpointing=600&punctuate=true&language=multi"
    return await _binary(
        f"{url}/v1/listen?{query}",
        pcm,
        last=json.dumps({"type": "CloseStream"}),
        texts=lambda message: (
            message["channel"]["alternatives"][0]["transcript"]
            if message["type"] == "Results" and message["is_final"]
            else None
        ),
    )


async def whisper_live(url: str, pcm: bytes) -> str:
    """Its client keeps what is completed; each text begins with a blank."""
    floats = (np.frombuffer(pcm, "<i2").astype("<f4") / 32_768).tobytes()
    hello = {"uid": "u", "language": None, "task": "transcribe", "model": "x", "use_vad": True}
    segments: dict[str, str] = {}

    def keep(message: Any) -> None:
        for each in message.get("segments", ()):
            if each["completed"]:
                segments[each["start"]] = each["text"].strip()

    await _binary(url, floats, first=[json.dumps(hello)], last=b"END_OF_AUDIO", texts=keep)
    return " ".join(segments.values())


async def openai(url: str, pcm: bytes) -> str:
    detection = {"type": "server_vad", "silence_duration_ms": 600, "prefix_padding_ms": 300}
    audio_in = {"format": {"type": "audio/pcm", "rate": 16_000}, "turn_detection": detection}
    session = {"type": "session.update", "session": {"audio": {"input": audio_in}}}
    return await _realtime(f"{url}/v1/realtime", pcm, session)


async def dashscope(url: str, pcm: bytes) -> str:
    session = {"turn_detection": {"type": "server_vad", "silence_duration_ms": 600}}
    update = {"type": "session.update", "session": session}
    return await _realtime(f"{url}/api-ws/v1/realtime", pcm, update)


async def _realtime(url: str, pcm: bytes, session: dict[str, Any]) -> str:
    """The client closes its side and hears the rest."""
    async with connect(url, proxy=None, max_size=None) as socket:
        await socket.send(json.dumps(session))
        for start in range(0, len(pcm), FRAME_BYTES):
            audio = base64.b64encode(pcm[start : start + FRAME_BYTES]).decode()
            await socket.send(json.dumps({"type": APPEND, "audio": audio}))
        socket.protocol.send_close(1000)
        socket.transport.write(b"".join(socket.protocol.data_to_send()))
        events = await rest_of(socket)
    assert all(event["type"] != "error" for event in events)
    texts = [event["transcript"] for event in events if event["type"] == COMPLETED]
    return " ".join(filter(None, texts))


async def _binary(
    url: str,
    audio: bytes,
    *,
    last: str | bytes,
    texts: Callable[[Any], str | None],
    first: list[str] | None = None,
) -> str:
    async with connect(url, proxy=None, max_size=None) as socket:
        for message in first or ():
            await socket.send(message)
        for start in range(0, len(audio), FRAME_BYTES):
            await socket.send(audio[start : start + FRAME_BYTES])
        await socket.send(last)
        heard: list[str | None] = []
        try:
            async with asyncio.timeout(20):
                while True:
                    message = json.loads(await socket.recv())
                    heard.append(texts(message))
                    if url.count("/") == 2 and message.get("segments", [{}])[-1].get("completed"):
                        await _quiet(socket, heard, texts)
                        break
        except ConnectionClosed:
            pass
    return " ".join(filter(None, heard))


async def _quiet(socket: ClientConnection, heard: list[str | None], texts: Any) -> None:
    """WhisperLive's server closes nothing: its client leaves when nothing has come for a while."""
    try:
        while True:
            async with asyncio.timeout(2):
                heard.append(texts(json.loads(await socket.recv())))
    except TimeoutError:
        pass


@pytest.mark.parametrize("name", ["lecture", "spanish"])
async def test_one_text_by_every_dialect(
    real_server: ServerProcess, samples: list[Sample], name: str
) -> None:
    pcm = pcm_of(find_sample(samples, name))
    text = await native(real_server.url, pcm)
    assert spoken_words(text) == spoken_words(find_sample(samples, name).text)
    for dialect in (openai, dashscope, deepgram, whisper_live):
        assert await dialect(real_server.url, pcm) == text, dialect.__name__
