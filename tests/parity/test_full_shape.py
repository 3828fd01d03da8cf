"""The 0.6B model's real shape, once: what only shows in 28 layers and 151,936 rows shows here."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import Qwen3ASRForConditionalGeneration

from hark.engine.config import EngineConfig
from hark.engine.load import load_engine
from hark.engine.model.encoder import num_tokens
from hark.engine.offline import decode_clip

from . import checkpoints, reference
from .clips import clip

NEW_TOKENS = 6


AUDIO = {
    "d_model": 896,
    "encoder_layers": 18,
    "encoder_attention_heads": 14,
    "encoder_ffn_dim": 3584,
    "downsample_hidden_size": 480,
    "output_dim": 1024,
}
TEXT = {
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151_936,
    "max_position_embeddings": 65_536,
}


@torch.no_grad()
def round_to_bfloat16(model: nn.Module) -> None:
    """The released files are bfloat16; the reference's own rotary tables are not."""
    for parameter in model.parameters():
        parameter.copy_(parameter.bfloat16())


@pytest.fixture
def all_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("all_cores")
@pytest.mark.timeout(1800)
def test_the_shape_of_the_released_model(tmp_path: Path) -> None:
    tokenizer = checkpoints.small_tokenizer()
    model = Qwen3ASRForConditionalGeneration(
        checkpoints.native_config(tokenizer, audio=AUDIO, text=TEXT)
    )
    checkpoints.randomise(model, seed=22, scale=0.015)
    model.tie_weights()
    round_to_bfloat16(model.eval())
    checkpoints.save_original(model, tmp_path, shards=2, dtype=torch.bfloat16)
    checkpoints.write_tokenizer_parts(tokenizer, tmp_path)

    engine = load_engine(
        EngineConfig(model=str(tmp_path), device="cpu", dtype="float32", max_streams=1)
    )
    ours = engine.runner.model
    assert sum(p.numel() for p in ours.parameters()) == 782_426_112, "as released"
    samples = clip(10.0)
    head, tail = engine.tokenizer.prompt_head(), engine.tokenizer.prompt_tail()
    ids = head + [engine.tokenizer.audio_pad_id] * num_tokens(1000) + tail
    theirs = reference.forward(model, samples, ids, window_chunks=8)
    logits = ours.forward_clip(samples, head, tail, window_chunks=8)
    assert logits.shape == (len(ids), 151_936)
    assert theirs.abs().max() > 1.0
    assert (logits - theirs).abs().max() < 5e-5
    expected = reference.generate(model, samples, ids, max_new_tokens=NEW_TOKENS)
    assert decode_clip(engine, samples, max_new_tokens=NEW_TOKENS).tokens == expected
