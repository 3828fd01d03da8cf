"""The best token, found among candidates, is the one a full float32 pass finds."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine.model.head import Head, best_columns
from hark.engine.model.weights import Layout, pick_layout
from tests.engine.model.test_weights import needs_int8


@settings(max_examples=40, deadline=None)
@given(
    vocab=st.sampled_from([5, 64, 1000, 4097, 9000]),
    count=st.sampled_from([1, 2, 16]),
    rows=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_the_best_columns(vocab: int, count: int, rows: int, seed: int) -> None:
    source = torch.Generator().manual_seed(seed)
    scores = torch.randperm(rows * vocab, generator=source).view(rows, vocab).float()
    found = best_columns(scores, count).sort(dim=1).values
    expected = scores.topk(min(count, vocab), dim=1).indices.sort(dim=1).values
    assert torch.equal(found, expected)


def check(layout: Layout, dtype: torch.dtype, *, vocab: int, tolerance: float) -> None:
    torch.manual_seed(3)
    weight, hidden = torch.randn(vocab, 96).to(dtype), torch.randn(21, 96).to(dtype)
    head = Head(weight, layout)
    best, logits = head.choose(hidden), hidden.double() @ weight.double().t()
    expected = logits.topk(2, dim=1)
    assert torch.equal(best.tokens, expected.indices[:, 0])
    margins = expected.values[:, 0] - expected.values[:, 1]
    assert (best.margins - margins).abs().max() < 1e-3
    assert (best.logprobs - logits.log_softmax(1).amax(1)).abs().max() < tolerance
    assert (head.logits(hidden) - logits).abs().max() < 1e-3


def test_float32() -> None:
    check("transposed", torch.float32, vocab=1000, tolerance=1e-4)


def test_bfloat16() -> None:
    layout = pick_layout(torch.device("cpu"), torch.bfloat16)
    check(layout, torch.bfloat16, vocab=50_000, tolerance=2e-2)


def test_a_small_vocabulary_is_scored_in_full() -> None:
    layout = pick_layout(torch.device("cpu"), torch.bfloat16)
    check(layout, torch.bfloat16, vocab=1000, tolerance=1e-4)


@needs_int8
def test_int8() -> None:
    check("int8", torch.bfloat16, vocab=50_000, tolerance=0.1)
