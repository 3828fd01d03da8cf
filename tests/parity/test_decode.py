"""Greedy tokens of whole clips against the reference's `generate()`."""

import pytest

from hark.engine.config import EngineConfig
from hark.engine.engine import Engine
from hark.engine.load import load_engine
from hark.engine.model.encoder import num_tokens
from hark.engine.offline import decode_clip, reference_decode

from . import reference
from .checkpoints import RecogniserCheckpoint
from .clips import clip

NEW_TOKENS = 24


@pytest.fixture(scope="module")
def engine(recogniser: RecogniserCheckpoint) -> Engine:
    folder = str(recogniser.folders["original"])
    return load_engine(EngineConfig(model=folder, device="cpu", dtype="float32", max_streams=1))


@pytest.mark.parametrize(
    ("seconds", "context", "language"),
    [
        (0.3, "", None),
        (8.01, "the kitchen", None),
        (17.0, "", "Chinese"),
        (33.0, "Quilter", "English"),
    ],
)
def test_clips_decode_as_the_reference_generates(
    seconds: float,
    context: str,
    language: str | None,
    engine: Engine,
    recogniser: RecogniserCheckpoint,
) -> None:
    samples = clip(seconds)
    tokenizer = engine.tokenizer
    pads = [tokenizer.audio_pad_id] * num_tokens(max(len(samples), 8000) // 160)
    ids = tokenizer.prompt_head(context) + pads + tokenizer.prompt_tail(language)
    expected = reference.generate(recogniser.reference, samples, ids, max_new_tokens=NEW_TOKENS)
    assert len(set(expected)) > 4, "a decode that repeats itself would prove little"

    result = decode_clip(
        engine, samples, language=language, context=context, max_new_tokens=NEW_TOKENS
    )
    assert result.tokens == expected

    slow, _ = reference_decode(
        engine.runner.model,
        tokenizer,
        samples,
        language=language,
        context=context,
        max_new_tokens=NEW_TOKENS // 4,
    )
    assert slow == expected[: NEW_TOKENS // 4]
