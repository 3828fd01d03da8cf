"""Hours of one stream, as fast as it goes: memory, times and errors, early and late.

    python -m benchmarks.hours [--hours 3] [--model embedded] [--partials]

The bundled clips of `hark bench` one behind the other in random order, with pauses of 0.3 to 3 s,
made as they are heard. Prints a line for each ten minutes of audio: word error rate, how far the
times of right words are off (the median with its sign, where a clock that drifts would show, and
the mean without), and the memory of the process.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.soak import MB, PAGE_BYTES
from hark.clients.bench.align import align
from hark.clients.bench.clips import Clip, SpokenWord, load_clips
from hark.clients.samples import spoken_words
from hark.engine.config import EngineConfig
from hark.engine.load import load_engine
from hark.engine.offline import transcribe
from hark.engine.types import SAMPLE_RATE, Final, StreamOptions

_STRETCH_SAMPLES = 600 * SAMPLE_RATE
_BORDER_SAMPLES = 3 * SAMPLE_RATE  # no segment goes over this much silence
_BLOCK = SAMPLE_RATE


@dataclass(slots=True)
class Stretch:
    """Ten minutes: from which sample on, what is said, and what was heard."""

    begin: int
    said: list[SpokenWord] = field(default_factory=list)
    heard: list[Final] = field(default_factory=list)


class Talk:
    """Speech without end; `stretches` are those that were begun."""

    def __init__(self, clips: list[Clip], seed: int) -> None:
        self._clips, self._rng = clips, random.Random(seed)
        self._now = 0
        self.stretches = [Stretch(0)]

    def blocks(self, total: int) -> Iterator[np.ndarray]:
        """Float32 blocks of a second, at least `total` samples."""
        parts: list[np.ndarray] = []
        while self._now < total:
            parts.append(self._next())
            if sum(map(len, parts)) >= _BLOCK:
                ready = np.concatenate(parts)
                whole = len(ready) // _BLOCK * _BLOCK
                yield from ready[:whole].reshape(-1, _BLOCK)
                parts = [ready[whole:]]
        yield np.concatenate([*parts, np.zeros(_BORDER_SAMPLES, np.float32)])

    def _next(self) -> np.ndarray:
        """A clip and the pause behind it, or the silence before the next stretch."""
        if self._now >= self.stretches[-1].begin + _STRETCH_SAMPLES:
            self._now += _BORDER_SAMPLES
            self.stretches.append(Stretch(self._now))
            return np.zeros(_BORDER_SAMPLES, np.float32)
        clip = self._rng.choice(self._clips)
        pause = int(self._rng.choice((0.3, 0.8, 1.5, 3.0)) * SAMPLE_RATE)
        self.stretches[-1].said += [word.moved(self._now) for word in clip.words]
        self._now += clip.num_samples + pause
        speech = clip.samples.astype(np.float32) / 32768
        return np.concatenate([speech, np.zeros(pause, np.float32)])


def figures(stretch: Stretch) -> dict[str, float]:
    """Errors and times of ten minutes, and the memory before they are compared."""
    rss_mb = round(_rss_bytes() / MB, 1)
    heard = [
        SpokenWord(text, word.start_sample, word.end_sample)
        for final in stretch.heard
        for word in final.words
        for text in spoken_words(word.text)
    ]
    found = align([w.text for w in stretch.said], [w.text for w in heard])
    shifts = [heard[j].end - stretch.said[i].end for i, j in found.matches]
    return {
        "from_min": round(stretch.begin / SAMPLE_RATE / 60, 1),
        "words": len(stretch.said),
        "wer_percent": round(100 * found.errors / max(1, len(stretch.said)), 2),
        "shift_ms": round(1000 * float(np.median(shifts)) / SAMPLE_RATE, 1),
        "off_ms": round(1000 * float(np.mean(np.abs(shifts))) / SAMPLE_RATE, 1),
        "rss_mb": rss_mb,
    }


def _rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def main() -> None:
    parser = argparse.ArgumentParser(description="Hours of one stream, as fast as it goes.")
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--partials", action="store_true", help="make partials, too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="PATH", help="the lines as JSON")
    args = parser.parse_args()
    engine = load_engine(EngineConfig(model=args.model))
    talk = Talk(load_clips(), args.seed)
    blocks = talk.blocks(int(args.hours * 3600 * SAMPLE_RATE))
    options = StreamOptions(partials=args.partials)
    rows: list[dict[str, float]] = []
    began = time.monotonic()
    current = talk.stretches[0]
    for update in transcribe(engine, blocks, options):
        if not isinstance(update, Final):
            continue
        own = max((s for s in talk.stretches if s.begin <= update.end_sample), key=_begin)
        if own is not current:
            rows.append(_show(figures(current)))
            talk.stretches.remove(current)  # what is judged here is no memory of the engine
            current = own
        own.heard.append(update)
    rows.append(_show(figures(current)))
    wall = time.monotonic() - began
    print(f"{args.hours:g} h in {wall:.0f} s, {args.hours * 3600 / wall:.0f} times real time")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


def _begin(stretch: Stretch) -> int:
    return stretch.begin


def _show(row: dict[str, float]) -> dict[str, float]:
    print(", ".join(f"{name} {value:g}" for name, value in row.items()), flush=True)
    return row


if __name__ == "__main__":
    main()
