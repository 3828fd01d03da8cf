"""How many live streams one engine holds, without sockets, and how near that is to the device.

    python -m benchmarks.many --shape 0.6b --device cuda --find-limit --json many.json
    python -m benchmarks.many --shape embedded --device cpu --streams 32 --cadence 320

Speakers are paced by the clock, each with other speech, their blocks spread in time; the engine
ticks on this thread. Where nothing is due the clock jumps. A number of streams holds when, after
warm-up:

    p95 of audio to partial at most 500 ms      p95 of finalize to final at most 500 ms
    95 % of steps within 1.5 cadences           no stream fails or ends more than 10 s late

Weights are random, tokens scripted (scripted.py), so what a stream hears has no bearing on what is
said, and the delay of stable words, which is the model's, is not judged here: `hark bench` does.
"""

import argparse
import random
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.drive import Lags, PacedRun, PacedStream, SkippingClock
from benchmarks.engines import INT8, add_engine_flags, key, load
from benchmarks.figures import Results, percentile
from benchmarks.floors import Peak, measure_peak
from benchmarks.limit import find_limit
from benchmarks.machine import peak_rss_mb, print_facts
from benchmarks.meter import Meter, print_breakdown
from benchmarks.scripted import NOTICE, ScriptedEngine
from benchmarks.speech import speech
from hark.engine.engine import Engine
from hark.engine.types import SAMPLE_RATE, StreamOptions

_MOST_LAG_MS = 500
_KEPT_SHARE = 0.95
_LATE = 1.5  # times the cadence
_LEAD_S = 0.5  # in which all streams open
_LONGEST_UTTERANCE_S = 28.0


class Trial:
    """Runs a loaded engine with any number of streams; each run is made once and kept."""

    def __init__(
        self, loaded: Engine, peak: Peak, args: argparse.Namespace, results: Results
    ) -> None:
        self._loaded, self._peak, self._args, self._results = loaded, peak, args, results

    def figures(self, cadence_ms: int, count: int) -> dict[str, Any]:
        run = partial(self.run, cadence_ms, count)
        return self._results.once(f"{cadence_ms} ms, {count} streams", run)

    def run(self, cadence_ms: int, count: int) -> dict[str, Any]:
        """One run on a fresh engine over the same model, printed."""
        args, clock = self._args, SkippingClock()
        engine = ScriptedEngine(self._loaded, clock=clock)
        speakers = _speakers(count, args.seconds, args.block_ms / 1000)
        run = PacedRun(engine, clock, speakers, block_ms=args.block_ms, warm_up_s=args.warm_up)
        meter = Meter(engine, self._peak, int8=args.dtype == INT8)
        try:
            progress = _Progress(count, args.seconds)
            lags = run.run(StreamOptions(cadence_ms=cadence_ms), progress=progress)
        finally:
            meter.close()
        figures = {
            "streams": count,
            "cadence_ms": cadence_ms,
            **_latencies(lags),
            "steps_kept_share": _kept_share(engine.tally.gaps_samples, cadence_ms),
            "busy_share": lags.busy_s / lags.wall_s,
            "breakdown": meter.breakdown(lags.busy_s),
            "drafts": engine.tally.summary(),
        }
        figures["holds"] = holds(figures)
        _print_run(figures)
        return figures


def holds(figures: dict[str, Any]) -> bool:
    """Whether a run met all that is asked of it; what did not occur in it was not late."""
    too_late = [figures[f"{name}_p95_ms"] > _MOST_LAG_MS for name in ("partial", "final")]
    kept = figures["steps_kept_share"] >= _KEPT_SHARE
    return kept and not any(too_late) and figures["errors"] == 0


def _speakers(count: int, seconds: float, block_s: float) -> list[PacedStream]:
    """Each with speech of its own, in the midst of it, beginning at a random place of a block."""
    chance = random.Random(count)
    return [
        PacedStream(
            speech(seconds, stream=number, skip_s=chance.uniform(0.0, _LONGEST_UTTERANCE_S)),
            begins_at=_LEAD_S + chance.uniform(0.0, block_s),
        )
        for number in range(count)
    ]


def _latencies(lags: Lags) -> dict[str, float]:
    named = {"partial": lags.partial, "first_partial": lags.first_partial, "final": lags.final}
    figures: dict[str, float] = {"errors": lags.errors}
    for name, values in named.items():
        for share in (50, 95, 99):
            figures[f"{name}_p{share}_ms"] = round(1000 * percentile(values, share / 100), 1)
    return figures


def _kept_share(gaps_samples: list[int], cadence_ms: int) -> float:
    """Of the steps after a segment's first, those that came with no more audio than asked."""
    most = _LATE * cadence_ms * SAMPLE_RATE / 1000
    return sum(gap <= most for gap in gaps_samples) / max(1, len(gaps_samples))


class _Progress:
    """A line that is written over, each second of the schedule."""

    def __init__(self, count: int, seconds: float) -> None:
        self._label, self._shown = f"{count} streams", -1
        self._total = seconds

    def __call__(self, seconds: float) -> None:
        if int(seconds) > self._shown:
            self._shown = int(seconds)
            print(f"\r{self._label}: {seconds:4.0f} of {self._total:.0f} s", end="", flush=True)


def _print_run(figures: dict[str, Any]) -> None:
    verdict = "holds" if figures["holds"] else "does not hold"
    print(f"\r{figures['streams']} streams at {figures['cadence_ms']} ms: {verdict}; ", end="")
    print(
        f"busy {figures['busy_share']:.0%}, steps kept {figures['steps_kept_share']:.1%}, ", end=""
    )
    for name in ("partial", "first_partial", "final"):
        p50, p95 = figures[f"{name}_p50_ms"], figures[f"{name}_p95_ms"]
        print(f"{name.replace('_', ' ')} {p50:.0f}/{p95:.0f} ms, ", end="")
    print(f"errors {figures['errors']} (p50/p95)", flush=True)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Many streams on one engine, without sockets.")
    add_engine_flags(parser)
    parser.add_argument("--cadence", type=_numbers, default=[320, 1000], metavar="320,1000")
    parser.add_argument("--streams", type=_numbers, default=[16], metavar="16,32")
    parser.add_argument("--find-limit", action="store_true", help="the most streams that hold")
    parser.add_argument("--max-streams", type=int, default=1024, help="where the search ends")
    parser.add_argument("--seconds", type=float, default=30.0, help="of speech in a run")
    parser.add_argument("--warm-up", type=float, default=8.0, help="s of a run not judged")
    parser.add_argument("--block-ms", type=int, default=100, help="of audio in a request")
    parser.add_argument("--json", type=Path, help="also write the figures here; resumed from there")
    args = parser.parse_args()
    if not 0 <= args.warm_up < args.seconds:
        parser.error(f"--seconds is {args.seconds:g}, it must be more than --warm-up")
    if min(args.streams) < 1:
        parser.error(f"--streams is {min(args.streams)}, it must be at least 1")
    if args.json is not None and not args.json.parent.is_dir():
        parser.error(f"--json is {args.json}; a file in a folder that exists is needed")
    return args


def _numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def main() -> None:
    args = parse_args()
    most = args.max_streams if args.find_limit else max(args.streams)
    loaded = load(args, max_streams=most)
    model = loaded.runner.model
    print_facts(model.device)
    print(NOTICE)
    peak = measure_peak(model.device, model.product_dtype)
    print(f"device at best: {peak.ops / 1e12:.2f} Tflop/s, {peak.bytes / 1e9:.0f} GB/s")
    results = Results(args.json, key(args, model.device, "seconds", "warm_up", "block_ms"))
    trial = Trial(loaded, peak, args, results)
    trial.run(args.cadence[0], 1)  # warm-up
    for cadence_ms in args.cadence:
        counts = args.streams
        if args.find_limit:
            limit = _limit(trial, cadence_ms, args.streams[0], most)
            results.put(f"n_at_slo_{cadence_ms}_ms", limit)
            counts = [limit] if limit else []
        for count in counts:
            print_breakdown(trial.figures(cadence_ms, count)["breakdown"])
    results.put("peak_rss_mb", round(peak_rss_mb()))


def _limit(trial: Trial, cadence_ms: int, first: int, most: int) -> int:
    limit = find_limit(lambda count: trial.figures(cadence_ms, count)["holds"], first, most)
    print(f"N@SLO at {cadence_ms} ms: {limit} streams")
    return limit


if __name__ == "__main__":
    main()
