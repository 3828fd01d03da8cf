"""A weight gives the same product in every layout, as exactly as its layout promises."""

import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hark.engine.model.weights import (
    Layout,
    check_int8,
    has_packed_kernels,
    lay_out,
    pack,
    pick_layout,
    round_up_rows,
)
from hark.engine.types import ConfigError

CPU = torch.device("cpu")
MANY_ROWS = """
import sys, torch
from hark.engine.model.weights import pack
matrix = pack(sys.argv[1], torch.randn(40, 48), torch.randn(40), gelu=bool(sys.argv[2]))
for rows in range(1, 400):
    matrix(torch.randn(rows, 48))
"""


def has_int8() -> bool:
    try:
        check_int8(CPU)
    except ConfigError:
        return False
    return True


needs_int8 = pytest.mark.skipif(not has_int8(), reason="this CPU has no VNNI instructions")
needs_packed = pytest.mark.skipif(not has_packed_kernels(), reason="no packed bfloat16 kernels")


def linears(bias: bool, dtype: torch.dtype) -> list[nn.Linear]:
    torch.manual_seed(5)
    return [nn.Linear(48, out, bias=bias).to(dtype) for out in (32, 8, 8)]


@torch.inference_mode()
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("layout", "dtype", "tolerance"),
    [
        ("plain", torch.float32, 1e-6),
        ("transposed", torch.float32, 1e-6),
        pytest.param("packed", torch.bfloat16, 4e-3, marks=needs_packed),
        pytest.param("mixed", torch.float32, 4e-3, marks=needs_packed),
        pytest.param("int8", torch.float32, 2e-2, marks=needs_int8),
        pytest.param("int8", torch.bfloat16, 2e-2, marks=needs_int8),
    ],
)
@pytest.mark.parametrize("rows", [1, 3, 40, 67])
def test_projections_side_by_side(layout, dtype, tolerance, bias: bool, rows: int) -> None:
    parts = linears(bias, dtype)
    x = torch.randn(rows, 48).to(dtype)
    expected = torch.cat([part.double()(x.double()) for part in linears(bias, dtype)], dim=1)
    product = lay_out(layout, *parts)(x)
    assert product.dtype == dtype
    assert (product - expected).norm() < tolerance * expected.norm()


def test_numbers_of_rows_are_few() -> None:
    counts = range(1, 129)
    assert all(n <= round_up_rows(n) <= max(n + 7, 1.25 * n) for n in counts)
    assert all(round_up_rows(round_up_rows(n)) == round_up_rows(n) for n in counts)
    assert len({round_up_rows(n) for n in counts}) == 14


@torch.inference_mode()
@pytest.mark.parametrize(
    ("layout", "gelu"),
    [
        *(("plain", gelu) for gelu in (False, True)),
        *(("transposed", gelu) for gelu in (False, True)),
        *(pytest.param("packed", gelu, marks=needs_packed) for gelu in (False, True)),
        *(pytest.param("mixed", gelu, marks=needs_packed) for gelu in (False, True)),
        pytest.param("int8", False, marks=needs_int8),
    ],
)
def test_a_row_does_not_depend_on_how_many_there_are(layout: Layout, gelu: bool) -> None:
    """Whatever they are rounded up to and wherever they are cut into blocks."""
    torch.manual_seed(6)
    weight, bias, x = torch.randn(40, 48), torch.randn(40), torch.randn(300, 48)
    matrix = pack(layout, weight, bias, gelu=gelu)
    expected = x.double() @ weight.double().t() + bias.double()
    expected = torch.nn.functional.gelu(expected) if gelu else expected
    tolerance = {"mixed": 4e-3, "int8": 2e-2}.get(layout, 1e-6)
    for rows in (0, 1, 2, 5, 64, 65, 127, 128, 129, 255, 256, 257, 300):
        product = matrix(x[:rows])
        assert product.shape == (rows, 40)
        assert product.dtype == torch.float32
        assert (product - expected[:rows]).norm() <= tolerance * expected[:rows].norm()


@needs_packed
@torch.inference_mode()
def test_mixed_products_are_float32_of_bfloat16_inputs_too() -> None:
    matrix = pack("mixed", torch.randn(40, 48), torch.randn(40))
    assert {matrix(torch.randn(n, 48).bfloat16()).dtype for n in (8, 200)} == {torch.float32}


@needs_packed
@pytest.mark.parametrize(
    ("layout", "gelu"), [("transposed", True), ("packed", True), ("mixed", True), ("int8", False)]
)
def test_few_kernels_are_compiled(layout: Layout, gelu: bool) -> None:
    """oneDNN says so itself, in a process of its own."""
    if layout == "int8" and not has_int8():
        pytest.skip("this CPU has no VNNI instructions")
    env = {**os.environ, "ONEDNN_VERBOSE": "profile_create"}
    said = subprocess.run(
        [sys.executable, "-c", MANY_ROWS, layout, "gelu" * gelu],
        capture_output=True,
        text=True,
        check=True,
        env=env,
    ).stdout
    misses = [line for line in said.splitlines() if "cache_miss" in line]
    products = sum(",inner_product," in line or ",matmul," in line for line in misses)
    assert products == (0 if layout == "transposed" else 14)
    assert sum(",eltwise," in line for line in misses) == 14 * gelu


def test_nothing_is_held_twice() -> None:
    parts = linears(bias=False, dtype=torch.float32)
    before = [part.weight.clone() for part in parts]
    lay_out("transposed", *parts)
    storages = {part.weight.untyped_storage().data_ptr() for part in parts}
    assert len(storages) == 1
    assert all(torch.equal(part.weight, old) for part, old in zip(parts, before, strict=True))


@needs_int8
@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 70),
    picks=st.lists(st.integers(0, 69), min_size=1, max_size=70),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_an_int8_row_is_the_same_in_any_company(rows: int, picks: list[int], dtype) -> None:
    """Bit for bit, loud rows among them: whole numbers add up alike in every order."""
    torch.manual_seed(1)
    matrix = pack("int8", torch.randn(40, 64).to(dtype))
    x = (torch.randn(70, 64) * torch.logspace(-6, 6, 70)[:, None]).to(dtype)
    alone = torch.cat([matrix(row[None]) for row in x])
    assert torch.equal(matrix(x[:rows]), alone[:rows])
    assert torch.equal(matrix(x[picks]), alone[picks])


@needs_int8
def test_silence_in_int8() -> None:
    matrix = pack("int8", torch.zeros(4, 8))
    assert torch.equal(matrix(torch.zeros(2, 8)), torch.zeros(2, 4))


def test_what_suits_a_device() -> None:
    assert pick_layout(torch.device("cuda"), torch.bfloat16) == "plain"
    assert pick_layout(CPU, torch.float32) == "transposed"
    assert pick_layout(CPU, torch.float32, mixed=True) == "mixed"
    assert pick_layout(CPU, torch.bfloat16) == ("packed" if has_packed_kernels() else "plain")


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_int8_off_the_cpu_is_refused(device: str) -> None:
    with pytest.raises(ConfigError, match=f"quant is 'int8'.*{device}"):
        check_int8(torch.device(device))


def test_int8_without_its_instructions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    with pytest.raises(ConfigError, match="VNNI"):
        check_int8(CPU)
