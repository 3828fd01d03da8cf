"""From hidden states to the best token of each row; knows no sequence.

Scores are compared in float32 whatever the weights' type. Where the weights are narrower, a rough
pass over the whole vocabulary in the weights' own type picks candidates, and only those are scored
again in float32: the widened copy of a large vocabulary (622 MB for 151,936 rows) is neither kept
nor read; a small one is. The best token is that of a full float32 pass wherever rounding does not
push it behind all other candidates. Log probabilities count the other tokens as roughly scored.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .weights import Layout, pack

_SMALL = 1 << 22  # weights of a vocabulary that is widened and kept: 16 MB
_CANDIDATES = {"plain": 16, "packed": 16, "int8": 64}
_BLOCK = 64  # neighbouring tokens whose best stands for them while candidates are sought
_ROWS_AT_ONCE = 8  # float32 scores of this many rows are held at once: they stay in the cache
_WIDE_ROWS = 16_384  # rows of the vocabulary that the slow twin widens at once


class Best(NamedTuple):
    """Per row: the best token, its log probability, and its lead in logits; each [S]."""

    tokens: Tensor
    logprobs: Tensor
    margins: Tensor


class Head:
    """The output projection, often the embeddings themselves."""

    def __init__(self, weight: Tensor, layout: Layout) -> None:
        self._weight = weight  # [V, E]
        # Float32 embeddings are needed as they lie; turning them would hold them twice.
        is_wide, is_small = weight.dtype == torch.float32, weight.numel() <= _SMALL
        self._is_exact = is_small or (is_wide and layout != "int8")
        # oneDNN multiplies many float32 rows faster than MKL does on CPUs of other makers.
        wide_layout: Layout = "packed" if layout in ("packed", "mixed") else "plain"
        self._layout: Layout = wide_layout if self._is_exact else layout
        self._rough = pack(self._layout, weight.float() if self._is_exact else weight)

    def logits(self, hidden: Tensor) -> Tensor:
        """All scores in float32, the slow way: [S, E] to [S, V]."""
        wide = hidden.float()
        blocks = self._weight.split(_WIDE_ROWS)
        return torch.cat([F.linear(wide, block.float()) for block in blocks], dim=1)

    def choose(self, hidden: Tensor) -> Best:
        """The greedy choice after each hidden state [S, E]."""
        rough = self._rough(hidden.float() if self._is_exact else hidden)  # [S, V]
        if self._is_exact:
            return _best(rough, *rough.topk(2, dim=1))
        parts = zip(hidden.split(_ROWS_AT_ONCE), rough.split(_ROWS_AT_ONCE), strict=True)
        return Best(*map(torch.cat, zip(*(self._refine(*part) for part in parts), strict=True)))

    def _refine(self, hidden: Tensor, rough: Tensor) -> Best:
        """Score the best of a few rows' rough scores again, exactly."""
        candidates = best_columns(rough, _CANDIDATES[self._layout])  # [S, C]
        rows = F.embedding(candidates, self._weight).float()  # [S, C, E]
        exact = torch.einsum("se,sce->sc", hidden.float(), rows)
        scores = rough.float().scatter_(1, candidates, exact)
        leads, places = exact.topk(2, dim=1)
        return _best(scores, leads, candidates.gather(1, places))


def _best(scores: Tensor, leads: Tensor, tokens: Tensor) -> Best:
    logprobs = leads[:, 0] - scores.logsumexp(dim=1)
    return Best(tokens[:, 0], logprobs, leads[:, 0] - leads[:, 1])


def best_columns(scores: Tensor, count: int) -> Tensor:
    """The `count` best columns of each row of [S, V], in any order: [S, count].

    First the best blocks of neighbours by their best member: only those can hold one of the best
    columns, and there are few of them to sort.
    """
    rows, vocab = scores.shape
    if vocab < 4 * count * _BLOCK:
        return scores.topk(min(count, vocab), dim=1).indices
    blocked = F.pad(scores, (0, -vocab % _BLOCK), value=float("-inf")).view(rows, -1, _BLOCK)
    blocks = blocked.amax(dim=2).topk(count, dim=1).indices  # [S, count]
    members = blocks[:, :, None] * _BLOCK + torch.arange(_BLOCK, device=scores.device)
    members = members.flatten(1)  # [S, count * block]
    inside = blocked.flatten(1).gather(1, members)
    return members.gather(1, inside.topk(count, dim=1).indices)
