"""One clip as it grows: its samples, its log-mel, and what of it is encoded already.

What is kept between steps, and why it may:

    stem tokens of closed chunks      each chunk is convolved alone
    embeddings of closed windows      windows never see each other

Both hold only while the clamp of the log-mel does: when the clip's peak rises, a chunk with a bin
under the new floor changes, and with it its window. Work that the device has to do is yielded and
its answer sent back, as in `sequence.py`.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from ..model.encoder import num_tokens
from ..model.features import DYNAMIC_RANGE, SegmentFeatures, normalise
from ..model.speech_model import to_chunks
from ..types import CHUNK_FRAMES, CHUNK_SAMPLES, WorkCounters
from .runner import Answer, EncodeWork, StemWork, Work

_PART_CHUNKS = 8
"""Chunks of one step that go into one batch, so that a long clip holds up nobody's tick."""


@dataclass(frozen=True, slots=True)
class _Stem:
    """Stem tokens of a closed chunk, and under which clamp they were made."""

    tokens: Tensor  # [13, d]
    floor: float
    lowest: float
    settled: bool
    version: int

    def holds(self, floor: float) -> bool:
        untouched = self.lowest >= max(self.floor, floor)
        return self.settled and (self.floor == floor or untouched)


@dataclass(frozen=True, slots=True)
class Window:
    """Embeddings of a closed window [A, E], and the versions of the chunks they were made of."""

    embeddings: Tensor
    versions: tuple[int, ...]


class Clip:
    """Samples and encoder outputs of one clip."""

    def __init__(self, counters: WorkCounters) -> None:
        self.num_samples = 0
        self._counters = counters
        self._samples = torch.empty(CHUNK_SAMPLES)
        self._features = SegmentFeatures()
        self._stems: list[_Stem] = []
        self._num_stems_made = 0
        self._windows: dict[tuple[int, bool], list[Window]] = {}  # by length in chunks, exactness

    def append(self, samples: np.ndarray) -> None:
        """More samples of the clip, float32 [n]."""
        end = self.num_samples + samples.shape[0]
        if end > self._samples.shape[0]:
            grown = torch.empty(max(end, 2 * self._samples.shape[0]))
            grown[: self.num_samples] = self._samples[: self.num_samples]
            self._samples = grown
        self._samples[self.num_samples : end] = torch.from_numpy(samples)
        self.num_samples = end

    def samples(self, begin: int = 0, end: int | None = None) -> np.ndarray:
        """A copy of the samples from `begin` to `end` (all that is there)."""
        return self._samples[begin : self.num_samples if end is None else end].numpy().copy()

    def hear(self, num_samples: int) -> None:
        """Make these first samples the ones that `encode` is about."""
        self._features.hear(self._samples[:num_samples])
        del self._stems[self._features.num_frames // CHUNK_FRAMES :]

    def windows_ahead(self, window_chunks: int, *, exact: bool = False) -> int:
        """Closed windows of this length that nobody has asked to be encoded yet."""
        closed = self._features.num_final // CHUNK_FRAMES // window_chunks
        return closed - len(self._windows.get((window_chunks, exact), []))

    def encode(
        self, window_chunks: int, *, exact: bool = False, closed_only: bool = False
    ) -> Generator[Work, Answer, tuple[list[Window], Tensor | None]]:
        """Bring stems and closed windows up to date; returns them, and the open window [A, E]."""
        open_stem = yield from self._update_stems(closed_only=closed_only)
        kept = self._windows.setdefault((window_chunks, exact), [])
        num_closed = len(self._stems) // window_chunks
        del kept[num_closed:]
        groups = [
            self._stems[w * window_chunks : (w + 1) * window_chunks] for w in range(num_closed)
        ]
        versions = [tuple(stem.version for stem in group) for group in groups]
        stale = [w for w in range(num_closed) if w >= len(kept) or kept[w].versions != versions[w]]
        self._counters.peak_reencodes += sum(w < len(kept) for w in stale)
        work = [torch.cat([stem.tokens for stem in groups[w]]) for w in stale]
        rest = [stem.tokens for stem in self._stems[num_closed * window_chunks :]]
        rest += [] if open_stem is None else [open_stem]
        has_open = bool(rest) and not closed_only
        if has_open:
            work.append(torch.cat(rest))
        embeddings: list[Tensor] = []
        for part in _parts(work, max(1, _PART_CHUNKS // window_chunks)):
            embeddings += cast(list[Tensor], (yield EncodeWork(part, exact)))
        for w, embedded in zip(stale, embeddings, strict=False):
            kept[w : w + 1] = [Window(embedded, versions[w])]
        return kept, embeddings[-1] if has_open else None

    def _update_stems(self, *, closed_only: bool) -> Generator[Work, Answer, Tensor | None]:
        """Convolve new, unsettled and newly clamped chunks; returns the open chunk's tokens."""
        features = self._features
        floor = features.peak - DYNAMIC_RANGE
        num_closed, open_frames = divmod(features.num_frames, CHUNK_FRAMES)
        if closed_only:
            num_closed, open_frames = features.num_final // CHUNK_FRAMES, 0
        stale = [
            c for c in range(num_closed) if c >= len(self._stems) or not self._stems[c].holds(floor)
        ]
        raw = [features.raw[c * CHUNK_FRAMES : (c + 1) * CHUNK_FRAMES] for c in stale]
        chunks = [normalise(chunk, features.peak) for chunk in raw]
        if open_frames:
            tail = features.raw[num_closed * CHUNK_FRAMES : features.num_frames]
            chunks.append(to_chunks(normalise(tail, features.peak))[0])
        if not chunks:
            return None
        made_parts = []
        for part in _parts(chunks, _PART_CHUNKS):
            made_parts.append(cast(Tensor, (yield StemWork(torch.stack(part)))))
        tokens = torch.cat(made_parts)  # [C, 13, d]
        for c, chunk, made in zip(stale, raw, tokens, strict=False):
            self._num_stems_made += 1
            settled = (c + 1) * CHUNK_FRAMES <= features.num_final
            self._stems[c : c + 1] = [
                _Stem(made, floor, chunk.min().item(), settled, self._num_stems_made)
            ]
        return tokens[-1, : num_tokens(open_frames)] if open_frames else None


def _parts(items: list[Tensor], size: int) -> Iterator[list[Tensor]]:
    """The list in pieces of `size`, the last one shorter."""
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]
