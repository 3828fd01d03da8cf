"""The forced aligner: the recogniser's body with a time head, and the batches it learns from.

Its sequence is the audio, then every word followed by two ``<timestamp>`` slots; the logits at a
slot say in which 80 ms step the word starts or ends.
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from training import mel
from training.language.tokenizer import Prompt
from training.learning.batches import LENGTH_STEP, TARGET_STEP, TensorBatch, finished_features
from training.learning.model import Size, SpeechModel, causal_mask
from training.learning.noises import Backgrounds
from training.learning.rows import Row
from training.synthesis.phones import IGNORE

CLASSES = 512
"""Time steps the head can name: 41 s, more than the longest segment."""
CLASS_FRAMES = 8
"""Mel frames per time step, 80 ms."""
WINDOW = 8
"""Attention window in chunks: an aligner hears whole segments."""
_NEIGHBOUR = 0.1
"""Target probability of the steps before and after the right one."""


class AlignerModel(SpeechModel):
    """A speech model whose head names time steps instead of words."""

    def __init__(self, size: Size | None = None, classes: int = CLASSES) -> None:
        super().__init__(size)
        self.score = nn.Linear(self.size.hidden, classes, bias=False)
        nn.init.normal_(self.score.weight, std=self.size.hidden**-0.5)

    def slot_logits(
        self, features: Tensor, tokens: Tensor, ids: Tensor, rows: Tensor, columns: Tensor
    ) -> Tensor:
        """Scores [slots, classes] at the given positions of the sequences ``ids`` [B, L]."""
        dtype = self.model.language_model.norm.weight.dtype
        audio, _, _ = self.encode(features.to(dtype), tokens, WINDOW)
        x = self.merge(ids, audio, tokens)
        positions = torch.arange(x.shape[1], device=x.device)[None].expand(len(x), -1)
        hidden, _ = self.model.language_model(x, positions, causal_mask(x))
        return self.score(hidden[rows, columns]).float()


def slot_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy against 0.8 on the right step and 0.1 on either neighbour."""
    kept = targets != IGNORE
    log_probabilities, right = logits[kept].log_softmax(-1), targets[kept]
    last = logits.shape[-1] - 1
    total = torch.zeros(len(right), device=logits.device)
    for shift, weight in ((-1, _NEIGHBOUR), (0, 1 - 2 * _NEIGHBOUR), (1, _NEIGHBOUR)):
        places = (right + shift).clamp(0, last)
        total = total - weight * log_probabilities.gather(1, places[:, None])[:, 0]
    return total.mean()


def clean_word(word: str) -> str:
    """What the aligner reads of a written word: letters, digits and apostrophes."""
    return "".join(c for c in word if c == "'" or unicodedata.category(c)[0] in "LN")


@dataclass(frozen=True)
class Slots:
    """A sequence [L], and the columns of its slots: start and end of each of ``kept`` words."""

    ids: list[int]
    columns: list[int]
    kept: list[int]


class AlignCollator:
    """Turns rows into the aligner's sequences and batches."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt
        self._start, self._end, self._slot = (
            prompt.tokenizer.token_to_id(name)
            for name in ("<|audio_start|>", "<|audio_end|>", "<timestamp>")
        )

    def sequence(self, frames: int, words: list[str]) -> Slots:
        """Audio of ``frames``, then the words; those without a letter or digit are left out."""
        audio = [self.prompt.audio_id] * mel.token_count(frames)
        ids, columns, kept = [self._start, *audio, self._end], [], []
        for index, word in enumerate(words):
            if cleaned := clean_word(word):
                ids += self.prompt.word(cleaned, first=True).ids
                columns += [len(ids), len(ids) + 1]
                ids += [self._slot, self._slot]
                kept.append(index)
        return Slots(ids, columns, kept)

    def batch(
        self,
        rows: list[Row],
        frames: int,
        strength: float,
        backgrounds: Backgrounds,
        rng: random.Random,
    ) -> TensorBatch:
        """Disturb ``rows``, pad to ``frames`` (a multiple of 100) and place the targets."""
        features = finished_features(rows, frames, strength, backgrounds, rng)
        slots = [self.sequence(len(row.log_mel), row.words) for row in rows]
        targets = [
            _time_class(min(time, len(row.log_mel)))
            for row, own in zip(rows, slots, strict=True)
            for index in own.kept
            for time in row.spans[index]
        ]
        lengths = [len(row.log_mel) for row in rows]
        return TensorBatch(
            features=torch.from_numpy(features),
            tokens=torch.tensor([mel.token_count(n) for n in lengths]),
            ids=stacked([own.ids for own in slots], self.prompt.pad_id),
            rows=_padded([i for i, own in enumerate(slots) for _ in own.columns], 0),
            columns=_padded([column for own in slots for column in own.columns], 0),
            targets=_padded(targets, IGNORE),
            seconds=sum(lengths) / mel.FRAMES_PER_SECOND,
        )


def stacked(sequences: list[list[int]], pad: int) -> Tensor:
    """Sequences as one tensor [B, L], padded on the right to one of few lengths."""
    width = -(-max(map(len, sequences)) // LENGTH_STEP) * LENGTH_STEP
    ids = np.full((len(sequences), width), pad, np.int64)
    for index, sequence in enumerate(sequences):
        ids[index, : len(sequence)] = sequence
    return torch.from_numpy(ids)


def _padded(values: list[int], filler: int) -> Tensor:
    return torch.tensor(values + [filler] * (-len(values) % TARGET_STEP))


def _time_class(frame: int) -> int:
    return min(CLASSES - 1, round(frame / CLASS_FRAMES))
