"""A service in a real pipeline, and the turn of a user that it hears."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.observers.base_observer import BaseObserver, FramePushed
from pipecat.pipeline.worker import PipelineParams
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.tests.utils import SleepFrame, run_test

from common import Sample, frames, words


def audio(sample: Sample, silence: bytes = b"") -> list[Frame]:
    """A recording, and silence behind it, in frames of 20 ms."""
    return [InputAudioRawFrame(pcm, 16_000, 1) for pcm in frames(sample.pcm() + silence, 640)]


def turn(sample: Sample, silence: bytes = b"") -> list[Frame]:
    """What a user says, as the VAD shows it."""
    stopped = VADUserStoppedSpeakingFrame(stop_secs=0.2, timestamp=time.time())
    return [VADUserStartedSpeakingFrame(), *audio(sample, silence), stopped]


class _Heard(BaseObserver):
    """What a service has pushed so far."""

    def __init__(self, service: FrameProcessor) -> None:
        super().__init__()
        self._service = service
        self.text = ""

    async def on_push_frame(self, data: FramePushed) -> None:
        if isinstance(data.frame, TranscriptionFrame) and data.source is self._service:
            self.text += " " + data.frame.text


def run_until_heard(
    service: FrameProcessor, said: Iterable[Frame], sample: Sample
) -> tuple[list[Frame], list[Frame]]:
    """As `run`, but the pipeline waits for the sample's words, as the service closes without."""
    heard = _Heard(service)

    def said_and_heard() -> Iterator[Frame]:
        yield from said
        while len(words(heard.text)) < len(words(sample.text)):
            yield SleepFrame(sleep=0.1)

    return run(service, said_and_heard(), [heard])


def run(
    service: FrameProcessor, said: Iterable[Frame], observers: Sequence[BaseObserver] = ()
) -> tuple[list[Frame], list[Frame]]:
    """What a pipeline of this service pushes down and up until it has ended in order."""

    async def piped() -> tuple[Sequence[Frame], Sequence[Frame]]:
        async with asyncio.timeout(90):
            return await run_test(
                service,
                frames_to_send=cast(Sequence[Frame], said),  # it is only iterated
                observers=list(observers),
                start_timeout=30,
                pipeline_params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
            )

    down, up = asyncio.run(piped())
    return list(down), list(up)
