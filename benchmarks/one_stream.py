"""One live stream on a real shape: how much of the time of the speech it takes, and where it goes.

    python -m benchmarks.one_stream --shape 0.6b --dtype bf16 --seconds 60 --cadence 1000

The engine alone, without sockets: speech is fed in blocks of 100 ms, each is worked off before the
next, finals included. Wall time over audio time is the real-time factor; under 1 the engine
keeps up. Weights are random, tokens scripted (scripted.py).
"""

import argparse
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.drive import SetClock, run_alone
from benchmarks.engines import INT8, add_engine_flags, key, load
from benchmarks.figures import Results, median_run, spread
from benchmarks.floors import measure_peak
from benchmarks.machine import forget_peak_rss, peak_rss_mb, print_facts
from benchmarks.meter import Meter, print_breakdown
from benchmarks.scripted import NOTICE, ScriptedEngine
from benchmarks.speech import Speech, speech
from hark.engine.types import SAMPLE_RATE, Final, Partial, StreamOptions

_WARM_UP_S = 4.0
_BLOCK_MS = 100


def run_stream(
    engine: ScriptedEngine, clock: SetClock, heard: Speech, options: StreamOptions
) -> dict[str, Any]:
    """One stream from its first block to its last final; a line for every final."""
    partials = finals = 0
    began, cpu_began = time.perf_counter(), time.process_time()
    for update in run_alone(engine, clock, heard, options, block_ms=_BLOCK_MS):
        partials += isinstance(update, Partial)
        if isinstance(update, Final):
            finals += 1
            at, spent = update.end_sample / SAMPLE_RATE, time.perf_counter() - began
            print(f"  heard {at:6.1f} of {heard.seconds:.0f} s, spent {spent:6.1f} s", flush=True)
    return {
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu_began,  # of all threads: also right beside other work
        "partials": partials,
        "finals": finals,
    }


def measure(
    engine: ScriptedEngine, clock: SetClock, meter: Meter, heard: Speech, options: StreamOptions
) -> dict[str, Any]:
    """One run with everything that is counted in it."""
    meter.reset()
    engine.tally.reset()
    before = asdict(engine.counters)
    run = run_stream(engine, clock, heard, options)
    return {
        **run,
        "real_time_factor": run["wall_s"] / heard.seconds,
        "breakdown": meter.breakdown(run["wall_s"]),
        "counters": {k: count - before[k] for k, count in asdict(engine.counters).items()},
        "drafts": engine.tally.summary(),
    }


def report(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The run of median wall time, printed."""
    walls = [run["wall_s"] for run in runs]
    run = runs[median_run(walls)]
    print(f"\nreal-time factor {run['real_time_factor']:.3f} (median of {len(runs)}, ", end="")
    print(f"spread {spread(walls):.1%}), {run['finals']} finals included; ", end="")
    print(f"processor time {run['cpu_s']:.1f} s")
    print_breakdown(run["breakdown"])
    print(", ".join(f"{name} {value}" for name, value in run["drafts"].items()))
    print(f"peak RSS while streaming {peak_rss_mb():.0f} MB")
    return run


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="One stream on a real shape, engine alone.")
    add_engine_flags(parser)
    parser.add_argument("--seconds", type=float, default=60.0, help="of speech")
    parser.add_argument("--cadence", type=int, default=1000, help="ms of audio between partials")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures here; resumed from there")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    clock = SetClock()
    engine = ScriptedEngine(load(args, max_streams=1), clock=clock)
    model = engine.runner.model
    print_facts(model.device)
    print(NOTICE)
    meter = Meter(engine, measure_peak(model.device, model.product_dtype), int8=args.dtype == INT8)
    results = Results(args.json, key(args, model.device, "seconds", "cadence"))
    heard, options = speech(args.seconds), StreamOptions(cadence_ms=args.cadence)
    forget_peak_rss()
    print("warming up", flush=True)
    run_stream(engine, clock, speech(_WARM_UP_S), options)
    runs = []
    for number in range(1, args.repeats + 1):
        print(f"run {number} of {args.repeats}", flush=True)
        figures = partial(measure, engine, clock, meter, heard, options)
        runs.append(results.once(f"run {number}", figures))
    results.put("median", report(runs))
    results.put("peak_rss_mb", round(peak_rss_mb()))


if __name__ == "__main__":
    main()
