"""LiveKit's own plug-ins where they send whole utterances: OpenAI's REST, Deepgram's POST."""

import asyncio

import aiohttp
import pytest
from livekit import rtc
from livekit.agents import stt
from livekit.plugins import deepgram, openai

from common import HTTP_URL, SAMPLES, Sample, frames, words


def audio(sample: Sample) -> list[rtc.AudioFrame]:
    return [rtc.AudioFrame(pcm, 16_000, 1, len(pcm) // 2) for pcm in frames(sample.pcm(), 3_200)]


def said(event: stt.SpeechEvent) -> stt.SpeechData:
    assert event.type is stt.SpeechEventType.FINAL_TRANSCRIPT
    [alternative] = event.alternatives
    return alternative


@pytest.mark.parametrize("name", ["lecture", "spanish"])
@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe"])
def test_openai(name: str, model: str) -> None:
    sample = SAMPLES[name]

    async def run() -> stt.SpeechEvent:
        service = openai.STT(
            model=model, base_url=f"{HTTP_URL}/v1", api_key="any", detect_language=True
        )
        return await service.recognize(audio(sample))

    heard = said(asyncio.run(run()))
    assert words(heard.text) == words(sample.text)
    assert heard.language == {"English": "en", "Spanish": "es"}[sample.language]


def test_deepgram() -> None:
    sample = SAMPLES["lecture"]

    async def run() -> stt.SpeechEvent:
        async with aiohttp.ClientSession() as session:
            service = deepgram.STT(
                base_url=f"{HTTP_URL}/v1/listen", api_key="any", http_session=session
            )
            return await service.recognize(audio(sample))

    heard = said(asyncio.run(run()))
    assert words(heard.text) == words(sample.text)
    assert 0 <= heard.start_time < heard.end_time <= sample.duration_s
    assert heard.confidence > 0.5
