"""The whole recipe in small: every step runs, and takes what the last one made.

A corpus of a few hundred clips, a tiny model, seconds of training. The digits are synthetic, so
nothing has to be fetched; the figures mean nothing.
"""

from __future__ import annotations

import itertools
import random
import tempfile
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training import corpus, manifest
from training.evaluation import card, report
from training.evaluation.exam import Inputs
from training.foreground import run as foreground
from training.language.numbers import EN_UNITS
from training.learning import align_run, machine, runs
from training.learning.model import Size
from training.learning.train import Settings
from training.synthesis import digits, voices
from training.synthesis.speech import SAMPLE_RATE

SIZE = Size(
    stem_channels=8,
    encoder_dim=64,
    encoder_layers=3,
    encoder_ffn=128,
    hidden=64,
    layers=3,
    head_dim=32,
    ffn=128,
)
_SPEAKERS = {"jackson": "flite-rms", digits.HELD_OUT_SPEAKER: "flite-awb"}


@dataclass(frozen=True)
class Amounts:
    """Clips in each of two shards, and hours of audio in each phase of training."""

    clips: int = 120
    hours: float = 0.15


def run(folder: Path | None = None, amounts: Amounts | None = None) -> None:
    """Run every step in ``folder``, by default a temporary one."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="smoke-") as temporary:
            run(Path(temporary), amounts)
        return
    amounts = amounts or Amounts()
    hours = amounts.hours
    folder.mkdir(parents=True, exist_ok=True)
    machine.prepare_torch(1)  # more do not help so small a model
    shards, spoken = folder / "corpus", folder / "digits"
    _timed("digits", lambda: _speak_digits(spoken))
    plan = corpus.Plan(shards, spoken, shards=2, clips=amounts.clips)
    _timed("corpus", lambda: corpus.build(plan, jobs=2))
    long, short, align = (folder / name for name in ("train", "cooldown", "align"))
    _timed("train", lambda: runs.constant(settings(long), shards, hours, size=SIZE).train())
    _timed("cooldown", lambda: runs.cooldown(settings(short), shards, long, hours).train())
    _timed("align", lambda: align_run.start(settings(align), shards, short, hours).train())
    near = foreground.Plan(folder / "foreground", sentences=20, mixtures=20, steps=5)
    _timed("foreground", lambda: foreground.train(near))
    description = folder / "manifest"
    _timed("manifest", lambda: manifest.write(shards, spoken, description))
    model, evaluation = short / "export", folder / "eval"
    inputs = Inputs(model, spoken, aligner=align / "export")
    _timed("eval", lambda: report.run(report.Task(inputs, evaluation, quick=True)))
    _timed(
        "card",
        lambda: card.write(
            model,
            short,
            evaluation,
            aligner_run=align,
            description=description,
            allow_quick=True,
        ),
    )


def settings(folder: Path) -> Settings:
    """How a run of the smoke test trains."""
    return Settings(run=folder, device=torch.device("cpu"), batch_seconds=30.0, threads=1)


def _timed(name: str, step: Callable[[], object]) -> None:
    begin = time.monotonic()
    step()
    print(f"== {name}: {time.monotonic() - begin:.0f} s", flush=True)


def _speak_digits(folder: Path) -> None:
    """Recordings named as in the Free Spoken Digit Dataset, on both sides of its split."""
    folder.mkdir(exist_ok=True)
    engines, rng = voices.Voices(), random.Random("smoke digits")
    takes = (0, digits.TEST_INDICES.start)
    for (name, voice), digit, take in itertools.product(_SPEAKERS.items(), range(10), takes):
        speech = engines.speak(EN_UNITS[digit], voice, rng)
        _write_wav(folder / f"{digit}_{name}_{take}.wav", speech.samples)


def _write_wav(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples.clip(-1, 1) * 32767).astype(np.int16).tobytes())
