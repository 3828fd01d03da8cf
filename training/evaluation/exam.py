"""What every section of the evaluation works with: the model, the voices, sizes and inputs."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from hark.engine.config import EngineConfig
from hark.engine.engine import Engine
from hark.engine.load import load_engine
from hark.engine.offline import transcribe
from hark.engine.types import SAMPLE_RATE, EngineUpdate, StreamOptions
from training.errors import RecipeError
from training.evaluation import evaluate
from training.evaluation.evaluate import TestClip
from training.learning import export
from training.synthesis import voices

_BLOCK = SAMPLE_RATE // 50
"""Samples of one block fed to the engine: 20 ms, as a client sends them."""


class EvaluationError(RecipeError):
    """The evaluation cannot be made; the message says what to do."""


@dataclass(frozen=True)
class Sizes:
    """How much is measured. Words are those of the reference, clips those of a test set."""

    voice_draws: int = 4000
    family_words: int = 400
    set_words: int = 1000
    long_clips: int = 45
    digit_strings: int = 100
    cut_clips: int = 400
    streams: int = 60
    noise_clips: int = 200
    quiet_minutes: float = 60.0
    quiet_stream_minutes: float = 12.0
    language_clips: int = 200
    named_clips: int = 300
    confidence_clips: int = 200


QUICK = Sizes(
    voice_draws=60,
    family_words=1,
    set_words=10,
    long_clips=1,
    digit_strings=2,
    cut_clips=4,
    streams=1,
    noise_clips=2,
    quiet_minutes=0.5,
    quiet_stream_minutes=0.2,
    language_clips=2,
    named_clips=3,
    confidence_clips=3,
)
"""Enough to see that every section runs; its figures mean nothing."""


@dataclass(frozen=True)
class Inputs:
    """Folders the evaluation reads.

    ``speech`` holds human recordings with transcripts; ``digit_models`` holds, by speaker, models
    whose training left that speaker out. Sections whose input is missing are skipped.
    """

    model: Path
    digits: Path
    speech: Path | None = None
    aligner: Path | None = None
    digit_models: dict[str, Path] = field(default_factory=dict)


class Exam:
    """One evaluation of one model."""

    def __init__(self, inputs: Inputs, sizes: Sizes, seed: int) -> None:
        self.inputs, self.sizes, self.seed = inputs, sizes, seed
        model, self.prompt = export.load(inputs.model)
        self.model = model.float()
        self._clock = SpeakersClock()

    @cached_property
    def engines(self) -> voices.Voices:
        """The synthesisers."""
        return voices.Voices()

    @cached_property
    def engine(self) -> Engine:
        """The server's engine with this model."""
        return load_engine(EngineConfig(model=str(self.inputs.model), device="cpu"), self._clock)

    def rng(self, purpose: str) -> random.Random:
        """A generator of its own for each purpose, so that sections don't depend on each other."""
        return random.Random(f"eval {self.seed} {purpose}")

    def answers(
        self,
        clips: Sequence[TestClip],
        window: int,
        contexts: Sequence[str] | None = None,
        language: str | None = None,
    ) -> list[tuple[str, str]]:
        """(language, text) of each clip as a whole, decoded greedily."""
        return evaluate.transcribe(self.model, self.prompt, clips, window, contexts, language)

    def hear(self, samples: np.ndarray, options: StreamOptions) -> list[EngineUpdate]:
        """What the engine says to samples that come as fast as they are spoken."""

        def blocks() -> Iterator[np.ndarray]:
            self._clock.begin()
            for at in range(0, len(samples), _BLOCK):
                self._clock.advance(_BLOCK / SAMPLE_RATE)
                yield samples[at : at + _BLOCK]

        return list(transcribe(self.engine, blocks(), options))


class SpeakersClock:
    """Time that jumps to when the next block has been spoken, unless computing took longer."""

    def __init__(self) -> None:
        self._skipped = 0.0
        self._spoken_at = time.perf_counter()

    def __call__(self) -> float:
        return time.perf_counter() + self._skipped

    def begin(self) -> None:
        """Somebody begins to speak now."""
        self._spoken_at = self()

    def advance(self, seconds: float) -> None:
        """Let a block of this length be spoken."""
        self._spoken_at += seconds
        self._skipped += max(0.0, self._spoken_at - self())


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
