"""When each word of a segment was said, estimated; knows text and samples, no model.

The decoder says what was said and not when. So words are spread over the audio that is loud, by
their letters. None can have been written before it was heard, though, and few are written for the
first time long after that. `benchmarks/word_times.py` says how far off they are.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np

from ..types import SAMPLE_RATE

FRAME = SAMPLE_RATE // 50  # 20 ms
_ABOVE_FLOOR = 8.0  # times the power of the quiet tenth of a segment's frames (9 dB)
_BELOW_PEAK = 3e-4  # of the power of its loudest frames (35 dB)
_WRITTEN_LATE = 5 * SAMPLE_RATE // 2  # a word that is revised is first seen later than heard

Times = tuple[int, int]
"""Start and end of a word in samples from the segment's first."""


class FirstSightings:
    """After how much audio each word of the newest hypothesis was written for the first time."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._seen: list[int] = []

    def note(self, words: list[str], num_samples: int) -> None:
        """Take the words of the hypothesis of the first `num_samples`."""
        self._seen = [num_samples if seen is None else seen for seen in self.of(words)]
        self._words = words

    def of(self, words: list[str]) -> list[int | None]:
        """The first sighting of each word, None for one that the last hypothesis didn't hold."""
        before = self._words
        same = 0
        while same < min(len(before), len(words)) and before[same] == words[same]:
            same += 1
        seen: list[int | None] = [*self._seen[:same], *[None] * (len(words) - same)]
        matcher = SequenceMatcher(None, before[same:], words[same:], autojunk=False)
        for there, here, count in matcher.get_matching_blocks():
            for k in range(count):
                seen[same + here + k] = self._seen[same + there + k]
        return seen


def loud_frames(samples: np.ndarray) -> np.ndarray:
    """Which frames of 20 ms of float32 samples [N] are loud enough for speech, bool [N / 320]."""
    count = samples.shape[0] // FRAME
    power = np.square(samples[: count * FRAME].reshape(count, FRAME), dtype=np.float32).mean(1)
    if not count:
        return np.zeros(0, bool)
    floor, peak = np.quantile(power, 0.1), np.quantile(power, 0.99)
    loud = power > max(_BELOW_PEAK * peak, min(_ABOVE_FLOOR * floor, 0.1 * peak), 1e-10)
    return loud if loud.any() else np.ones(count, bool)


def estimate(words: Sequence[str], seen: Sequence[int | None], loud: np.ndarray) -> list[Times]:
    """Start and end of each word in samples; they never decrease and lie where `loud` reaches.

    `seen` are first sightings in samples, None where there is none.
    """
    heard = np.flatnonzero(loud if loud.any() else ~loud)
    if not words or not heard.size:
        return [(0, 0)] * len(words)
    ends = _spread(words, heard)
    for index, at in enumerate(seen):
        if at is not None:
            ends[index] = min(max(ends[index], at - _WRITTEN_LATE), at)
    for index in range(len(ends) - 2, -1, -1):
        ends[index] = min(ends[index], ends[index + 1])
    ends = np.maximum.accumulate(ends).tolist()
    limit = (int(heard[-1]) + 1) * FRAME
    times, begin = [], 0
    for end in ends:
        start = min(_next_loud(heard, begin), end)
        times.append((min(start, limit), min(end, limit)))
        begin = end
    return times


def _spread(words: Sequence[str], heard: np.ndarray) -> list[int]:
    """The end of each word when all loud frames are shared out by the words' lengths."""
    shares = np.cumsum([len(word) + 1 for word in words])
    frames = np.ceil(shares / shares[-1] * heard.size).astype(int) - 1
    return [(int(heard[max(0, frame)]) + 1) * FRAME for frame in frames]


def _next_loud(heard: np.ndarray, sample: int) -> int:
    """The first sample of a loud frame that is not before `sample`; `sample` where none is."""
    place = int(np.searchsorted(heard, -(-sample // FRAME)))
    return int(heard[place]) * FRAME if place < heard.size else sample
