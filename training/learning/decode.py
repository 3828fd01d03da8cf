"""Greedy batch decoding with a key/value cache, for evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from training import mel
from training.language.tokenizer import Prompt
from training.learning.model import MASKED, SpeechModel

TOKENS_PER_SECOND = 14
"""Decode limit: answers grow with the audio, never beyond this rate plus a constant."""


@torch.inference_mode()
def transcribe(
    model: SpeechModel,
    prompt: Prompt,
    features: list[np.ndarray],
    window: int,
    contexts: Sequence[str] | None = None,
    language: str | None = None,
) -> list[tuple[str, str]]:
    """(language, text) of clips given as finished features [T, 128]; ``window`` in chunks.

    ``contexts`` holds one context per clip; ``language`` forces the language of all clips.
    """
    weight = model.model.language_model.embed_tokens.weight
    frames = -(-max(len(f) for f in features) // mel.CHUNK_FRAMES) * mel.CHUNK_FRAMES
    padded = np.zeros((len(features), frames, mel.BINS), np.float32)
    for index, clip in enumerate(features):
        padded[index, : len(clip)] = clip
    tokens = torch.tensor([mel.token_count(len(f)) for f in features], device=weight.device)
    audio, _, _ = model.encode(torch.from_numpy(padded).to(weight), tokens, window)
    forced = prompt.language[language] if language else []
    prompts = [
        prompt.build(int(count), context) + forced
        for count, context in zip(tokens, contexts or [""] * len(features), strict=True)
    ]
    limit = 24 + TOKENS_PER_SECOND * frames // mel.FRAMES_PER_SECOND
    answers = _generate(model, prompts, audio, tokens, prompt, limit)
    return [prompt.decode([*forced, *ids]) for ids in answers]


def _generate(
    model: SpeechModel,
    prompts: list[list[int]],
    audio: Tensor,
    tokens: Tensor,
    prompt: Prompt,
    limit: int,
) -> list[list[int]]:
    """Answer ids per prompt; prompts are padded on the left so that all end together."""
    language_model, device = model.model.language_model, audio.device
    width = max(map(len, prompts))
    ids = torch.tensor([[prompt.pad_id] * (width - len(p)) + p for p in prompts], device=device)
    offsets = torch.tensor([width - len(p) for p in prompts], device=device)
    x = model.merge(ids, audio, tokens)
    hidden_keys = torch.arange(width, device=device)[None, :] < offsets[:, None]
    column = torch.zeros_like(hidden_keys, dtype=x.dtype).masked_fill_(hidden_keys, MASKED)
    causal = torch.full((width, width), MASKED, dtype=x.dtype, device=device).triu(1)
    mask = (column[:, None, None, :] + causal).clamp(min=MASKED)
    positions = (torch.arange(width, device=device)[None] - offsets[:, None]).clamp(min=0)
    caches: list[list[Tensor]] = [[] for _ in language_model.layers]
    answers: list[list[int]] = [[] for _ in prompts]
    open_rows = torch.ones(len(prompts), dtype=torch.bool, device=device)
    for step in range(limit):
        hidden, _ = language_model(x, positions, mask, caches)
        following = language_model.logits(hidden[:, -1]).float().argmax(-1)
        open_rows &= following != prompt.end_id
        for row in open_rows.nonzero()[:, 0].tolist():
            answers[row].append(int(following[row]))
        if not open_rows.any():
            break
        x = language_model.embed(following[:, None])
        positions = (width + step - offsets)[:, None]
        column = torch.cat([column, torch.zeros_like(column[:, :1])], 1)
        mask = column[:, None, None, :]
    return answers
