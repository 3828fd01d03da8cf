"""Attention by one kernel call a batch: packed rows over a paged KV cache, packed windows.

Knows how lengths and page tables are laid out for such kernels; the kernels themselves, those of
flash-attn and of torch, are in `kernels.py`. A kernel is a function, so that a test can put a slow
one in its place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from .base import RowAttention, Rows, WindowAttention

PAGE_TOKENS = 256  # flash-attn takes multiples of 256 only


@dataclass(frozen=True, slots=True)
class Packing:
    """How packed queries and keys fall into rows; all tensors int32 on the device.

    With a `page_table`, keys and values are pages [pages, page tokens, K, D], of which row r reads
    its first `kv_lengths[r]` tokens through `page_table[r]`; without one they are packed [A, H, D]
    like the queries. `causal` aligns to the end: a row's last query sees all its keys.
    """

    query_ends: Tensor  # [R + 1] cumulative, from 0
    key_ends: Tensor  # [R + 1] cumulative, from 0
    kv_lengths: Tensor  # [R]
    longest_query: int
    longest_key: int
    page_table: Tensor | None = None  # [R, pages of the longest row]
    causal: bool = False


Kernel = Callable[[Tensor, Tensor, Tensor, Packing], Tensor]
"""Queries [Q, H, D], keys and values as the packing says: mixed [Q, H, D]."""


class PagedAttention:
    """Every layer of a batch is one call of `kernel`."""

    page_tokens = PAGE_TOKENS

    def __init__(self, name: str, kernel: Kernel) -> None:
        self.name, self._kernel = name, kernel

    def rows(self, rows: Rows, *, kv_heads: int, like: Tensor) -> RowAttention:
        del kv_heads
        return self.over_pages(pack_rows(rows, like.device), rows.page_tokens)

    def over_pages(self, packing: Packing, page_tokens: int) -> RowAttention:
        """Attention as an already packed batch says; its tensors are read at each call."""

        def attend(q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            k, v = (cache.unflatten(0, (-1, page_tokens)) for cache in (keys, values))
            return self._kernel(q, k, v, packing).flatten(1)

        return attend

    def windows(self, lengths: list[int], *, like: Tensor) -> WindowAttention:
        return self.over_windows(pack_windows(lengths, like.device))

    def over_windows(self, packing: Packing) -> WindowAttention:
        """Attention inside windows as an already packed batch says."""
        return lambda q, k, v: self._kernel(q, k, v, packing).flatten(1)


def pack_rows(rows: Rows, device: torch.device) -> Packing:
    """Decoder rows over the pages of their leases."""
    widest = max(len(pages) for pages in rows.pages)
    table = [pages + [0] * (widest - len(pages)) for pages in rows.pages]
    return Packing(
        query_ends=_ends(rows.new_lengths, device),
        key_ends=_ends(rows.kv_lengths, device),
        kv_lengths=torch.tensor(rows.kv_lengths, dtype=torch.int32, device=device),
        longest_query=max(rows.new_lengths),
        longest_key=max(rows.kv_lengths),
        page_table=torch.tensor(table, dtype=torch.int32, device=device),
        causal=True,
    )


def pack_windows(lengths: list[int], device: torch.device) -> Packing:
    """Encoder windows, each seeing all of itself."""
    ends = _ends(lengths, device)
    kv_lengths = torch.tensor(lengths, dtype=torch.int32, device=device)
    return Packing(ends, ends, kv_lengths, max(lengths), max(lengths))


def _ends(lengths: list[int], device: torch.device) -> Tensor:
    return torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)
