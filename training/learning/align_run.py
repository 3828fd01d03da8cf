"""Training the aligner from a recogniser's weights."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import torch
from torch import Tensor, nn

from training.evaluation import align_eval
from training.evaluation.evaluate import TestClip
from training.language.tokenizer import Prompt
from training.learning import checkpoint, export, runs, schedule
from training.learning.aligner import CLASSES, AlignCollator, AlignerModel, slot_loss
from training.learning.batches import TensorBatch
from training.learning.checkpoint import State
from training.learning.feed import Source
from training.learning.rows import Row
from training.learning.train import Run, Settings
from training.synthesis.speech import MissingSynthesiserError

STRENGTH = 0.7
"""Augmentation: the body knows noise already, and times are wanted from clear speech, too."""
DEV_CLIPS = 48
_ALL_LENGTHS = 1000.0
"""Hours at which the recogniser's curriculum has reached every clip length."""


def start(settings: Settings, corpus: Path, parent: Path, hours: float) -> Run[TensorBatch]:
    """Align for ``hours`` of audio in all, from the run or exported model in ``parent``."""
    source = Source(corpus, settings.seed, digit_speakers=())  # their word times are rough
    if runs.has_checkpoint(settings.run):
        state = runs.own_state(settings, "align")
    else:
        torch.manual_seed(settings.seed)
        state = _state_of(parent)
        shutil.copyfile(parent / checkpoint.TOKENIZER, settings.run / checkpoint.TOKENIZER)
    model = AlignerModel(state.model_size())
    lacking = model.load_state_dict(state.tensors["model"], strict=False).missing_keys
    assert lacking in ([], ["score.weight"])
    prompt = Prompt.load(settings.run / checkpoint.TOKENIZER)
    return Run(settings, Alignment(model, prompt, schedule.Whole(hours)), state, source)


def _state_of(parent: Path) -> State:
    """A new state with the weights of a recogniser's run or of an exported model."""
    if (parent / "model.safetensors").exists():
        model, _ = export.load(parent)
        size, tensors = model.size.to_dict(), model.state_dict()
    else:
        state = runs.parent_state(parent)
        size, tensors = state.size, state.tensors["model"]
    return State("align", size, {"model": tensors}, seconds=0.0, begin_hours=0.0)


class Alignment:
    """What a run needs to know to train the aligner."""

    def __init__(self, model: AlignerModel, prompt: Prompt, plan: schedule.Whole) -> None:
        self.model = model
        self.plan = plan
        self._collator = AlignCollator(prompt)
        self._dev: list[TestClip] | None = None

    def modules(self) -> dict[str, nn.Module]:
        """Everything that is trained."""
        return {"model": self.model}

    def batch(
        self, source: Source, seconds: float, rng: random.Random, hours: float
    ) -> TensorBatch:
        """A batch of about ``seconds``, of clips of all lengths."""
        del hours
        count, shortest, longest = schedule.draw_length(_ALL_LENGTHS, seconds, rng)
        rows = [_spoken_row(source, rng, shortest, longest) for _ in range(count)]
        return self._collator.batch(rows, longest, STRENGTH, source.backgrounds, rng)

    def loss(
        self, batch: TensorBatch, hours: float, rng: random.Random
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Total loss of a batch, and its parts."""
        del hours, rng
        logits = self.model.slot_logits(
            batch.features, batch.tokens, batch.ids, batch.rows, batch.columns
        )
        loss = slot_loss(logits, batch.targets)
        return loss, {"slots": loss.detach()}

    def measure(self, seed: int) -> list[str]:
        """A line with the mean shift of the development clips, per voice family."""
        if self._dev is None:
            try:
                self._dev = align_eval.test_clips(DEV_CLIPS, seed)
            except MissingSynthesiserError as error:
                return [f"no development clips: {error}"]
        model = AlignerModel(self.model.size).to(torch.bfloat16).eval()
        model.load_state_dict(self.model.state_dict())
        shifts = align_eval.average_shifts(model, self._collator, self._dev)
        cells = ", ".join(f"{name} {shift.mean_ms:.0f}" for name, shift in shifts.items())
        return [f"dev shift in ms: {cells}"]

    def export(self, folder: Path) -> None:
        """Write the aligner as a checkpoint folder."""
        export.export(self.model, self._collator.prompt, folder, classes=CLASSES)


def _spoken_row(source: Source, rng: random.Random, shortest: int, longest: int) -> Row:
    while True:
        row = source.sampler.row(rng, shortest, longest)
        if row.words:
            return row
