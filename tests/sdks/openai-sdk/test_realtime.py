"""OpenAI's own SDK, realtime: server VAD, commits, G.711, mistakes, a wrong way out."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from common import HTTP_URL, SAMPLES, frames, words

PREFIX = "conversation.item.input_audio_transcription"


@asynccontextmanager
async def connected(**query: str) -> AsyncIterator[AsyncRealtimeConnection]:
    client = AsyncOpenAI(api_key="any", base_url=f"{HTTP_URL}/v1")
    query = {"intent": "transcription", **query}
    async with asyncio.timeout(90), client.realtime.connect(extra_query=query) as connection:
        yield connection


async def update(connection: AsyncRealtimeConnection, **audio_in: Any) -> None:
    session: Any = {"type": "transcription", "audio": {"input": audio_in}}
    await connection.session.update(session=session)


async def append(connection: AsyncRealtimeConnection, audio: bytes, size: int = 4_800) -> None:
    for frame in frames(audio, size):
        await connection.input_audio_buffer.append(audio=base64.b64encode(frame).decode())


async def until_completed(connection: AsyncRealtimeConnection, item: str) -> list[Any]:
    events: list[Any] = []
    async for event in connection:
        events.append(event)
        if event.type == f"{PREFIX}.completed" and event.item_id == item:
            return events
    raise AssertionError("closed before the item was complete")


async def committed(connection: AsyncRealtimeConnection) -> tuple[str, list[Any]]:
    """Commit, and the id of the item that came of it, with the events up to there."""
    await connection.input_audio_buffer.commit()
    events: list[Any] = []
    async for event in connection:
        events.append(event)
        if event.type == "input_audio_buffer.committed":
            return event.item_id, events
        assert event.type != "error", event
    raise AssertionError("closed")


@pytest.mark.parametrize("name", ["lecture", "spanish"])
def test_server_vad_gives_deltas_that_add_up(name: str) -> None:
    sample = SAMPLES[name]

    async def run() -> list[Any]:
        async with connected() as connection:
            transcription = {"model": "gpt-4o-transcribe", "language": sample.language[:2].lower()}
            if name == "spanish":
                transcription["language"] = "es"
            await update(
                connection,
                format={"type": "audio/pcm", "rate": 24_000},
                transcription=transcription,
                turn_detection={"type": "server_vad", "silence_duration_ms": 500},
            )
            await append(connection, sample.pcm(24_000) + bytes(48_000))
            events: list[Any] = []
            async for event in connection:
                events.append(event)
                if len(words(text_of(events))) >= len(words(sample.text)):
                    return events
            return events

    events = asyncio.run(run())
    assert events[0].type == "session.created"
    assert words(text_of(events)) == words(sample.text)
    for event in events:
        if event.type == f"{PREFIX}.completed":
            deltas = "".join(
                e.delta
                for e in events
                if e.type == f"{PREFIX}.delta" and e.item_id == event.item_id
            )
            assert words(deltas) == words(event.transcript)
            assert event.usage.type == "duration"
    starts = [e.audio_start_ms for e in events if e.type == "input_audio_buffer.speech_started"]
    assert starts
    assert starts == sorted(starts)
    assert all(event.type != "error" for event in events)


def text_of(events: list[Any]) -> str:
    return " ".join(e.transcript for e in events if e.type == f"{PREFIX}.completed")


@pytest.mark.parametrize("kind", ["pcm16k", "pcmu", "pcma"])
def test_a_commit_gives_every_word(kind: str) -> None:
    sample = SAMPLES["alarm"]
    audio, form = {
        "pcm16k": (sample.pcm(16_000), {"type": "audio/pcm", "rate": 16_000}),
        "pcmu": (sample.g711("mulaw"), {"type": "audio/pcmu"}),
        "pcma": (sample.g711("alaw"), {"type": "audio/pcma"}),
    }[kind]

    async def run() -> str:
        async with connected(model="gpt-realtime-whisper") as connection:
            await update(connection, format=form, turn_detection=None)
            await append(connection, audio)
            item, _ = await committed(connection)
            events = await until_completed(connection, item)
            return events[-1].transcript

    assert words(asyncio.run(run())) == words(sample.text)


def test_one_socket_takes_one_turn_after_the_other() -> None:
    async def run() -> list[str]:
        texts = []
        async with connected() as connection:
            await update(connection, turn_detection=None)
            for name in ("alarm", "question", "alarm"):
                await append(connection, SAMPLES[name].pcm(24_000), 9_600)
                item, _ = await committed(connection)
                texts.append((await until_completed(connection, item))[-1].transcript)
        return texts

    said = [SAMPLES[name].text for name in ("alarm", "question", "alarm")]
    assert [words(text) for text in asyncio.run(run())] == [words(text) for text in said]


def test_logprobs_are_the_words() -> None:
    async def run() -> Any:
        async with connected() as connection:
            session: Any = {
                "type": "transcription",
                "include": ["item.input_audio_transcription.logprobs"],
                "audio": {"input": {"turn_detection": None}},
            }
            await connection.session.update(session=session)
            await append(connection, SAMPLES["alarm"].pcm(24_000))
            item, _ = await committed(connection)
            return (await until_completed(connection, item))[-1]

    completed = asyncio.run(run())
    assert "".join(token.token for token in completed.logprobs) == completed.transcript
    assert all(token.logprob <= 0 for token in completed.logprobs)


def test_mistakes_are_error_events_and_the_session_goes_on() -> None:
    async def run() -> list[Any]:
        async with connected() as connection:
            await connection.input_audio_buffer.commit()
            await update(connection, transcription={"language": "tlh"})
            await update(connection, turn_detection=None)
            events: list[Any] = []
            async for event in connection:
                events.append(event)
                if event.type == "session.updated":
                    return events
            return events

    events = asyncio.run(run())
    errors = [event.error for event in events if event.type == "error"]
    assert [error.code for error in errors] == ["input_audio_buffer_commit_empty", "invalid_value"]
    assert "language is 'tlh'" in errors[1].message
