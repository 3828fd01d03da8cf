"""Training batches of fixed shapes, put together from corpus clips on the fly."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training import mel
from training.augment import SILENCE, augment
from training.corpus import Clip
from training.phones import IGNORE, phone_class
from training.tokenizer import Prompt
from training.voices import family

TRUNCATED_SHARE = 0.25
SILENT_SHARE = 0.07
FORCED_SHARE = 0.10
CONTEXT_SHARE = 0.05
HEARD = 0.88
"""Share of a word that has to be heard for it to be transcribed."""
PUNCTUATION_PAUSE = 20
"""Frames of audio after a word that justify its final punctuation at a cut."""
PHONE_OFFSETS = (1, 3, 5, 7)
"""Frames of an encoder token whose phones are predicted."""
LENGTH_STEP = 32
TARGET_STEP = 256


@dataclass(frozen=True)
class Row:
    """One training clip: raw log mel [T, 128], its words, and the phone class of every frame."""

    log_mel: np.ndarray
    words: list[str]
    spans: list[tuple[int, int]]
    phones: np.ndarray
    language: str


@dataclass(frozen=True)
class Batch:
    """Tensors of one step; ``rows``/``columns`` locate the positions that predict ``targets``.

    ``spans`` [n, 2] are the audio positions of each target's word in its sequence (end <= start
    where there is none). ``labels`` are the text ids for CTC, padded with -1.
    """

    features: Tensor
    tokens: Tensor
    ids: Tensor
    rows: Tensor
    columns: Tensor
    targets: Tensor
    spans: Tensor
    phones: Tensor
    labels: Tensor
    seconds: float


class Sampler:
    """Draws rows from the shards: single clips, or several with pauses between them."""

    def __init__(self, shards: list[tuple[list[Clip], np.ndarray]], seed: int) -> None:
        self.rng = random.Random(seed)
        self._clips: list[tuple[Clip, int, int]] = []
        self._mels = [features for _, features in shards]
        self._groups: dict[str, list[int]] = {}
        for shard, (clips, _) in enumerate(shards):
            start = 0
            for clip in clips:
                for group in (clip.language, clip.language + family(clip.voice)):
                    self._groups.setdefault(group, []).append(len(self._clips))
                self._clips.append((clip, shard, start))
                start += clip.frames
        self.hours = sum(c.frames for c, _, _ in self._clips) / (3600 * mel.FRAMES_PER_SECOND)

    def row(self, shortest: int, longest: int) -> Row:
        """One row of ``shortest`` … ``longest`` frames, or nearly so."""
        if self.rng.random() < SILENT_SHARE:
            return _silent_row(self.rng.randint(max(30, shortest), longest))
        cut = self.rng.randint(max(30, shortest), longest)
        if self.rng.random() >= TRUNCATED_SHARE:
            row = self._whole(cut, longest)
            return row if len(row.log_mel) <= longest else truncate(row, longest)
        if self.rng.random() < 0.5 and cut > mel.CHUNK_FRAMES:
            cut -= cut % mel.CHUNK_FRAMES  # as in streaming, where audio comes in whole seconds
        row = self._whole(cut + 100, cut + 400)
        return truncate(row, min(cut, len(row.log_mel)))

    def _whole(self, goal: int, longest: int) -> Row:
        """Whole clips of one language, mostly of one voice, up to about ``goal`` frames."""
        first = self._pick(goal - 60, longest, "")
        group = first[0].language
        if self.rng.random() < 0.7:
            group += family(first[0].voice)
        chosen, length = [first], first[0].frames
        while goal - length > 150:
            following = self._pick(goal - length - 90, goal - length - 10, group)
            if length + following[0].frames + 10 > longest:
                break
            chosen.append(following)
            length += following[0].frames + 40
        total = sum(clip.frames for clip, _, _ in chosen)
        return self._join(chosen, max(goal, total) - total)

    def _pick(self, wanted: int, longest: int, group: str) -> tuple[Clip, int, int]:
        """A random clip of ``group`` whose length is near ``wanted`` frames.

        Of a few clips it is the nearest one among those of at most ``longest`` frames, or any
        of them where a long one is wanted; the shortest if none is that short.
        """
        pool = self._groups[group] if group else range(len(self._clips))
        tries = [self._clips[self.rng.choice(pool)] for _ in range(6)]
        fitting = [entry for entry in tries if entry[0].frames <= longest]
        if not fitting:
            return min(tries, key=lambda entry: entry[0].frames)
        if wanted > 450:
            return fitting[0]
        return min(fitting, key=lambda entry: abs(entry[0].frames - wanted))

    def _join(self, chosen: list[tuple[Clip, int, int]], room: int) -> Row:
        """Concatenate with random pauses before, between and after, using at most ``room``."""
        pauses = self._pauses(len(chosen) + 1, room)
        pieces, words, spans, phones, at = [], [], [], [], 0
        for pause, (clip, shard, start) in zip(pauses[:-1], chosen, strict=True):
            pieces.append(_silence(pause))
            pieces.append(self._mels[shard][start : start + clip.frames].astype(np.float32))
            phones += [np.zeros(pause, np.int64), _frame_phones(clip)]
            at += pause
            words += clip.text.split()
            spans += [(at + a, at + b) for a, b in clip.words]
            at += clip.frames
        pieces.append(_silence(pauses[-1]))
        phones.append(np.zeros(pauses[-1], np.int64))
        return Row(
            np.concatenate(pieces),
            words,
            spans,
            np.concatenate(phones),
            chosen[0][0].language,
        )

    def _pauses(self, count: int, room: int) -> list[int]:
        """``count`` random pauses that fill ``room`` frames together, up to 1.2 s each."""
        shares = [self.rng.uniform(0.1, 1.0) for _ in range(count)]
        return [min(120, int(room * share / sum(shares))) for share in shares]


def _silence(frames: int) -> np.ndarray:
    return np.full((frames, mel.BINS), SILENCE, np.float32)


def _silent_row(frames: int) -> Row:
    return Row(_silence(frames), [], [], np.zeros(frames, np.int64), "None")


def _frame_phones(clip: Clip) -> np.ndarray:
    """Phone class of every frame of a clip; all ignored where the phones are unknown."""
    classes = np.full(clip.frames, IGNORE, np.int64)
    start = 0
    for label, end in clip.phones:
        classes[start:end] = phone_class(label)
        start = max(start, end)
    return classes


def truncate(row: Row, cut: int) -> Row:
    """Keep the first ``cut`` frames and the words of which at least ``HEARD`` was heard."""
    count = 0
    for start, end in row.spans:
        if start + HEARD * (end - start) > cut:
            break
        count += 1
    words = row.words[:count]
    if words and cut - row.spans[count - 1][1] < PUNCTUATION_PAUSE:
        words[-1] = words[-1].rstrip(".,?")
    language = row.language if words else "None"
    return Row(row.log_mel[:cut], words, row.spans[:count], row.phones[:cut], language)


class Collator:
    """Turns rows into a ``Batch``."""

    def __init__(self, prompt: Prompt, seed: int) -> None:
        self.prompt = prompt
        self.rng = random.Random(seed)
        self.noise = np.random.default_rng(seed)

    def batch(self, rows: list[Row], frames: int, strength: float) -> Batch:
        """Pad ``rows`` to ``frames`` (a multiple of 100) and build sequences and targets."""
        features = np.zeros((len(rows), frames, mel.BINS), np.float32)
        token_phones = np.full(
            (len(rows), frames // mel.CHUNK_FRAMES * mel.CHUNK_TOKENS, len(PHONE_OFFSETS)),
            IGNORE,
            np.int64,
        )
        sequences = []
        for index, row in enumerate(rows):
            length = len(row.log_mel)
            disturbed = augment(row.log_mel, self.noise, strength, silent=not row.spans)
            features[index, :length] = mel.finish(disturbed)
            classes = _token_phones(row.phones)
            token_phones[index, : len(classes)] = classes
            sequences.append(self._sequence(row))
        return _tensors(features, token_phones, rows, sequences, self.prompt.pad_id)

    def _sequence(self, row: Row) -> _Sequence:
        """Prompt, answer and, for each answer token, the audio span of its word."""
        prompt, rng = self.prompt, self.rng
        head = prompt.build(mel.token_count(len(row.log_mel)), self._context(row))
        audio_start = head.index(prompt.audio_id)
        tag = prompt.language[row.language]
        answer, spans = list(tag), [(0, 0)] * len(tag)
        for index, (word, (start, end)) in enumerate(zip(row.words, row.spans, strict=True)):
            ids = prompt.word(word, first=index == 0).ids
            span = (
                audio_start + max(0, mel.frame_to_token(start) - 1),
                audio_start + mel.frame_to_token(end) + 2,
            )
            answer += ids
            spans += [span] * len(ids)
        text_ids = answer[len(tag) :]
        answer.append(prompt.end_id)
        spans.append((0, 0))
        skipped = len(tag) if row.language != "None" and rng.random() < FORCED_SHARE else 0
        return _Sequence(head, answer, spans, skipped, text_ids)

    def _context(self, row: Row) -> str:
        """Mostly empty; sometimes a few words, some of which do occur."""
        if not row.words or self.rng.random() >= CONTEXT_SHARE:
            return ""
        count = min(len(row.words), self.rng.randint(1, 4))
        return ", ".join(word.strip(".,?¿") for word in self.rng.sample(row.words, count))


@dataclass(frozen=True)
class _Sequence:
    head: list[int]
    answer: list[int]
    spans: list[tuple[int, int]]
    skipped: int
    text_ids: list[int]


def _token_phones(classes: np.ndarray) -> np.ndarray:
    """Frame classes [T] → [tokens, 4]; frames beyond the clip are ignored."""
    tokens = mel.token_count(len(classes))
    index = np.arange(tokens)
    start = index // mel.CHUNK_TOKENS * mel.CHUNK_FRAMES + index % mel.CHUNK_TOKENS * 8
    frames = start[:, None] + np.array(PHONE_OFFSETS)
    inside = (frames < len(classes)) & (frames // mel.CHUNK_FRAMES == (start // 100)[:, None])
    return np.where(inside, classes[np.minimum(frames, len(classes) - 1)], IGNORE)


def _tensors(
    features: np.ndarray, phones: np.ndarray, rows: list[Row], sequences: list[_Sequence], pad: int
) -> Batch:
    """Stack sequences; lengths are rounded up so that few distinct shapes occur."""
    longest = max(len(s.head) + len(s.answer) for s in sequences)
    width = -(-longest // LENGTH_STEP) * LENGTH_STEP
    ids = np.full((len(rows), width), pad, np.int64)
    where, columns, targets, spans = [], [], [], []
    for index, s in enumerate(sequences):
        whole = s.head + s.answer
        ids[index, : len(whole)] = whole
        for offset in range(s.skipped, len(s.answer)):
            where.append(index)
            columns.append(len(s.head) + offset - 1)
            targets.append(s.answer[offset])
            spans.append(s.spans[offset])
    padding = -len(targets) % TARGET_STEP
    where += [0] * padding
    columns += [0] * padding
    targets += [IGNORE] * padding
    spans += [(0, 0)] * padding
    label_width = max(1, *(len(s.text_ids) for s in sequences))
    labels = np.full((len(rows), label_width), -1, np.int64)
    for index, s in enumerate(sequences):
        labels[index, : len(s.text_ids)] = s.text_ids
    lengths = [len(row.log_mel) for row in rows]
    return Batch(
        torch.from_numpy(features),
        torch.tensor([mel.token_count(n) for n in lengths]),
        torch.from_numpy(ids),
        torch.tensor(where),
        torch.tensor(columns),
        torch.tensor(targets),
        torch.tensor(spans),
        torch.from_numpy(phones),
        torch.from_numpy(labels),
        sum(lengths) / mel.FRAMES_PER_SECOND,
    )
