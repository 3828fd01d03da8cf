"""CUDA graphs of the two batches that repeat in shape: single-token decodes and full windows.

A decode of few rows is dozens of small kernels a layer; recorded once and replayed, they cost one
launch. Batches are padded to the next recorded size: padding rows read and write the pool's
scratch page. Needs a paged attention backend, whose tables are tensors that can be refilled.
Written against `torch.cuda.graphs` as documented; not run in this tree, which had no such device.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

from ..attention.base import Rows
from ..attention.paged import Packing, PagedAttention, pack_windows
from ..model.decoder import Batch
from ..model.head import Best
from ..model.speech_model import SpeechModel
from .kv_pool import KVPool

T = TypeVar("T")
GraphMemory = Any  # what `graph_pool_handle` gives; torch has no public name for its type

_DECODE_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_NUM_WINDOWS = (1, 2, 4, 8, 16)
_WARM_UPS = 3  # kernels choose their algorithms in the first runs, which must not be recorded


class DecodeGraphs:
    """Single-token decodes, recorded for a few numbers of rows."""

    def __init__(
        self, model: SpeechModel, pool: KVPool, attention: PagedAttention, *, longest_row: int
    ) -> None:
        self._pool = pool
        memory = torch.cuda.graph_pool_handle()
        wide = -(-longest_row // pool.page_tokens)
        self._graphs = {  # the largest first: the others then fit into its memory
            rows: _DecodeGraph(model, pool, attention, rows, wide, memory)
            for rows in reversed(_DECODE_ROWS)
        }

    def decode(self, x: Tensor, positions: Tensor, slots: Tensor, rows: Rows) -> Best | None:
        """The choices after one new token a row [R, E]; None for more rows than were recorded."""
        size = next((size for size in _DECODE_ROWS if size >= x.shape[0]), None)
        return None if size is None else self._graphs[size].run(x, positions, slots, rows)


class _DecodeGraph:
    """One number of rows; its inputs are refilled in place before each replay."""

    def __init__(
        self,
        model: SpeechModel,
        pool: KVPool,
        attention: PagedAttention,
        num_rows: int,
        pages_per_row: int,
        memory: GraphMemory,
    ) -> None:
        device = model.device
        self._idle_page, self._idle_slot = pool.scratch_page, pool.scratch_page * pool.page_tokens
        whole = torch.zeros(num_rows, dtype=torch.int64, device=device)
        self._x = torch.zeros(num_rows, model.config.decoder.hidden, dtype=model.dtype).to(device)
        self._positions, self._slots = whole, torch.full_like(whole, self._idle_slot)
        ones = torch.ones(num_rows, dtype=torch.int32, device=device)
        ends = torch.arange(num_rows + 1, dtype=torch.int32, device=device)
        table = ones.new_full((num_rows, pages_per_row), self._idle_page)
        longest = pages_per_row * pool.page_tokens
        self._packing = Packing(ends, ends.clone(), ones, 1, longest, table, causal=True)
        attend = attention.over_pages(self._packing, pool.page_tokens)
        batch = Batch(self._positions, self._slots, pool.keys, pool.values, attend)
        self._graph, self._best = _record(
            lambda: model.choose(model.language_model(self._x, batch)), memory
        )

    def run(self, x: Tensor, positions: Tensor, slots: Tensor, rows: Rows) -> Best:
        count = x.shape[0]
        packing, table = self._packing, self._packing.page_table
        assert table is not None
        self._x[:count].copy_(x)
        self._positions[:count].copy_(positions)
        self._slots[:count].copy_(slots)
        self._slots[count:].fill_(self._idle_slot)
        packing.kv_lengths[:count].copy_(torch.tensor(rows.kv_lengths, dtype=torch.int32))
        packing.kv_lengths[count:].fill_(1)
        packing.key_ends[1:].copy_(packing.kv_lengths.cumsum(0))
        idle, wide = [self._idle_page], table.shape[1]
        pages = [pages + idle * (wide - len(pages)) for pages in rows.pages]
        table[:count].copy_(torch.tensor(pages, dtype=torch.int32))
        table[count:].fill_(self._idle_page)
        self._graph.replay()
        return Best(*(column[:count].clone() for column in self._best))


class WindowGraphs:
    """The encode of full windows, recorded for a few numbers of windows."""

    def __init__(self, model: SpeechModel, attention: PagedAttention, window_tokens: int) -> None:
        self.window_tokens = window_tokens
        memory = torch.cuda.graph_pool_handle()
        self._graphs: dict[int, tuple[Tensor, torch.cuda.CUDAGraph, Tensor]] = {}
        for count in reversed(_NUM_WINDOWS):
            shape = (count * window_tokens, model.config.encoder.d_model)
            tokens = torch.zeros(shape, dtype=model.dtype, device=model.device)
            packing = pack_windows([window_tokens] * count, model.device)
            attend = attention.over_windows(packing)
            recorded = _record(lambda t=tokens, a=attend: model.encode(t, a), memory)
            self._graphs[count] = (tokens, *recorded)

    def encode(self, packed: Tensor, lengths: list[int]) -> Tensor | None:
        """Embeddings [A, E] of packed windows; None where they are not all full, or too many."""
        if any(length != self.window_tokens for length in lengths):
            return None
        count = next((count for count in _NUM_WINDOWS if count >= len(lengths)), None)
        if count is None:
            return None
        tokens, graph, embedded = self._graphs[count]
        tokens[: packed.shape[0]].copy_(packed)
        graph.replay()
        return embedded[: packed.shape[0]].clone()


def _record(compute: Callable[[], T], memory: GraphMemory) -> tuple[torch.cuda.CUDAGraph, T]:
    """Run `compute` a few times beside the main stream, then record it; the graph and its output.

    The output tensors keep their place: each replay writes there again.
    """
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode():
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UPS):
                compute()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=memory):
            output = compute()
    return graph, output
