"""Command line of the training recipe: ``python -m training COMMAND``."""

from __future__ import annotations

import argparse
from pathlib import Path

from training import corpus


def main() -> None:
    """Parse the command line and run one step of the recipe."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_corpus(commands)
    arguments = parser.parse_args()
    arguments.run(arguments)


def _add_corpus(commands) -> None:
    command = commands.add_parser("corpus", help="synthesise the training corpus")
    command.add_argument("--dir", type=Path, required=True, help="folder of the corpus shards")
    command.add_argument("--digits", type=Path, default=Path("training/data/digits"),
                         help="folder of the Free Spoken Digit Dataset recordings")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--shards", type=int, default=60, help="shards of 1000 clips (~0.8 h)")
    command.add_argument("--jobs", type=int, default=2, help="processes")
    command.set_defaults(run=lambda a: corpus.build(
        a.dir, a.digits, seed=a.seed, shards=a.shards, jobs=a.jobs))


if __name__ == "__main__":
    main()
