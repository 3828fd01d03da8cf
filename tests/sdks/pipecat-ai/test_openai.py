"""Pipecat's OpenAI realtime service, pointed here, in a real pipeline."""

from typing import Any, Literal

import pytest
from pipecat.frames.frames import ErrorFrame, InterimTranscriptionFrame, TranscriptionFrame
from pipecat.services.openai.stt import OpenAIRealtimeSTTService
from pipecat.tests.utils import SleepFrame
from pipecat.transcriptions.language import Language

from common import SAMPLES, WS_URL, words
from pipeline import run_until_heard, turn

OPENING = SleepFrame(sleep=1.0)  # until the session is open: audio before that is dropped


@pytest.mark.parametrize(
    ("turn_detection", "silence"),
    [(False, b""), ({"type": "server_vad", "silence_duration_ms": 500}, bytes(64_000))],
    ids=["its own", "the server's"],
)
def test_turns_found_by_either_side(
    turn_detection: dict[str, Any] | Literal[False], silence: bytes
) -> None:
    sample = SAMPLES["lecture"]
    service = OpenAIRealtimeSTTService(
        api_key="any",
        base_url=f"{WS_URL}/v1/realtime",
        turn_detection=turn_detection,
        settings=OpenAIRealtimeSTTService.Settings(model="gpt-4o-transcribe", language=Language.EN),
    )
    down, up = run_until_heard(service, [OPENING, *turn(sample, silence)], sample)
    finals = [frame for frame in down if isinstance(frame, TranscriptionFrame)]
    assert words(" ".join(frame.text for frame in finals)) == words(sample.text)
    assert any(isinstance(frame, InterimTranscriptionFrame) for frame in down)
    assert not any(isinstance(frame, ErrorFrame) for frame in up)
