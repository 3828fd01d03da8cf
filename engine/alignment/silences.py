"""A clip without its long silences, in which a small aligner loses its place, and the way back."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from ..streams.timing import FRAME, loud_frames
from ..types import SAMPLE_RATE

_LONGEST_FRAMES = 60  # of silence that stays: 1.2 s
_KEPT_FRAMES = 15  # on either side of a voice
_MS = SAMPLE_RATE // 1000


class Shortened:
    """The audible stretches of a clip, one behind the other: `samples`, float32 [M], M <= N."""

    def __init__(self, samples: np.ndarray) -> None:
        """`samples` are the clip's, float32 [N] at 16 kHz."""
        self._kept = _audible(samples)  # begin and end of each stretch
        self._ends = list(accumulate(end - begin for begin, end in self._kept))
        self.samples = samples
        if len(self._kept) > 1 or self._ends[-1] < samples.shape[0]:
            self.samples = np.concatenate([samples[begin:end] for begin, end in self._kept])

    def original(self, times: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Starts and ends in ms of this clip as those of the whole one.

        A word on a seam lies where most of it does: it is not spread over what was left out.
        """
        return [self._of_word(start * _MS, end * _MS) for start, end in times]

    def _of_word(self, start: int, end: int) -> tuple[int, int]:
        stretch = min(bisect_right(self._ends, (start + end) // 2), len(self._ends) - 1)
        begin, stop = self._kept[stretch]
        shift = stop - self._ends[stretch]
        low, high = (min(max(at + shift, begin), stop) for at in (start, end))
        if stretch == len(self._ends) - 1:  # nothing keeps a model inside the clip
            low, high = (max(at + shift, begin) for at in (start, end))
        return low // _MS, high // _MS


def _audible(samples: np.ndarray) -> list[tuple[int, int]]:
    """Stretches that hold all loud frames, and all silences between them that are short."""
    loud = np.flatnonzero(loud_frames(samples)) if samples.shape[0] >= FRAME else np.zeros(0, int)
    total = samples.shape[0]
    if not loud.size:
        return [(0, total)]
    kept: list[tuple[int, int]] = []
    begin, last = (0 if loud[0] <= _LONGEST_FRAMES else int(loud[0]) - _KEPT_FRAMES), int(loud[0])
    for frame in loud.tolist():
        if frame - last > _LONGEST_FRAMES:
            kept.append((begin * FRAME, (last + _KEPT_FRAMES) * FRAME))
            begin = frame - _KEPT_FRAMES
        last = frame
    is_near_end = total // FRAME - last <= _LONGEST_FRAMES
    kept.append((begin * FRAME, total if is_near_end else (last + _KEPT_FRAMES) * FRAME))
    return kept
