"""Who holds which KV pages (`KVLedger`, integers only) and the tensors behind them (`KVPool`).

A lease is the ordered list of pages of one segment. It grows at its end, is truncated at its end,
and is given back whole; nothing else happens to it. Page size belongs to the backend: on a CPU one
page holds a whole segment, so that its keys are one contiguous slice and nothing is gathered.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from .config import DecoderConfig
from .types import ConfigError


@dataclass(slots=True, eq=False)
class Lease:
    """The pages of one segment, in order, and how many of their tokens are filled."""

    pages: list[int] = field(default_factory=list)
    num_tokens: int = 0


class KVLedger:
    """Counts pages out and in. Integrity: every page is free or in exactly one lease."""

    def __init__(self, *, num_pages: int, page_tokens: int) -> None:
        if num_pages < 1 or page_tokens < 1:
            raise ConfigError("the KV pool has no room for a single page")
        self.num_pages, self.page_tokens = num_pages, page_tokens
        self._free = list(range(num_pages - 1, -1, -1))
        self._leases: list[Lease] = []

    @property
    def num_free(self) -> int:
        return len(self._free)

    @property
    def num_leases(self) -> int:
        return len(self._leases)

    def open(self) -> Lease:
        """A lease without pages."""
        lease = Lease()
        self._leases.append(lease)
        return lease

    def pages_missing(self, lease: Lease, num_tokens: int) -> int:
        """Pages that `lease` lacks to hold `num_tokens` tokens."""
        return max(0, -(-num_tokens // self.page_tokens) - len(lease.pages))

    def grow(self, lease: Lease, num_tokens: int) -> bool:
        """Make room for `num_tokens` tokens in all; False, and no change, when pages are short."""
        missing = self.pages_missing(lease, num_tokens)
        if missing > len(self._free):
            return False
        lease.pages.extend(self._free.pop() for _ in range(missing))
        return True

    def truncate(self, lease: Lease, num_tokens: int) -> None:
        """Forget all tokens from `num_tokens` on; pages that become empty are free at once."""
        assert 0 <= num_tokens <= lease.num_tokens
        lease.num_tokens = num_tokens
        keep = -(-num_tokens // self.page_tokens)
        self._free.extend(reversed(lease.pages[keep:]))
        del lease.pages[keep:]

    def release(self, lease: Lease) -> None:
        """Give the lease back; it must not be used again."""
        self.truncate(lease, 0)
        self._leases.remove(lease)

    def audit(self) -> None:
        """Count every page again; raises AssertionError when one is lost or held twice."""
        held = [page for lease in self._leases for page in lease.pages]
        assert sorted(held + self._free) == list(range(self.num_pages)), "KV pages lost or doubled"
        for lease in self._leases:
            assert lease.num_tokens <= len(lease.pages) * self.page_tokens


class KVPool:
    """Keys and values of all pages: two tensors [L, pages * page tokens, K, D]."""

    def __init__(
        self, config: DecoderConfig, ledger: KVLedger, *, dtype: torch.dtype, device: torch.device
    ) -> None:
        slots = ledger.num_pages * ledger.page_tokens
        shape = (config.layers, slots, config.kv_heads, config.head_dim)
        self.page_tokens = ledger.page_tokens
        self.keys = torch.empty(shape, dtype=dtype, device=device)
        self.values = torch.empty(shape, dtype=dtype, device=device)

    @staticmethod
    def bytes_per_token(config: DecoderConfig, dtype: torch.dtype) -> int:
        """Keys and values of one token over all layers, in bytes."""
        return 2 * config.layers * config.kv_heads * config.head_dim * dtype.itemsize

    def slots(self, lease: Lease, begin: int, end: int) -> Tensor:
        """Where tokens `begin` to `end` of the lease lie: [end - begin] on the pool's device."""
        positions = torch.arange(begin, end)
        pages = torch.tensor(lease.pages)[positions // self.page_tokens]
        slots = pages * self.page_tokens + positions % self.page_tokens
        return slots.to(self.keys.device)

    def view(self, lease: Lease, num_tokens: int) -> "KVView":
        """What a decoder layer reads for one row: the first `num_tokens` tokens of the lease."""
        if len(lease.pages) == 1:
            first = lease.pages[0] * self.page_tokens
            return KVView(self, slice(first, first + num_tokens))
        return KVView(self, self.slots(lease, 0, num_tokens))


@dataclass(frozen=True, slots=True)
class KVView:
    """One row's keys and values: a slice where they lie together, gathered where they don't."""

    pool: KVPool
    index: slice | Tensor

    def read(self, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values of `layer`, each [S, K, D]."""
        return self.pool.keys[layer, self.index], self.pool.values[layer, self.index]
