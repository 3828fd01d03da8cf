"""Command line of the training recipe: ``python -m training COMMAND``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

# Read when torch is loaded. A thread that waits must not spin: the cores may be shared. A new
# matmul shape costs a kernel build, so many of them are kept.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8192")

from training import corpus, train  # noqa: E402


def main() -> None:
    """Parse the command line and run one step of the recipe."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_corpus(commands)
    _add_train(commands)
    arguments = parser.parse_args()
    arguments.run_command(arguments)


def _add_corpus(commands) -> None:
    command = commands.add_parser("corpus", help="synthesise the training corpus")
    command.add_argument("--dir", type=Path, required=True, help="folder of the corpus shards")
    command.add_argument("--digits", type=Path, default=Path("training/data/digits"),
                         help="folder of the Free Spoken Digit Dataset recordings")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--shards", type=int, default=60, help="shards of 1000 clips (~0.8 h)")
    command.add_argument("--jobs", type=int, default=2, help="processes")
    command.set_defaults(run_command=lambda a: corpus.build(
        a.dir, a.digits, seed=a.seed, shards=a.shards, jobs=a.jobs))


def _add_train(commands) -> None:
    command = commands.add_parser("train", help="train until a given time, or resume")
    command.add_argument("--dir", type=Path, required=True, help="folder of the corpus shards")
    command.add_argument("--run", type=Path, required=True,
                         help="folder of checkpoints, progress.log and the export")
    command.add_argument("--until", required=True, help="local time to end at, HH:MM")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--threads", type=int, default=2)
    command.set_defaults(run_command=_train)


def _train(arguments: argparse.Namespace) -> None:
    train.prepare_torch(arguments.threads)
    train.Run(train.Settings(
        corpus=arguments.dir, run=arguments.run, until=train.deadline(arguments.until),
        seed=arguments.seed, threads=arguments.threads)).train()


if __name__ == "__main__":
    main()
