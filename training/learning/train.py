"""The training loop: steps, checkpoints and progress lines of a run that can be continued."""

from __future__ import annotations

import datetime
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from training.errors import RecipeError
from training.learning import checkpoint, machine
from training.learning.batches import TensorBatch
from training.learning.checkpoint import Phase, State
from training.learning.feed import Feed, Source
from training.learning.model import SpeechModel
from training.learning.optimiser import Optimiser
from training.learning.schedule import ADAM_RATE, MUON_RATE

CHECKPOINT_SECONDS = 360
REPORT_STEPS = 50
MEASURE_HOURS = 15.0
_MOST_BAD_STEPS = 20


B = TypeVar("B", bound=TensorBatch)


class DivergedError(RecipeError):
    """The loss is not a number any more."""


class Schedule(Protocol):
    """When a run ends, and its learning rate until then; all in hours of audio."""

    @property
    def end(self) -> float: ...

    def rate(self, hours: float, steps: int) -> float: ...


class Task(Protocol[B]):
    """What is trained, in batches of type ``B``."""

    @property
    def model(self) -> SpeechModel: ...

    @property
    def plan(self) -> Schedule: ...

    def modules(self) -> dict[str, nn.Module]: ...

    def batch(self, source: Source, seconds: float, rng: random.Random, hours: float) -> B: ...

    def loss(
        self, batch: B, hours: float, rng: random.Random
    ) -> tuple[Tensor, dict[str, Tensor]]: ...

    def measure(self, seed: int) -> list[str]: ...

    def export(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class Settings:
    """How to train; ``until`` is a wall-clock time (timestamp) to stop at, if any."""

    run: Path
    device: torch.device
    seed: int = 1
    threads: int = 2
    batch_seconds: float = 120.0
    until: float | None = None
    compile: bool = False


def deadline(clock: str) -> float:
    """The next moment at which the local clock shows ``clock`` ("HH:MM"), as a timestamp."""
    now = datetime.datetime.now()
    hour, minute = map(int, clock.split(":"))
    moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if moment <= now:
        moment += datetime.timedelta(days=1)
    return moment.timestamp()


def compile_layers(model: SpeechModel) -> None:
    """Fuse the layers' small operations: a fifth less time per step, after minutes of compiling."""
    for layers in (model.model.audio_tower.layers, model.model.language_model.layers):
        for layer in layers:
            layer.compile(dynamic=True)


class Means:
    """Running means of the loss parts between two progress lines."""

    def __init__(self) -> None:
        self.count = 0
        self._begin = time.monotonic()
        self._sums: dict[str, Tensor] = {}

    def add(self, parts: dict[str, Tensor]) -> None:
        """Count one step."""
        self.count += 1
        for name, value in parts.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def __str__(self) -> str:
        parts = " ".join(f"{name} {v.item() / self.count:.3f}" for name, v in self._sums.items())
        return f"{parts}, {(time.monotonic() - self._begin) / self.count:.2f} s/step"


class Run(Generic[B]):
    """Trains a task from a state, and keeps that state on disk."""

    def __init__(self, settings: Settings, task: Task[B], state: State, source: Source) -> None:
        self.settings, self.task, self.state, self.source = settings, task, state, source
        for module in task.modules().values():
            module.to(settings.device)
        self.optimiser = Optimiser(task.modules().values())
        if "optimiser" in state.tensors:
            self.optimiser.load_state_dict(state.tensors["optimiser"])
        if settings.compile:
            compile_layers(task.model)
        self._phase = self._begin_phase()
        self._saved = self._counted = time.monotonic()
        self._measured = self.hours
        self._bad_steps = 0
        self._is_stopping = False

    @property
    def hours(self) -> float:
        """Hours of audio seen."""
        return self.state.seconds / 3600

    def train(self) -> bool:
        """Train to the plan's end, save, measure and export; False if stopped before.

        SIGTERM, SIGINT and the settings' deadline save and stop.

        Raises:
            DivergedError: the loss stays infinite; the last checkpoint is intact.
        """
        self.say(
            f"{self.state.kind}: {self.hours:.1f} of {self.task.plan.end:g} h, "
            f"step {self.optimiser.steps}; corpus: {self.source}"
        )
        feed = Feed(self._make, self.settings.seed, self.optimiser.steps)
        with feed, self._stopped_by_signals():
            finished = self._steps(feed)
        self.save()
        if finished:
            if self.hours > self._measured:
                self._measure()
            self.task.export(self.settings.run / "export")
        self.say("finished" if finished else "stopped; the same command resumes")
        return finished

    def say(self, line: str) -> None:
        """Append a line to the progress file and print it."""
        stamped = f"{datetime.datetime.now():%H:%M:%S} {line}"
        with (self.settings.run / "progress.log").open("a") as log:
            log.write(stamped + "\n")
        print(stamped, flush=True)

    def save(self) -> None:
        """Write the checkpoint and ``run.json``, the record of the run for the model card."""
        now = time.monotonic()
        self._phase.wall_seconds += now - self._counted
        self._phase.to_hours = round(self.hours, 3)
        self._saved = self._counted = now
        modules = self.task.modules()
        self.state.tensors = {name: module.state_dict() for name, module in modules.items()}
        self.state.tensors["optimiser"] = self.optimiser.state_dict()
        self.state.save(self.settings.run)
        checkpoint.write_record(self.settings.run, self._record(), self.state.phases)

    @contextmanager
    def _stopped_by_signals(self) -> Iterator[None]:
        """Meanwhile the signals that end a program only ask for a stop."""
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(number, self._ask_to_stop) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _ask_to_stop(self, *_: object) -> None:
        self._is_stopping = True

    def _steps(self, feed: Feed[B]) -> bool:
        """Step until the plan's end; False if stopped before."""
        means = Means()
        while self.hours < self.task.plan.end:
            if self._is_stopping or time.time() > (self.settings.until or float("inf")):
                return False
            means.add(self._step(feed.next(self.hours)))
            if means.count == REPORT_STEPS:
                self.say(f"step {self.optimiser.steps} {self.hours:.1f} h {means}")
                means = Means()
            if time.monotonic() - self._saved > CHECKPOINT_SECONDS:
                self.save()
                if self.source.refresh():
                    self.say(f"corpus: {self.source}")
            if self.hours - self._measured > MEASURE_HOURS:
                self._measure()
                means = Means()
        return True

    def _step(self, batch: B) -> dict[str, Tensor]:
        """One optimiser step."""
        hours, steps = self.hours, self.optimiser.steps
        self.optimiser.zero()
        rng = random.Random(f"window {self.settings.seed}/{steps}")
        total, parts = self.task.loss(batch.to(self.settings.device), hours, rng)
        total.backward()
        if torch.isfinite(total) and self.optimiser.is_finite():
            factor = self.task.plan.rate(hours, steps)
            self.optimiser.update(ADAM_RATE * factor, MUON_RATE * factor)
            self._bad_steps = 0
        else:
            self._skip()
        self.state.seconds += batch.seconds
        return parts

    def _skip(self) -> None:
        """Count a step without a usable gradient."""
        self._bad_steps += 1
        self.say(f"step {self.optimiser.steps}: the loss or a gradient is not finite; skipped")
        if self._bad_steps == _MOST_BAD_STEPS:
            raise DivergedError(
                f"{_MOST_BAD_STEPS} steps in a row had no finite gradient. The checkpoint of "
                f"{self.settings.run} is older and intact: give the same command with another "
                "--seed"
            )

    def _make(self, rng: random.Random, hours: float) -> B:
        return self.task.batch(self.source, self.settings.batch_seconds, rng, hours)

    def _measure(self) -> None:
        self._measured = self.hours
        for line in self.task.measure(self.settings.seed):
            self.say(line)

    def _begin_phase(self) -> Phase:
        """The phase this process adds to, a new one where anything changed."""
        settings, phases = self.settings, self.state.phases
        phase = Phase(
            kind=self.state.kind,
            machine=machine.machine_name(settings.device, settings.threads),
            commit=machine.recipe_commit(),
            corpus=self.source.identity,
            seed=settings.seed,
            from_hours=round(self.hours, 3),
            to_hours=round(self.hours, 3),
        )
        if not (phases and phases[-1].continues(phase)):
            phases.append(phase)
        return phases[-1]

    def _record(self) -> dict:
        last = self._phase
        return {
            "kind": self.state.kind,
            "steps": self.optimiser.steps,
            "hours_seen": round(self.hours, 2),
            "wall_seconds": round(sum(phase.wall_seconds for phase in self.state.phases)),
            "seed": self.settings.seed,
            "machine": last.machine,
            "commit": last.commit,
            "corpus": last.corpus,
            "parameters": sum(p.numel() for p in self.task.model.parameters()),
        }
