"""How far behind the speaker the captions are: one paced stream through a real server.

    python -m benchmarks.realtime [--model embedded] [--sentences 24] [--json FILE]

Speaks sentences with a synthesiser that tells when each word ends (training/synthesis; needs
espeak-ng and flite), streams them at the pace of speech through `hark serve` and the SDK, and
prints what must hold for one stream on two cores: the time a step takes, also at second 28 of a
segment; the first non-empty partial after the first word's end; the answer to `finalize`.
"""

import argparse
import asyncio
import json
import random
import signal
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.figures import percentile
from hark.clients import connect
from hark.clients.sdk import Stream
from hark.clients.server_process import free_port, running_server
from hark.engine.types import Endpointing
from hark.streaming.events import Finalized, Partial
from training.language.text import draw
from training.synthesis.speech import SynthesisError
from training.synthesis.voices import Voices, draw_voice

SAMPLE_RATE = 16_000
FRAME_MS = 20
PAUSE_S = 1.2
LONG_S = 29


@dataclass(slots=True)
class Figures:
    """What was measured, all in milliseconds."""

    step: list[float] = field(default_factory=list)
    step_at_28_s: list[float] = field(default_factory=list)
    first_partial: list[float] = field(default_factory=list)
    finalize: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance, and when its first word ends, in samples."""

    samples: np.ndarray
    first_word_end: int


def speak(count: int, seed: int) -> list[Spoken]:
    chance, voices = random.Random(seed), Voices()
    spoken = []
    while len(spoken) < count:
        sentence = draw(chance, "English", test=True).text
        try:
            speech = voices.speak(sentence, draw_voice(chance, "English"), chance)
        except SynthesisError:
            continue  # the voice cannot say this one
        spoken.append(Spoken(speech.samples, int(speech.words[0][1] * SAMPLE_RATE)))
    return spoken


async def pace(stream: Stream, samples: np.ndarray, begin: float) -> None:
    """Send on an absolute schedule, so that a late frame does not make the next ones late."""
    step = SAMPLE_RATE * FRAME_MS // 1000
    for number, at in enumerate(range(0, samples.shape[0], step)):
        due = begin + (number + 1) * FRAME_MS / 1000  # a frame exists once it has been spoken
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await stream.send(samples[at : at + step])


async def measure_first_partials(url: str, spoken: list[Spoken], figures: Figures) -> None:
    """Each utterance a segment of its own: sent, then finalized at once when it has ended."""
    silence = np.zeros(int(PAUSE_S * SAMPLE_RATE), np.float32)
    async with connect(url) as stream:
        shown: list[tuple[float, Partial]] = []
        reader = asyncio.create_task(_collect(stream, shown))
        for utterance in spoken:
            await pace(stream, silence, time.perf_counter())
            shown.clear()
            begin = time.perf_counter()
            await pace(stream, utterance.samples, begin)
            asked = time.perf_counter()
            await stream.finalize()
            figures.finalize.append((time.perf_counter() - asked) * 1000)
            figures.step += [partial.compute_ms for _, partial in shown]
            first = next((at for at, p in shown if p.stable or p.unstable), None)
            if first is not None:
                heard = begin + utterance.first_word_end / SAMPLE_RATE
                figures.first_partial.append((first - heard) * 1000)
        reader.cancel()


async def _collect(stream: Stream, shown: list[tuple[float, Partial]]) -> None:
    async for event in stream:
        if isinstance(event, Partial):
            shown.append((time.perf_counter(), event))


async def measure_long_segment(url: str, spoken: list[Spoken], figures: Figures) -> None:
    """One segment of 29 s without a pause, to see whether a step costs more at its end."""
    speech = np.concatenate([utterance.samples for utterance in spoken])
    samples = np.tile(speech, -(-LONG_S * SAMPLE_RATE // speech.shape[0]))[: LONG_S * SAMPLE_RATE]
    async with connect(url, endpointing=Endpointing("manual")) as stream:
        shown: list[tuple[float, Partial]] = []
        reader = asyncio.create_task(_collect(stream, shown))
        await pace(stream, samples, time.perf_counter())
        answered: Finalized = await stream.finalize()
        assert answered.end_ms == LONG_S * 1000
        reader.cancel()
    late = [p.compute_ms for _, p in shown if p.end_ms >= 26_000]
    figures.step_at_28_s += late
    figures.step += [partial.compute_ms for _, partial in shown]


def report(figures: Figures) -> dict[str, dict[str, float]]:
    rows = {
        "step": figures.step,
        "step after second 26": figures.step_at_28_s,
        "first partial after first word": figures.first_partial,
        "finalize to final": figures.finalize,
    }
    table = {
        name: {
            "count": len(values),
            "median_ms": round(statistics.median(values), 1) if values else float("nan"),
            "p95_ms": round(percentile(values, 0.95), 1),
            "max_ms": round(max(values, default=float("nan")), 1),
        }
        for name, values in rows.items()
    }
    print(f"{'':34}{'count':>6}{'median':>10}{'p95':>10}{'max':>10}  (ms)")
    for name, row in table.items():
        print(f"{name:34}{row['count']:6}{row['median_ms']:10}{row['p95_ms']:10}{row['max_ms']:10}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="Latency of one paced stream.")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--threads", type=int, default=0, help="of torch in the server (its own)")
    parser.add_argument("--sentences", type=int, default=24)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server stops, too
    spoken = speak(args.sentences, args.seed)
    figures = Figures()
    flags = ["--model", args.model, "--threads", str(args.threads)]
    with running_server(free_port(), flags) as server:
        print(f"{args.sentences} sentences, one stream, cadence 320 ms, window 1 s")
        asyncio.run(measure_first_partials(server.url, spoken, figures))
        asyncio.run(measure_long_segment(server.url, spoken, figures))
    table = report(figures)
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
