"""The reference implementation, called as its own documentation says, with the window chosen."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import Qwen3ASRFeatureExtractor, Qwen3ASRForConditionalGeneration

from .checkpoints import Reference
from .clips import SAMPLE_RATE


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
