"""When segments end: how soon behind the speech, where they should not, and what noise begins.

    python -m benchmarks.endpointing [--sentences 40 | --speech FOLDER] [--modes vad semantic]
                                     [--seeds 7 8 9]
    python -m benchmarks.endpointing --noise-only --minutes 10
    python -m benchmarks.endpointing --cut --minutes 10

Sentences and recordings stand between pauses of 1.4 to 2.6 s, in silence and in noise, and go
through the engine in blocks of 20 ms on a clock that stands still while it computes. So every time
is one of the stream: from the last sample of speech to the block whose audio ended the segment. An
end is missed when none comes before the next utterance, but for one in the last 400 ms, soft and
covered by noise, which counts as a cut alone; a cut is an end inside an utterance, and a word is
lost when less than half of it is in a segment. Recordings pause by themselves, and what counts as
their words are stretches of voice: only cuts in a stretch or in a short gap count. A row is of all
seeds together, each with pauses and noise of its own; hesitations and fresh sentences are those of
the first.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from benchmarks import scenes
from benchmarks.drive import SetClock, run_alone
from benchmarks.figures import percentile
from benchmarks.scenes import Span, Utterance
from benchmarks.speech import Speech
from hark.engine.config import EngineConfig
from hark.engine.engine import Engine
from hark.engine.load import load_engine
from hark.engine.types import (
    SAMPLE_RATE,
    Endpointing,
    Final,
    Partial,
    StreamOptions,
)
from training.evaluation.scoring import word_errors

BLOCK_MS = 20
NOISE_DB = -30.0  # of full scale, of noise alone
_MS = SAMPLE_RATE // 1000
_SOFT_END = 400 * _MS
_HEAD = (
    "| speech | noise | mode | ends | p50 ms | p95 ms | missed | cuts in words "
    "| cuts in sentences | words lost | segments | steps |\n" + "| --- " * 3 + "| --: " * 9 + "|"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """A segment as it came out: its samples, when it ended on the stream's clock, and its text.

    `partials` are those that showed text.
    """

    start: int
    end: int
    ended_at: int
    text: str
    partials: int
    steps: int


@dataclass(slots=True)
class Row:
    """What became of the utterances of a scene, or of several."""

    speech: str
    noise: str
    mode: str
    utterances: int = 0
    p50_ms: float = float("nan")
    p95_ms: float = float("nan")
    missed: int = 0
    cuts_in_words: int = 0
    cuts_in_sentences: int = 0
    words_lost: int = 0
    segments: int = 0
    steps: int = 0
    delays_ms: list[float] = field(default_factory=list)


class Ear:
    """An engine on a clock that stands still while it computes."""

    def __init__(self, model: str) -> None:
        self._clock = SetClock()
        self.engine: Engine = load_engine(EngineConfig(model=model), clock=self._clock)

    def hear(self, speech: Speech, options: StreamOptions) -> list[Heard]:
        """The segments of one stream."""
        self._clock.now += 100.0
        begun, found = self._clock.now, []
        steps = partials = 0
        for update in run_alone(self.engine, self._clock, speech, options, block_ms=BLOCK_MS):
            match update:
                case Partial():
                    steps = update.steps
                    partials += bool(update.stable or update.unstable)
                case Final(start_sample=start, end_sample=end, text=text):
                    now = round((self._clock.now - begun) * SAMPLE_RATE)
                    found.append(Heard(start, end, now, text, partials, steps))
                    steps = partials = 0
                case _:
                    pass
        return found


# --- where segments end --------------------------------------------------------------------------


def judge(
    row: Row, utterances: Sequence[list[Span]], found: Sequence[Heard], *, least_gap: int
) -> Row:
    """Add a scene to the row. Cuts in gaps of `least_gap` samples between words do not count."""
    ends = [each.end for each in found]
    starts = [words[0][0] for words in utterances] + [1 << 62]
    for words, limit in zip(utterances, starts[1:], strict=True):
        begin, end = words[0][0], words[-1][1]
        after = [each for each in found if end < each.end <= limit]
        if after:
            row.delays_ms.append((after[0].ended_at - end) / _MS)
        row.missed += not after and not any(0 <= end - at < _SOFT_END for at in ends)
        for cut in (at for at in ends if begin < at < end):
            row.cuts_in_words += any(a + BLOCK_MS * _MS < cut < b for a, b in words)
            row.cuts_in_sentences += not _in_gap(cut, words, least_gap)
        row.words_lost += sum(_heard_part(word, found) < 0.5 for word in words)
    row.utterances += len(utterances)
    row.segments += len(found)
    row.steps += sum(each.steps for each in found)
    row.p50_ms, row.p95_ms = (round(percentile(row.delays_ms, q)) for q in (0.5, 0.95))
    return row


def _heard_part(word: Span, found: Sequence[Heard]) -> float:
    """How much of a word is in segments, 0 to 1."""
    begin, end = word
    inside = (min(end, each.end) - max(begin, each.start) for each in found)
    return sum(max(0, samples) for samples in inside) / (end - begin)


def _in_gap(at: int, words: Sequence[Span], least: int) -> bool:
    gaps = ((a[1], b[0]) for a, b in pairwise(words))
    return any(a < at <= b and b - a >= least for a, b in gaps)


def measure_ends(args: argparse.Namespace, ear: Ear) -> Iterator[Row]:
    for name, utterances, least_gap in _material(args):
        drawn = [scenes.compose(utterances, seed) for seed in args.seeds]
        for kind, snr_db in _noises(args):
            noise = f"{kind.removesuffix(' noise')}, {snr_db:g} dB" if kind else "silence"
            for mode in args.modes:
                options = StreamOptions(
                    partials=mode == "semantic",
                    endpointing=Endpointing(mode, pause_ms=args.pause_ms),
                )
                row = Row(name, noise, mode)
                for seed, scene in zip(args.seeds, drawn, strict=True):
                    noisy = scenes.in_noise(scene, kind, snr_db, seed) if kind else scene.samples
                    found = ear.hear(scene.speech(noisy), options)
                    judge(row, scene.utterances, found, least_gap=least_gap)
                yield row


def _material(args: argparse.Namespace) -> Iterator[tuple[str, list[Utterance], int]]:
    """Name, utterances, and the gap between words from which on a cut there is none."""
    if not args.speech:
        made = args.sentences and scenes.synthesised(args.sentences, args.seeds[0])
        spoken = made or scenes.sentences()
        yield "sentences", spoken, 1 << 62
        yield "hesitating", scenes.with_hesitations(spoken, args.seeds[0]), 1 << 62
    else:
        recorded = scenes.recordings(args.speech, most=args.most, seconds=args.longest)
        yield "recordings", recorded, (args.pause_ms - 100) * _MS


def _noises(args: argparse.Namespace) -> Iterator[tuple[str, float]]:
    """Kind and ratio; "" is no noise at all."""
    yield "", 0.0
    for snr_db in args.snr:
        yield from ((kind, snr_db) for kind in args.noises)


def print_row(row: Row) -> None:
    print(
        f"| {row.speech} | {row.noise} | {row.mode} | {row.utterances} | {row.p50_ms:.0f} "
        f"| {row.p95_ms:.0f} | {row.missed} | {row.cuts_in_words} | {row.cuts_in_sentences} "
        f"| {row.words_lost} | {row.segments} | {row.steps} |",
        flush=True,
    )


# --- what noise begins ---------------------------------------------------------------------------


def measure_noise(args: argparse.Namespace, ear: Ear) -> Iterator[dict]:
    """Segments, their length and their words, in noise without any speech."""
    gain = np.float32(10 ** (NOISE_DB / 20) / scenes.LEVEL)
    for kind in ("silence", "hum", "white noise", "babble"):
        num_samples = int(args.minutes * 60 * SAMPLE_RATE)
        samples = gain * scenes.make_noise(kind, num_samples, args.seeds[0])
        speech = Speech((samples * 32767).astype(np.int16), frozenset())
        found = ear.hear(speech, StreamOptions())
        texts = [each.text for each in found if each.text]
        yield {
            "noise": kind,
            "minutes": args.minutes,
            "segments": len(found),
            "seconds in segments": round(sum(s.end - s.start for s in found) / SAMPLE_RATE, 1),
            "finals with text": len(texts),
            "partials with text": sum(each.partials for each in found),
            "words": sum(len(text.split()) for text in texts),
            "examples": texts[:5],
        }


# --- the cut at the segment limit ----------------------------------------------------------------


def measure_cut(args: argparse.Namespace, ear: Ear) -> dict:
    """Word errors of the same sentences with pauses, and without any and a limit of 10 s."""
    count = max(1, round(args.minutes * 60 / 2.5))
    spoken = scenes.synthesised(count, args.seeds[0]) if args.sentences else scenes.sentences()
    paused, dense = (
        scenes.compose(spoken, args.seeds[0], gap) for gap in ((1.4, 2.6), (0.0, 0.05))
    )
    text = " ".join(each.text for each in spoken)
    result: dict = {"minutes without a pause": round(dense.samples.shape[0] / SAMPLE_RATE / 60, 1)}
    for name, scene, options in (
        ("with pauses", paused, StreamOptions(partials=False)),
        ("cut at 10 s", dense, StreamOptions(partials=False, segment_limit_s=10)),
        ("cut at 30 s", dense, StreamOptions(partials=False, segment_limit_s=30)),
    ):
        found = ear.hear(scene.speech(scene.samples), options)
        errors, words = word_errors(text, " ".join(each.text for each in found))
        seams = list(pairwise(found))
        result[name] = {
            "segments": len(found),
            "word errors %": round(100 * errors / words, 2),
            "words": words,
            "seams without a gap": sum(a.end == b.start for a, b in seams),
            "overlaps": sum(a.end > b.start for a, b in seams),
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description="When segments end, and what noise begins.")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--modes", nargs="+", choices=("vad", "semantic"), default=["vad"])
    parser.add_argument("--pause-ms", type=int, default=600)
    parser.add_argument("--sentences", type=int, default=0, help="fresh ones; 0: the bundled ones")
    parser.add_argument("--speech", type=Path, metavar="FOLDER", help="wav files instead")
    parser.add_argument("--most", type=int, default=40, help="recordings of the folder")
    parser.add_argument("--longest", type=float, default=20.0, help="s of a recording")
    parser.add_argument(
        "--noises", nargs="*", default=["white noise", "pink noise", "hum", "babble"]
    )
    parser.add_argument("--snr", type=float, nargs="*", default=[20, 10, 5], help="dB")
    parser.add_argument("--noise-only", action="store_true")
    parser.add_argument("--cut", action="store_true", help="the cut at the segment limit")
    parser.add_argument("--minutes", type=float, default=10.0, help="of noise, or of dense speech")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[7], help="noise alone and --cut take the first"
    )
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    ear, began = Ear(args.model), time.perf_counter()
    results: list[dict] = []
    if args.noise_only:
        for figures in measure_noise(args, ear):
            print(json.dumps(figures, ensure_ascii=False), flush=True)
            results.append(figures)
    elif args.cut:
        results.append(measure_cut(args, ear))
        print(json.dumps(results[0], indent=1))
    else:
        print(_HEAD)
        for row in measure_ends(args, ear):
            print_row(row)
            results.append(asdict(row))
    print(f"{time.perf_counter() - began:.0f} s")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
