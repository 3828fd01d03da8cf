"""Runs batches on the device: the only file that puts tensors together across streams.

It knows nothing of streams, hypotheses or time: it takes the work of many sequences, packs it
without padding, runs one forward pass per kind of work, and hands each its own part back.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .decoder import Batch
from .kv_pool import KVLedger, KVPool, Lease
from .model import SpeechModel
from .types import WorkCounters


@dataclass(frozen=True, slots=True)
class StemWork:
    """Chunks through the conv stem; answered by their tokens [C, 13, d]."""

    mel: Tensor  # [C, 100, M] normalised


@dataclass(frozen=True, slots=True)
class EncodeWork:
    """Windows through the encoder; answered by the audio embeddings of each, [A, E]."""

    windows: list[Tensor]  # each [A, d]


@dataclass(frozen=True, slots=True)
class ForwardWork:
    """New tokens at the end of a lease; answered by the greedy choices at the last `num_choices`.

    `inputs` are token ids and audio embeddings in order. The lease is as long as its valid tokens;
    the runner writes behind them.
    """

    lease: Lease
    inputs: list[list[int] | Tensor]
    num_choices: int

    @property
    def num_new(self) -> int:
        return sum(len(part) for part in self.inputs)


@dataclass(frozen=True, slots=True)
class Choices:
    """The greedy token at each asked position, its log probability, and its lead in logits."""

    tokens: list[int]
    logprobs: list[float]
    margins: list[float]


Work = StemWork | EncodeWork | ForwardWork
Answer = Tensor | list[Tensor] | Choices


class Runner:
    """Owns the model and the KV pool; one caller at a time."""

    def __init__(self, model: SpeechModel, ledger: KVLedger) -> None:
        self.model, self.ledger = model, ledger
        self.pool = KVPool(model.config.decoder, ledger, dtype=model.dtype, device=model.device)
        self.counters = WorkCounters()

    @torch.inference_mode()
    def stems(self, works: list[StemWork]) -> list[Tensor]:
        mel = torch.cat([work.mel for work in works]).to(self.model.device)
        self.counters.stem_chunks += mel.shape[0]
        tokens = self.model.audio_tower.stem(mel)
        return list(tokens.split([work.mel.shape[0] for work in works]))

    @torch.inference_mode()
    def encode(self, works: list[EncodeWork]) -> list[list[Tensor]]:
        windows = [window for work in works for window in work.windows]
        lengths = [window.shape[0] for window in windows]
        self.counters.encoder_tokens += sum(lengths)
        embeddings = iter(self.model.encode(torch.cat(windows), lengths).split(lengths))
        return [[next(embeddings) for _ in work.windows] for work in works]

    @torch.inference_mode()
    def forward(self, works: list[ForwardWork]) -> list[Choices]:
        """One packed pass; every lease must already have pages for its new tokens."""
        x = torch.cat([self._embed(part) for work in works for part in work.inputs])  # [Q, E]
        hidden = self.model.language_model(x, self._batch(works))
        row_lengths = [work.num_new for work in works]
        asked = [
            row[-work.num_choices :]
            for row, work in zip(hidden.split(row_lengths), works, strict=True)
        ]
        for work in works:
            work.lease.num_tokens += work.num_new
        self.counters.decoder_tokens += sum(row_lengths)
        return self._choose(torch.cat(asked), [work.num_choices for work in works])

    def _embed(self, part: list[int] | Tensor) -> Tensor:
        return part if isinstance(part, Tensor) else self.model.embed(part)

    def _batch(self, works: list[ForwardWork]) -> Batch:
        positions, slots, views = [], [], []
        for work in works:
            begin, end = work.lease.num_tokens, work.lease.num_tokens + work.num_new
            positions.append(torch.arange(begin, end))
            slots.append(self.pool.slots(work.lease, begin, end))
            views.append(self.pool.view(work.lease, end))
        return Batch(
            torch.cat(positions).to(self.model.device),
            [work.num_new for work in works],
            views,
            _PoolWriter(self.pool, torch.cat(slots)),
        )

    def _choose(self, hidden: Tensor, counts: list[int]) -> list[Choices]:
        logits = self.model.logits(hidden)  # [choices, V] float32
        best, tokens = logits.topk(2, dim=-1)
        logprobs = best[:, 0] - logits.logsumexp(dim=-1)
        margins = best[:, 0] - best[:, 1]
        columns = (tokens[:, 0].tolist(), logprobs.tolist(), margins.tolist())
        choices, begin = [], 0
        for count in counts:
            choices.append(Choices(*(column[begin : begin + count] for column in columns)))
            begin += count
        return choices


@dataclass(frozen=True, slots=True)
class _PoolWriter:
    """Puts the keys and values of a batch's new tokens where the leases say."""

    pool: KVPool
    slots: Tensor  # [Q]

    def write(self, layer: int, keys: Tensor, values: Tensor) -> None:
        self.pool.keys[layer].index_copy_(0, self.slots, keys)
        self.pool.values[layer].index_copy_(0, self.slots, values)
