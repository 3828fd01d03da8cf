"""What an attention backend is: two plans a batch, made once and used by every layer.

Knows how rows and windows lie in packed tensors; knows no weights, no leases and no scheduling.
A backend is chosen at start (`choose.py`) and says which KV page size it wants.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

RowAttention = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Queries [Q, H, D] over one layer's cache [slots, K, D], keys and values: mixed [Q, H * D].

The batch's own keys and values are in the cache by then.
"""

WindowAttention = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Queries, keys and values [A, H, D] of packed windows: mixed [A, H * D]."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A packed decoder batch: row r has `new_lengths[r]` new tokens, its last `kv_lengths[r]`.

    A row's tokens lie in its pages in order: token t is slot `t % page_tokens` of page
    `pages[r][t // page_tokens]`. Every new token sees the tokens before it in its row, and itself.
    """

    new_lengths: list[int]
    kv_lengths: list[int]
    pages: list[list[int]]
    page_tokens: int


class Attention(Protocol):
    """One way to compute attention. Has no state beside what its constructor was given."""

    @property
    def name(self) -> str: ...

    @property
    def page_tokens(self) -> int | None:
        """Tokens of a KV page; None where a page should hold a whole segment."""
        ...

    def rows(self, rows: Rows, *, kv_heads: int, like: Tensor) -> RowAttention:
        """Causal grouped-query attention over these rows; `like` has the queries' dtype, device."""
        ...

    def windows(self, lengths: list[int], *, like: Tensor) -> WindowAttention:
        """Bidirectional attention inside each window; the lengths sum to A."""
        ...


def spans(lengths: list[int]) -> list[tuple[int, int]]:
    """Begin and end of each of several runs that lie one behind the other."""
    found, begin = [], 0
    for length in lengths:
        found.append((begin, begin + length))
        begin += length
    return found
