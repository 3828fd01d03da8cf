"""Pipecat's Deepgram service, pointed here, in a real pipeline."""

import asyncio
import time
from collections.abc import Iterator, Sequence

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
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.tests.utils import SleepFrame, run_test
from pipecat.transcriptions.language import Language

from common import SAMPLES, WS_URL, Sample, assert_times_run_on, frames, words


class Heard(BaseObserver):
    """What the service has pushed so far."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    async def on_push_frame(self, data: FramePushed) -> None:
        if isinstance(data.frame, TranscriptionFrame) and isinstance(
            data.source, DeepgramSTTService
        ):
            self.text += " " + data.frame.text


def said(sample: Sample, heard: Heard) -> Iterator[Frame]:
    """A turn of a user. The service closes without waiting, so the pipeline waits for the words."""
    yield VADUserStartedSpeakingFrame()
    for pcm in frames(sample.pcm(), 640):
        yield InputAudioRawFrame(pcm, 16_000, 1)
    yield VADUserStoppedSpeakingFrame(stop_secs=0.2, timestamp=time.time())
    while len(words(heard.text)) < len(words(sample.text)):
        yield SleepFrame(sleep=0.1)


def run(sample: Sample, settings: DeepgramSTTService.Settings) -> tuple[list[Frame], list[Frame]]:
    """What a pipeline of the service pushes down and up until it has ended in order."""
    heard = Heard()

    async def piped() -> tuple[Sequence[Frame], Sequence[Frame]]:
        service = DeepgramSTTService(
            api_key="any", base_url=WS_URL, sample_rate=16_000, settings=settings
        )
        async with asyncio.timeout(90):
            return await run_test(
                service,
                frames_to_send=said(sample, heard),  # pyright: ignore[reportArgumentType]
                observers=[heard],
                start_timeout=30,
            )

    down, up = asyncio.run(piped())
    return list(down), list(up)


@pytest.mark.parametrize(
    ("name", "language", "code"),
    [("lecture", Language.EN, None), ("spanish", "multi", Language.ES)],
)
def test_the_vad_s_stop_gives_every_word(name: str, language: str, code: Language | None) -> None:
    sample = SAMPLES[name]
    settings = DeepgramSTTService.Settings(language=language, endpointing=500)
    down, up = run(sample, settings)
    finals = [frame for frame in down if isinstance(frame, TranscriptionFrame)]
    assert words(" ".join(frame.text for frame in finals)) == words(sample.text)
    timed = [word for frame in finals for word in frame.result.channel.alternatives[0].words]
    assert_times_run_on([(word.start, word.end) for word in timed], sample.duration_s)
    assert {frame.language for frame in finals} == {code}
    assert any(isinstance(frame, InterimTranscriptionFrame) for frame in down)
    assert not any(isinstance(frame, ErrorFrame) for frame in up)


def test_a_final_of_finalize_ends_the_turn() -> None:
    """Without an end by itself the words are those of Finalize, and marked so."""
    down, _ = run(SAMPLES["alarm"], DeepgramSTTService.Settings(endpointing=5_000))
    (final,) = [frame for frame in down if isinstance(frame, TranscriptionFrame)]
    assert words(final.text) == words(SAMPLES["alarm"].text)
    assert final.finalized
    assert final.result.from_finalize
