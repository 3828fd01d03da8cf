"""How a loaded 3x3 convolution with its GELU is laid out to be computed fast; knows no model."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .weights import Layout

Convolution = Callable[[Tensor], Tensor]
"""Maps [C, channels, height, width] to the GELU of the convolution, padded and strided as made."""


def lay_out_convolution(layout: Layout, conv: nn.Conv2d, size: tuple[int, int]) -> Convolution:
    """The convolution for inputs of this height and width.

    On a CPU in oneDNN's own blocks, where this torch has them, the GELU applied as it writes. With
    the layout `mixed` inputs, weights and results are bfloat16.
    """
    on_cpu = layout in ("transposed", "packed", "mixed")
    if not (on_cpu and hasattr(torch.ops.mkldnn, "_convolution_pointwise")):
        return lambda x: F.gelu(conv(x))
    dtype = torch.bfloat16 if layout == "mixed" else conv.weight.dtype
    assert conv.bias is not None
    weight, bias = conv.weight.detach().to(dtype), conv.bias.detach().to(dtype)
    padding, stride, dilation = [1, 1], list(conv.stride), list(conv.dilation)
    # A single input may want other blocks than several; the wrong ones are reordered at every call.
    one, several = (
        torch.ops.mkldnn._reorder_convolution_weight(
            weight,
            padding,
            stride,
            dilation,
            conv.groups,
            [count, conv.in_channels, *size],
        )
        for count in (1, 2)
    )

    def convolve(x: Tensor) -> Tensor:
        packed = one if x.shape[0] == 1 else several
        return torch.ops.mkldnn._convolution_pointwise(
            x.to(dtype), packed, bias, padding, stride, dilation, conv.groups, "gelu", [], "none"
        )

    return convolve
