"""Pipecat's own service for OpenAI's REST: each utterance is a file."""

from pipecat.frames.frames import TranscriptionFrame
from pipecat.services.openai.stt import OpenAISTTService

from common import HTTP_URL, SAMPLES, words
from pipeline import run, turn


def test_each_utterance_is_a_file() -> None:
    samples = [SAMPLES["alarm"], SAMPLES["question"]]
    service = OpenAISTTService(base_url=f"{HTTP_URL}/v1", api_key="any", include_prob_metrics=True)
    down, _ = run(service, [frame for sample in samples for frame in turn(sample)])
    heard = [frame.text for frame in down if isinstance(frame, TranscriptionFrame)]
    assert [words(text) for text in heard] == [words(sample.text) for sample in samples]
