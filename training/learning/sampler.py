"""Draws training rows from the corpus: single clips, or several with pauses between them."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from training import mel
from training.learning.rows import Row, drop_words, silence, silent, stretch, truncate
from training.synthesis.phones import IGNORE, phone_class
from training.synthesis.voices import family
from training.utterances import Clip

SILENT_SHARE = 0.07
TRUNCATED_SHARE = 0.25
MID_START_SHARE = 0.06
ONE_VOICE_SHARE = 0.70
STRETCHED_SHARE = 0.50
STRETCH = (0.85, 1.18)
LONGEST_PAUSE = 120
LONG_SILENCE_SHARE = 0.08
"""Of the rows: speech is 20 to 70 % of them, most of the rest one silence of up to 20 s."""
_TRIES = 6


@dataclass(frozen=True, slots=True)
class _Entry:
    """A clip as the sampler keeps it: hundreds of thousands of them are in memory.

    ``spans`` is [words, 2]; ``classes`` and ``ends`` are [phones].
    """

    text: str
    language: str
    voices: str
    names: tuple[int, ...]
    shard: int
    start: int
    frames: int
    spans: np.ndarray
    classes: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, clip: Clip, shard: int, start: int) -> _Entry:
        return cls(
            text=clip.text,
            language=clip.language,
            voices=clip.language + family(clip.voice),
            names=tuple(clip.names),
            shard=shard,
            start=start,
            frames=clip.frames,
            spans=np.array(clip.words, np.int32).reshape(-1, 2),
            classes=np.array([phone_class(label) for label, _ in clip.phones], np.int8),
            ends=np.array([end for _, end in clip.phones], np.int32),
        )

    def frame_phones(self) -> np.ndarray:
        """Phone class of every frame; all ignored where the phones are unknown."""
        ends = np.maximum.accumulate(self.ends)
        classes = np.repeat(self.classes.astype(np.int64), np.diff(ends, prepend=0))
        missing = self.frames - len(classes)
        return np.concatenate([classes, np.full(max(0, missing), IGNORE)])[: self.frames]


class Sampler:
    """Holds the corpus; every draw takes its randomness from the caller."""

    def __init__(self, digit_speakers: Collection[str] | None = ()) -> None:
        """Of the human digits only those of ``digit_speakers`` are used; None means all."""
        self._digit_speakers = digit_speakers
        self.people: set[str] = set()
        self._clips: list[_Entry] = []
        self._mels: list[np.ndarray] = []
        self._groups: dict[str, list[int]] = {}
        self.hours = 0.0

    @property
    def shards(self) -> int:
        """Number of shards added so far."""
        return len(self._mels)

    def add(self, clips: list[Clip], features: np.ndarray) -> None:
        """Take in a shard."""
        self._mels.append(features)
        start = 0
        for clip in clips:
            if self._is_wanted(clip):
                self._add(_Entry.of(clip, len(self._mels) - 1, start))
            start += clip.frames

    def _is_wanted(self, clip: Clip) -> bool:
        if clip.group != "human":
            return True
        speaker = clip.voice.removeprefix("human-")
        self.people.add(speaker)
        return self._digit_speakers is None or speaker in self._digit_speakers

    def _add(self, entry: _Entry) -> None:
        self._clips.append(entry)
        for group in (entry.language, entry.voices):
            self._groups.setdefault(group, []).append(len(self._clips) - 1)
        self.hours += entry.frames / (3600 * mel.FRAMES_PER_SECOND)

    def row(self, rng: random.Random, shortest: int, longest: int) -> Row:
        """One row of ``shortest`` … ``longest`` frames, or nearly so."""
        cut = rng.randint(max(30, shortest), longest)
        if rng.random() < SILENT_SHARE:
            return silent(cut)
        factor = rng.uniform(*STRETCH) if rng.random() < STRETCHED_SHARE else 1.0
        if rng.random() >= TRUNCATED_SHARE:
            row = self._spoken(rng, cut, longest, factor)
            return row if len(row.log_mel) <= longest else truncate(row, longest)
        if rng.random() < 0.5 and cut > mel.CHUNK_FRAMES:
            cut -= cut % mel.CHUNK_FRAMES  # as in streaming, where audio comes in whole seconds
        row = self._spoken(rng, cut + 100, cut + 400, factor)
        return truncate(row, min(cut, len(row.log_mel)))

    def random_words(self, rng: random.Random, language: str) -> list[str]:
        """The words of a random clip of ``language``."""
        return self._clips[rng.choice(self._groups[language])].text.split()

    def random_piece(self, rng: random.Random) -> np.ndarray:
        """The raw log mel [T, 128] of a random clip."""
        return self._features(rng.choice(self._clips))

    def _spoken(self, rng: random.Random, goal: int, longest: int, factor: float) -> Row:
        """Speech of about ``goal`` frames after stretching by ``factor``."""
        speech = rng.uniform(0.2, 0.7) if rng.random() < LONG_SILENCE_SHARE else 1.0
        row = self._whole(rng, int(goal / factor), int(longest / factor), speech)
        if len(row.words) > 2 and rng.random() < MID_START_SHARE:
            row = drop_words(row, rng.randint(1, min(6, len(row.words) - 2)))
        return row if factor == 1.0 else stretch(row, factor)

    def _whole(self, rng: random.Random, goal: int, longest: int, speech: float) -> Row:
        """Whole clips of one language, mostly of one voice, up to about ``goal`` frames.

        Where only a share of them is ``speech``, the rest is a silence somewhere, mostly behind it.
        """
        whole, goal = goal, int(goal * speech)
        first = self._pick(rng, goal - 60, longest, "")
        group = first.voices if rng.random() < ONE_VOICE_SHARE else first.language
        chosen, length = [first], first.frames
        while goal - length > 150:
            following = self._pick(rng, goal - length - 90, goal - length - 10, group)
            if length + following.frames + 10 > longest:
                break
            chosen.append(following)
            length += following.frames + 40
        total = sum(entry.frames for entry in chosen)
        pauses = _pauses(rng, len(chosen) + 1, max(goal, total) - total)
        if speech < 1.0:
            at = -1 if rng.random() < 0.6 else rng.randrange(len(pauses))
            pauses[at] += max(0, whole - total - sum(pauses))
        return self._join(chosen, pauses)

    def _pick(self, rng: random.Random, wanted: int, longest: int, group: str) -> _Entry:
        """A random clip of ``group`` whose length is near ``wanted`` frames.

        Of a few clips it is the nearest one among those of at most ``longest`` frames, or any
        of them where a long one is wanted; the shortest if none is that short.
        """
        if group:
            pool = self._groups[group]
            tries = [self._clips[rng.choice(pool)] for _ in range(_TRIES)]
        else:
            tries = [rng.choice(self._clips) for _ in range(_TRIES)]
        fitting = [entry for entry in tries if entry.frames <= longest]
        if not fitting:
            return min(tries, key=lambda entry: entry.frames)
        if wanted > 450:
            return fitting[0]
        return min(fitting, key=lambda entry: abs(entry.frames - wanted))

    def _join(self, chosen: list[_Entry], pauses: list[int]) -> Row:
        """Concatenate with these pauses before, between and after."""
        pieces, phones = [silence(pauses[0])], [np.zeros(pauses[0], np.int64)]
        words: list[str] = []
        spans: list[tuple[int, int]] = []
        names: list[int] = []
        at = pauses[0]
        for entry, pause in zip(chosen, pauses[1:], strict=True):
            pieces += [self._features(entry), silence(pause)]
            phones += [entry.frame_phones(), np.zeros(pause, np.int64)]
            names += [len(words) + index for index in entry.names]
            words += entry.text.split()
            spans += [(at + start, at + end) for start, end in entry.spans.tolist()]
            at += entry.frames + pause
        return Row(
            log_mel=np.concatenate(pieces),
            words=words,
            spans=spans,
            phones=np.concatenate(phones),
            language=chosen[0].language,
            names=tuple(names),
        )

    def _features(self, entry: _Entry) -> np.ndarray:
        piece = self._mels[entry.shard][entry.start : entry.start + entry.frames]
        return piece.astype(np.float32)


def _pauses(rng: random.Random, count: int, room: int) -> list[int]:
    """``count`` random pauses that fill ``room`` frames together, up to 1.2 s each."""
    shares = [rng.uniform(0.1, 1.0) for _ in range(count)]
    return [min(LONGEST_PAUSE, int(room * share / sum(shares))) for share in shares]
