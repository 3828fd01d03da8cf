"""The commands that judge and describe a model: their arguments, and what they call."""

from __future__ import annotations

import argparse
from pathlib import Path

from training import bench_clips, manifest, samples
from training.commands import add_digits, add_folder, add_run
from training.errors import number
from training.evaluation import card, licences, report, tables
from training.evaluation.exam import Inputs
from training.learning import export, machine
from training.synthesis import voices


def add(steps: argparse._SubParsersAction) -> None:
    """Add the commands to the parser."""
    for function in (_packages, _eval, _manifest, _card, _samples, _bench_clips):
        function(steps)


def _packages(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser("packages", help="name the Debian packages the corpus is made with")
    command.set_defaults(call=lambda _: print(*licences.packages()))


def _eval(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser("eval", help="measure an exported model on unseen sentences")
    _add_model(command)
    add_digits(command)
    command.add_argument(
        "--digit-models",
        type=_digit_model,
        nargs="+",
        default=[],
        metavar="SPEAKER=FOLDER",
        help="models whose training left that speaker's digits out",
    )
    command.add_argument("--speech", type=Path, help="folder of human recordings and transcripts")
    command.add_argument("--aligner", type=Path, help="folder of an exported aligner")
    _add_out(command)
    command.add_argument("--only", nargs="+", default=[], help="measure these sections (again)")
    command.add_argument("--quick", action="store_true", help="tiny sets: does every part run?")
    command.add_argument("--seed", type=int, default=1, help="draws sentences, voices and sounds")
    command.add_argument("--threads", type=number(int, at_least=1), default=2, help="CPU threads")
    command.set_defaults(call=_evaluate)


def _manifest(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser("manifest", help="describe the corpus, for the card and the tests")
    add_folder(command)
    add_digits(command)
    command.add_argument(
        "--out", type=Path, required=True, help="folder; training/manifest is the shipped model's"
    )
    command.set_defaults(call=lambda a: manifest.write(a.dir, a.digits, a.out))


def _card(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser("card", help="write CARD.md, and the threshold of guesses")
    _add_model(command)
    add_run(command)
    _add_out(command)
    command.add_argument("--aligner-run", type=Path, help="folder of the aligner's run")
    command.add_argument(
        "--digit-runs",
        type=_digit_model,
        nargs="+",
        default=[],
        metavar="SPEAKER=FOLDER",
        help="runs that left that speaker's digits out",
    )
    command.add_argument(
        "--manifest",
        type=Path,
        default=manifest.FOLDER,
        help="what the manifest command wrote (default: that of the shipped model)",
    )
    command.add_argument("--note", default="", help="a remark on the run, for the card")
    command.set_defaults(
        call=lambda a: card.write(
            a.model,
            a.run,
            a.out,
            a.note,
            aligner_run=a.aligner_run,
            digit_runs=dict(a.digit_runs),
            description=a.manifest,
        )
    )


def _samples(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser("samples", help="render the bundled sample clips")
    command.add_argument("--out", type=Path, required=True, help="folder for the wav files")
    add_digits(command)
    command.add_argument("--model", type=Path, help="check that this model gets them right")
    command.set_defaults(call=_render)


def _bench_clips(steps: argparse._SubParsersAction) -> None:
    command = steps.add_parser("bench-clips", help="render the clips that hark bench speaks")
    command.add_argument("--out", type=Path, required=True, help="folder for the FLAC files")
    command.add_argument("--model", default="embedded", help="the model that must get them right")
    command.add_argument("--seed", type=int, default=0, help="draws sentences and voices")
    command.set_defaults(call=_render_bench_clips)


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", type=Path, required=True, help="folder of the model")


def _add_out(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--out",
        type=Path,
        default=Path("training/build/eval"),
        help="folder of eval.json and eval.md (default: %(default)s)",
    )


def _digit_model(argument: str) -> tuple[str, Path]:
    speaker, found, folder = argument.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"{argument!r} is not of the form SPEAKER=FOLDER")
    return speaker, Path(folder)


def _evaluate(arguments: argparse.Namespace) -> None:
    machine.prepare_torch(arguments.threads)
    inputs = Inputs(
        arguments.model,
        arguments.digits,
        arguments.speech,
        arguments.aligner,
        dict(arguments.digit_models),
    )
    task = report.Task(
        inputs, arguments.out, arguments.seed, quick=arguments.quick, only=arguments.only
    )
    print(tables.markdown(report.run(task)))


def _render(arguments: argparse.Namespace) -> None:
    clips = samples.render(arguments.out, arguments.digits)
    if arguments.model:
        samples.check(*export.load(arguments.model), clips)


def _render_bench_clips(arguments: argparse.Namespace) -> None:
    entries = bench_clips.render(
        voices.Voices(), arguments.out, model=arguments.model, seed=arguments.seed
    )
    print(f"{len(entries)} clips in {arguments.out}")
