"""Trained weights on recorded speech: the ids of `generate()`, and the words that were spoken.

Of clips, and of every segment of a stream: its final is what the reference makes of its samples.
"""

from pathlib import Path

import numpy as np
import pytest
from transformers import Qwen3ASRForConditionalGeneration

from hark.clients.samples import Sample
from hark.engine.audio.files import open_audio
from hark.engine.config import EngineConfig
from hark.engine.decoding.sequence import Hypothesis
from hark.engine.engine import Engine
from hark.engine.load import load_engine
from hark.engine.model.encoder import num_tokens
from hark.engine.model.tokenizer import Tokenizer
from hark.engine.offline import decode_clip, transcribe
from hark.engine.streams.segment import Segment, Spent
from hark.engine.types import SAMPLE_RATE, Final, StreamOptions

from . import reference

NEW_TOKENS = 128


@pytest.fixture(scope="module")
def engine(model_folder: Path) -> Engine:
    folder = str(model_folder)
    return load_engine(EngineConfig(model=folder, device="cpu", dtype="float32", max_streams=1))


@pytest.fixture(scope="module")
def model(model_folder: Path) -> Qwen3ASRForConditionalGeneration:
    return Qwen3ASRForConditionalGeneration.from_pretrained(model_folder, dtype="float32").eval()


def generated(
    model: Qwen3ASRForConditionalGeneration, tokenizer: Tokenizer, samples: np.ndarray
) -> list[int]:
    pads = [tokenizer.audio_pad_id] * num_tokens(max(len(samples), 8000) // 160)
    ids = tokenizer.prompt_head() + pads + tokenizer.prompt_tail()
    return reference.generate(model, samples, ids, max_new_tokens=NEW_TOKENS)


def test_samples_decode_as_the_reference_generates(
    model: Qwen3ASRForConditionalGeneration, engine: Engine, samples: list[Sample]
) -> None:
    for sample in samples:
        heard = np.concatenate(list(open_audio(sample.path).blocks()))
        expected = generated(model, engine.tokenizer, heard)
        result = decode_clip(engine, heard, max_new_tokens=NEW_TOKENS)
        assert result.tokens == expected, sample.name
        assert result.language == sample.language


def test_the_finals_of_a_stream_are_what_the_reference_generates(
    model: Qwen3ASRForConditionalGeneration,
    engine: Engine,
    samples: list[Sample],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens: list[list[int]] = []
    final_done = Segment.final_done

    def noted(segment: Segment, hypothesis: Hypothesis, spent: Spent) -> Final:
        tokens.append(hypothesis.tokens)
        return final_done(segment, hypothesis, spent)

    monkeypatch.setattr(Segment, "final_done", noted)
    pause = np.zeros(SAMPLE_RATE, np.float32)
    parts = [part for s in samples for part in (*open_audio(s.path).blocks(), pause)]
    heard = np.concatenate(parts)
    blocks = np.split(heard, range(4321, len(heard), 4321))
    finals = [u for u in transcribe(engine, blocks, StreamOptions()) if isinstance(u, Final)]
    assert len(finals) >= len(samples)
    for final, own in zip(finals, tokens, strict=True):
        expected = generated(model, engine.tokenizer, heard[final.start_sample : final.end_sample])
        assert own == expected[: len(own)]
        assert expected[len(own)] in engine.tokenizer.eos_ids
