"""The training run: batches, schedule, checkpoints and progress lines."""

from __future__ import annotations

import datetime
import json
import random
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from training import corpus, evaluate, export, loss, schedule, voices
from training.batches import Batch, Collator, Sampler
from training.model import Size, SpeechModel
from training.optimiser import Optimiser
from training.tokenizer import Prompt, train_tokenizer

CHECKPOINT_SECONDS = 360
REPORT_STEPS = 50
DEV_CLIPS = 48


class NoCheckpointError(RuntimeError):
    """The run has no checkpoint yet."""


@dataclass(frozen=True)
class Settings:
    """Where to train and for how long; ``until`` is the wall-clock time the run must end at."""

    corpus: Path
    run: Path
    until: float
    seed: int = 1
    threads: int = 2
    compile: bool = False


def deadline(clock: str) -> float:
    """The next moment at which the local clock shows ``clock`` ("HH:MM"), as a timestamp."""
    now = datetime.datetime.now()
    hour, minute = map(int, clock.split(":"))
    moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if moment <= now:
        moment += datetime.timedelta(days=1)
    return moment.timestamp()


def export_checkpoint(run: Path, output: Path) -> None:
    """Export the last checkpoint of a run."""
    path = run / "checkpoint.pt"
    if not path.exists():
        raise NoCheckpointError(f"{run} has no checkpoint.pt yet; train first")
    model = SpeechModel()
    model.load_state_dict(torch.load(path)["model"])
    export.export(model, Prompt.load(run / "tokenizer.json"), output)


def _compile_layers(model: SpeechModel) -> None:
    """Fuse the layers' small operations: a fifth less time per step, after minutes of compiling."""
    for layers in (model.model.audio_tower.layers, model.model.language_model.layers):
        for layer in layers:
            layer.compile(dynamic=True)


def _cpu_name() -> str:
    """The processor's name as Linux reports it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "an unnamed CPU"


def prepare_torch(threads: int) -> None:
    """CPU settings that matter for speed at this size."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)


class Means:
    """Running means of the loss parts between two progress lines."""

    def __init__(self) -> None:
        self.count = 0
        self._begin = time.time()
        self._sums: dict[str, float] = {}

    def add(self, parts: dict[str, float]) -> None:
        """Count one step."""
        self.count += 1
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    @property
    def pace(self) -> float:
        """Wall seconds per step."""
        return (time.time() - self._begin) / self.count

    def __str__(self) -> str:
        return " ".join(f"{name} {value / self.count:.3f}" for name, value in self._sums.items())


class Run:
    """A training run that continues from its last checkpoint."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.run.mkdir(parents=True, exist_ok=True)
        self.log = (settings.run / "progress.log").open("a", buffering=1)
        torch.manual_seed(settings.seed)
        self.prompt = self._prompt()
        self.model = SpeechModel()
        self.heads = loss.Auxiliary(self.model.size.encoder_dim, self.model.size.vocab)
        self.optimiser = Optimiser([self.model, self.heads])
        if settings.compile:
            _compile_layers(self.model)
        self.started, self.seconds = time.time(), 0.0
        self.stopping = False
        self._resume()
        seed = settings.seed + self.optimiser.steps
        self.batch_rng, self.window_rng = random.Random(seed), random.Random(seed + 1)
        self.pool = ThreadPoolExecutor(1)
        self.collator = Collator(self.prompt, seed)
        self._load_corpus(seed)
        self.dev = self._dev_clips()
        self.following = self.pool.submit(self._batch, self.progress())

    def train(self) -> None:
        """Train until the deadline, then export. SIGTERM saves and stops early."""
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stopping", True))
        saved, means = time.time(), Means()
        while (progress := self.progress()) < 1.0:
            if self.stopping:
                self.save()
                self.say("stopped; the same command resumes")
                return
            means.add(self._step(progress))
            if means.count == REPORT_STEPS:
                self._report(progress, means)
                means = Means()
            if time.time() - saved > CHECKPOINT_SECONDS:
                self.save()
                self.measure()
                self._load_corpus(self.optimiser.steps)
                saved, means = time.time(), Means()
        self.save()
        self.measure()
        export.export(self.model, self.prompt, self.settings.run / "export")
        self.say("finished")

    def progress(self) -> float:
        """Share of the run's wall time that has passed."""
        return (time.time() - self.started) / (self.settings.until - self.started)

    def say(self, line: str) -> None:
        """Append a line to the progress file and print it."""
        stamped = f"{datetime.datetime.now():%H:%M:%S} {line}"
        self.log.write(stamped + "\n")
        print(stamped, flush=True)

    def save(self) -> None:
        """Write the checkpoint and ``run.json``, the record of the run for the model card."""
        state = {
            "size": Size().to_dict(),
            "heads": self.heads.state_dict(),
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "started": self.started,
            "seconds": self.seconds,
        }
        part = self.settings.run / "checkpoint.part"
        torch.save(state, part)
        part.replace(self.settings.run / "checkpoint.pt")
        (self.settings.run / "run.json").write_text(json.dumps(self._record(), indent=1) + "\n")

    def measure(self) -> None:
        """Write the error rates of the development clips to the progress file."""
        model = SpeechModel().to(torch.bfloat16)  # a copy, so that decoding compiles nothing
        model.load_state_dict(self.model.state_dict())
        for window in (8, 1):
            answers = evaluate.transcribe(model, self.prompt, self.dev, window)
            scores = evaluate.score(self.dev, answers)
            cells = ", ".join(f"{name} {entry.wer:.1f}" for name, entry in sorted(scores.items()))
            self.say(f"dev WER, {window} s window: {cells}")
        self.say(f"  e.g. {answers[0][1]!r} for {self.dev[0].text!r}")

    def _step(self, progress: float) -> dict[str, float]:
        """One optimiser step."""
        batch: Batch = self.following.result()
        self.following: Future = self.pool.submit(self._batch, progress)
        self.optimiser.zero()
        total, parts = loss.compute(
            self.model,
            self.heads,
            batch,
            schedule.draw_window(self.window_rng),
            schedule.loss_weights(progress),
        )
        if torch.isfinite(total):
            total.backward()
            factor = schedule.rate_factor(progress, self.optimiser.steps)
            self.optimiser.update(schedule.ADAM_RATE * factor, schedule.MUON_RATE * factor)
        self.seconds += batch.seconds
        return parts

    def _batch(self, progress: float) -> Batch:
        """Build a batch; runs in the pool's thread while the previous step computes."""
        count, shortest, longest = schedule.draw_length(progress, self.batch_rng)
        rows = [self.sampler.row(shortest, longest) for _ in range(count)]
        return self.collator.batch(rows, longest, schedule.augment_strength(progress))

    def _report(self, progress: float, means: Means) -> None:
        self.say(
            f"step {self.optimiser.steps} {progress:.1%} {means} "
            f"{self.seconds / 3600:.1f} h seen, {means.pace:.2f} s/step"
        )

    def _record(self) -> dict:
        return {
            "steps": self.optimiser.steps,
            "hours_seen": round(self.seconds / 3600, 2),
            "wall_seconds": round(time.time() - self.started),
            "seed": self.settings.seed,
            "threads": self.settings.threads,
            "cpu": _cpu_name(),
            "parameters": sum(p.numel() for p in self.model.parameters()),
        }

    def _prompt(self) -> Prompt:
        path = self.settings.run / "tokenizer.json"
        if not path.exists():
            train_tokenizer(self.settings.seed).save(str(path))
        return Prompt.load(path)

    def _resume(self) -> None:
        path = self.settings.run / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path)
        self.optimiser.load_state_dict(state["optimiser"])
        self.started, self.seconds = state["started"], state["seconds"]
        self.say(f"resumed at step {self.optimiser.steps}")

    def _load_corpus(self, seed: int) -> None:
        """(Re)read the shards; more of them may have been finished meanwhile."""
        shards = corpus.load(self.settings.corpus)
        if getattr(self, "shards", 0) != len(shards):
            self.shards = len(shards)
            self.sampler = Sampler(shards, seed)
            self.say(f"corpus: {self.shards} shards, {self.sampler.hours:.1f} h")

    def _dev_clips(self) -> list[evaluate.TestClip]:
        """Held-out sentences in trained voices, every sixth in Spanish."""
        engines, rng = voices.Voices(), random.Random(f"dev {self.settings.seed}")
        return [
            evaluate.fresh_clip(engines, rng, "Spanish" if i % 6 == 5 else "English")
            for i in range(DEV_CLIPS)
        ]
