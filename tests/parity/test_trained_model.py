"""Trained weights on recorded speech: the ids of `generate()`, and the words that were spoken."""

from pathlib import Path

import numpy as np
import pytest
from transformers import Qwen3ASRForConditionalGeneration

from hark.clients.audio_files import open_audio
from hark.clients.samples import Sample
from hark.engine.config import EngineConfig
from hark.engine.encoder import num_tokens
from hark.engine.engine import Engine
from hark.engine.load import load_engine
from hark.engine.offline import decode_clip

from . import reference

NEW_TOKENS = 128


@pytest.fixture(scope="module")
def engine(model_folder: Path) -> Engine:
    folder = str(model_folder)
    return load_engine(EngineConfig(model=folder, device="cpu", dtype="float32", max_streams=1))


def test_samples_decode_as_the_reference_generates(
    model_folder: Path, engine: Engine, samples: list[Sample]
) -> None:
    model = Qwen3ASRForConditionalGeneration.from_pretrained(model_folder, dtype="float32").eval()
    tokenizer = engine.tokenizer
    for sample in samples:
        heard = np.concatenate(list(open_audio(sample.path).blocks()))
        pads = [tokenizer.audio_pad_id] * num_tokens(max(len(heard), 8000) // 160)
        ids = tokenizer.prompt_head() + pads + tokenizer.prompt_tail()
        expected = reference.generate(model, heard, ids, max_new_tokens=NEW_TOKENS)
        result = decode_clip(engine, heard, max_new_tokens=NEW_TOKENS)
        assert result.tokens == expected, sample.name
        assert result.language == sample.language
