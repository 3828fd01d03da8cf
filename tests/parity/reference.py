"""The reference implementation, called as its own documentation says, with the window chosen."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import Qwen3ASRFeatureExtractor, Qwen3ASRForConditionalGeneration

from .checkpoints import Reference

SAMPLE_RATE = 16_000


def clip(seconds: float, *, seed: int = 1) -> np.ndarray:
    """Sweeping tones over noise whose loudness changes by 60 dB, loudest in the last third."""
    source = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tones = np.zeros_like(time)
    for _ in range(4):
        base, sweep, phase = source.uniform([90, 20, 0], [3000, 400, 6])
        tones += np.sin(2 * np.pi * base * time + sweep * np.sin(2 * np.pi * 0.7 * time) + phase)
    noise = source.normal(0, 0.5, time.shape)
    loudness = 10 ** (-1.5 + 1.4 * np.sin(2 * np.pi * (time / (seconds * 1.1) - 0.45)))
    return (0.2 * loudness * (tones + noise)).astype(np.float32)


def features(samples: np.ndarray) -> tuple[Tensor, Tensor]:
    """Normalised mel [1, M, T] filled up to whole chunks, and its mask [1, T]."""
    extractor = Qwen3ASRFeatureExtractor()
    made = extractor(
        samples, sampling_rate=SAMPLE_RATE, padding="longest", return_attention_mask=True
    )
    return made["input_features"], made["attention_mask"]


def set_window(model: Reference, window_chunks: int) -> None:
    model.model.audio_tower.n_window_infer = 100 * window_chunks


@torch.inference_mode()
def encode(model: Reference, samples: np.ndarray, *, window_chunks: int) -> Tensor:
    """Audio embeddings [A, E]."""
    set_window(model, window_chunks)
    mel, mask = features(samples)
    inner: Any = model.model
    return inner.get_audio_features(mel, mask).pooler_output


@torch.inference_mode()
def forward(model: Reference, samples: np.ndarray, ids: list[int], *, window_chunks: int) -> Tensor:
    """Logits [S, V] for ids that hold one placeholder for every audio token."""
    set_window(model, window_chunks)
    mel, mask = features(samples)
    input_ids = torch.tensor([ids])
    output = model(
        input_ids=input_ids,
        attention_mask=torch.ones_like(input_ids),
        input_features=mel,
        input_features_mask=mask,
    )
    return output.logits[0]


@torch.inference_mode()
def generate(
    model: Qwen3ASRForConditionalGeneration,
    samples: np.ndarray,
    ids: list[int],
    *,
    max_new_tokens: int,
) -> list[int]:
    """The greedy continuation, end token included."""
    set_window(model, 8)
    mel, mask = features(samples)
    input_ids = torch.tensor([ids])
    output = model.generate(  # pyright: ignore[reportAttributeAccessIssue]
        input_ids=input_ids,
        attention_mask=torch.ones_like(input_ids),
        input_features=mel,
        input_features_mask=mask,
        max_new_tokens=max_new_tokens,
        do_sample=False,
    )
    assert isinstance(output, Tensor)
    return output[0, len(ids) :].tolist()
