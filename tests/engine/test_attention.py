"""Every backend mixes as the one that spells attention out, whatever the batch."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hark.engine.attention.base import Attention, Rows
from hark.engine.attention.choose import choose_attention
from hark.engine.attention.paged import Packing, PagedAttention
from hark.engine.attention.reference import ReferenceAttention
from hark.engine.attention.sdpa import SdpaAttention
from hark.engine.types import ConfigError

CPU = torch.device("cpu")
KV_HEADS, GROUP, HEAD_DIM = 2, 3, 8
HEADS = KV_HEADS * GROUP


def slow_kernel(q: Tensor, k: Tensor, v: Tensor, packing: Packing) -> Tensor:
    """What the fused kernels are documented to do, row by row, from the packing alone."""
    ends, mixed = packing.query_ends.tolist(), []
    for row, (begin, end) in enumerate(pairwise(ends)):
        length = int(packing.kv_lengths[row])
        assert end - begin <= packing.longest_query
        assert length <= packing.longest_key
        assert int(packing.key_ends[row + 1] - packing.key_ends[row]) == length
        if packing.page_table is None:
            first = int(packing.key_ends[row])
            keys, values = k[first : first + length], v[first : first + length]
        else:
            pages = packing.page_table[row]
            keys, values = (t[pages].flatten(0, 1)[:length] for t in (k, v))
        group = q.shape[1] // keys.shape[1]
        keys, values = (t.repeat_interleave(group, 1).transpose(0, 1) for t in (keys, values))
        scores = q[begin:end].transpose(0, 1) @ keys.transpose(1, 2) * q.shape[-1] ** -0.5
        if packing.causal:
            ahead = torch.ones_like(scores, dtype=torch.bool).triu(length - (end - begin) + 1)
            scores = scores.masked_fill(ahead, float("-inf"))
        mixed.append((scores.softmax(-1) @ values).transpose(0, 1))
    return torch.cat(mixed)


BACKENDS: dict[str, Callable[[], Attention]] = {
    "sdpa": lambda: SdpaAttention(CPU),
    "paged": lambda: PagedAttention("slow", slow_kernel),
    "reference": ReferenceAttention,
}


@dataclass(frozen=True, slots=True)
class Case:
    """Rows whose pages lie anywhere in the cache."""

    rows: Rows
    num_pages: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    lengths = draw(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 40)), min_size=1))
    if draw(st.booleans()):  # a batch of single tokens
        lengths = [(1, before) for _, before in lengths]
    kv_lengths = [new + before for new, before in lengths]
    page_tokens = draw(st.sampled_from([4, 16, 64]))
    counts = [-(-length // page_tokens) for length in kv_lengths]
    order = draw(st.permutations(range(sum(counts) + 2)))
    pages, at = [], 0
    for count in counts:
        pages.append(list(order[at : at + count]))
        at += count
    return Case(Rows([new for new, _ in lengths], kv_lengths, pages, page_tokens), len(order))


@settings(max_examples=60, deadline=None)
@given(case=cases(), backend=st.sampled_from(["sdpa", "paged"]), seed=st.integers(0, 99))
def test_rows(case: Case, backend: str, seed: int) -> None:
    source = torch.Generator().manual_seed(seed)
    q = torch.randn(sum(case.rows.new_lengths), HEADS, HEAD_DIM, generator=source)
    cache = (case.num_pages * case.rows.page_tokens, KV_HEADS, HEAD_DIM)
    keys, values = (torch.randn(cache, generator=source) for _ in range(2))
    expected = ReferenceAttention().rows(case.rows, kv_heads=KV_HEADS, like=q)(q, keys, values)
    mixed = BACKENDS[backend]().rows(case.rows, kv_heads=KV_HEADS, like=q)(q, keys, values)
    assert mixed.shape == (q.shape[0], HEADS * HEAD_DIM)
    assert (mixed - expected).abs().max() < 1e-5


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.sampled_from([1, 4, 5, 13, 13, 26]), min_size=1, max_size=12),
    backend=st.sampled_from(["sdpa", "paged"]),
)
def test_windows(lengths: list[int], backend: str) -> None:
    q, k, v = torch.randn(3, sum(lengths), HEADS, HEAD_DIM)
    expected = ReferenceAttention().windows(lengths, like=q)(q, k, v)
    mixed = BACKENDS[backend]().windows(lengths, like=q)(q, k, v)
    assert (mixed - expected).abs().max() < 1e-5


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_behind_a_row_is_seen(backend: str) -> None:
    """Slots that are not the row's may hold anything, also what is no number."""
    rows = Rows([2, 1], [5, 6], [[3, 0], [2, 4]], page_tokens=4)
    q = torch.randn(3, HEADS, HEAD_DIM)
    keys = torch.full((20, KV_HEADS, HEAD_DIM), float("nan"))
    filled = [12, 13, 14, 15, 0, 8, 9, 10, 11, 16, 17]
    keys[filled] = torch.randn(len(filled), KV_HEADS, HEAD_DIM)
    mixed = BACKENDS[backend]().rows(rows, kv_heads=KV_HEADS, like=q)(q, keys, keys)
    assert mixed.isfinite().all()


def test_a_row_of_the_reference_by_hand() -> None:
    """One head, one key of which says all: the softmax is what it should be."""
    rows = Rows([1], [2], [[0]], page_tokens=2)
    q = torch.tensor([[[2.0, 0.0]]])
    keys, values = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]]), torch.tensor([[[1.0, 0]], [[0, 1]]])
    mixed = ReferenceAttention().rows(rows, kv_heads=1, like=q)(q, keys, values)
    weights = torch.tensor([2.0 / 2**0.5, 0.0]).softmax(0)
    assert torch.allclose(mixed[0], weights)


@pytest.mark.parametrize("choice", ["flash", "varlen"])
def test_a_backend_that_cannot_run_is_refused_at_start(choice) -> None:
    with pytest.raises(ConfigError, match=f"attention is '{choice}', but .*cuda"):
        choose_attention(choice, CPU, torch.bfloat16)
    with pytest.raises(ConfigError, match="float32"):
        choose_attention(choice, torch.device("cuda"), torch.float32)


def test_what_auto_takes_without_a_fused_kernel() -> None:
    assert choose_attention("auto", CPU, torch.float32).name == "sdpa"
    assert choose_attention("auto", CPU, torch.float32).page_tokens is None
    assert choose_attention("sdpa", torch.device("cuda"), torch.bfloat16).page_tokens == 256
    assert choose_attention("reference", CPU, torch.float32).name == "reference"
