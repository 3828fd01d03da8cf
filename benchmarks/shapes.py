"""Checkpoints of the released models' shapes with random weights, kept in a cache folder.

Knows shapes and files; knows no engine. The weights say nothing, so nothing here needs a download:
what a forward pass costs depends on its shape alone. The tokenizer is that of the embedded model,
whose ids are the first rows of the vocabulary, so scripted tokens (scripted.py) read as words.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from hark.engine.model.checkpoint import read_config
from hark.engine.model.hub import embedded_folder
from hark.engine.model.speech_model import SpeechModel

EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Shape:
    """Fields of config.json that differ from the embedded model's."""

    audio: Mapping[str, int]
    text: Mapping[str, int]


_TEXT = {"num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 8}
_TEXT |= {"head_dim": 128, "vocab_size": 151_936, "max_position_embeddings": 65_536}

SHAPES = {
    "0.6b": Shape(
        audio={
            "d_model": 896,
            "encoder_layers": 18,
            "encoder_attention_heads": 14,
            "encoder_ffn_dim": 3584,
            "downsample_hidden_size": 480,
            "output_dim": 1024,
        },
        text={**_TEXT, "hidden_size": 1024, "intermediate_size": 3072},
    ),
    "1.7b": Shape(
        audio={
            "d_model": 1024,
            "encoder_layers": 24,
            "encoder_attention_heads": 16,
            "encoder_ffn_dim": 4096,
            "downsample_hidden_size": 480,
            "output_dim": 2048,
        },
        text={**_TEXT, "hidden_size": 2048, "intermediate_size": 6144},
    ),
    # For tests of the benchmarks themselves: computes nothing worth timing.
    "tiny": Shape(
        audio={
            "d_model": 64,
            "encoder_layers": 2,
            "encoder_attention_heads": 4,
            "encoder_ffn_dim": 128,
            "downsample_hidden_size": 16,
            "output_dim": 64,
        },
        text={
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 32,
            "vocab_size": 1500,
        },
    ),
}
SHAPE_NAMES = (*SHAPES, EMBEDDED)


def cache_folder() -> Path:
    """Where checkpoints lie: `HARK_BENCH_CACHE`, or `hark/benchmarks` in the user's cache."""
    if "HARK_BENCH_CACHE" in os.environ:
        return Path(os.environ["HARK_BENCH_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hark" / "benchmarks"


def model_spec(shape: str, *, folder: Path | None = None) -> str:
    """What `EngineConfig.model` takes for this shape: a checkpoint folder, made when it is missing.

    Sizes on disk: 0.6b 1.6 GB, 1.7b 4.1 GB. `embedded` is the model that ships, trained.

    Raises:
        KeyError: no shape of this name; `SHAPE_NAMES` has them.
    """
    if shape == EMBEDDED:
        return EMBEDDED
    target = (folder or cache_folder()) / shape
    if not (target / "model.safetensors").exists():
        print(f"making random weights of the {shape} shape in {target}", flush=True)
        write_config(SHAPES[shape], target)
        _write_weights(target)
    return str(target)


def write_config(shape: Shape, folder: Path) -> None:
    """All of a checkpoint but its weights, in the transformers-native layout."""
    source = embedded_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "generation_config.json"):
        shutil.copy(source / name, folder / name)
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    text: dict[str, Any] = {**config["text_config"], **shape.text}
    text["layer_types"] = ["full_attention"] * text["num_hidden_layers"]
    audio = {**config["audio_config"], **shape.audio}
    config |= {"audio_config": audio, "text_config": text}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def _write_weights(folder: Path) -> None:
    """Under another name until they are whole."""
    part = folder / "model.safetensors.part"
    save_file(_random_weights(folder), part, metadata={"format": "pt"})
    part.replace(folder / "model.safetensors")


def _random_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Every parameter of the checkpoint's config: small matrices, norms of 1, biases of 0."""
    with torch.device("meta"):
        model = SpeechModel(read_config(folder))
    source = torch.Generator().manual_seed(1)
    weights = {}
    for name, parameter in model.named_parameters():
        if parameter.ndim >= 2:
            value = torch.randn(parameter.shape, generator=source).mul_(0.02)
        else:
            value = torch.full(parameter.shape, 0.0 if name.endswith("bias") else 1.0)
        weights[f"model.{name}"] = value.bfloat16()
    return weights
