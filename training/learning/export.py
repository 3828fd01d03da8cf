"""Writes the trained model as a checkpoint folder in the "-hf" layout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from training.errors import BadFileError, write_whole
from training.language.text import LANGUAGES
from training.language.tokenizer import Prompt
from training.learning.model import Size, SpeechModel

MAX_NEW_TOKENS = 512
REACH_SECONDS = 6
"""How far from the beginning of what it hears an aligner is exact; further on, its steps drift."""


def export(model: SpeechModel, prompt: Prompt, folder: Path, *, classes: int | None = None) -> None:
    """Save config.json, generation_config.json, model.safetensors (bfloat16) and tokenizer.json.

    A recogniser's output head is left out, as it is tied to the embedding. An aligner has
    ``classes`` time steps.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.to(torch.bfloat16).clone().contiguous()
        for name, tensor in model.state_dict().items()
    }
    write_whole(folder / "model.safetensors", save(tensors, metadata={"format": "pt"}))
    prompt.tokenizer.save(str(folder / "tokenizer.json"))
    head = aligner_head(classes) if classes else {}
    _write(folder / "config.json", config(model.size, prompt) | head)
    _write(
        folder / "generation_config.json",
        {
            "bos_token_id": prompt.pad_id,
            "do_sample": False,
            "eos_token_id": [prompt.pad_id, prompt.end_id],
            "max_new_tokens": MAX_NEW_TOKENS,
            "pad_token_id": prompt.pad_id,
        },
    )


def load(folder: Path) -> tuple[SpeechModel, Prompt]:
    """The exported recogniser in bfloat16 and its prompt.

    Raises:
        BadFileError: the folder holds something else, or a part of it.
    """
    with readable(folder):
        model = SpeechModel(read_size(folder)).to(torch.bfloat16).eval()
        model.load_state_dict(load_file(folder / "model.safetensors"), strict=True)
    return model, Prompt.load(folder / "tokenizer.json")


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """What goes wrong while a model is read is told of its folder, as a BadFileError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        said = str(error).partition("\n")[0]
        raise BadFileError(
            f"{folder} is not the export that is wanted, or is cut off ({said}); "
            "make it with: python -m training export"
        ) from None


def read_size(folder: Path) -> Size:
    """Dimensions of the exported model in ``folder``."""
    whole = json.loads((folder / "config.json").read_text("utf-8"))
    audio, text = whole["audio_config"], whole["text_config"]
    return Size(
        mel_bins=audio["num_mel_bins"],
        stem_channels=audio["downsample_hidden_size"],
        encoder_dim=audio["d_model"],
        encoder_layers=audio["encoder_layers"],
        encoder_heads=audio["encoder_attention_heads"],
        encoder_ffn=audio["encoder_ffn_dim"],
        hidden=text["hidden_size"],
        layers=text["num_hidden_layers"],
        heads=text["num_attention_heads"],
        kv_heads=text["num_key_value_heads"],
        head_dim=text["head_dim"],
        ffn=text["intermediate_size"],
        vocab=text["vocab_size"],
        rope_theta=text["rope_parameters"]["rope_theta"],
        eps=text["rms_norm_eps"],
    )


def config(size: Size, prompt: Prompt) -> dict:
    """The flat configuration of the "-hf" layout."""
    return {
        "architectures": ["Qwen3ASRForConditionalGeneration"],
        "audio_config": _audio_config(size),
        "audio_token_id": prompt.audio_id,
        "dtype": "bfloat16",
        "eos_token_id": [prompt.pad_id, prompt.end_id],
        "initializer_range": 0.02,
        "model_type": "qwen3_asr",
        "pad_token_id": prompt.pad_id,
        "support_languages": list(LANGUAGES),
        "text_config": _text_config(size, prompt),
        "tie_word_embeddings": True,
        "timestamp_token_id": prompt.tokenizer.token_to_id("<timestamp>"),
        "token_classification_bias": False,
    }


def aligner_head(classes: int) -> dict:
    """What an aligner's configuration says instead of a recogniser's."""
    return {
        "architectures": ["Qwen3ASRForTokenClassification"],
        "num_labels": classes,
        "reach_seconds": REACH_SECONDS,
        "tie_word_embeddings": False,
    }


def _audio_config(size: Size) -> dict:
    return {
        "activation_dropout": 0.0,
        "activation_function": "gelu",
        "attention_dropout": 0.0,
        "d_model": size.encoder_dim,
        "downsample_hidden_size": size.stem_channels,
        "dropout": 0.0,
        "encoder_attention_heads": size.encoder_heads,
        "encoder_ffn_dim": size.encoder_ffn,
        "encoder_layers": size.encoder_layers,
        "initializer_range": 0.02,
        "max_position_embeddings": 13,
        "model_type": "qwen3_asr_encoder",
        "n_window": 50,
        "n_window_infer": 800,
        "num_mel_bins": size.mel_bins,
        "output_dim": size.hidden,
        "scale_embedding": False,
    }


def _text_config(size: Size, prompt: Prompt) -> dict:
    return {
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": prompt.pad_id,
        "eos_token_id": prompt.end_id,
        "head_dim": size.head_dim,
        "hidden_act": "silu",
        "hidden_size": size.hidden,
        "initializer_range": 0.02,
        "intermediate_size": size.ffn,
        "layer_types": ["full_attention"] * size.layers,
        "max_position_embeddings": 4096,
        "model_type": "qwen3",
        "num_attention_heads": size.heads,
        "num_hidden_layers": size.layers,
        "num_key_value_heads": size.kv_heads,
        "pad_token_id": prompt.pad_id,
        "rms_norm_eps": size.eps,
        "rope_parameters": {"rope_theta": size.rope_theta, "rope_type": "default"},
        "sliding_window": None,
        "tie_word_embeddings": True,
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": size.vocab,
    }


def _write(path: Path, content: dict) -> None:
    write_whole(path, json.dumps(content, indent=2) + "\n")
