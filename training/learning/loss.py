"""Training losses: next-token cross-entropy and four auxiliary ones.

Three of them use the exact word and phone times of the synthesisers; they bring the encoder and
the decoder's alignment going early. The fourth shows heads of the decoder where the context holds
the word that is being written: the circuit that copies such a word (induction heads, Olsson et al.
2022) takes a small model far longer to find by itself. All are dropped at export.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.learning.batches import PHONE_OFFSETS, Batch
from training.learning.model import SpeechModel, causal_mask
from training.synthesis.phones import COUNT, IGNORE

GUIDED_HEADS = 2
"""Heads of each guided layer that are taught to look at the word being written."""
GUIDED_LAYERS = (1, 2)
COPY_HEADS = 2
"""Heads of each copying layer, the last ones, that are taught to look at the context."""
COPY_LAYERS = 2
"""Layers that copy: the last ones."""
_LEAST_MASS = 1e-3


@dataclass(frozen=True)
class Weights:
    """Weights of the auxiliary losses, and the label smoothing of the main one."""

    smoothing: float
    guided: float
    copy: float
    ctc: float
    phone: float


class Auxiliary(nn.Module):
    """Heads used in training only."""

    def __init__(self, dim: int, vocab: int) -> None:
        super().__init__()
        self.phone = nn.Linear(dim, COUNT * len(PHONE_OFFSETS))
        self.ctc = nn.Linear(dim, vocab)
        for layer in (self.phone, self.ctc):
            nn.init.normal_(layer.weight, std=dim**-0.5)
            nn.init.zeros_(layer.bias)


def compute(
    model: SpeechModel, heads: Auxiliary, batch: Batch, window: int, weights: Weights
) -> tuple[Tensor, dict[str, Tensor]]:
    """Total loss of a batch, and its parts for the progress line."""
    dtype = model.model.language_model.norm.weight.dtype
    audio, output, middle = model.encode(batch.features.to(dtype), batch.tokens, window)
    x = model.merge(batch.ids, audio, batch.tokens)
    positions = torch.arange(x.shape[1], device=x.device)[None].expand(len(x), -1)
    hidden, attention = model.model.language_model(x, positions, causal_mask(x))
    logits = model.model.language_model.logits(hidden[batch.rows, batch.columns]).float()
    loss = F.cross_entropy(
        logits, batch.targets, ignore_index=IGNORE, label_smoothing=weights.smoothing
    )
    parts = {"ce": loss.detach()}
    for name, weight, function in (
        ("guided", weights.guided, lambda: guided_loss(attention, batch)),
        ("copy", weights.copy, lambda: copy_loss(attention, batch)),
        ("ctc", weights.ctc, lambda: ctc_loss(heads.ctc(output), batch, model.size.pad_id)),
        ("phone", weights.phone, lambda: phone_loss(heads.phone(middle), batch)),
    ):
        if weight > 0:
            part = function()
            parts[name] = part.detach()
            loss = loss + weight * part
    return loss, parts


def guided_loss(attention: list[Tensor], batch: Batch) -> Tensor:
    """-log of the attention mass that a text position puts on the audio of its word."""
    chosen = (batch.spans[:, 1] > batch.spans[:, 0]).nonzero()[:, 0]
    rows, columns, spans = batch.rows[chosen], batch.columns[chosen], batch.spans[chosen]
    place = torch.arange(batch.ids.shape[1], device=spans.device)
    inside = (place >= spans[:, :1]) & (place < spans[:, 1:])
    losses = []
    for layer in GUIDED_LAYERS:
        probabilities = attention[layer][:, :GUIDED_HEADS].transpose(1, 2)[rows, columns]
        mass = (probabilities * inside[:, None]).sum(-1).float()
        losses.append(-(mass + _LEAST_MASS).log().mean())
    return torch.stack(losses).mean()


def copy_loss(attention: list[Tensor], batch: Batch) -> Tensor:
    """-log of the attention that a text position pays to its token's place in the context."""
    chosen = (batch.copies >= 0).nonzero()[:, 0]
    rows, columns, places = batch.rows[chosen], batch.columns[chosen], batch.copies[chosen]
    total = torch.zeros((), device=places.device)
    for probabilities in attention[-COPY_LAYERS:]:
        mass = probabilities[:, -COPY_HEADS:][rows, :, columns, places].float()
        total = total - (mass + _LEAST_MASS).log().sum()
    return total / (max(1, len(chosen)) * COPY_HEADS * COPY_LAYERS)


def ctc_loss(logits: Tensor, batch: Batch, blank: int) -> Tensor:
    """CTC over the text tokens on the encoder output, per label."""
    lengths = (batch.labels >= 0).sum(1)
    log_probabilities = logits.float().log_softmax(-1).transpose(0, 1)
    losses = F.ctc_loss(
        log_probabilities,
        batch.labels.clamp(min=0),
        batch.tokens,
        lengths,
        blank=blank,
        reduction="sum",
        zero_infinity=True,
    )
    return losses / lengths.sum().clamp(min=1)


def phone_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy of four phones per encoder token."""
    return F.cross_entropy(
        logits.view(-1, COUNT).float(), batch.phones.flatten(), ignore_index=IGNORE
    )
