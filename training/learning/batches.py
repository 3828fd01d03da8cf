"""Training batches of fixed shapes: features, sequences and targets of several rows."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from training import mel
from training.language.tokenizer import Prompt
from training.learning import sequence
from training.learning.augment import disturb
from training.learning.noises import Backgrounds
from training.learning.rows import Row
from training.learning.sequence import Sequence
from training.synthesis.phones import IGNORE

PHONE_OFFSETS = (1, 3, 5, 7)
"""Frames of an encoder token whose phones are predicted."""
LENGTH_STEP = 32
TARGET_STEP = 256


@dataclass(frozen=True)
class TensorBatch:
    """Tensors of one training step, and the seconds of audio in it."""

    features: Tensor
    tokens: Tensor
    ids: Tensor
    rows: Tensor
    columns: Tensor
    targets: Tensor
    seconds: float

    def to(self, device: torch.device) -> Self:
        """The same on ``device``."""
        if device.type == "cpu":
            return self
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        moved = {
            name: value.to(device, non_blocking=True)
            for name, value in values.items()
            if isinstance(value, Tensor)
        }
        return replace(self, **moved)


@dataclass(frozen=True)
class Batch(TensorBatch):
    """Of the recogniser; ``rows``/``columns`` locate the positions that predict ``targets``.

    ``spans`` [n, 2] are the audio positions of each target's word in its sequence (end <= start
    where there is none), ``copies`` [n] the position of the same token of the same word in the
    context, or -1. ``labels`` are the text ids for CTC, padded with -1.
    """

    spans: Tensor
    copies: Tensor
    phones: Tensor
    labels: Tensor


class Collator:
    """Turns rows into a ``Batch``."""

    def __init__(self, prompt: Prompt, backgrounds: Backgrounds) -> None:
        self.prompt = prompt
        self.backgrounds = backgrounds

    def batch(self, rows: list[Row], frames: int, strength: float, rng: random.Random) -> Batch:
        """Disturb ``rows``, pad to ``frames`` (a multiple of 100), build sequences and targets."""
        features = finished_features(rows, frames, strength, self.backgrounds, rng)
        token_phones = np.full(
            (len(rows), frames // mel.CHUNK_FRAMES * mel.CHUNK_TOKENS, len(PHONE_OFFSETS)),
            IGNORE,
            np.int64,
        )
        sequences = []
        for index, row in enumerate(rows):
            classes = _token_phones(row.phones)
            token_phones[index, : len(classes)] = classes
            sequences.append(sequence.build(self.prompt, row, rng))
        return _tensors(features, token_phones, rows, sequences, self.prompt.pad_id)


def finished_features(
    rows: list[Row], frames: int, strength: float, backgrounds: Backgrounds, rng: random.Random
) -> np.ndarray:
    """The rows' disturbed and scaled log mel, padded to [rows, frames, 128]."""
    noise = np.random.default_rng(rng.getrandbits(64))
    features = np.zeros((len(rows), frames, mel.BINS), np.float32)
    for index, row in enumerate(rows):
        disturbed = disturb(row, backgrounds, noise, strength)
        features[index, : len(row.log_mel)] = mel.finish(disturbed)
    return features


def _token_phones(classes: np.ndarray) -> np.ndarray:
    """Frame classes [T] → [tokens, 4]; frames beyond the clip are ignored."""
    tokens = mel.token_count(len(classes))
    index = np.arange(tokens)
    start = index // mel.CHUNK_TOKENS * mel.CHUNK_FRAMES + index % mel.CHUNK_TOKENS * 8
    frames = start[:, None] + np.array(PHONE_OFFSETS)
    inside = (frames < len(classes)) & (frames // mel.CHUNK_FRAMES == (start // 100)[:, None])
    return np.where(inside, classes[np.minimum(frames, len(classes) - 1)], IGNORE)


def _tensors(
    features: np.ndarray, phones: np.ndarray, rows: list[Row], sequences: list[Sequence], pad: int
) -> Batch:
    """Stack sequences; lengths are rounded up so that few distinct shapes occur."""
    longest = max(len(s.head) + len(s.answer) for s in sequences)
    width = -(-longest // LENGTH_STEP) * LENGTH_STEP
    ids = np.full((len(rows), width), pad, np.int64)
    where, columns, targets, spans, copies = [], [], [], [], []
    for index, s in enumerate(sequences):
        whole = s.head + s.answer
        ids[index, : len(whole)] = whole
        for offset in range(s.skipped, len(s.answer)):
            where.append(index)
            columns.append(len(s.head) + offset - 1)
            targets.append(s.answer[offset])
            spans.append(s.spans[offset])
            copies.append(s.copies[offset])
    padding = -len(targets) % TARGET_STEP
    where += [0] * padding
    columns += [0] * padding
    targets += [IGNORE] * padding
    spans += [(0, 0)] * padding
    copies += [-1] * padding
    label_width = max(1, *(len(s.text_ids) for s in sequences))
    labels = np.full((len(rows), label_width), -1, np.int64)
    for index, s in enumerate(sequences):
        labels[index, : len(s.text_ids)] = s.text_ids
    lengths = [len(row.log_mel) for row in rows]
    return Batch(
        features=torch.from_numpy(features),
        tokens=torch.tensor([mel.token_count(n) for n in lengths]),
        ids=torch.from_numpy(ids),
        rows=torch.tensor(where),
        columns=torch.tensor(columns),
        targets=torch.tensor(targets),
        seconds=sum(lengths) / mel.FRAMES_PER_SECOND,
        spans=torch.tensor(spans),
        copies=torch.tensor(copies),
        phones=torch.from_numpy(phones),
        labels=torch.from_numpy(labels),
    )
