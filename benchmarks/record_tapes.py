"""Records the tapes that scripted tokens are read from (tapes.py).

    python -m benchmarks.record_tapes [--out benchmarks/data/tapes.json]

Hears every bundled sample, with noise, after each 80 ms with the embedded model, with the window of
partials and with that of finals. Without noise this model hardly ever changes its mind about its
own domain; with it every eighth step does, and finals differ from the last partial.

Texts are stored, not ids, so that the tapes outlive a new tokenizer; and as differences, for one
hypothesis mostly repeats the one before. To be run again when the embedded model or the samples
change; what is replayed then changes a little, and figures with it.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks.tapes import FIRST_MS, STEP_MS, TAPES, pack
from hark.clients.samples import Sample, load_samples
from hark.engine.audio.files import open_audio
from hark.engine.config import EngineConfig
from hark.engine.engine import Engine
from hark.engine.load import load_engine
from hark.engine.offline import run_step
from hark.engine.streams.output import split_hypothesis
from hark.engine.types import SAMPLE_RATE

WINDOWS = {"short": 1, "long": 8}
NOISE_DB = 15.0  # the speech above it, in power


def record(engine: Engine, samples: np.ndarray, window_chunks: int) -> list[str]:
    """The texts after `FIRST_MS`, every `STEP_MS` from there, and of the whole."""
    sequence = engine.new_sequence("")
    sequence.append(samples)
    step, first = (SAMPLE_RATE * ms // 1000 for ms in (STEP_MS, FIRST_MS))
    texts: list[str] = []
    draft: list[int] = []
    for heard in [*range(first, samples.shape[0], step), samples.shape[0]]:
        work = sequence.recognise(heard, window_chunks=window_chunks, draft=draft)
        draft = run_step(work, engine.runner).tokens
        texts.append(split_hypothesis(draft, engine.tokenizer)[1].strip())
    sequence.release()
    return texts


def noisy(samples: np.ndarray) -> np.ndarray:
    """Float32 samples [n] in white noise, the same each time."""
    noise = np.random.default_rng(0).standard_normal(samples.shape[0], np.float32)
    return samples + noise * np.sqrt(np.square(samples).mean() / 10 ** (NOISE_DB / 10))


def record_sample(engine: Engine, sample: Sample) -> dict[str, object]:
    samples = noisy(np.concatenate(list(open_audio(sample.path).blocks())))
    entry: dict[str, object] = {
        "name": sample.name,
        "duration_s": round(samples.shape[0] / SAMPLE_RATE, 3),
    }
    for name, window_chunks in WINDOWS.items():
        texts = record(engine, samples, window_chunks)
        entry[name] = pack(texts)
        print(f"{sample.name:12} {name:5} {len(texts):4} hypotheses: {texts[-1]}", flush=True)
    return entry


def main() -> None:
    parser = argparse.ArgumentParser(description="Record the tapes of scripted tokens.")
    parser.add_argument("--out", type=Path, default=TAPES)
    args = parser.parse_args()
    engine = load_engine(EngineConfig(dtype="float32"))
    tapes = [record_sample(engine, sample) for sample in load_samples()]
    lines = ",\n".join(json.dumps(tape, ensure_ascii=False) for tape in tapes)
    args.out.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
