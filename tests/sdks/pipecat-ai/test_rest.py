"""Pipecat's own service for OpenAI's REST: each utterance is a file."""

import asyncio
import time

from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.tests.utils import run_test

from common import HTTP_URL, SAMPLES, Sample, frames, words


def utterance(sample: Sample) -> list[Frame]:
    audio = [InputAudioRawFrame(pcm, 16_000, 1) for pcm in frames(sample.pcm(), 640)]
    stopped = VADUserStoppedSpeakingFrame(stop_secs=0.2, timestamp=time.time())
    return [VADUserStartedSpeakingFrame(), *audio, stopped]


def test_each_utterance_is_a_file() -> None:
    samples = [SAMPLES["alarm"], SAMPLES["question"]]
    service = OpenAISTTService(base_url=f"{HTTP_URL}/v1", api_key="any", include_prob_metrics=True)

    async def run() -> list[Frame]:
        said = [frame for sample in samples for frame in utterance(sample)]
        down, _ = await run_test(service, frames_to_send=said, start_timeout=30)
        return list(down)

    heard = [frame.text for frame in asyncio.run(run()) if isinstance(frame, TranscriptionFrame)]
    assert [words(text) for text in heard] == [words(sample.text) for sample in samples]
