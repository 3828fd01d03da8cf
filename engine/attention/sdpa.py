"""Attention with torch's own kernels: one call a row, one a run of equal windows.

Rows of similar length could be padded into one call. On a CPU that is slower by a factor of two to
four than a call a row, because padding means copying every key of the cache (measured, 16 and 64
rows of 60 new tokens over 50 to 400, and single tokens); what is paid per row and not per layer is
therefore done once a batch here: masks, and where the rows lie.
"""

from collections.abc import Iterator
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import RowAttention, Rows, WindowAttention, spans

_GPU_PAGE_TOKENS = 256
_CPU_PIECE_TOKENS = 64
"""New tokens of a row that are one call on a CPU: later tokens' keys, which a mask would hide from
them at full cost, are then not looked at. A pass over a whole clip takes little more than half."""


class SdpaAttention:
    """`F.scaled_dot_product_attention`, on every device.

    On a CPU a page holds a whole segment: its keys are then one slice and nothing is gathered.
    """

    name = "sdpa"

    def __init__(self, device: torch.device) -> None:
        on_cpu = device.type == "cpu"
        self.page_tokens = None if on_cpu else _GPU_PAGE_TOKENS
        self._piece_tokens = _CPU_PIECE_TOKENS if on_cpu else None

    def rows(self, rows: Rows, *, kv_heads: int, like: Tensor) -> RowAttention:
        pieces = [
            (_place(rows, row, total, like.device), num_new, total)
            for row in range(len(rows.pages))
            for num_new, total in self._pieces(rows.new_lengths[row], rows.kv_lengths[row])
        ]
        masks = _Masks(like)

        def attend(q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            num_new, num_heads, head_dim = q.shape
            group = num_heads // kv_heads
            # The heads of a group share their keys: a group's queries are stacked as n * group
            # rows over one head, and nothing is repeated in memory.
            stacked = q.view(num_new, kv_heads, group, head_dim).transpose(0, 1)
            stacked = stacked.reshape(1, kv_heads, num_new * group, head_dim)
            mixed, begin = [], 0
            for place, n, total in pieces:
                end = begin + n * group
                k = keys[place].transpose(0, 1).unsqueeze(0)  # [1, K, S, D]
                v = values[place].transpose(0, 1).unsqueeze(0)
                mask = masks.causal(n, total, group) if n > 1 else None
                query = stacked[:, :, begin:end]
                mixed.append(F.scaled_dot_product_attention(query, k, v, attn_mask=mask))
                begin = end
            packed = torch.cat(mixed, dim=2).view(kv_heads, num_new, group, head_dim)
            return packed.transpose(0, 1).reshape(num_new, -1)

        return attend

    def _pieces(self, num_new: int, total: int) -> Iterator[tuple[int, int]]:
        """Of each call of a row, how many new tokens it has and how many tokens those see."""
        size = self._piece_tokens or num_new
        for begin in range(0, num_new, size):
            end = min(begin + size, num_new)
            yield end - begin, total - num_new + end

    def windows(self, lengths: list[int], *, like: Tensor) -> WindowAttention:
        del like
        runs = [(length, len(list(run))) for length, run in groupby(lengths)]
        begins_ends = spans([length * count for length, count in runs])

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            mixed = []
            for (begin, end), (length, count) in zip(begins_ends, runs, strict=True):
                shape = (count, length, *q.shape[1:])
                query, key, value = (t[begin:end].view(shape).transpose(1, 2) for t in (q, k, v))
                out = F.scaled_dot_product_attention(query, key, value)  # [W, H, A', D]
                mixed.append(out.transpose(1, 2).reshape(end - begin, -1))
            return torch.cat(mixed)

        return attend


def _place(rows: Rows, row: int, length: int, device: torch.device) -> slice | Tensor:
    """Where a row's first tokens lie in the cache: a slice where they lie together."""
    pages, page_tokens = rows.pages[row], rows.page_tokens
    if length <= page_tokens:
        return slice(pages[0] * page_tokens, pages[0] * page_tokens + length)
    tokens = torch.arange(length)
    slots = torch.tensor(pages)[tokens // page_tokens] * page_tokens + tokens % page_tokens
    return slots.to(device)


class _Masks:
    """The causal masks of one batch, made once and added to the scores by every layer."""

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._made: dict[tuple[int, int], Tensor] = {}

    def causal(self, n: int, total: int, group: int) -> Tensor:
        """What the last `n` of `total` tokens see, once for each query of a group.

        0 where seen, else minus infinity: [n * group, total].
        """
        if (n, total) not in self._made:
            mask = self._like.new_full((n, total), float("-inf")).triu_(total - n + 1)
            self._made[n, total] = mask.repeat_interleave(group, dim=0)
        return self._made[n, total]
