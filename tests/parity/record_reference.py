"""Records what the official package answers: it pins a transformers too old to live beside ours.

Two steps, from the repository's root:

    python -m tests.parity.record_reference checkpoint   in this project's environment
    python -m tests.parity.record_reference outputs      in one with `pip install qwen-asr==0.0.6`

The first writes a tiny checkpoint in the original layout, the second runs the official code on it.
That code builds the mask of the encoder's attention windows but hands it to no layer unless flash
attention is there; here its own mask is handed to its own layers.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .clips import SAMPLE_RATE, clip

FOLDER = Path(__file__).parent / "recorded"
CHECKPOINT = FOLDER / "checkpoint"
EVERY_ROW = 16  # one of so many rows of logits is kept, from the last one backwards

# (seconds, attention window in chunks, context, forced language)
CLIPS: tuple[tuple[float, int, str, str | None], ...] = (
    (1.003, 8, "", None),
    (8.01, 8, "Quilter's gospel\n", "English"),
    (16.3, 2, "", "Chinese"),
    (16.3, 8, "你好 iPhone 3.14 %", None),
)

# (raw output, forced language)
RAW_OUTPUTS: tuple[tuple[str, str | None], ...] = (
    ("language English<asr_text>Hello, world.", None),
    ("  language english <asr_text> Hello. \n", None),
    ("LANGUAGE CHINESE\n<asr_text>甚至出现", None),
    ("language None<asr_text>", None),
    ("language none<asr_text>uh", None),
    ("language English\nLanguage None<asr_text>uh", None),
    ("\nnoise\n language fRENCH \nlanguage English<asr_text>Bonjour", None),
    ("language\nlanguage German<asr_text>Hallo", None),
    ("English<asr_text>Hello.", None),
    ("language English<asr_text>one<asr_text>two", None),
    ("<asr_text>Hello.", None),
    ("language English", None),
    (" Hello. ", None),
    (" \n", None),
    ("", None),
    ("Hello.", "Spanish"),
    (" language English<asr_text>Hello. ", "Spanish"),
    (" ", "Spanish"),
    ("a" * 20, "English"),
    ("a" * 21, "English"),
    ("b" + "a" * 20, "English"),
    ("a" * 20 + "b" * 20, "English"),
    ("a" * 20 + " " + "b" * 20 + " c", "English"),
    ("x" + "ha" * 20 + "!", "English"),
    ("x" + "ha" * 19 + "!", "English"),
    ("ha" * 19 + "h", "English"),
    ("the cat " * 25 + "end", "English"),
    ("the cat " * 25 + "the dog " * 25, "English"),
    ("so " * 20 + "and " * 20 + "on", "English"),
    ("abcdefghij0123456789" * 20, "English"),
    ("abcdefghij0123456789_" * 30, "English"),
    ("1, 2, " * 40 + "3", "English"),
    ("哈" * 40 + "。" + "你好" * 30, "Chinese"),
    ("language English<asr_text>" + "na " * 30, None),
    ("language English" * 25 + "<asr_text>Hello.", None),
)


def full_prompt(context: str, language: str | None, num_audio: int) -> str:
    """The published chat template, written out, for one clip."""
    forced = "" if language is None else f"language {language}<asr_text>"
    return (
        f"<|im_start|>system\n{context}<|im_end|>\n"
        f"<|im_start|>user\n<|audio_start|>{'<|audio_pad|>' * num_audio}<|audio_end|><|im_end|>\n"
        f"<|im_start|>assistant\n{forced}"
    )


def record_checkpoint() -> None:
    # Imported here: the other environment has neither of these.
    from transformers import Qwen3ASRForConditionalGeneration

    from . import checkpoints

    audio = {
        "d_model": 32,
        "encoder_layers": 2,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 64,
        "downsample_hidden_size": 8,
        "output_dim": 48,
    }
    text = {
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": 417,
        "max_position_embeddings": 4096,
    }
    CHECKPOINT.mkdir(parents=True, exist_ok=True)
    tokenizer = checkpoints.small_tokenizer()
    config = checkpoints.native_config(tokenizer, audio=audio, text=text)
    model = Qwen3ASRForConditionalGeneration(config)
    checkpoints.randomise(model, seed=23)
    model.tie_weights()
    checkpoints.save_original(model, CHECKPOINT, shards=1, dtype=torch.bfloat16)
    checkpoints.write_tokenizer_parts(tokenizer, CHECKPOINT)


def record_outputs() -> None:
    # Imported here: this project's environment has none of the official package.
    from qwen_asr import parse_asr_output  # pyright: ignore[reportMissingImports]

    prompts, logits = _run_clips()
    parsed = [
        {"raw": raw, "forced": forced, "parsed": parse_asr_output(raw, forced)}
        for raw, forced in RAW_OUTPUTS
    ]
    recorded = {"prompts": prompts, "outputs": parsed}
    text = json.dumps(recorded, ensure_ascii=False, indent=1)
    (FOLDER / "outputs.json").write_text(text + "\n", "utf-8")
    np.savez_compressed(FOLDER / "logits.npz", *logits)


@torch.inference_mode()
def _run_clips() -> tuple[list[list[int]], list[np.ndarray]]:
    from qwen_asr.core.transformers_backend import (  # pyright: ignore[reportMissingImports]
        Qwen3ASRForConditionalGeneration,
    )
    from transformers import Qwen2Tokenizer, WhisperFeatureExtractor

    # Its tokenizer is the one written in Python: a pre-split independent of the library we use.
    tokenizer = Qwen2Tokenizer.from_pretrained(CHECKPOINT)
    extractor = WhisperFeatureExtractor(feature_size=128)
    model = Qwen3ASRForConditionalGeneration.from_pretrained(
        CHECKPOINT, dtype=torch.float32, attn_implementation="eager"
    ).thinker.eval()
    _apply_windows(model.audio_tower)
    prompts, logits = [], []
    for seconds, window_chunks, context, language in CLIPS:
        made = extractor(
            clip(seconds),
            sampling_rate=SAMPLE_RATE,
            padding="longest",
            truncation=False,
            return_attention_mask=True,
            return_tensors="pt",
        )
        model.audio_tower.n_window_infer = 100 * window_chunks
        num_frames = int(made["attention_mask"].sum())
        num_audio = 13 * (num_frames // 100) + -(-(num_frames % 100) // 8)
        ids = tokenizer.encode(full_prompt(context, language, num_audio))
        input_ids = torch.tensor([ids])
        output = model(
            input_ids=input_ids,
            attention_mask=torch.ones_like(input_ids),
            input_features=made["input_features"],
            feature_attention_mask=made["attention_mask"],
        )
        prompts.append(ids)
        logits.append(output.logits[0].flip(0)[::EVERY_ROW].numpy())
    return prompts, logits


def _apply_windows(audio_tower: Any) -> None:
    def add_mask(_: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        hidden, cu_seqlens = args
        mask = audio_tower._prepare_attention_mask(hidden, cu_seqlens)
        return args, kwargs | {"attention_mask": mask}

    for layer in audio_tower.layers:
        layer.register_forward_pre_hook(add_mask, with_kwargs=True)


if __name__ == "__main__":
    steps = {"checkpoint": record_checkpoint, "outputs": record_outputs}
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=steps)
    steps[parser.parse_args().step]()
