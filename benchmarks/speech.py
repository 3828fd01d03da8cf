"""Speech to feed an engine: the load client's lecture (hark bench), in one array."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from hark.clients.bench.clips import Clip, load_clips
from hark.clients.bench.script import PROFILES, compose
from hark.engine.types import SAMPLE_RATE

_SEED = 0


@dataclass(frozen=True, slots=True)
class Speech:
    """One speaker: int16 samples [n] at 16 kHz, and the samples at which an utterance ends."""

    samples: np.ndarray
    ends: frozenset[int]

    @property
    def seconds(self) -> float:
        return self.samples.shape[0] / SAMPLE_RATE

    def blocks(self, block_ms: int) -> Iterator[tuple[int, bytes, bool]]:
        """The stream in blocks of so long, cut where an utterance ends.

        Each is (the sample it ends at, its bytes, whether an utterance ends there).
        """
        total = self.samples.shape[0]
        grid = range(0, total, SAMPLE_RATE * block_ms // 1000)
        for begin, end in pairwise(sorted({*grid, *self.ends, total})):
            yield end, self.samples[begin:end].tobytes(), end in self.ends


def speech(seconds: float, *, stream: int = 0, skip_s: float = 0.0) -> Speech:
    """Utterances of 10 to 28 s with short pauses; every stream another one, always the same.

    `skip_s` is how long the speaker has been speaking already.
    """
    clips, skipped = _clips(), round(skip_s * SAMPLE_RATE)
    profile = PROFILES["lecture"]
    script = compose(clips, profile, seed=_SEED, stream=stream, seconds=skip_s + seconds)
    samples = np.zeros(script.num_samples, np.int16)
    for placed in (each for utterance in script.utterances for each in utterance.placed):
        room = samples[placed.start :]
        spoken = clips[placed.clip].samples[: room.shape[0]]
        room[: spoken.shape[0]] = spoken
    ends = frozenset(u.end - skipped for u in script.whole if u.end > skipped)
    return Speech(samples[skipped:], ends)


@lru_cache(maxsize=1)
def _clips() -> list[Clip]:
    return load_clips()
