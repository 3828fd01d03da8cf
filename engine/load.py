"""From a configuration to an engine: finds the model, picks device and dtype, sizes the pool."""

import os
from pathlib import Path

import torch

from .checkpoint import read_config
from .config import EngineConfig, ModelConfig
from .engine import Engine, EngineLimits, segment_tokens
from .hub import resolve_model
from .kv_pool import KVLedger, KVPool
from .languages import LANGUAGES
from .model import SpeechModel, load_model
from .runner import Runner
from .tokenizer import Tokenizer
from .types import ConfigError

_CONTEXT_TOKENS = 1024  # room for context in every segment
_GPU_PAGE_TOKENS = 256
_SMALL_HIDDEN = 512  # below this width float32 is as fast on a CPU, and exact


def load_engine(config: EngineConfig) -> Engine:
    """The engine for `config.model`: the embedded one, a checkpoint folder, or a hub id.

    Raises:
        ConfigError: the device is not there, or the KV pool cannot hold one segment.
        CheckpointError: the model cannot be found, downloaded or read.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    folder = resolve_model(config.model)
    shape = read_config(folder)
    if shape.is_aligner:
        raise ConfigError(f"{config.model} is a forced aligner, not a recogniser")
    device = pick_device(config.device)
    model = load_model(folder, dtype=pick_dtype(config.dtype, device, shape), device=device)
    tokenizer = Tokenizer.from_folder(folder)
    tokenizer.check_fits(shape)
    limits = EngineLimits(
        max_streams=config.max_streams,
        max_segment_s=min(config.max_segment_s, _longest_segment_s(shape)),
        segment_tokens=_CONTEXT_TOKENS + segment_tokens(config.max_segment_s),
        languages=shape.languages or tuple(LANGUAGES),
        unsure_below=shape.unsure_below,
    )
    ledger = _plan_pool(config, model, limits)
    return Engine(
        Runner(model, ledger), tokenizer, limits, model_name=_display_name(config, folder)
    )


def pick_device(choice: str) -> torch.device:
    """`auto` takes CUDA where there is one. Raises ConfigError when the choice is not there."""
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if choice == "auto":
        return torch.device("cuda" if available["cuda"] else "cpu")
    if not available[choice]:
        there = ", ".join(name for name, is_there in available.items() if is_there)
        raise ConfigError(f"device is {choice!r}, but this machine has only: {there}")
    return torch.device(choice)


def pick_dtype(choice: str, device: torch.device, shape: ModelConfig) -> torch.dtype:
    """`auto`: float32 for small models on a CPU, else bfloat16 where it is computed fast."""
    if choice != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[choice]
    if device.type == "cuda":
        return torch.bfloat16
    small = shape.decoder.hidden < _SMALL_HIDDEN
    fast = device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if fast and not small else torch.float32


def _longest_segment_s(shape: ModelConfig) -> int:
    """What the decoder's positions hold beside a context; 120 s at most."""
    room = shape.decoder.max_positions - _CONTEXT_TOKENS
    return max((s for s in range(1, 121) if segment_tokens(s) <= room), default=1)


def _plan_pool(config: EngineConfig, model: SpeechModel, limits: EngineLimits) -> KVLedger:
    """Pages for one and a half segments a stream, or what `kv_memory_mb` pays for.

    On a CPU a page is a whole segment: its keys then lie together and are never gathered. Memory
    that no segment has filled yet is not touched, so such a page costs what is in it.
    """
    on_gpu = model.device.type != "cpu"
    page_tokens = _GPU_PAGE_TOKENS if on_gpu else limits.segment_tokens
    pages_per_segment = -(-limits.segment_tokens // page_tokens)
    num_pages = (limits.max_streams + max(2, limits.max_streams // 2)) * pages_per_segment
    if config.kv_memory_mb:
        token_bytes = KVPool.bytes_per_token(model.config.decoder, model.dtype)
        num_pages = config.kv_memory_mb * 2**20 // (token_bytes * page_tokens)
        if num_pages < pages_per_segment:
            needed = -(-pages_per_segment * page_tokens * token_bytes // 2**20)
            raise ConfigError(f"kv_memory_mb is {config.kv_memory_mb}, one segment needs {needed}")
    return KVLedger(num_pages=num_pages, page_tokens=page_tokens)


def _display_name(config: EngineConfig, folder: Path) -> str:
    return folder.name if os.sep in config.model and folder.is_dir() else config.model
