"""Flags every engine benchmark shares, and the engine they ask for."""

import argparse
from typing import Any, Literal

import torch

from benchmarks.machine import facts
from benchmarks.shapes import SHAPE_NAMES, model_spec
from hark.engine.config import DtypeChoice, EngineConfig
from hark.engine.engine import Engine
from hark.engine.load import load_engine

INT8: Literal["int8"] = "int8"
_DTYPES: dict[str, DtypeChoice] = {
    "auto": "auto",
    "fp32": "float32",
    "mixed": "mixed",
    "bf16": "bfloat16",
    INT8: "auto",  # what is not quantised keeps the type it has by itself
}


def add_engine_flags(parser: argparse.ArgumentParser, *, shape: str = "0.6b") -> None:
    parser.add_argument("--shape", choices=SHAPE_NAMES, default=shape)
    parser.add_argument(
        "--dtype", choices=list(_DTYPES), default="auto", help="int8: the decoder's weights"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0: its own choice")


def load(args: argparse.Namespace, *, max_streams: int) -> Engine:
    """Raises ConfigError where the flags do not fit together, as the server would."""
    config = EngineConfig(
        model=model_spec(args.shape),
        device=args.device,
        dtype=_DTYPES[args.dtype],
        quant=INT8 if args.dtype == INT8 else "none",
        max_streams=max_streams,
        threads=args.threads,
    )
    return load_engine(config)


def key(args: argparse.Namespace, device: torch.device, *flags: str) -> dict[str, Any]:
    """What figures belong to: the machine, the engine's flags, and those of the benchmark named."""
    shared = ("shape", "dtype", "device")
    return {**facts(device), **{name: getattr(args, name) for name in (*shared, *flags)}}
