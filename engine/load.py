"""From a configuration to an engine: finds the model, picks device and kernels, sizes the pool."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import torch

from .alignment.aligner import Aligner
from .attention.base import Attention
from .attention.choose import choose_attention
from .attention.paged import PagedAttention
from .config import DtypeChoice, EngineConfig, ModelConfig
from .decoding.kv_pool import KVLedger, KVPool
from .decoding.memory import free_bytes, plan_pages
from .decoding.runner import Runner
from .engine import Engine
from .host import pick_threads
from .languages import LANGUAGES
from .limits import EngineLimits, segment_tokens
from .model.checkpoint import read_config
from .model.hub import EMBEDDED, resolve_aligner, resolve_model
from .model.speech_model import SpeechModel, load_model
from .model.tokenizer import Tokenizer
from .model.weights import check_int8, has_fast_bfloat16, has_packed_kernels
from .types import ConfigError

_CONTEXT_TOKENS = 1024  # room for context in every segment
_SMALL_HIDDEN = 512  # below this width float32 is as fast on a CPU as bfloat16 outside products
_COMMON_SEGMENT_S = 30  # what the pool's room is told in

_log = logging.getLogger(__name__)


def load_engine(config: EngineConfig, clock: Callable[[], float] = time.monotonic) -> Engine:
    """The engine for `config.model`: the embedded one, a checkpoint folder, or a hub id.

    `clock`, in seconds, is what the engine takes for the time.

    Raises:
        ConfigError: the device, the attention backend or int8 is not there, the KV pool cannot
            hold one segment, or the aligner is none.
        CheckpointError: a model cannot be found, downloaded or read.
    """
    folder = resolve_model(config.model)
    shape = read_config(folder)
    if shape.is_aligner:
        raise ConfigError(f"{config.model} is a forced aligner, not a recogniser")
    device = pick_device(config.device)
    precision = pick_precision(config.dtype, device, shape)
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    attention = choose_attention(config.attention, device, dtype)
    if config.quant == "int8":
        check_int8(device)
    _set_threads(config, shape)
    mixed = precision == "mixed"
    model = load_model(folder, dtype=dtype, device=device, mixed=mixed, quant=config.quant)
    tokenizer = Tokenizer.from_folder(folder)
    tokenizer.check_fits(shape)
    limits = EngineLimits(
        max_streams=config.max_streams,
        max_segment_s=min(config.max_segment_s, _longest_segment_s(shape)),
        segment_tokens=_CONTEXT_TOKENS + segment_tokens(config.max_segment_s),
        languages=shape.languages or tuple(LANGUAGES),
        unsure_below=shape.unsure_below,
    )
    ledger = _plan_pool(config, model, limits, attention)
    # Finals are float32 throughout: what they say does not depend on how the work was divided.
    exact = load_model(folder, device=device, layout="packed") if mixed else None
    runner = Runner(model, ledger, attention, exact)
    if config.cuda_graphs == "auto" and isinstance(attention, PagedAttention):
        runner.record_graphs(longest_row=limits.segment_tokens)
    aligner = _load_aligner(config, attention, dtype=dtype, device=device, mixed=mixed)
    _tell(config, runner, aligner, precision)
    name = _display_name(config, folder)
    return Engine(runner, tokenizer, limits, model_name=name, aligner=aligner, clock=clock)


def _load_aligner(
    config: EngineConfig,
    attention: Attention,
    *,
    dtype: torch.dtype,
    device: torch.device,
    mixed: bool,
) -> Aligner | None:
    """The forced aligner that goes with the model, if one does."""
    spec = config.aligner
    if spec == "auto":
        spec = EMBEDDED if config.model == EMBEDDED else "none"
    if spec == "none":
        return None
    folder = resolve_aligner(spec)
    if not read_config(folder).is_aligner:
        raise ConfigError(f"aligner is {spec!r}, which is a recogniser, not a forced aligner")
    model = load_model(folder, dtype=dtype, device=device, mixed=mixed)
    return Aligner(model, Tokenizer.from_folder(folder), attention=attention)


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


def pick_precision(choice: DtypeChoice, device: torch.device, shape: ModelConfig) -> DtypeChoice:
    """What `auto` is on this device for this model: see `EngineConfig`.

    Raises ConfigError when the choice is `mixed` and this is no CPU for it.
    """
    is_cpu = device.type == "cpu"
    if choice == "mixed" and not (is_cpu and has_fast_bfloat16()):
        raise ConfigError("dtype is 'mixed', which needs a CPU that multiplies bfloat16 matrices")
    if choice != "auto":
        return choice
    if device.type == "cuda":
        return "bfloat16"
    if shape.decoder.hidden < _SMALL_HIDDEN:
        return "mixed" if is_cpu and has_fast_bfloat16() else "float32"
    return "bfloat16" if is_cpu and has_packed_kernels() else "float32"


def _longest_segment_s(shape: ModelConfig) -> int:
    """What the decoder's positions hold beside a context; 120 s at most."""
    room = shape.decoder.max_positions - _CONTEXT_TOKENS
    return max((s for s in range(1, 121) if segment_tokens(s) <= room), default=1)


def _set_threads(config: EngineConfig, shape: ModelConfig) -> None:
    small = shape.decoder.hidden < _SMALL_HIDDEN
    by_default = torch.get_num_threads()
    torch.set_num_threads(pick_threads(config.threads, by_default=by_default, small_model=small))


def _plan_pool(
    config: EngineConfig, model: SpeechModel, limits: EngineLimits, attention: Attention
) -> KVLedger:
    """Pages as `kv_memory_mb` says, else all that fit on a GPU, else what the streams need.

    Where a page is a whole segment, its keys lie together and are never gathered. On a CPU, memory
    that no segment has filled yet is not touched, so such a page costs what is in it.
    """
    page_tokens = attention.page_tokens or limits.segment_tokens
    pages_per_segment = -(-limits.segment_tokens // page_tokens)
    segments = limits.max_streams + max(2, limits.max_streams // 2)
    token_bytes = KVPool.bytes_per_token(model.config.decoder, model.dtype)
    num_pages = plan_pages(
        wanted=None if model.device.type == "cuda" else segments * pages_per_segment,
        pages_per_segment=pages_per_segment,
        page_bytes=page_tokens * token_bytes,
        free=free_bytes(model.device),
        asked_mb=config.kv_memory_mb,
    )
    return KVLedger(num_pages=num_pages, page_tokens=page_tokens)


def _tell(
    config: EngineConfig, runner: Runner, aligner: Aligner | None, precision: DtypeChoice
) -> None:
    """Log what was taken, and how much fits."""
    model, ledger = runner.model, runner.ledger
    pages = -(-segment_tokens(_COMMON_SEGMENT_S) // ledger.page_tokens)
    weights = "float32, products bfloat16" if precision == "mixed" else precision
    if config.quant != "none":
        weights += f", decoder {config.quant}"
    _log.info("%s, weights %s, attention %s", model.device, weights, runner.attention.name)
    _log.info("word times: %s", "estimated" if aligner is None else "by a forced aligner")
    _log.info("room for %s streams of %d s", f"{ledger.num_pages // pages:,}", _COMMON_SEGMENT_S)


def _display_name(config: EngineConfig, folder: Path) -> str:
    return folder.name if os.sep in config.model and folder.is_dir() else config.model
