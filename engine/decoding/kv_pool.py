"""Who holds which KV pages (`KVLedger`, integers only) and the tensors behind them (`KVPool`).

A lease is the ordered list of pages of one segment. It grows at its end, is truncated at its end,
and is given back whole. The pages that a prompt's head fills are shared by all leases that begin
with the same head: they are filled once and then only read, so nothing is ever copied. What a head
fills of a page beyond its last full one is each lease's own. Page size belongs to the attention
backend: where a page holds a whole segment no head fills one, and nothing is shared; there a head
is prefilled once a segment, which is a few tokens beside the thousands its steps compute.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch

from ..config import DecoderConfig
from ..types import ConfigError

Prefix = tuple[int, ...]
"""The token ids of a prompt's head."""


@dataclass(slots=True, eq=False)
class Lease:
    """The pages of one segment, in order, and how many of their tokens are filled."""

    pages: list[int] = field(default_factory=list)
    num_tokens: int = 0


class KVLedger:
    """Counts pages out and in. Integrity: every page is free, or held as often as it is listed."""

    def __init__(self, *, num_pages: int, page_tokens: int) -> None:
        if num_pages < 1 or page_tokens < 1:
            raise ConfigError("the KV pool has no room for a single page")
        self.num_pages, self.page_tokens = num_pages, page_tokens
        self._free = list(range(num_pages - 1, -1, -1))
        self._holders = [0] * num_pages  # leases, and one for a page that is a prefix's
        self._leases: set[Lease] = set()
        self._prefixes: dict[Prefix, list[int]] = {}  # the least recently used first

    @property
    def num_free(self) -> int:
        """Pages to be had at once: free ones, and those of prefixes that no lease uses."""
        return len(self._free) + sum(len(self._prefixes[prefix]) for prefix in self._unused())

    @property
    def num_leases(self) -> int:
        return len(self._leases)

    def open(self, prefix: Prefix = ()) -> Lease:
        """A lease that begins with the shared pages of this prefix, filled; there may be none."""
        lease = Lease()
        if prefix in self._prefixes:
            self._prefixes[prefix] = pages = self._prefixes.pop(prefix)
            self._hold(pages)
            lease.pages, lease.num_tokens = list(pages), len(pages) * self.page_tokens
        self._leases.add(lease)
        return lease

    def share(self, lease: Lease, prefix: Prefix) -> None:
        """Let later leases begin with the pages that `prefix`, now at the lease's start, fills."""
        pages = lease.pages[: len(prefix) // self.page_tokens]
        if pages and prefix not in self._prefixes:
            assert lease.num_tokens >= len(prefix)
            self._hold(pages)
            self._prefixes[prefix] = pages

    def pages_missing(self, lease: Lease, num_tokens: int) -> int:
        """Pages that `lease` lacks to hold `num_tokens` tokens."""
        return max(0, -(-num_tokens // self.page_tokens) - len(lease.pages))

    def grow(self, lease: Lease, num_tokens: int) -> bool:
        """Make room for `num_tokens` tokens in all; False, and no change, when pages are short."""
        missing = self.pages_missing(lease, num_tokens)
        if missing > len(self._free) and not self._forget_prefixes(missing):
            return False
        fresh = [self._free.pop() for _ in range(missing)]
        self._hold(fresh)
        lease.pages.extend(fresh)
        return True

    def truncate(self, lease: Lease, num_tokens: int) -> None:
        """Forget all tokens from `num_tokens` on; pages that nobody holds then are free at once.

        A lease is never cut inside its shared pages, for it would write there next.
        """
        assert 0 <= num_tokens <= lease.num_tokens
        keep = -(-num_tokens // self.page_tokens)
        cut_inside = num_tokens % self.page_tokens
        assert not cut_inside or self._holders[lease.pages[keep - 1]] == 1
        lease.num_tokens = num_tokens
        self._drop(lease.pages[keep:])
        del lease.pages[keep:]

    def release(self, lease: Lease) -> None:
        """Give the lease back; it must not be used again."""
        self.truncate(lease, 0)
        self._leases.remove(lease)

    def audit(self) -> None:
        """Count every holder again; raises AssertionError when a page is lost or held wrongly."""
        held = [0] * self.num_pages
        for pages in [*(lease.pages for lease in self._leases), *self._prefixes.values()]:
            for page in pages:
                held[page] += 1
        assert held == self._holders, "KV pages are held by others than the ledger thinks"
        unheld = [page for page, holders in enumerate(held) if not holders]
        assert sorted(self._free) == unheld, "KV pages lost or doubled"
        for lease in self._leases:
            assert lease.num_tokens <= len(lease.pages) * self.page_tokens

    def _unused(self) -> list[Prefix]:
        """Prefixes whose pages no lease holds, the least recently used first."""
        return [p for p, pages in self._prefixes.items() if self._holders[pages[0]] == 1]

    def _forget_prefixes(self, wanted: int) -> bool:
        """Free the pages of unused prefixes until `wanted` are free; False when that can't be."""
        if wanted > self.num_free:
            return False
        for prefix in self._unused():
            if wanted <= len(self._free):
                break
            self._drop(self._prefixes.pop(prefix))
        return True

    def _hold(self, pages: Iterable[int]) -> None:
        for page in pages:
            self._holders[page] += 1

    def _drop(self, pages: list[int]) -> None:
        for page in reversed(pages):
            self._holders[page] -= 1
            if not self._holders[page]:
                self._free.append(page)


class KVPool:
    """Keys and values of all pages: two tensors [L, (pages + 1) * page tokens, K, D].

    The page behind the ledger's last is nobody's: the padding rows of a fixed batch write there.
    """

    def __init__(
        self, config: DecoderConfig, ledger: KVLedger, *, dtype: torch.dtype, device: torch.device
    ) -> None:
        self.scratch_page = ledger.num_pages
        slots = (ledger.num_pages + 1) * ledger.page_tokens
        shape = (config.layers, slots, config.kv_heads, config.head_dim)
        self.page_tokens = ledger.page_tokens
        self.keys = torch.empty(shape, dtype=dtype, device=device)
        self.values = torch.empty(shape, dtype=dtype, device=device)

    @staticmethod
    def bytes_per_token(config: DecoderConfig, dtype: torch.dtype) -> int:
        """Keys and values of one token over all layers, in bytes."""
        return 2 * config.layers * config.kv_heads * config.head_dim * dtype.itemsize

    def slots(self, lease: Lease, begin: int, end: int) -> np.ndarray:
        """Where tokens `begin` to `end` of the lease lie: int64 [end - begin]."""
        tokens = np.arange(begin, end)
        pages = np.array(lease.pages, np.int64)[tokens // self.page_tokens]
        return pages * self.page_tokens + tokens % self.page_tokens
