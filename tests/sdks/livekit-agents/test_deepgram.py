"""LiveKit's Deepgram plug-in, pointed here: streams, flushes, settings, refusals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APIStatusError
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType
from livekit.plugins import deepgram

from common import HTTP_URL, SAMPLES, Sample, assert_times_run_on, words

START, INTERIM, FINAL, END = (
    SpeechEventType.START_OF_SPEECH,
    SpeechEventType.INTERIM_TRANSCRIPT,
    SpeechEventType.FINAL_TRANSCRIPT,
    SpeechEventType.END_OF_SPEECH,
)


def push(stream: deepgram.SpeechStream, sample: Sample) -> None:
    """A recording in frames of 20 ms at 24 kHz, which the plug-in resamples."""
    pcm = sample.pcm(24_000)
    for at in range(0, len(pcm) - 959, 960):
        stream.push_frame(rtc.AudioFrame(pcm[at : at + 960], 24_000, 1, 480))


def of(events: list[SpeechEvent], kind: SpeechEventType) -> list[SpeechData]:
    return [event.alternatives[0] for event in events if event.type is kind]


def text(events: list[SpeechEvent]) -> str:
    return " ".join(data.text for data in of(events, FINAL))


@asynccontextmanager
async def listening(**settings: Any) -> AsyncIterator[deepgram.SpeechStream]:
    options = APIConnectOptions(max_retry=0, timeout=20)
    async with asyncio.timeout(90), aiohttp.ClientSession() as session:
        stt = deepgram.STT(
            api_key="any",
            base_url=f"{HTTP_URL}/v1/listen",
            http_session=session,
            **settings,
        )
        async with stt.stream(conn_options=options) as stream:
            yield stream


@pytest.mark.parametrize("name", ["lecture", "spanish"])
def test_a_stream_gives_the_words_with_their_times(name: str) -> None:
    sample = SAMPLES[name]
    code = {"English": "en", "Spanish": "es"}[sample.language]

    async def run() -> list[SpeechEvent]:
        async with listening(language=code, endpointing_ms=500) as stream:
            push(stream, sample)
            stream.end_input()
            return [event async for event in stream]

    events = asyncio.run(run())
    assert words(text(events)) == words(sample.text)
    timed = [word for final in of(events, FINAL) for word in final.words or []]
    assert words(" ".join(timed)) == words(sample.text)
    spans = [(word.start_time, word.end_time) for word in timed]
    assert_times_run_on(spans, sample.duration_s)
    assert of(events, INTERIM)
    kinds = [event.type for event in events if event.type in (START, END)]
    assert kinds[:2] == [START, END]
    assert len(kinds) % 2 == 0


def test_with_its_own_settings_no_word_is_missing() -> None:
    """25 ms of silence end an utterance there; here it is the shortest pause there is."""

    async def run() -> list[SpeechEvent]:
        async with listening(language="multi") as stream:
            push(stream, SAMPLES["alarm"])
            stream.flush()
            push(stream, SAMPLES["question"])
            stream.end_input()
            return [event async for event in stream]

    events = asyncio.run(run())
    assert words(text(events)) == words(f"{SAMPLES['alarm'].text} {SAMPLES['question'].text}")
    assert {data.language for data in of(events, FINAL)} == {"en"}


def test_a_refusal_is_told_with_its_status() -> None:
    async def run() -> None:
        async with listening(language="tlh") as stream:
            push(stream, SAMPLES["alarm"])
            async for _ in stream:
                pass

    with pytest.raises(APIStatusError) as caught:
        asyncio.run(run())
    assert caught.value.status_code == 400
