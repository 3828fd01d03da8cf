"""Tiny random checkpoints, made with the reference implementation and saved in both layouts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.trainers import BpeTrainer
from torch import Tensor, nn
from transformers import (
    Qwen3ASRConfig,
    Qwen3ASRForConditionalGeneration,
    Qwen3ASRForTokenClassification,
)

Reference = Qwen3ASRForConditionalGeneration | Qwen3ASRForTokenClassification
Folders = dict[str, Path]  # by layout: native, original, sharded


@dataclass(frozen=True, slots=True)
class RecogniserCheckpoint:
    """A reference model in memory, and the same weights in folders."""

    reference: Qwen3ASRForConditionalGeneration
    folders: Folders


@dataclass(frozen=True, slots=True)
class AlignerCheckpoint:
    """A reference aligner in memory, and the same weights in folders."""

    reference: Qwen3ASRForTokenClassification
    folders: Folders


SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|audio_start|>",
    "<|audio_end|>",
    "<|audio_pad|>",
)
PLAIN_ADDED_TOKENS = ("<asr_text>", "<timestamp>")  # not flagged special in the released files

_TEXT = """
system user assistant language English Chinese Spanish None The quick brown fox jumps over the lazy
dog. I have an appointment on the third of May at a quarter past four. Please turn the lights off
in the kitchen. Mr. Quilter is the apostle of the middle classes, and we are glad to welcome his
gospel. 你好公司的天气很好。 Where did you put the keys? It's twenty to nine, isn't it?
"""

# The pre-split of the Qwen2 family, written out once more: the product's must equal it.
_PRE_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def small_tokenizer() -> Tokenizer:
    """A byte-level BPE of about 400 entries with the added tokens of the released one."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PRE_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([_TEXT], trainer)
    tokenizer.add_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL_TOKENS])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in PLAIN_ADDED_TOKENS])
    return tokenizer


def write_whole_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    tokenizer.save(str(folder / "tokenizer.json"))


def write_tokenizer_parts(tokenizer: Tokenizer, folder: Path) -> None:
    """vocab.json, merges.txt and tokenizer_config.json, as the original layout has them."""
    tokenizer.model.save(str(folder))
    added = {
        str(token_id): {
            "content": token.content,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": token.special,
        }
        for token_id, token in tokenizer.get_added_tokens_decoder().items()
    }
    settings = {"add_prefix_space": False, "added_tokens_decoder": added}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")


_SMALL_AUDIO = {
    "d_model": 64,
    "encoder_layers": 3,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 160,
    "downsample_hidden_size": 24,
    "output_dim": 96,
}
_SMALL_TEXT = {
    "hidden_size": 96,
    "intermediate_size": 208,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 417,  # nine rows without a token: the released models have such, too
    "max_position_embeddings": 4096,
}


def native_config(
    tokenizer: Tokenizer,
    *,
    tied: bool = True,
    audio: Mapping[str, int] = _SMALL_AUDIO,
    text: Mapping[str, int] = _SMALL_TEXT,
    **extra: Any,
) -> Qwen3ASRConfig:
    """A config as `save_pretrained` of the reference writes it; small unless told otherwise."""
    ids = {token.content: i for i, token in tokenizer.get_added_tokens_decoder().items()}
    return Qwen3ASRConfig(
        audio_config={"model_type": "qwen3_asr_encoder", "max_position_embeddings": 13, **audio},
        text_config={
            "model_type": "qwen3",
            "tie_word_embeddings": tied,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0},
            **text,
        },
        audio_token_id=ids["<|audio_pad|>"],
        timestamp_token_id=ids["<timestamp>"],
        pad_token_id=ids["<|im_end|>"],
        eos_token_id=[ids["<|endoftext|>"], ids["<|im_end|>"]],
        tie_word_embeddings=tied,
        **extra,
    )


def recogniser(tokenizer: Tokenizer, *, tied: bool = True) -> Qwen3ASRForConditionalGeneration:
    model = Qwen3ASRForConditionalGeneration(native_config(tokenizer, tied=tied))
    randomise(model, seed=20)
    if tied:
        model.tie_weights()
    return model.eval()


def aligner(tokenizer: Tokenizer) -> Qwen3ASRForTokenClassification:
    config = native_config(tokenizer, tied=False, num_labels=5000)
    model = Qwen3ASRForTokenClassification(config)
    randomise(model, seed=21)
    return model.eval()


# Without these, a random decoder hardly looks at its own last token and says one word for ever.
_EMPHASIS = {"q_norm.weight": 3.0, "down_proj.weight": 4.0}


@torch.no_grad()
def randomise(model: nn.Module, *, seed: int, scale: float = 0.08) -> None:
    """Weights large enough, and biases and norms uneven enough, that every mistake shows."""
    source = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=source)
        if parameter.ndim >= 2:
            parameter.copy_(scale * noise)
        elif name.endswith("bias"):
            parameter.copy_(0.1 * noise)
        else:
            parameter.copy_(1.0 + 0.2 * noise)
        for ending, factor in _EMPHASIS.items():
            if name.endswith(ending):
                parameter.mul_(factor)


def save_original(
    model: Reference, folder: Path, *, shards: int, dtype: torch.dtype = torch.float32
) -> None:
    """The layout of the first releases: `thinker.*` names and a nested config.json."""
    config = model.config
    is_aligner = isinstance(model, Qwen3ASRForTokenClassification)
    (folder / "config.json").write_text(
        json.dumps(original_config(config, is_aligner=is_aligner)), "utf-8"
    )
    eos = {"eos_token_id": config.eos_token_id, "do_sample": False}
    (folder / "generation_config.json").write_text(json.dumps(eos), "utf-8")
    tensors = {
        _original_name(name): value.to(dtype, copy=True)
        for name, value in model.state_dict().items()
        if "positional_embedding" not in name and "inv_freq" not in name
    }
    if shards == 1:
        save_file(tensors, folder / "model.safetensors")
    else:
        _save_sharded(tensors, folder, shards)


def _save_sharded(tensors: Mapping[str, Tensor], folder: Path, shards: int) -> None:
    names = sorted(tensors)
    weight_map: dict[str, str] = {}
    for shard in range(shards):
        file_name = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensors[name] for name in names[shard::shards]}
        save_file(part, folder / file_name)
        weight_map |= dict.fromkeys(part, file_name)
    total_size = sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": total_size}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")


def _original_name(native: str) -> str:
    """The other way round than the product's table, from the published list of names."""
    name = native.removeprefix("model.")
    if name in ("lm_head.weight", "score.weight"):
        return "thinker.lm_head.weight"
    for linear in ("1", "2"):
        prefix = f"multi_modal_projector.linear_{linear}."
        if name.startswith(prefix):
            return f"thinker.audio_tower.proj{linear}.{name.removeprefix(prefix)}"
    if name.startswith("language_model."):
        return "thinker.model." + name.removeprefix("language_model.")
    return "thinker." + name


def original_config(config: Qwen3ASRConfig, *, is_aligner: bool) -> dict[str, Any]:
    native = config.to_dict()
    audio, text = dict(native["audio_config"]), dict(native["text_config"])
    audio |= {"model_type": "qwen3_asr_audio_encoder", "max_source_positions": 1500}
    audio |= {"conv_chunksize": 500, "num_hidden_layers": audio["encoder_layers"]}
    del audio["max_position_embeddings"]
    text["rope_theta"] = text.pop("rope_parameters")["rope_theta"]
    pairs = text["head_dim"] // 2
    text["rope_scaling"] = {
        "interleaved": True,
        "mrope_interleaved": True,
        "mrope_section": [pairs - 2 * (pairs // 3), pairs // 3, pairs // 3],
        "rope_type": "default",
        "type": "default",
    }
    thinker = {
        "model_type": "qwen3_forced_aligner" if is_aligner else "qwen3_asr",
        "audio_config": audio,
        "text_config": text,
        "audio_token_id": native["audio_token_id"],
        "dtype": "float32",
        "initializer_range": 0.02,
    }
    root: dict[str, Any] = {
        "architectures": ["Qwen3ASRForConditionalGeneration"],
        "model_type": "qwen3_asr",
        "support_languages": ["Chinese", "English"],
        "thinker_config": thinker,
        "transformers_version": "4.57.6",
    }
    if is_aligner:
        thinker["classify_num"] = 5000
        root |= {
            "timestamp_token_id": native["timestamp_token_id"],
            "timestamp_segment_time": 80,
        }
    return root
