"""LiveKit's OpenAI plug-in over the realtime interface, pointed here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, stt
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.agents.utils import http_context
from livekit.plugins import openai

from common import HTTP_URL, SAMPLES, Sample, words

SILENCE = bytes(48_000 * 2)


def push(stream: stt.RecognizeStream, pcm: bytes) -> None:
    """Samples at 24 kHz in frames of 20 ms."""
    for at in range(0, len(pcm) - 959, 960):
        stream.push_frame(rtc.AudioFrame(pcm[at : at + 960], 24_000, 1, 480))


@asynccontextmanager
async def listening(**settings: Any) -> AsyncIterator[stt.RecognizeStream]:
    options = APIConnectOptions(max_retry=0, timeout=20)
    async with asyncio.timeout(90), http_context.open():
        plugin = openai.STT(api_key="any", base_url=f"{HTTP_URL}/v1", use_realtime=True, **settings)
        async with plugin.stream(conn_options=options) as stream:
            yield stream
        await plugin.aclose()


def text(events: list[SpeechEvent]) -> str:
    finals = [e for e in events if e.type is SpeechEventType.FINAL_TRANSCRIPT]
    return " ".join(event.alternatives[0].text for event in finals)


async def heard(stream: stt.RecognizeStream, num_words: int) -> list[SpeechEvent]:
    """Events until so many words are final: the plug-in's stream has no end of its own."""
    events: list[SpeechEvent] = []
    async for event in stream:
        events.append(event)
        if len(words(text(events))) >= num_words:
            break
    return events


@pytest.mark.parametrize("name", ["lecture", "spanish"])
def test_server_vad_gives_every_word(name: str) -> None:
    sample: Sample = SAMPLES[name]
    code = {"English": "en", "Spanish": "es"}[sample.language]

    async def run() -> list[SpeechEvent]:
        async with listening(language=code, model="gpt-4o-transcribe") as stream:
            push(stream, sample.pcm(24_000) + SILENCE)
            return await heard(stream, len(words(sample.text)))

    events = asyncio.run(run())
    assert words(text(events)) == words(sample.text)
    assert any(event.type is SpeechEventType.INTERIM_TRANSCRIPT for event in events)


def test_two_turns_on_one_stream() -> None:
    said = f"{SAMPLES['alarm'].text} {SAMPLES['question'].text}"

    async def run() -> list[SpeechEvent]:
        async with listening(language="en", model="gpt-4o-mini-transcribe") as stream:
            push(stream, SAMPLES["alarm"].pcm(24_000) + SILENCE)
            push(stream, SAMPLES["question"].pcm(24_000) + SILENCE)
            return await heard(stream, len(words(said)))

    assert words(text(asyncio.run(run()))) == words(said)
