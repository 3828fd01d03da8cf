"""Which attention backend an engine uses: asked for, or the fastest that can run here."""

import torch

from ..config import AttentionChoice
from ..types import ConfigError
from .base import Attention
from .kernels import flash_kernel, torch_kernel
from .paged import Kernel, PagedAttention
from .reference import ReferenceAttention
from .sdpa import SdpaAttention

_KERNELS = {"flash": flash_kernel, "varlen": torch_kernel}  # the first that is there is taken


def choose_attention(
    choice: AttentionChoice, device: torch.device, dtype: torch.dtype
) -> Attention:
    """The backend `choice`; `auto` takes a fused kernel where there is one, else torch's SDPA.

    Raises:
        ConfigError: the backend cannot run on this device, with this dtype, or is not installed.
    """
    fused = [] if why_not_fused(device, dtype) else list(_KERNELS)
    if choice == "auto":
        kernels = ((name, _KERNELS[name]()) for name in fused)
        found = next(((name, kernel) for name, kernel in kernels if kernel is not None), None)
        return SdpaAttention(device) if found is None else PagedAttention(*found)
    if choice in _KERNELS:
        return PagedAttention(choice, _fused(choice, device, dtype))
    return ReferenceAttention() if choice == "reference" else SdpaAttention(device)


def why_not_fused(device: torch.device, dtype: torch.dtype) -> str | None:
    """What keeps the fused kernels from running here, if anything does."""
    if device.type != "cuda":
        return f"it runs on cuda only, not on {device.type}"
    if dtype == torch.float32:
        return "it computes with bfloat16 only, not with float32"
    return None


def _fused(choice: str, device: torch.device, dtype: torch.dtype) -> Kernel:
    reason = why_not_fused(device, dtype)
    kernel = None if reason else _KERNELS[choice]()
    if kernel is None:
        reason = reason or "it is not installed"
        raise ConfigError(
            f"attention is {choice!r}, but {reason}; allowed are auto, sdpa, reference"
        )
    return kernel
