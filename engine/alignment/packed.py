"""Whole clips and their texts through a model at once, packed without padding; nothing is kept.

Knows tensors and no words. What `SpeechModel.forward_clip` computes for one clip, spelled out, is
computed here for many, with the attention backend of a real run.
"""

from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from ..attention.base import Attention, Rows
from ..model.decoder import Batch
from ..model.encoder import TOKENS_PER_CHUNK, num_tokens
from ..model.features import log_mel, normalise, pad_clip
from ..model.speech_model import SpeechModel, to_chunks
from ..types import FRAME_SAMPLES, MIN_CLIP_SAMPLES


def num_audio_tokens(num_samples: int) -> int:
    """Audio tokens of a clip of so many samples at 16 kHz: 13 a second, 7 at least."""
    return num_tokens(max(num_samples, MIN_CLIP_SAMPLES) // FRAME_SAMPLES)


@torch.inference_mode()
def encode_clips(model: SpeechModel, attention: Attention, clips: list[np.ndarray]) -> list[Tensor]:
    """Float32 samples [N] at 16 kHz of each clip to its audio embeddings [A, E].

    The attention windows are as long as the checkpoint's config says (`n_window_infer`).
    """
    chunks = [_chunks(samples) for samples in clips]
    stems = model.audio_tower.stem(torch.cat(chunks).to(model.device))  # [C, 13, d]
    full = model.config.encoder.max_window_chunks * TOKENS_PER_CHUNK
    windows: list[Tensor] = []
    num_windows: list[int] = []
    for stem, samples in zip(stems.split([c.shape[0] for c in chunks]), clips, strict=True):
        tokens = stem.flatten(0, 1)[: num_audio_tokens(samples.shape[0])]  # [A, d]
        own = tokens.split(full)
        windows += own
        num_windows.append(len(own))
    embedded = iter(_encode_windows(model, attention, windows))
    return [torch.cat([next(embedded) for _ in range(count)]) for count in num_windows]


def _chunks(samples: np.ndarray) -> Tensor:
    """Normalised mel of one clip, which no other clip has a part in: [C, 100, M]."""
    raw = log_mel(torch.from_numpy(pad_clip(samples)))
    return to_chunks(normalise(raw, raw.max().item()))


def _encode_windows(
    model: SpeechModel, attention: Attention, windows: list[Tensor]
) -> list[Tensor]:
    """The embeddings [A, E] of each window [A, d]."""
    order = sorted(range(len(windows)), key=lambda w: windows[w].shape[0])  # equal side by side
    lengths = [windows[w].shape[0] for w in order]
    packed = torch.cat([windows[w] for w in order])
    embedded = model.encode(packed, attention.windows(lengths, like=packed))
    by_window = dict(zip(order, embedded.split(lengths), strict=True))
    return [by_window[w] for w in range(len(windows))]


@torch.inference_mode()
def hidden_states(
    model: SpeechModel, attention: Attention, rows: list[Tensor], num_asked: list[int]
) -> list[Tensor]:
    """One causal pass over rows of embeddings, each [S, E], to the hidden states at their ends.

    Of each row its last `num_asked` are returned. There is no pool: the rows lie one behind the
    other in a cache made for this pass, each from the beginning of a page, and all layers share it,
    for each reads only what it has written.
    """
    shape, x = model.config.decoder, torch.cat(rows)
    lengths = [row.shape[0] for row in rows]
    page_tokens = attention.page_tokens or max(lengths)
    num_pages = [-(-length // page_tokens) for length in lengths]
    first_pages = [0, *accumulate(num_pages)]
    one_layer = (1, first_pages[-1] * page_tokens, shape.kv_heads, shape.head_dim)
    keys, values = (x.new_empty(one_layer).expand(shape.layers, -1, -1, -1) for _ in range(2))
    positions = [torch.arange(length, device=x.device) for length in lengths]
    begins = [page * page_tokens for page in first_pages[:-1]]
    slots = [begin + own for begin, own in zip(begins, positions, strict=True)]
    pages = [
        list(range(first, first + count))
        for first, count in zip(first_pages[:-1], num_pages, strict=True)
    ]
    plan = Rows(new_lengths=lengths, kv_lengths=lengths, pages=pages, page_tokens=page_tokens)
    batch = Batch.of_rows(
        plan,
        attention,
        positions=torch.cat(positions),
        slots=torch.cat(slots),
        keys=keys,
        values=values,
        num_asked=num_asked,
    )
    return list(model.language_model(x, batch).split(num_asked))
