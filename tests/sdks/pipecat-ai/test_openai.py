"""Pipecat's OpenAI realtime service, pointed here, in a real pipeline."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.observers.base_observer import BaseObserver, FramePushed
from pipecat.services.openai.stt import OpenAIRealtimeSTTService
from pipecat.tests.utils import SleepFrame, run_test
from pipecat.transcriptions.language import Language

from common import SAMPLES, WS_URL, Sample, frames, words


class Heard(BaseObserver):
    """What the service has pushed so far."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    async def on_push_frame(self, data: FramePushed) -> None:
        if isinstance(data.frame, TranscriptionFrame) and isinstance(
            data.source, OpenAIRealtimeSTTService
        ):
            self.text += " " + data.frame.text


def said(sample: Sample, heard: Heard, silence: bytes) -> Iterator[Frame]:
    """A turn of a user, and a wait for its words: the service closes without one."""
    yield SleepFrame(sleep=1.0)  # until the session is open: audio before that is dropped
    yield VADUserStartedSpeakingFrame()
    for pcm in frames(sample.pcm() + silence, 640):
        yield InputAudioRawFrame(pcm, 16_000, 1)
    yield VADUserStoppedSpeakingFrame(stop_secs=0.2, timestamp=time.time())
    while len(words(heard.text)) < len(words(sample.text)):
        yield SleepFrame(sleep=0.1)


@pytest.mark.parametrize(
    ("turn_detection", "silence"),
    [(False, b""), ({"type": "server_vad", "silence_duration_ms": 500}, bytes(64_000))],
    ids=["its own", "the server's"],
)
def test_turns_found_by_either_side(
    turn_detection: dict[str, Any] | Literal[False], silence: bytes
) -> None:
    sample, heard = SAMPLES["lecture"], Heard()

    async def piped() -> tuple[Sequence[Frame], Sequence[Frame]]:
        service = OpenAIRealtimeSTTService(
            api_key="any",
            base_url=f"{WS_URL}/v1/realtime",
            turn_detection=turn_detection,
            settings=OpenAIRealtimeSTTService.Settings(
                model="gpt-4o-transcribe", language=Language.EN
            ),
        )
        async with asyncio.timeout(90):
            return await run_test(
                service,
                frames_to_send=said(sample, heard, silence),  # pyright: ignore[reportArgumentType]
                observers=[heard],
                start_timeout=30,
            )

    down, up = asyncio.run(piped())
    finals = [frame for frame in down if isinstance(frame, TranscriptionFrame)]
    assert words(" ".join(frame.text for frame in finals)) == words(sample.text)
    assert any(isinstance(frame, InterimTranscriptionFrame) for frame in down)
    assert not any(isinstance(frame, ErrorFrame) for frame in up)
