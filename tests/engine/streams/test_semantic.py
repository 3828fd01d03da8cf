"""Semantic endpoints through the engine, with the model that ships and what it makes of speech."""

import numpy as np
import pytest

from hark.clients.samples import Sample, same_words
from hark.engine.engine import Engine
from hark.engine.limits import EngineLimits
from hark.engine.model.speech_model import SpeechModel
from hark.engine.model.tokenizer import Tokenizer
from hark.engine.offline import decode_clip, transcribe
from hark.engine.types import (
    SAMPLE_RATE,
    Endpointing,
    EngineUpdate,
    Final,
    Partial,
    StreamOptions,
)
from tests.engine.models import small_runner
from tests.fakes import ManualClock

BLOCK = 320
SEMANTIC = StreamOptions(endpointing=Endpointing("semantic", pause_ms=1000))


@pytest.fixture(scope="module")
def sentences(speech: list[np.ndarray], samples: list[Sample]) -> tuple[np.ndarray, list[str]]:
    """Three bundled sentences with 2 s of silence behind each, and their texts."""
    chosen = [i for i, sample in enumerate(samples) if sample.text.count(".") == 1][:3]
    pause = np.zeros(2 * SAMPLE_RATE, np.float32)
    parts = [part for i in chosen for part in (speech[i], pause)]
    return np.concatenate(parts), [samples[i].text for i in chosen]


def hear(
    model: tuple[SpeechModel, Tokenizer],
    audio: np.ndarray,
    options: StreamOptions,
    *,
    paced: bool = True,
) -> tuple[Engine, list[EngineUpdate]]:
    """A stream on a clock that stands still while it computes: in blocks of 20 ms, or at once."""
    clock = ManualClock()
    limits = EngineLimits(1, 30, 2048, ("English",))
    runner = small_runner(model[0], page_tokens=2048, num_pages=3)
    engine = Engine(runner, model[1], limits, model_name="m", clock=lambda: clock.now)

    def blocks():
        for begin in range(0, audio.shape[0], BLOCK):
            clock.advance(BLOCK / SAMPLE_RATE)
            yield audio[begin : begin + BLOCK]

    return engine, list(transcribe(engine, blocks() if paced else [audio], options))


def finals(said: list[EngineUpdate]) -> list[Final]:
    return [update for update in said if isinstance(update, Final)]


def test_a_sentence_that_is_over_ends_early(
    speech_model: tuple[SpeechModel, Tokenizer], sentences: tuple[np.ndarray, list[str]]
) -> None:
    audio, texts = sentences
    vad = StreamOptions(partials=False, endpointing=Endpointing("vad", pause_ms=1000))
    late = finals(hear(speech_model, audio, vad)[1])
    engine, said = hear(speech_model, audio, SEMANTIC)
    early = finals(said)
    assert len(early) == len(late) == len(texts)
    for final, other, text in zip(early, late, texts, strict=True):
        assert final.start_sample == other.start_sample
        assert 300 <= (other.end_sample - final.end_sample) * 1000 / SAMPLE_RATE <= 500
        assert same_words(final.text, text)
        part = audio[final.start_sample : final.end_sample]
        assert final.text == decode_clip(engine, part).text
    shown = [update for update in said if isinstance(update, Partial)]
    ends = [(update.segment, update.end_sample) for update in shown]
    assert ends == sorted(ends), "what a question looks back at is not shown"


def test_a_file_ends_where_live_speech_does(
    speech_model: tuple[SpeechModel, Tokenizer], sentences: tuple[np.ndarray, list[str]]
) -> None:
    audio, _ = sentences
    live = finals(hear(speech_model, audio, SEMANTIC)[1])
    at_once = finals(hear(speech_model, audio, SEMANTIC, paced=False)[1])
    assert [(f.start_sample, f.end_sample, f.text) for f in at_once] == [
        (f.start_sample, f.end_sample, f.text) for f in live
    ]
