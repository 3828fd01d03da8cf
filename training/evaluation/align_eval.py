"""How far the aligner's word times are off, on held-out sentences with exact times."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from training import mel
from training.evaluation import evaluate
from training.evaluation.evaluate import TestClip
from training.language.text import LANGUAGES
from training.language.tokenizer import Prompt
from training.learning import export
from training.learning.aligner import CLASS_FRAMES, AlignCollator, AlignerModel, stacked
from training.synthesis import voices

_FEW_OUTLIERS = 2
"""A run of so many wrong times takes the nearer neighbour's; a longer one is interpolated."""


@dataclass
class Shift:
    """Distance of predicted from true starts and ends."""

    total_ms: float = 0.0
    times: int = 0

    @property
    def mean_ms(self) -> float:
        """Accumulated average shift."""
        return self.total_ms / max(1, self.times)


def load(folder: Path) -> tuple[AlignerModel, AlignCollator]:
    """The exported aligner in bfloat16, and what makes its sequences."""
    with export.readable(folder):
        tensors = load_file(folder / "model.safetensors")
        classes = tensors["score.weight"].shape[0]
        model = AlignerModel(export.read_size(folder), classes).to(torch.bfloat16).eval()
        model.load_state_dict(tensors, strict=True)
    return model, AlignCollator(Prompt.load(folder / "tokenizer.json"))


def test_clips(count: int, seed: int) -> list[TestClip]:
    """Held-out sentences of all languages in trained voices, with their exact word times."""
    engines, rng = voices.Voices(), random.Random(f"align {seed}")
    return [
        evaluate.fresh_clip(engines, rng, LANGUAGES[index % len(LANGUAGES)])
        for index in range(count)
    ]


@torch.inference_mode()
def average_shifts(
    model: AlignerModel, collator: AlignCollator, clips: Sequence[TestClip]
) -> dict[str, Shift]:
    """Accumulated average shift per voice family, and over everything under "all"."""
    shifts: dict[str, Shift] = defaultdict(Shift)
    for clip in clips:
        predicted, true = _times(model, collator, clip)
        for name in ("all", voices.family(clip.voice)):
            shifts[name].total_ms += float(np.abs(predicted - true).sum())
            shifts[name].times += len(true)
    return dict(sorted(shifts.items()))


def _times(
    model: AlignerModel, collator: AlignCollator, clip: TestClip
) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true starts and ends in ms [2 · words] of one clip."""
    features = mel.finish(mel.raw_log_mel(clip.samples))
    slots = collator.sequence(len(features), clip.text.split())
    missing = -len(features) % mel.CHUNK_FRAMES
    padded = np.pad(features, ((0, missing), (0, 0)))[None]
    logits = model.slot_logits(
        torch.from_numpy(padded),
        torch.tensor([mel.token_count(len(features))]),
        stacked([slots.ids], collator.prompt.pad_id),
        torch.zeros(len(slots.columns), dtype=torch.long),
        torch.tensor(slots.columns),
    )
    step = 1000 * CLASS_FRAMES // mel.FRAMES_PER_SECOND
    predicted = np.array(repaired([step * c for c in logits.argmax(-1).tolist()]))
    true = 1000 * np.array([clip.words[index] for index in slots.kept]).reshape(-1)
    return predicted, true


def repaired(times: list[int]) -> list[int]:
    """Times made non-decreasing: those outside the longest such subsequence are replaced."""
    good = longest_rising(times)
    fixed = list(times)
    for left, right in zip([-1, *good], [*good, len(times)], strict=True):
        for index in range(left + 1, right):
            fixed[index] = _between(times, left, right, index)
    return fixed


def longest_rising(values: list[int]) -> list[int]:
    """Indices of a longest non-decreasing subsequence, the one that ends first."""
    lengths: list[int] = []
    before: list[int] = []
    for index, value in enumerate(values):
        earlier = [j for j in range(index) if values[j] <= value]
        best = max(earlier, key=lengths.__getitem__, default=-1)
        before.append(best)
        lengths.append(1 + (lengths[best] if earlier else 0))
    chain, index = [], lengths.index(max(lengths)) if lengths else -1
    while index >= 0:
        chain.append(index)
        index = before[index]
    return chain[::-1]


def _between(times: list[int], left: int, right: int, index: int) -> int:
    """A time for ``index``, which lies between the good ones ``left`` and ``right``."""
    if left < 0 or right == len(times):
        return times[right if left < 0 else left]
    if right - left - 1 <= _FEW_OUTLIERS:
        return times[left if index - left <= right - index else right]
    part = (index - left) / (right - left)
    return int(times[left] + part * (times[right] - times[left]))
