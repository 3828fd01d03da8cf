"""Runs the evaluation section by section and keeps ``eval.json`` up to date after each.

An evaluation that was interrupted continues where it stopped; a section whose inputs changed is
measured again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from training.errors import read_json, write_whole
from training.evaluation import (
    report_accuracy,
    report_aligner,
    report_confidence,
    report_language,
    report_names,
    report_robust,
    report_stream,
    summary,
    tables,
)
from training.evaluation.exam import QUICK, EvaluationError, Exam, Inputs, Sizes, file_hash

FORMAT = 2
"""Of ``eval.json``; a record of another format is measured anew."""


@dataclass(frozen=True)
class Section:
    """One part of the evaluation: what measures it, and the inputs it needs beside the model."""

    measure: Callable[[Exam], dict]
    needs: tuple[str, ...] = ()


SECTIONS: dict[str, Section] = {
    "speed": Section(report_stream.speed),
    "closed": Section(report_accuracy.closed),
    "unseen": Section(report_accuracy.unseen),
    "open": Section(report_accuracy.open_vocabulary),
    "long": Section(report_accuracy.long),
    "digits": Section(report_accuracy.human_digits, ("digits", "digit_models")),
    "partials": Section(report_stream.partials),
    "stream": Section(report_stream.stream),
    "noise": Section(report_robust.noise),
    "quiet": Section(report_robust.quiet),
    "language": Section(report_language.language),
    "names": Section(report_names.context_names),
    "confidence": Section(report_confidence.confidence, ("speech", "digits")),
    "people": Section(report_confidence.human_speech, ("speech",)),
    "aligner": Section(report_aligner.aligner, ("aligner",)),
}


@dataclass(frozen=True)
class Task:
    """What to evaluate and where to: ``only`` names sections to measure (again), all if empty."""

    inputs: Inputs
    output: Path
    seed: int = 1
    quick: bool = False
    only: Sequence[str] = ()

    @property
    def identity(self) -> dict:
        """What must be equal for an earlier ``eval.json`` to be continued."""
        weights = self.inputs.model / "model.safetensors"
        if not weights.exists():
            raise EvaluationError(
                f"{self.inputs.model} holds no model.safetensors; export one with: "
                "python -m training export --run RUN --out FOLDER"
            )
        return {
            "format": FORMAT,
            "model": file_hash(weights),
            "seed": self.seed,
            "quick": self.quick,
        }

    @cached_property
    def exam(self) -> Exam:
        """The model and its voices, loaded when the first section needs them."""
        return Exam(self.inputs, QUICK if self.quick else Sizes(), self.seed)

    def used(self, section: Section) -> dict[str, str]:
        """The inputs of a section, as ``eval.json`` records them."""
        return {name: _described(getattr(self.inputs, name)) for name in section.needs}

    def lacks(self, section: Section) -> list[str]:
        """Inputs the section cannot do without and that were not given."""
        return [name for name in section.needs if getattr(self.inputs, name) is None]


def run(task: Task) -> dict:
    """Measure what is missing; write ``eval.json`` after each section and ``eval.md`` at the end.

    Raises:
        EvaluationError: the folder holds no model, or a section's name or input is wrong.
    """
    unknown = set(task.only) - set(SECTIONS)
    if unknown:
        raise EvaluationError(
            f"no section is called {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}"
        )
    record = _begin(task)
    for name, section in SECTIONS.items():
        if task.only and name not in task.only:
            continue
        if missing := task.lacks(section):
            if task.only:
                raise EvaluationError(f"{name} needs --{' and --'.join(missing)}")
            print(f"{name}: left out, --{' and --'.join(missing)} not given", flush=True)
            continue
        kept = record["sections"].get(name)
        if not task.only and kept and kept["inputs"] == task.used(section):
            print(f"{name}: kept from before", flush=True)
            continue
        record["sections"][name] = _measured(task, section)
        _save(record, task.output)
        print(f"{name}: {record['sections'][name]['seconds']:.0f} s", flush=True)
        for line in summary.of_section(name, record["sections"][name]):
            print(f"    {line.what}: {line.measured} (wanted: {line.wanted})", flush=True)
    (task.output / "eval.md").write_text(tables.markdown(record), "utf-8")
    return record


def read(folder: Path) -> dict:
    """The record in ``eval.json`` of a folder.

    Raises:
        EvaluationError: there is none.
    """
    path = folder / "eval.json"
    if not path.exists():
        raise EvaluationError(
            f"{path} is missing; make it with: python -m training eval --model MODEL --out {folder}"
        )
    return read_json(path, "remove it and evaluate again")


def _begin(task: Task) -> dict:
    """The record so far, or a new one when the folder's is of another model, seed or size."""
    path = task.output / "eval.json"
    if path.exists():
        record = read(task.output)
        if {key: record.get(key) for key in task.identity} == task.identity:
            return record
        print(f"{path} is of another model, seed, size or format; starting over", flush=True)
    task.output.mkdir(parents=True, exist_ok=True)
    return {**task.identity, "sections": {}}


def _measured(task: Task, section: Section) -> dict:
    begin = time.monotonic()
    figures = section.measure(task.exam)
    seconds = round(time.monotonic() - begin, 1)
    return {**figures, "inputs": task.used(section), "seconds": seconds}


def _described(value: Path | dict[str, Path]) -> str:
    """A folder, and the hash of the weights in it."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_described(value[name])}" for name in sorted(value))
    weights = value / "model.safetensors"
    return f"{value} {file_hash(weights)[:16]}" if weights.exists() else str(value)


def _save(record: dict, output: Path) -> None:
    write_whole(output / "eval.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")
