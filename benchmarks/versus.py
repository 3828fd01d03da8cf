"""One live stream, twice: this engine, and the published streaming algorithm over `transformers`.

    python -m benchmarks.versus --seconds 60,300 --cadence 2000 --json versus.json

Same weights (random, bfloat16), same speech, same script of tokens, same cadence, same process. The
published algorithm hears everything again at every step, so its time grows with the square of the
stream: at 300 s it takes a while. Its steps are timed one by one and written down as they come, and
a run that was stopped goes on where it stopped; what is still missing is estimated as it goes. Also
both ways of hearing the same speech offline: plain `generate` over all of it, and this engine with
finals alone.
"""

import argparse
import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.drive import SetClock, run_alone
from benchmarks.engines import add_engine_flags, key, load
from benchmarks.figures import Results, median_run
from benchmarks.machine import print_facts
from benchmarks.official import PIECE_S, Official
from benchmarks.scripted import NOTICE, ScriptedEngine
from benchmarks.shapes import EMBEDDED, model_spec
from benchmarks.speech import Speech, speech
from hark.engine.engine import Engine
from hark.engine.types import SAMPLE_RATE, StreamOptions

_WARM_UP_S = 4.0
_BLOCK_MS = 100


def time_ours(loaded: Engine, args: argparse.Namespace, results: Results) -> None:
    """Each length live and offline, `repeats` times."""
    clock = SetClock()
    engine = ScriptedEngine(loaded, clock=clock)
    live = StreamOptions(cadence_ms=args.cadence)
    ways = {"live": live, "offline": StreamOptions(partials=False)}
    _hear(engine, clock, speech(_WARM_UP_S), live)
    for length in args.seconds:
        heard = speech(length)
        for way, options in ways.items():
            for number in range(1, args.repeats + 1):
                name = f"hark {way} {length} s, run {number}"
                wall_s = results.once(name, partial(_hear, engine, clock, heard, options))
                print(f"{name}: {wall_s:.1f} s", flush=True)


def _hear(engine: ScriptedEngine, clock: SetClock, heard: Speech, options: StreamOptions) -> float:
    """The wall time of one stream, its finals included."""
    began = time.perf_counter()
    for _ in run_alone(engine, clock, heard, options, block_ms=_BLOCK_MS):
        pass
    return time.perf_counter() - began


def time_official(official: Official, args: argparse.Namespace, results: Results) -> None:
    """Every step of the published algorithm once, and plain `generate` over each length."""
    samples = speech(max(args.seconds)).samples.astype(np.float32) / 32768
    official.piece(samples, 0)  # warm-up
    count = max(args.seconds) // PIECE_S
    walls: list[float] = []
    for index in range(count):
        made = results.once(f"official step {index}", partial(official.piece, samples, index))
        walls.append(made["wall_s"])
        left_min = remaining_s(walls, count) / 60
        print(f"\rofficial: step {index + 1} of {count}, {walls[-1]:.1f} s, ", end="")
        print(f"about {left_min:.0f} min left   ", end="", flush=True)
    print()
    for length in args.seconds:
        name = f"official offline {length} s"
        clip = samples[: length * SAMPLE_RATE]
        wall_s = results.once(name, partial(official.offline, clip))["wall_s"]
        print(f"{name}: {wall_s:.1f} s", flush=True)


def remaining_s(walls: list[float], count: int) -> float:
    """Seconds that steps `len(walls)` to `count` will take, their times taken to grow in a line."""
    known = len(walls)
    if known < 3:
        return walls[-1] * (count - known)
    slope, start = np.polyfit(np.arange(known), walls, 1)
    ahead = np.arange(known, count)
    return float((start + max(slope, 0.0) * ahead).sum())


def report(args: argparse.Namespace, results: Results) -> None:
    """Wall times and ratios, per length."""
    print(f"\n{'':16}{'hark s':>9}{'official s':>12}{'ratio':>8}")
    for length in args.seconds:
        steps = range(length // PIECE_S)
        theirs = {
            "live": sum(results.get(f"official step {index}")["wall_s"] for index in steps),
            "offline": results.get(f"official offline {length} s")["wall_s"],
        }
        for way, official_s in theirs.items():
            runs = range(1, args.repeats + 1)
            walls = [results.get(f"hark {way} {length} s, run {run}") for run in runs]
            hark_s = walls[median_run(walls)]
            ratio = official_s / hark_s
            print(f"{f'{way} {length} s':16}{hark_s:9.1f}{official_s:12.1f}{ratio:7.1f}x")
            figures = {"hark_s": hark_s, "official_s": official_s, "ratio": ratio}
            results.put(f"{way} {length} s", figures)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="This engine against the published algorithm.")
    add_engine_flags(parser)
    parser.add_argument("--seconds", type=_lengths, default=[60, 300], metavar="60,300")
    parser.add_argument("--cadence", type=int, default=2000, help="ms; the published one: 2000")
    parser.add_argument("--repeats", type=int, default=3, help="of this engine's runs")
    parser.add_argument("--json", type=Path, help="also write the figures here; resumed from there")
    args = parser.parse_args()
    if args.shape == EMBEDDED:
        parser.error("--shape: the reference needs a random checkpoint: 0.6b or 1.7b")
    return args


def _lengths(text: str) -> list[int]:
    lengths = [int(each) for each in text.split(",")]
    if any(length < PIECE_S or length % PIECE_S for length in lengths):
        raise argparse.ArgumentTypeError(f"lengths are multiples of {PIECE_S} s")
    return lengths


def main() -> None:
    args = parse_args()
    loaded = load(args, max_streams=1)
    device = loaded.runner.model.device
    print_facts(device)
    print(NOTICE)
    results = Results(args.json, key(args, device, "cadence"))
    time_ours(loaded, args, results)
    time_official(Official(Path(model_spec(args.shape)), device), args, results)
    report(args, results)


if __name__ == "__main__":
    main()
