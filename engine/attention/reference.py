"""Attention spelled out: scores, softmax and mix in float32, one row or window at a time.

The slow twin of every other backend, and what the whole-clip twins of `model.py` compute with.
"""

import math

import torch
from torch import Tensor

from .base import RowAttention, Rows, WindowAttention, spans


class ReferenceAttention:
    """Works on every device and with every page size."""

    name = "reference"
    page_tokens = None

    def rows(self, rows: Rows, *, kv_heads: int, like: Tensor) -> RowAttention:
        slots = [_slots(rows, row).to(like.device) for row in range(len(rows.pages))]
        begins_ends = spans(rows.new_lengths)

        def attend(q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            group = q.shape[1] // kv_heads
            mixed = []
            for (begin, end), where in zip(begins_ends, slots, strict=True):
                k = keys[where].repeat_interleave(group, dim=1)  # [S, H, D]
                v = values[where].repeat_interleave(group, dim=1)
                mixed.append(_attend(q[begin:end], k, v, causal=True))
            return torch.cat(mixed)

        return attend

    def windows(self, lengths: list[int], *, like: Tensor) -> WindowAttention:
        del like
        begins_ends = spans(lengths)

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return torch.cat(
                [_attend(q[b:e], k[b:e], v[b:e], causal=False) for b, e in begins_ends]
            )

        return attend


def _slots(rows: Rows, row: int) -> Tensor:
    """Where the tokens of a row lie in the cache: [S]."""
    tokens = torch.arange(rows.kv_lengths[row])
    pages = torch.tensor(rows.pages[row])[tokens // rows.page_tokens]
    return pages * rows.page_tokens + tokens % rows.page_tokens


def _attend(q: Tensor, k: Tensor, v: Tensor, *, causal: bool) -> Tensor:
    """Queries [n, H, D] over keys and values [S, H, D]; causal: the last n keys are their own."""
    n, total = q.shape[0], k.shape[0]
    scores = torch.einsum("nhd,shd->hns", q.float(), k.float()) / math.sqrt(q.shape[-1])
    if causal:
        unseen = torch.ones(n, total, dtype=torch.bool, device=q.device).triu(total - n + 1)
        scores = scores.masked_fill(unseen, float("-inf"))
    mixed = torch.einsum("hns,shd->nhd", scores.softmax(dim=-1), v.float())
    return mixed.flatten(1).to(q.dtype)
