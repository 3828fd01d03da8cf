"""The recipe of Hark's built-in model: synthesise, train, evaluate and export."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# Read when torch is loaded. A thread that waits must not spin: the cores may be shared. A new
# matmul shape costs a kernel build, so many of them are kept.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8192")

import torch

from training import card, corpus, export, manifest, report, samples, train, voices
from training.digits import MissingDigitsError
from training.speech import MissingSynthesiserError

_EXPECTED_ERRORS = (
    MissingSynthesiserError,
    MissingDigitsError,
    corpus.CorpusVersionError,
    samples.SampleError,
    train.NoCheckpointError,
    FileNotFoundError,
)


def main() -> int:
    """Parse the command line and run one step of the recipe."""
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description=__doc__,
        epilog="Order: corpus, train, eval, card. An interrupted corpus or train continues when "
        "the same command is given again.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for add in (
        _add_corpus,
        _add_train,
        _add_export,
        _add_eval,
        _add_manifest,
        _add_card,
        _add_samples,
    ):
        add(commands)
    arguments = parser.parse_args()
    try:
        arguments.call(arguments)
    except _EXPECTED_ERRORS as error:
        print(f"{parser.prog} {arguments.command}: {error}", file=sys.stderr)
        return 1
    return 0


def _add_corpus(commands) -> None:
    command = commands.add_parser("corpus", help="synthesise the training corpus")
    _add_folder(command)
    _add_digits(command)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument(
        "--shards", type=int, default=50, help="shards of 1000 clips, about 0.8 h and 75 MB each"
    )
    command.add_argument("--jobs", type=int, default=2, help="processes")
    command.set_defaults(
        call=lambda a: corpus.build(a.dir, a.digits, seed=a.seed, shards=a.shards, jobs=a.jobs)
    )


def _add_train(commands) -> None:
    command = commands.add_parser("train", help="train until a given time, or resume")
    _add_folder(command)
    _add_run(command)
    command.add_argument("--until", required=True, help="local time to end at, HH:MM")
    command.add_argument("--seed", type=int, default=1)
    _add_threads(command)
    command.add_argument(
        "--compile", action="store_true", help="compile the layers (needs a C++ compiler)"
    )
    command.set_defaults(call=_train)


def _add_export(commands) -> None:
    command = commands.add_parser("export", help="export a run's last checkpoint")
    _add_run(command)
    command.add_argument("--out", type=Path, required=True, help="folder for the model")
    command.set_defaults(call=lambda a: train.export_checkpoint(a.run, a.out))


def _add_eval(commands) -> None:
    command = commands.add_parser("eval", help="evaluate an exported model on fresh sentences")
    command.add_argument("--model", type=Path, required=True, help="folder of the model")
    _add_digits(command)
    command.add_argument("--fresh", type=int, default=100, help="fresh grammar sentences")
    command.add_argument("--per-voice", type=int, default=40, help="sentences per voice family")
    command.add_argument("--seed", type=int, default=1, help="draws the sentences and voices")
    command.add_argument(
        "--out", type=Path, default=Path("eval"), help="folder for eval.json and eval.md"
    )
    _add_threads(command)
    command.set_defaults(call=_evaluate)


def _add_manifest(commands) -> None:
    command = commands.add_parser("manifest", help="describe the corpus in training/manifest")
    _add_folder(command)
    _add_digits(command)
    command.set_defaults(call=lambda a: manifest.write(a.dir, a.digits))


def _add_card(commands) -> None:
    command = commands.add_parser("card", help="write the model card CARD.md")
    command.add_argument("--model", type=Path, required=True, help="folder of the model")
    _add_run(command)
    command.add_argument("--eval", type=Path, default=Path("eval"), help="folder of eval.json")
    command.add_argument("--note", default="", help="a remark to add, e.g. on a changed schedule")
    command.set_defaults(call=lambda a: card.write(a.model, a.run, a.eval, a.note))


def _add_samples(commands) -> None:
    command = commands.add_parser("samples", help="render the bundled sample clips")
    command.add_argument("--out", type=Path, required=True, help="folder for the wav files")
    _add_digits(command)
    command.add_argument("--model", type=Path, help="check that this model gets them right")
    command.set_defaults(call=_samples)


def _add_folder(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dir", type=Path, required=True, help="folder of the corpus shards")


def _add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--run",
        type=Path,
        required=True,
        help="folder of the run: checkpoints, progress.log, export",
    )


def _add_digits(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--digits",
        type=Path,
        default=Path("training/data/digits"),
        help="folder of the Free Spoken Digit Dataset's recordings",
    )


def _add_threads(command: argparse.ArgumentParser) -> None:
    command.add_argument("--threads", type=int, default=2, help="CPU threads")


def _train(arguments: argparse.Namespace) -> None:
    train.prepare_torch(arguments.threads)
    train.Run(
        train.Settings(
            corpus=arguments.dir,
            run=arguments.run,
            until=train.deadline(arguments.until),
            seed=arguments.seed,
            threads=arguments.threads,
            compile=arguments.compile,
        )
    ).train()


def _evaluate(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    sizes = report.Sizes(fresh=arguments.fresh, per_voice=arguments.per_voice)
    figures = report.run(
        arguments.model, arguments.digits, arguments.out, sizes=sizes, seed=arguments.seed
    )
    print(report.table(figures))


def _samples(arguments: argparse.Namespace) -> None:
    engines = voices.Voices()
    samples.render(engines, arguments.out, arguments.digits)
    if arguments.model:
        samples.check(engines, *export.load(arguments.model), arguments.digits)


if __name__ == "__main__":
    sys.exit(main())
