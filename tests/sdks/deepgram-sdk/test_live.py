"""Deepgram's own SDK, live: words and their times, Finalize, CloseStream, channels, refusals."""

import asyncio
import struct
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from deepgram import AsyncDeepgramClient, DeepgramClient, DeepgramClientEnvironment
from deepgram.core.api_error import ApiError
from deepgram.core.events import EventType
from deepgram.listen.v1.socket_client import AsyncV1SocketClient
from deepgram.listen.v1.types import (
    ListenV1Configure,
    ListenV1ConfigureSuccess,
    ListenV1Error,
    ListenV1Metadata,
    ListenV1Results,
    ListenV1SpeechStarted,
)

from common import (
    HTTP_URL,
    SAMPLES,
    WS_URL,
    assert_times_run_on,
    frames,
    word_error_rate,
    words,
)

HARK = DeepgramClientEnvironment(
    base=HTTP_URL, production=WS_URL, agent=WS_URL, agent_rest=HTTP_URL
)
LINEAR: dict[str, Any] = {
    "model": "nova-3",
    "encoding": "linear16",
    "sample_rate": 16_000,
    "interim_results": True,
    "endpointing": 500,
    "punctuate": True,
}


@asynccontextmanager
async def connected(**options: Any) -> AsyncIterator[AsyncV1SocketClient]:
    client = AsyncDeepgramClient(api_key="any", environment=HARK)
    async with asyncio.timeout(90), client.listen.v1.connect(**options) as connection:
        yield connection


async def send(connection: AsyncV1SocketClient, audio: bytes) -> None:
    for frame in frames(audio, 3_200):
        await connection.send_media(frame)


def finals(messages: list[Any]) -> list[ListenV1Results]:
    return [each for each in messages if isinstance(each, ListenV1Results) and each.is_final]


def text(messages: list[Any]) -> str:
    return " ".join(each.channel.alternatives[0].transcript for each in finals(messages))


@pytest.mark.parametrize("name", ["lecture", "spanish"])
def test_words_with_their_times_up_to_close_stream(name: str) -> None:
    sample = SAMPLES[name]
    code = {"English": "en", "Spanish": "es"}[sample.language]

    async def run() -> list[Any]:
        async with connected(**LINEAR, language="multi", vad_events=True) as connection:
            await send(connection, sample.pcm())
            await connection.send_close_stream()
            messages = [message async for message in connection]
            assert connection._websocket.close_code == 1000
            return messages

    messages = asyncio.run(run())
    assert words(text(messages)) == words(sample.text)
    heard = [each.channel.alternatives[0] for each in finals(messages)]
    assert {each.languages[0] for each in heard if each.languages} == {code}
    timed = [word for each in heard for word in each.words]
    assert words(" ".join(word.punctuated_word or "" for word in timed)) == words(sample.text)
    assert [word.word for word in timed] == words(sample.text)
    assert_times_run_on([(word.start, word.end) for word in timed], sample.duration_s)
    ends = [0.0, *(each.start + each.duration for each in finals(messages))]
    assert [each.start for each in finals(messages)] == pytest.approx(ends[:-1])
    assert ends[-1] == pytest.approx(sample.duration_s, abs=0.01)
    assert isinstance(messages[0], ListenV1SpeechStarted)
    assert any(isinstance(each, ListenV1Results) and not each.is_final for each in messages)
    assert isinstance(messages[-1], ListenV1Metadata)
    assert messages[-1].duration == pytest.approx(sample.duration_s, abs=0.01)
    assert {each.metadata.request_id for each in finals(messages)} == {messages[-1].request_id}


def test_finalize_gives_the_last_word_and_the_stream_goes_on() -> None:
    first, second = SAMPLES["alarm"], SAMPLES["question"]

    async def run() -> tuple[list[Any], list[Any]]:
        before: list[Any] = []
        async with connected(**LINEAR) as connection:
            await send(connection, first.pcm())
            await connection.send_finalize()
            while not (finals(before) and finals(before)[-1].from_finalize):
                before.append(await connection.recv())
            await connection.send_keep_alive()
            await send(connection, second.pcm())
            await connection.send_close_stream()
            return before, [message async for message in connection]

    before, after = asyncio.run(run())
    assert words(text(before)) == words(first.text)
    assert words(text(after)) == words(second.text)
    starts = [word.start for each in finals(after) for word in each.channel.alternatives[0].words]
    assert min(starts) >= first.duration_s - 0.5


def test_threads_and_handlers_as_in_the_sdk_s_examples() -> None:
    """Telephone audio, and nothing asked for: plain words, and an end by CloseStream."""
    sample = SAMPLES["server"]
    messages: list[Any] = []
    client = DeepgramClient(api_key="any", environment=HARK)
    with client.listen.v1.connect(
        model="nova-3", encoding="mulaw", sample_rate=8_000, endpointing=500
    ) as connection:
        connection.on(EventType.MESSAGE, messages.append)
        connection.on(EventType.ERROR, messages.append)
        listener = threading.Thread(target=connection.start_listening, daemon=True)
        listener.start()
        for frame in frames(sample.g711("mulaw"), 1_600):
            connection.send_media(frame)
        connection.send_close_stream()
        listener.join(90)
    assert isinstance(messages[-1], ListenV1Metadata), messages
    assert word_error_rate(sample.text, text(messages)) <= 0.1
    assert text(messages).lower() == text(messages)


def test_channels_are_transcribed_by_themselves() -> None:
    both = [SAMPLES["alarm"], SAMPLES["question"]]
    length = max(len(sample.pcm()) for sample in both)
    sides = [sample.pcm().ljust(length, b"\0") for sample in both]
    stereo = b"".join(side[at : at + 2] for at in range(0, length, 2) for side in sides)

    async def run() -> list[Any]:
        async with connected(**LINEAR, channels=2, multichannel=True) as connection:
            for frame in frames(stereo, 4_099):  # cut in the middle of samples
                await connection.send_media(frame)
            await connection.send_close_stream()
            return [message async for message in connection]

    messages = asyncio.run(run())
    for number, sample in enumerate(both):
        own = [each for each in finals(messages) if each.channel_index == [number, 2]]
        assert words(text(own)) == words(sample.text)
    assert messages[-1].channels == 2


def test_a_container_says_itself_what_it_is() -> None:
    sample = SAMPLES["alarm"]
    size = len(sample.pcm())
    header = struct.pack("<4sI8sIHHI", b"RIFF", 36 + size, b"WAVEfmt ", 16, 1, 1, 16_000)
    header += struct.pack("<IHH4sI", 32_000, 2, 16, b"data", size)

    async def run() -> list[Any]:
        async with connected(model="nova-3") as connection:
            await send(connection, header + sample.pcm())
            await connection.send_media(b"")  # the old way to close
            return [message async for message in connection]

    assert words(text(asyncio.run(run()))) == words(sample.text)


def test_key_terms_change_on_the_way() -> None:
    async def run() -> list[Any]:
        async with connected(**LINEAR, keyterm=["Hark"]) as connection:
            await connection.send_media(bytes(3_200))
            await connection.send_configure(ListenV1Configure(keyterms=["Edinburgh", "Amsterdam"]))
            while not isinstance(answer := await connection.recv(), ListenV1ConfigureSuccess):
                pass
            assert answer.keyterms == ["Edinburgh", "Amsterdam"]
            await send(connection, SAMPLES["question"].pcm())
            await connection.send_close_stream()
            return [message async for message in connection]

    assert words(text(asyncio.run(run()))) == words(SAMPLES["question"].text)


def test_mistakes_are_told_in_deepgram_s_way() -> None:
    async def refused() -> None:
        async with connected(**LINEAR, language="tlh"):
            pass

    with pytest.raises(ApiError) as caught:
        asyncio.run(refused())
    assert caught.value.status_code == 400

    async def misread() -> Any:
        async with connected(**LINEAR) as connection:
            await connection._send("{}")
            return await connection.recv()

    answer = asyncio.run(misread())
    assert isinstance(answer, ListenV1Error)
    assert answer.variant == "SchemaError"
