"""Pipecat's Deepgram service, pointed here, in a real pipeline."""

import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
)
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.transcriptions.language import Language

from common import SAMPLES, WS_URL, Sample, assert_times_run_on, words
from pipeline import run_until_heard, turn


def run(sample: Sample, settings: DeepgramSTTService.Settings) -> tuple[list[Frame], list[Frame]]:
    service = DeepgramSTTService(
        api_key="any", base_url=WS_URL, sample_rate=16_000, settings=settings
    )
    return run_until_heard(service, turn(sample), sample)


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
