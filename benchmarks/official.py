"""The published streaming algorithm over the `transformers` model, with scripted tokens.

Every 2 s of audio: hear all audio since the start once more; force what was written before, minus
its last 5 tokens, as a prefix; generate to end-of-text. The first 2 pieces force no prefix. So it
is in the `qwen-asr` package (there over vLLM, with these defaults); here it is written over
`generate` of transformers, which also serves as the plain offline recogniser.

Every pass is the model's own: features, encoder, prefill, key-value cache, one pass a token. Only
the choice of the token is the script's.
"""

import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    Qwen3ASRFeatureExtractor,
    Qwen3ASRForConditionalGeneration,
)

from benchmarks.tapes import LONG_WINDOW, Script, load_tapes
from hark.engine.model.encoder import num_tokens
from hark.engine.model.tokenizer import Tokenizer
from hark.engine.types import FRAME_SAMPLES, SAMPLE_RATE

PIECE_S = 2
UNFIXED_PIECES = 2
ROLLBACK_TOKENS = 5
_LANGUAGE = "English"

Figures = dict[str, float]


class Official:
    """The reference model of a checkpoint folder, in bfloat16 on a CPU or CUDA device."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        self._extractor = Qwen3ASRFeatureExtractor()
        model = Qwen3ASRForConditionalGeneration.from_pretrained(
            folder, dtype=torch.bfloat16, attn_implementation="sdpa"
        )
        self._model = model.to(device).eval()  # pyright: ignore[reportArgumentType]
        self._device = device
        self._tokenizer = Tokenizer.from_folder(folder)
        self._script = Script(load_tapes(self._tokenizer.encode))

    def piece(self, samples: np.ndarray, index: int) -> Figures:
        """The step after piece `index` (0, 1, …); float32 samples [n] of the whole stream."""
        prefix: list[int] = []
        if index >= UNFIXED_PIECES:
            before = self._hypothesis(index * PIECE_S)
            prefix = before[: max(0, len(before) - ROLLBACK_TOKENS)]
        return self._generate(samples[: (index + 1) * PIECE_S * SAMPLE_RATE], prefix)

    def offline(self, samples: np.ndarray) -> Figures:
        """The whole clip at once, as plain `generate` does it."""
        return self._generate(samples, [])

    def _hypothesis(self, seconds: float) -> list[int]:
        """Language tag and text after so many seconds."""
        bare = self._tokenizer.prompt_tail()
        tag = self._tokenizer.prompt_tail(_LANGUAGE)[len(bare) :]
        return tag + self._script.tokens(seconds, LONG_WINDOW)

    @torch.inference_mode()
    def _generate(self, samples: np.ndarray, prefix: list[int]) -> Figures:
        """From samples and forced prefix to end-of-text, with as many tokens as the script has.

        Returns the wall time from samples to tokens, and the lengths of prompt and answer.
        """
        tokenizer = self._tokenizer
        hypothesis = self._hypothesis(samples.shape[0] / SAMPLE_RATE)
        wanted = [*hypothesis[len(prefix) :], tokenizer.im_end_id]
        audio = [tokenizer.audio_pad_id] * num_tokens(samples.shape[0] // FRAME_SAMPLES)
        prompt = [*tokenizer.prompt_head(), *audio, *tokenizer.prompt_tail(), *prefix]
        began = time.perf_counter()
        made = self._extractor(
            samples, sampling_rate=SAMPLE_RATE, padding="longest", return_attention_mask=True
        )
        ids = torch.tensor([prompt], device=self._device)
        output = self._model.generate(  # pyright: ignore[reportAttributeAccessIssue]
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            input_features=made["input_features"].to(self._device, torch.bfloat16),
            input_features_mask=made["attention_mask"].to(self._device),
            max_new_tokens=len(wanted),
            do_sample=False,
            logits_processor=LogitsProcessorList([_Scripted(wanted, len(prompt))]),
        )
        assert output[0, len(prompt) :].tolist() == wanted
        return {
            "wall_s": time.perf_counter() - began,
            "prompt_tokens": len(prompt),
            "new_tokens": len(wanted),
        }


class _Scripted(LogitsProcessor):
    """Puts the wanted token of each position ahead of all others."""

    def __init__(self, wanted: list[int], prompt_tokens: int) -> None:
        self._wanted, self._prompt_tokens = wanted, prompt_tokens

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        token = self._wanted[input_ids.shape[1] - self._prompt_tokens]
        scores[:, token] = scores.max() + 1.0
        return scores
