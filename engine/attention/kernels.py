"""The fused kernels of `paged.py`: flash-attn's where it is installed, else torch's own.

Both need a CUDA device and half-precision tensors. They are written against their documented
interfaces (flash-attn 2.8, torch 2.12) and have not been run in this tree: no such device was at
hand. What surrounds them, `paged.py`, is tested with a slow kernel of the same interface.
"""

import importlib
import importlib.util
import inspect

from torch import Tensor

from .paged import Kernel, Packing


def flash_kernel() -> Kernel | None:
    """flash-attn: its cache kernel for single tokens, its packed kernel for all else."""
    if importlib.util.find_spec("flash_attn") is None:
        return None
    flash = importlib.import_module("flash_attn")

    def kernel(q: Tensor, k: Tensor, v: Tensor, packing: Packing) -> Tensor:
        if packing.page_table is not None and packing.longest_query == 1:
            mixed = flash.flash_attn_with_kvcache(
                q.unsqueeze(1),  # [R, 1, H, D]
                k,
                v,
                cache_seqlens=packing.kv_lengths,
                block_table=packing.page_table,
                causal=packing.causal,
            )
            return mixed.squeeze(1)
        return flash.flash_attn_varlen_func(
            q,
            k,
            v,
            cu_seqlens_q=packing.query_ends,
            cu_seqlens_k=packing.key_ends,
            max_seqlen_q=packing.longest_query,
            max_seqlen_k=packing.longest_key,
            causal=packing.causal,
            block_table=packing.page_table,
        )

    return kernel


def torch_kernel() -> Kernel | None:
    """The variable-length attention of torch itself, where it takes page tables.

    Keys are never split (`num_splits`): a row's result then does not depend on its company.
    """
    if importlib.util.find_spec("torch.nn.attention.varlen") is None:
        return None
    varlen_attn = importlib.import_module("torch.nn.attention.varlen").varlen_attn
    if "block_table" not in inspect.signature(varlen_attn).parameters:
        return None

    def kernel(q: Tensor, k: Tensor, v: Tensor, packing: Packing) -> Tensor:
        paged = packing.page_table is not None
        return varlen_attn(
            q,
            k,
            v,
            packing.query_ends,
            packing.key_ends,
            packing.longest_query,
            packing.longest_key,
            window_size=(-1, 0) if packing.causal else (-1, -1),
            enable_gqa=paged,
            seqused_k=packing.kv_lengths if paged else None,
            block_table=packing.page_table,
            num_splits=1,
        )

    return kernel
