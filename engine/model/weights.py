"""How a loaded weight matrix is laid out to be multiplied fast; knows no model.

    plain        as it was loaded, for devices whose kernels want it so
    transposed   float32 on a CPU: MKL multiplies few rows 1.5 to 2 times faster this way round
    packed       bfloat16 on a CPU: oneDNN's own blocks, laid once instead of in every call
    mixed        float32 on a CPU with fast bfloat16 products: packed, inputs and results rounded
    int8         oneDNN's blocks of whole numbers, inputs rounded to whole numbers row by row

int8 is exact arithmetic between two roundings: a row's result depends on that row alone, whatever
it is batched with.

oneDNN compiles a kernel for each number of rows it meets, which takes longer than a small product,
and keeps the last 1,024 of them at half a megabyte each. So it is given blocks of at most 128 rows,
and their numbers of rows are rounded up: they are few, and compiled as a model is loaded, those of
int8 when they are first met. GELU, which oneDNN computes as well, has the same numbers of rows.
"""

from collections.abc import Callable
from typing import Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..types import ConfigError

Layout = Literal["plain", "transposed", "packed", "mixed", "int8"]

_INT8_PEAK = 126.0  # not 127: a scale rounded to bfloat16 may be 0.4 % too small
_INT8_ZERO = 128
"""What is added to the inputs' whole numbers: of CPUs without AMX oneDNN multiplies unsigned inputs
by signed weights fast, and signed ones by a reference kernel, 1,000 times slower."""
_compiled: set[tuple[torch.dtype, torch.Size, bool]] = set()  # oneDNN's, of the whole process
_BLOCK_ROWS = 128  # of one product; with 256 rows two of them take 4 % longer than one
_MOST_TO_TRY = 2**24  # elements of a weight whose kernels are tried at once, in milliseconds
_ROWS_HINT = 16  # the blocks oneDNN picks do not depend on it much, measured with 1, 16, 64


class Matrix(Protocol):
    """Multiplies inputs [S, I] by a weight matrix: [S, O] in the inputs' dtype."""

    def __call__(self, x: Tensor) -> Tensor: ...


def pick_layout(device: torch.device, dtype: torch.dtype, *, mixed: bool = False) -> Layout:
    """The layout for weights that stay as precise as they are, or `mixed` on a CPU that has it."""
    if device.type != "cpu":
        return "plain"
    if dtype == torch.float32:
        return "mixed" if mixed else "transposed"
    return "packed" if has_packed_kernels() else "plain"


def has_packed_kernels() -> bool:
    """Whether this torch and this CPU multiply packed bfloat16 matrices."""
    operators = torch.ops.mkldnn
    return (
        torch.backends.mkldnn.is_available()
        and hasattr(operators, "_reorder_linear_weight")
        and hasattr(operators, "_linear_pointwise")
        and operators._is_mkldnn_bf16_supported()
    )


def has_fast_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16 products: AVX-512 BF16 or AMX."""
    return has_packed_kernels() and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )


def check_int8(device: torch.device) -> None:
    """Raises ConfigError where whole numbers are not multiplied fast, or not exactly."""
    if device.type != "cpu":
        raise ConfigError(f"quant is 'int8', which runs on a cpu only, not on {device.type}")
    # Without these instructions oneDNN adds pairs of products in 16 bits, which may overflow.
    if not (torch.backends.mkldnn.is_available() and torch.cpu._is_vnni_supported()):
        raise ConfigError("quant is 'int8', but this CPU has no VNNI instructions; allowed is none")
    if not hasattr(torch.ops.onednn, "qlinear_pointwise"):
        raise ConfigError("quant is 'int8', but this build of torch has no kernels for it")


def lay_out(layout: Layout, *linears: nn.Linear, gelu: bool = False) -> Matrix:
    """Several projections of one input as one matrix, side by side; `gelu` of their results.

    The projections' own weights become views of it where the layout allows; else they are emptied,
    so that nothing is held twice.
    """
    weight = torch.cat([linear.weight.detach() for linear in linears])  # [O, I]
    biases = [linear.bias.detach() for linear in linears if linear.bias is not None]
    bias = torch.cat(biases) if biases else None
    if layout in ("plain", "transposed"):
        stored = weight if layout == "plain" else weight.t().contiguous().t()
        parts = stored.split([linear.out_features for linear in linears])
        for linear, part in zip(linears, parts, strict=True):
            linear.weight = nn.Parameter(part, requires_grad=False)
        kind = PlainMatrix if layout == "plain" else TransposedMatrix
        return kind(stored, bias, gelu=gelu)
    for linear in linears:
        linear.weight = nn.Parameter(weight.new_empty(0), requires_grad=False)
    return pack(layout, weight, bias, gelu=gelu)


def pack(
    layout: Layout, weight: Tensor, bias: Tensor | None = None, *, gelu: bool = False
) -> Matrix:
    """One weight [O, I] in a layout; `weight` itself stays as it is and may be dropped."""
    match layout:
        case "plain":
            return PlainMatrix(weight, bias, gelu=gelu)
        case "transposed":
            return TransposedMatrix(weight, bias, gelu=gelu)
        case "packed":
            return PackedMatrix(weight, bias, gelu=gelu)
        case "mixed":
            return MixedMatrix(weight, bias, gelu=gelu)
        case "int8":
            if gelu:
                raise ValueError("layers with a GELU are not quantised")
            return Int8Matrix(weight, bias)


class PlainMatrix:
    """The weight as torch keeps it."""

    def __init__(self, weight: Tensor, bias: Tensor | None, *, gelu: bool) -> None:
        self._weight, self._bias, self._gelu = weight, bias, gelu

    def __call__(self, x: Tensor) -> Tensor:
        product = F.linear(x, self._weight, self._bias)
        return F.gelu(product) if self._gelu else product


class TransposedMatrix:
    """The weight with its outputs lying together."""

    def __init__(self, weight: Tensor, bias: Tensor | None, *, gelu: bool) -> None:
        self._weight, self._bias, self._gelu = weight.t().contiguous(), bias, gelu  # [I, O]

    def __call__(self, x: Tensor) -> Tensor:
        num_rows = x.shape[0]
        padded = x.new_empty((sum(_block_sizes(num_rows)), self._weight.shape[1]))
        product = padded[:num_rows]
        if self._bias is None:
            torch.mm(x, self._weight, out=product)
        else:
            torch.addmm(self._bias, x, self._weight, out=product)
        if self._gelu:
            for block in padded.split(_block_sizes(num_rows)):
                torch.ops.aten.gelu_(block)
        return product


class PackedMatrix:
    """The weight in the blocks oneDNN would otherwise make of it in every call."""

    def __init__(self, weight: Tensor, bias: Tensor | None, *, gelu: bool) -> None:
        self._weight = _Packed(weight, bias)
        self._num_columns, self._gelu = weight.shape[0], gelu

    def __call__(self, x: Tensor) -> Tensor:
        num_rows = x.shape[0]
        if num_rows <= _BLOCK_ROWS:
            return self._finish(self._weight.times(x))[:num_rows]
        return _by_blocks(x, self._num_columns, x.dtype, self._weight.times, self._finish)

    def _finish(self, product: Tensor) -> Tensor:
        return torch.ops.aten.gelu_(product) if self._gelu else product


class MixedMatrix:
    """Weight, inputs and results in bfloat16, products summed in float32, bias added in float32."""

    def __init__(self, weight: Tensor, bias: Tensor | None, *, gelu: bool) -> None:
        self._weight = _Packed(weight.bfloat16(), None)
        self._num_columns, self._bias, self._gelu = weight.shape[0], bias, gelu

    def __call__(self, x: Tensor) -> Tensor:
        num_rows = x.shape[0]
        if num_rows <= _BLOCK_ROWS:
            return self._finish(self._weight.times(x).float())[:num_rows]
        return _by_blocks(x, self._num_columns, torch.float32, self._weight.times, self._finish)

    def _finish(self, product: Tensor) -> Tensor:
        if self._bias is not None:
            product.add_(self._bias)
        return torch.ops.aten.gelu_(product) if self._gelu else product


def _by_blocks(
    x: Tensor,
    num_columns: int,
    dtype: torch.dtype,
    times: Callable[[Tensor], Tensor],
    finish: Callable[[Tensor], Tensor],
) -> Tensor:
    """The product of many rows, [S, num_columns], block by block; `finish` works in place."""
    sizes = _block_sizes(x.shape[0])
    product = x.new_empty((sum(sizes), num_columns), dtype=dtype)
    for rows, block in zip(x.split(_BLOCK_ROWS), product.split(sizes), strict=True):
        block.copy_(times(rows)[: block.shape[0]])
        finish(block)
    return product[: x.shape[0]]


def _block_sizes(num_rows: int) -> list[int]:
    """The rows of the blocks that so many are cut into, the last one rounded up."""
    whole, rest = divmod(num_rows, _BLOCK_ROWS)
    return [_BLOCK_ROWS] * whole + [round_up_rows(rest)] * (rest > 0)


class _Packed:
    """A weight in oneDNN's blocks, for one block of rows after the other."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS_HINT)
        self._bias, self._dtype = bias, weight.dtype
        kernels = (weight.dtype, weight.shape, bias is None)
        if weight.numel() <= _MOST_TO_TRY and kernels not in _compiled:
            self._compile(weight.shape[1])
            _compiled.add(kernels)

    @torch.inference_mode()
    def _compile(self, num_columns: int) -> None:
        """All kernels it will need, so that no stream waits for one and none takes memory later."""
        for num_rows in sorted({round_up_rows(count) for count in range(1, _BLOCK_ROWS + 1)}):
            self.times(torch.zeros(num_rows, num_columns, dtype=self._dtype))

    def times(self, x: Tensor) -> Tensor:
        """The product with rows behind its own that mean nothing: as `round_up_rows` says."""
        num_rows, num_columns = x.shape
        padded = round_up_rows(num_rows)
        if padded != num_rows or x.dtype != self._dtype:
            rows = x.new_empty((padded, num_columns), dtype=self._dtype)
            rows[:num_rows] = x  # whatever lies in the others stays in theirs
            x = rows
        return torch.ops.mkldnn._linear_pointwise(x, self._packed, self._bias, "none", [], "")


def round_up_rows(count: int) -> int:
    """A number of rows that is one of few: at most 7 more, above 64 at most 15."""
    if count <= 1:
        return count
    if count <= 4:
        return 4
    step = 8 if count <= 64 else 16
    return -(-count // step) * step


class Int8Matrix:
    """Whole numbers: a scale for each output in the weight, one for each row in the input."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        rounded, scales = _to_int8(weight.float(), torch.float32, zero=0)
        self._packed = torch.ops.onednn.qlinear_prepack(rounded, None)
        self._scales = scales.flatten().contiguous()  # [O]
        self._zeros = torch.zeros(weight.shape[0], dtype=torch.int32)
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        num_rows = x.shape[0]
        if num_rows <= _BLOCK_ROWS:
            return self._finish(self._times(x))[:num_rows]
        return _by_blocks(x, self._zeros.shape[0], x.dtype, self._times, self._finish)

    def _finish(self, product: Tensor) -> Tensor:
        return product if self._bias is None else product.add_(self._bias)

    def _times(self, x: Tensor) -> Tensor:
        # A lone row of a narrow weight would be multiplied by a reference kernel, 100 times slower.
        num_rows = max(2, round_up_rows(x.shape[0]))
        rows = x if num_rows == x.shape[0] else F.pad(x, (0, 0, 0, num_rows - x.shape[0]))
        rounded, scales = _to_int8(rows, x.dtype, zero=_INT8_ZERO)
        return torch.ops.onednn.qlinear_pointwise(
            rounded, 1.0, _INT8_ZERO, self._packed, self._scales, self._zeros,
            None, 1.0, 0, x.dtype, "none", [], "",
        ).mul_(scales)  # fmt: skip


def _to_int8(x: Tensor, dtype: torch.dtype, *, zero: int) -> tuple[Tensor, Tensor]:
    """Each row as whole numbers [S, I] and what they are multiplied by, [S, 1] in `dtype`.

    `zero` is added to them; where it is not 0 they are unsigned.
    """
    wide = x.to(torch.float32, copy=True)
    peaks = wide.abs().amax(dim=1, keepdim=True).clamp_min_(torch.finfo(torch.float32).tiny)
    scales = peaks.div_(_INT8_PEAK).to(dtype)
    whole = wide.div_(scales).round_()
    return (whole.add_(zero).to(torch.uint8) if zero else whole.to(torch.int8)), scales
