"""The commands that make the corpus and train: their arguments, and what they call."""

from __future__ import annotations

import argparse
from pathlib import Path

from training import corpus, lock, smoke
from training.errors import number
from training.foreground import run as foreground
from training.learning import align_run, machine, runs, train
from training.learning.schedule import BATCH_SECONDS


def add(steps: argparse._SubParsersAction) -> None:
    """Add the commands to the parser."""
    for function in (_corpus, _train, _cooldown, _align, _export, _foreground, _smoke):
        function(steps)


def add_run(command: argparse.ArgumentParser) -> None:
    """``--run``."""
    command.add_argument(
        "--run",
        type=Path,
        required=True,
        help="folder of the run: checkpoint, progress.log, run.json, export",
    )


def add_digits(command: argparse.ArgumentParser) -> None:
    """``--digits``."""
    command.add_argument(
        "--digits",
        type=Path,
        default=Path("training/data/digits"),
        help="folder of the Free Spoken Digit Dataset's recordings",
    )


def add_folder(command: argparse.ArgumentParser) -> None:
    """``--dir``."""
    command.add_argument(
        "--dir",
        type=Path,
        default=Path("training/build/corpus"),
        help="folder of the corpus shards (default: %(default)s)",
    )


def _corpus(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser("corpus", help="synthesise the training corpus")
    add_folder(command)
    add_digits(command)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument(
        "--shards",
        type=number(int, at_least=1),
        default=100,
        help="shards of 1000 clips, about 50 min and 75 MB each (default: %(default)s)",
    )
    command.add_argument(
        "--jobs", type=number(int, at_least=1), default=2, help="processes (default: %(default)s)"
    )
    command.set_defaults(
        call=lambda a: corpus.build(corpus.Plan(a.dir, a.digits, a.seed, a.shards), a.jobs)
    )


def _train(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser(
        "train", help="the long phase at a constant rate; continue it with larger --hours"
    )
    _add_training(command, "stop at this many hours of audio in all")
    command.add_argument("--init", type=Path, help="start with an exported model's weights")
    command.add_argument(
        "--init-hours",
        type=number(float, at_least=0),
        default=0.0,
        help="hours of audio that model has seen",
    )
    command.set_defaults(call=_run_train)


def _cooldown(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser("cooldown", help="let a run's rate fall to zero, and export it")
    _add_training(command, "hours of audio from the other run's checkpoint to the end")
    _add_parent(command)
    command.add_argument(
        "--digits-speakers",
        help="people whose digits are mixed in, separated by commas; 'none' for nobody "
        "(default: all in the corpus)",
    )
    command.add_argument(
        "--rate",
        type=number(float, above=0),
        default=1.0,
        help="rate to begin with; lower for short fine-tunes",
    )
    command.set_defaults(call=_run_cooldown)


def _align(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser("align", help="train the aligner from a recogniser's weights")
    _add_training(command, "hours of audio in all; the rate falls to zero at their end")
    _add_parent(command)
    command.set_defaults(call=_run_align)


def _export(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser("export", help="export a run's last checkpoint")
    add_run(command)
    command.add_argument("--out", type=Path, required=True, help="folder for the model")
    command.set_defaults(call=lambda a: runs.export_checkpoint(a.run, a.out))


def _foreground(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser(
        "foreground", help="train the network that hears a voice in noise, on two cores in 18 min"
    )
    plan = foreground.Plan(Path("training/build/foreground"))
    command.add_argument(
        "--run",
        type=Path,
        default=plan.run,
        help="folder of its checkpoint and its weights (default: %(default)s)",
    )
    for name, what in (
        ("sentences", "sentences to speak"),
        ("mixtures", "mixtures of them with noise, 12 s and 96 kB of memory each"),
        ("steps", "steps of 40 mixtures"),
        ("seed", "of everything drawn"),
    ):
        default = getattr(plan, name)
        whole = number(int, at_least=1)
        help_ = f"{what} (default: %(default)s)"
        command.add_argument(f"--{name}", type=whole, default=default, help=help_)
    command.add_argument("--threads", type=number(int, at_least=1), default=2, help="CPU threads")
    command.set_defaults(call=_run_foreground)


def _smoke(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser("smoke", help="the whole recipe in small, in minutes")
    command.add_argument("--dir", type=Path, help="empty folder to keep (default: a temporary one)")
    command.set_defaults(call=lambda a: smoke.run(a.dir))


def _add_training(command: argparse.ArgumentParser, hours: str) -> None:
    """Arguments of every command that trains."""
    add_folder(command)
    add_run(command)
    command.add_argument("--hours", type=number(float, above=0), required=True, help=hours)
    command.add_argument(
        "--until", type=train.deadline, help="local time to stop at, HH:MM; the command resumes"
    )
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--threads", type=number(int, at_least=1), default=2, help="CPU threads")
    command.add_argument("--device", help="cpu or cuda (default: the GPU where there is one)")
    command.add_argument(
        "--batch-seconds",
        type=number(float, at_least=30),
        default=BATCH_SECONDS,
        help="audio per step (default: %(default)s)",
    )
    command.add_argument(
        "--compile", action="store_true", help="compile the layers (needs a C++ compiler)"
    )


def _add_parent(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--from", dest="parent", type=Path, required=True, help="folder of the run to start from"
    )


def _run_train(a: argparse.Namespace) -> bool:
    with lock.held(a.run):
        run = runs.constant(_settings(a), a.dir, a.hours, init=a.init, init_hours=a.init_hours)
        return run.train()


def _run_cooldown(a: argparse.Namespace) -> bool:
    speakers = _speakers(a.digits_speakers)
    with lock.held(a.run):
        return runs.cooldown(
            _settings(a), a.dir, a.parent, a.hours, digit_speakers=speakers, highest_rate=a.rate
        ).train()


def _run_align(a: argparse.Namespace) -> bool:
    with lock.held(a.run):
        return align_run.start(_settings(a), a.dir, a.parent, a.hours).train()


def _run_foreground(a: argparse.Namespace) -> None:
    machine.prepare_torch(a.threads)
    with lock.held(a.run):
        foreground.train(foreground.Plan(a.run, a.sentences, a.mixtures, a.steps, a.seed))


def _settings(arguments: argparse.Namespace) -> train.Settings:
    machine.prepare_torch(arguments.threads)
    return train.Settings(
        run=arguments.run,
        device=machine.pick_device(arguments.device),
        seed=arguments.seed,
        threads=arguments.threads,
        batch_seconds=arguments.batch_seconds,
        until=arguments.until,
        compile=arguments.compile,
    )


def _speakers(names: str | None) -> list[str] | None:
    if names is None:
        return None
    return [] if names == "none" else names.split(",")
