"""Small models with random weights and test signals, for tests of the engine's bookkeeping."""

import numpy as np
import pytest
import torch

from hark.engine.config import DecoderConfig, EncoderConfig, ModelConfig
from hark.engine.decoding.kv_pool import KVLedger
from hark.engine.decoding.runner import Runner
from hark.engine.decoding.sequence import Hypothesis, PromptIds
from hark.engine.model.speech_model import SpeechModel
from hark.engine.model.tokenizer import Tokenizer
from hark.engine.types import SAMPLE_RATE
from tests.parity.checkpoints import randomise, small_tokenizer

CLOSE_CALL = 1e-4  # logits nearer than this may fall either way in float32


def tiny_tokenizer() -> Tokenizer:
    return Tokenizer(small_tokenizer(), source="test")


def tiny_model(tokenizer: Tokenizer, *, seed: int = 3, end_weight: float = 3.0) -> SpeechModel:
    """Three small layers each; weights random enough that every position matters.

    `end_weight` makes end-of-text likely enough that hypotheses end by themselves, at different
    lengths; with 1.0 they babble to the end of their budget.
    """
    vocab = 440
    config = ModelConfig(
        encoder=EncoderConfig(
            d_model=64, layers=2, heads=4, ffn=128, stem_channels=16, output_dim=64
        ),
        decoder=DecoderConfig(
            hidden=64,
            layers=3,
            heads=4,
            kv_heads=2,
            head_dim=32,
            ffn=128,
            vocab=vocab,
            rope_theta=10_000.0,
            rms_eps=1e-6,
            max_positions=4096,
            tied=True,
        ),
        audio_token_id=tokenizer.audio_pad_id,
        timestamp_token_id=None,
        eos_token_ids=tokenizer.eos_ids,
    )
    model = SpeechModel(config)
    randomise(model, seed=seed)
    model.language_model.embed_tokens.weight.data[tokenizer.im_end_id] *= end_weight
    return model.prepare()


def small_runner(model: SpeechModel, *, page_tokens: int, num_pages: int) -> Runner:
    return Runner(model, KVLedger(num_pages=num_pages, page_tokens=page_tokens))


def bursts(seconds: float, *, seed: int, gains: list[float] | None = None) -> np.ndarray:
    """Noisy tones that change every 200 ms; `gains` spreads loudness over the clip."""
    source = np.random.default_rng(seed)
    total = int(seconds * SAMPLE_RATE)
    time = np.arange(total) / SAMPLE_RATE
    pitch = np.repeat(source.uniform(80, 3000, total // 3200 + 1), 3200)[:total]
    level = np.repeat(source.uniform(0.02, 0.3, total // 3200 + 1), 3200)[:total]
    signal = level * np.sin(2 * np.pi * pitch * time) + 0.01 * source.standard_normal(total)
    if gains:
        signal *= np.interp(np.arange(total), np.linspace(0, total, len(gains)), gains)
    return signal.astype(np.float32)


def assert_greedy(
    model: SpeechModel,
    prompt: PromptIds,
    samples: np.ndarray,
    hypothesis: Hypothesis,
) -> int:
    """The hypothesis is the greedy decode of `samples`, computed from nothing; counts close calls.

    One forward pass over the whole clip and the hypothesis shows the model's own choice at every
    position. If each equals the hypothesis, decoding token by token would have given the same.
    """
    tail = prompt.tail(hypothesis.language) + hypothesis.tokens
    logits = model.forward_clip(samples, prompt.head, tail, window_chunks=hypothesis.window_chunks)
    choices = logits[-len(hypothesis.tokens) - 1 :]
    best = torch.topk(choices, 2)
    leads = best.values[:, 0] - best.values[:, 1]
    close_calls = 0
    for position, token in enumerate(hypothesis.tokens):
        if best.indices[position, 0] != token:
            assert leads[position] < CLOSE_CALL, f"token {position} is not the model's choice"
            return close_calls + 1  # from here on the two decodes may rightly differ
    if hypothesis.stopped != "end":
        assert hypothesis.end_token is hypothesis.end_logprob is None
        return close_calls
    if best.indices[-1, 0] != hypothesis.end_token:
        assert leads[-1] < CLOSE_CALL, "the model would have gone on"
        close_calls += 1
    end_logprob = choices[-1].log_softmax(0)[hypothesis.end_token].item()
    assert hypothesis.end_logprob == pytest.approx(end_logprob, abs=1e-3)
    return close_calls
