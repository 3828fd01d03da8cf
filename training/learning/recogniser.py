"""What a run needs to know to train the recogniser: batches, losses, measurements, export."""

from __future__ import annotations

import random
from pathlib import Path

from torch import Tensor, nn

from training.language.tokenizer import Prompt
from training.learning import context, dev, export, loss, schedule
from training.learning.batches import Batch, Collator
from training.learning.feed import Source
from training.learning.model import SpeechModel
from training.learning.schedule import Schedule


class Recogniser:
    """The recogniser and its auxiliary heads, which are dropped at export."""

    def __init__(self, model: SpeechModel, prompt: Prompt, plan: Schedule) -> None:
        self.model = model
        self.prompt = prompt
        self.plan = plan
        self.heads = loss.Auxiliary(model.size.encoder_dim, model.size.vocab)
        self._dev: dev.DevClips | None = None

    def modules(self) -> dict[str, nn.Module]:
        """Everything that is trained."""
        return {"model": self.model, "heads": self.heads}

    def batch(self, source: Source, seconds: float, rng: random.Random, hours: float) -> Batch:
        """A batch of about ``seconds`` for a run that has seen ``hours``."""
        count, shortest, longest = schedule.draw_length(hours, seconds, rng)
        rows = [source.sampler.row(rng, shortest, longest) for _ in range(count)]
        rows = context.give(rows, rng, source.sampler.random_words)
        collator = Collator(self.prompt, source.backgrounds)
        return collator.batch(rows, longest, self.plan.strength(hours), rng)

    def loss(
        self, batch: Batch, hours: float, rng: random.Random
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Total loss of a batch, and its parts."""
        window = schedule.draw_window(rng)
        return loss.compute(self.model, self.heads, batch, window, self.plan.losses(hours))

    def measure(self, seed: int) -> list[str]:
        """Lines with the error rates of the development clips."""
        if self._dev is None:
            self._dev = dev.DevClips(seed)
            return [*self._dev.missing, *self._dev.report(self.model, self.prompt)]
        return self._dev.report(self.model, self.prompt)

    def export(self, folder: Path) -> None:
        """Write the model as a checkpoint folder."""
        export.export(self.model, self.prompt, folder)
