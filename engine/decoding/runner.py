"""Runs batches on the device: the only file that puts tensors together across streams.

It knows nothing of streams, hypotheses or time: it takes the work of many sequences, packs it
without padding, runs one forward pass per kind of work, and hands each its own part back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ..attention.base import Attention, Rows
from ..attention.paged import PagedAttention
from ..attention.sdpa import SdpaAttention
from ..model.decoder import Batch
from ..model.encoder import TOKENS_PER_CHUNK
from ..model.head import Best
from ..model.speech_model import SpeechModel
from ..types import WorkCounters
from .cuda_graphs import DecodeGraphs, WindowGraphs
from .kv_pool import KVLedger, KVPool, Lease


@dataclass(frozen=True, slots=True)
class StemWork:
    """Chunks through the conv stem; answered by their tokens [C, 13, d]."""

    mel: Tensor  # [C, 100, M] normalised


@dataclass(frozen=True, slots=True)
class EncodeWork:
    """Windows through the encoder; answered by the audio embeddings of each, [A, E].

    `exact` work goes through the runner's exact model.
    """

    windows: list[Tensor]  # each [A, d]
    exact: bool = False


@dataclass(frozen=True, slots=True)
class ForwardWork:
    """New tokens at the end of a lease; answered by the greedy choices at the last `num_choices`.

    `inputs` are token ids and audio embeddings in order. The lease is as long as its valid tokens;
    the runner writes behind them. `exact` work goes through the runner's exact model.
    """

    lease: Lease
    inputs: list[list[int] | Tensor]
    num_choices: int
    exact: bool = False

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


W = TypeVar("W", EncodeWork, ForwardWork)
A = TypeVar("A")


class Runner:
    """Owns the model and the KV pool; one caller at a time.

    `exact_model` are the same weights, computed more precisely: what finals are decoded with where
    steps are rounded, and the stems, which finals share with steps. None: `model` is exact.
    """

    def __init__(
        self,
        model: SpeechModel,
        ledger: KVLedger,
        attention: Attention | None = None,
        exact_model: SpeechModel | None = None,
    ) -> None:
        self.model, self.ledger = model, ledger
        self.exact_model = exact_model or model
        self.attention = attention or SdpaAttention(model.device)
        self.pool = KVPool(model.config.decoder, ledger, dtype=model.dtype, device=model.device)
        self.counters = WorkCounters()
        self._decodes: DecodeGraphs | None = None
        self._windows: WindowGraphs | None = None

    def record_graphs(self, *, longest_row: int) -> None:
        """Record what repeats in shape as CUDA graphs, for rows of up to `longest_row` tokens.

        Takes some seconds. The attention backend must be a paged one.
        """
        assert isinstance(self.attention, PagedAttention)
        self._decodes = DecodeGraphs(self.model, self.pool, self.attention, longest_row=longest_row)
        full = self.model.config.encoder.max_window_chunks * TOKENS_PER_CHUNK
        self._windows = WindowGraphs(self.model, self.attention, full)

    @torch.inference_mode()
    def stems(self, works: list[StemWork]) -> list[Tensor]:
        mel = torch.cat([work.mel for work in works]).to(self.model.device)
        self.counters.stem_chunks += mel.shape[0]
        tokens = self.exact_model.audio_tower.stem(mel)
        return list(tokens.split([work.mel.shape[0] for work in works]))

    @torch.inference_mode()
    def encode(self, works: list[EncodeWork]) -> list[list[Tensor]]:
        return self._by_model(works, self._encode_all)

    def _encode_all(self, works: list[EncodeWork], model: SpeechModel) -> list[list[Tensor]]:
        windows = [window for work in works for window in work.windows]
        order = sorted(range(len(windows)), key=lambda w: windows[w].shape[0])
        lengths = [windows[w].shape[0] for w in order]  # equal ones side by side
        self.counters.encoder_tokens += sum(lengths)
        packed = torch.cat([windows[w] for w in order])
        embedded = self._encode(packed, lengths, model)
        by_window = dict(zip(order, embedded.split(lengths), strict=True))
        answers = iter(by_window[w] for w in range(len(windows)))
        return [[next(answers) for _ in work.windows] for work in works]

    def _encode(self, packed: Tensor, lengths: list[int], model: SpeechModel) -> Tensor:
        """Packed windows [A, d], the longest last, to embeddings [A, E]."""
        if self._windows is None:
            return model.encode(packed, self.attention.windows(lengths, like=packed))
        num_open = sum(length < self._windows.window_tokens for length in lengths)
        parts = []
        for part in (lengths[:num_open], lengths[num_open:]):
            tokens, packed = packed.split([sum(part), packed.shape[0] - sum(part)])
            embedded = self._windows.encode(tokens, part) if part else tokens.new_empty(0)
            if embedded is None:
                embedded = model.encode(tokens, self.attention.windows(part, like=tokens))
            parts.append(embedded)
        return torch.cat(parts)

    @torch.inference_mode()
    def forward(self, works: list[ForwardWork]) -> list[Choices]:
        """One packed pass a model; every lease must already have pages for its new tokens."""
        return self._by_model(works, self._forward_all)

    def _by_model(self, works: list[W], run: Callable[[list[W], SpeechModel], list[A]]) -> list[A]:
        """The works of each model as one batch; the answers in the order of `works`."""
        if self.exact_model is self.model:
            return run(works, self.model)
        exact = [work for work in works if work.exact]
        other = [work for work in works if not work.exact]
        exact_answers = iter(run(exact, self.exact_model) if exact else [])
        other_answers = iter(run(other, self.model) if other else [])
        return [next(exact_answers if work.exact else other_answers) for work in works]

    def _forward_all(self, works: list[ForwardWork], model: SpeechModel) -> list[Choices]:
        x = self._embed([part for work in works for part in work.inputs])  # [Q, E]
        best = self._forward(x, works, model)
        columns = [column.tolist() for column in best]
        choices, begin = [], 0
        for work in works:
            end = begin + work.num_choices
            choices.append(Choices(*(column[begin:end] for column in columns)))
            begin = end
            work.lease.num_tokens += work.num_new
        self.counters.decoder_tokens += x.shape[0]
        return choices

    def _embed(self, parts: list[list[int] | Tensor]) -> Tensor:
        """Token ids, looked up all at once, and audio embeddings, in order: [Q, E]."""
        texts = [part for part in parts if isinstance(part, list)]
        embedded = self.model.embed([token for text in texts for token in text])
        looked_up = iter(embedded.split([len(text) for text in texts]))
        return torch.cat([next(looked_up) if isinstance(p, list) else p for p in parts])

    def _forward(self, x: Tensor, works: list[ForwardWork], model: SpeechModel) -> Best:
        """The choices at the asked positions of all works, in order."""
        rows = self._rows(works)
        positions, slots = self._places(works)
        if self._decodes is not None and x.shape[0] == len(works):
            best = self._decodes.decode(x, positions, slots, rows)
            if best is not None:
                return best
        batch = Batch.of_rows(
            rows,
            self.attention,
            positions=positions,
            slots=slots,
            keys=self.pool.keys,
            values=self.pool.values,
            num_asked=[work.num_choices for work in works],
        )
        return model.choose(model.language_model(x, batch))

    def _rows(self, works: list[ForwardWork]) -> Rows:
        return Rows(
            new_lengths=[work.num_new for work in works],
            kv_lengths=[work.lease.num_tokens + work.num_new for work in works],
            pages=[work.lease.pages for work in works],
            page_tokens=self.pool.page_tokens,
        )

    def _places(self, works: list[ForwardWork]) -> tuple[Tensor, Tensor]:
        """Of each new token, its position in its row and its slot in the pool: [Q] and [Q]."""
        positions, slots = [], []
        for work in works:
            begin = work.lease.num_tokens
            positions.append(np.arange(begin, begin + work.num_new))
            slots.append(self.pool.slots(work.lease, begin, begin + work.num_new))
        places = (torch.from_numpy(np.concatenate(parts)) for parts in (positions, slots))
        positions_on_device, slots_on_device = (part.to(self.model.device) for part in places)
        return positions_on_device, slots_on_device
