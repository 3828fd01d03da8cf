"""The model card: ``CARD.md`` from the records of corpus, run and evaluation."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from training import corpus, manifest
from training.errors import RecipeError, read_json
from training.evaluation import licences, report, tables
from training.evaluation.exam import file_hash
from training.language import text
from training.learning import export
from training.learning.model import Size
from training.learning.schedule import ADAM_RATE, BATCH_SECONDS, MUON_RATE
from training.synthesis import digits

_TEMPLATE = Path(__file__).with_name("card_template.md")
_PHASES = {
    "constant": "constant rate",
    "cooldown": "rate falling to zero, human digits mixed in",
    "align": "aligner, from the recogniser's weights",
}


class CardError(RecipeError):
    """A record the card needs is missing; the message says how to make it."""


def write(
    folder: Path,
    run: Path,
    evaluation: Path,
    note: str = "",
    *,
    aligner_run: Path | None = None,
    digit_runs: Mapping[str, Path] | None = None,
    description: Path = manifest.FOLDER,
    allow_quick: bool = False,
) -> None:
    """Write ``CARD.md`` and the measured threshold of guesses into the model's ``folder``.

    ``run`` holds the run whose export the model is, ``aligner_run`` that of the aligner beside it,
    ``digit_runs`` the fine-tunes that left a speaker's digits out. ``evaluation`` holds the model's
    ``eval.json``, ``description`` the corpus as ``manifest.write`` describes it. ``note`` is added
    to the section on training, for what the records do not tell. Figures of a quick evaluation mean
    nothing and are refused, unless the card means nothing either.

    Raises:
        CardError: a run has no record or is of another kind, or the evaluation is a quick one or
            of other weights.
        EvaluationError: there is no evaluation.
    """
    training = _record(run, ("constant", "cooldown"))
    if aligner_run is not None:
        training["phases"] += _record(aligner_run, ("align",))["phases"]
    tuned = {name: _record(folder, ("cooldown",)) for name, folder in (digit_runs or {}).items()}
    figures = report.read(evaluation)
    if figures["model"] != file_hash(folder / "model.safetensors"):
        raise CardError(
            f"{evaluation} holds figures of other weights than {folder}; evaluate these with: "
            f"python -m training eval --model {folder} --out {evaluation}"
        )
    if figures["quick"] and not allow_quick:
        raise CardError(f"{evaluation} holds a quick evaluation; make a full one for the card")
    size = export.read_size(folder)
    card = _filled(size, training, tuned, figures, _corpus(description), note)
    (folder / "CARD.md").write_text(_wrapped(card) + "\n", "utf-8")
    if "confidence" in figures["sections"]:
        _set_threshold(folder, figures["sections"]["confidence"]["threshold"])


def _record(run: Path, kinds: Sequence[str]) -> dict:
    """What ``run.json`` says about a run, which is of one of these kinds."""
    record = run / "run.json"
    if not record.exists():
        raise CardError(f"{record} is missing: --run is the folder of the model's training run")
    content = read_json(record, "train on, or put back its copy")
    if content["kind"] not in kinds:
        raise CardError(f"{run} holds a run of the kind {content['kind']!r}, wanted: {kinds[0]!r}")
    return content


def _corpus(description: Path) -> dict:
    data = manifest.read(description)
    if data.get("format") != corpus.FORMAT:
        raise CardError(
            f"{description} describes a corpus of another format; "
            "write it anew with: python -m training manifest --dir CORPUS --digits DIGITS"
        )
    return data


def _filled(
    size: Size,
    training: Mapping,
    tuned: Mapping[str, Mapping],
    figures: Mapping,
    data: Mapping,
    note: str,
) -> str:
    """The template with its places filled."""
    sections = figures["sections"]
    speed = sections.get("speed", {})
    return _TEMPLATE.read_text("utf-8").format(
        millions=training["parameters"] / 1e6,
        megabytes=speed.get("bytes in all", 0) / 1e6,
        architecture=_architecture(size),
        vocabulary=round(text.vocabulary_size(), -2),
        groups=", ".join(sorted(text.GRAMMARS["English"].templates)),
        languages=", ".join(text.LANGUAGES),
        threshold=_guesses(sections),
        seed=figures["seed"],
        model=figures["model"][:16],
        overview=tables.overview(sections),
        tables=tables.details(sections),
        hours=data["hours"],
        clips=data["clips"],
        sentences=data["sentences"],
        per_language=_listed(data["hours_per_language"], " h"),
        per_kind=_listed(data["clips_per_kind"], " clips"),
        per_family=_listed(data["clips_per_family"], ""),
        variants=len(data["espeak_variants"]),
        held_out=", ".join(data["held_out_variants"]),
        left_out=data["left_out_voice"],
        versions=_listed(data["synthesisers"], ""),
        voices=tables.table(["voice", "Debian package", "by", "licence"], licences.voice_rows()),
        texts=tables.table(
            ["text", "language", "Debian package", "licence", "share"], licences.text_rows()
        ),
        digits=len(data["digit_recordings"]),
        speakers=", ".join(sorted({name.split("_")[1] for name in data["digit_recordings"]})),
        left_out_speaker=data["left_out_speaker"],
        corpus_seed=data["seed"],
        fingerprint=data["fingerprint"],
        sha256=data["corpus_sha256"],
        hours_seen=training["hours_seen"],
        steps=training["steps"],
        wall_hours=training["wall_seconds"] / 3600,
        muon=MUON_RATE,
        adam=ADAM_RATE,
        batch=BATCH_SECONDS,
        phases=_phase_table(training["phases"]),
        commands=_commands(training["phases"], tuned, data, figures["seed"]),
        note=f"{note}\n\n" if note else "",
    )


def _architecture(size: Size) -> str:
    return (
        f"The encoder has {size.encoder_layers} layers of width {size.encoder_dim} "
        f"({size.encoder_heads} heads, {size.encoder_ffn} in the feed-forward part) over three "
        f"convolutions of {size.stem_channels} channels, the decoder {size.layers} layers of width "
        f"{size.hidden} ({size.heads} query and {size.kv_heads} key heads of {size.head_dim}, "
        f"{size.ffn} in the feed-forward part) and {size.vocab} tokens, tied"
    )


def _phase_table(phases: Sequence[Mapping]) -> str:
    """One row for each stretch of the run."""
    header = ["phase", "hours of audio", "wall time", "machine", "commit", "seed", "corpus"]
    rows = [
        [
            _PHASES[phase["kind"]],
            f"{phase['from_hours']:.1f} to {phase['to_hours']:.1f}",
            f"{phase['wall_seconds'] / 60:.0f} min",
            phase["machine"],
            f"`{phase['commit']}`",
            phase["seed"],
            f"`{phase['corpus']['fingerprint']}`",
        ]
        for phase in phases
    ]
    return tables.table(header, rows)


def _commands(
    phases: Sequence[Mapping], tuned: Mapping[str, Mapping], data: Mapping, eval_seed: int
) -> str:
    """What to type to make the model again."""
    python = "python -m training"
    lines = [
        "apt-get install " + " ".join(licences.packages()),
        "pip install -e .",
        f"{python} corpus --dir corpus --digits DIGITS --seed {data['seed']} "
        f"--shards {data['shards']}",
    ]
    previous, exports = "", {}
    for kind in dict.fromkeys(phase["kind"] for phase in phases):
        own = [phase for phase in phases if phase["kind"] == kind]
        command = {"constant": "train"}.get(kind, kind)
        hours = own[-1]["to_hours"] - (own[0]["from_hours"] if kind == "cooldown" else 0)
        source = f" --from {previous}" if previous else ""
        previous = f"runs/{command}"
        lines.append(
            f"{python} {command} --dir corpus --run {previous}{source} --hours {hours:.1f} "
            f"--seed {own[-1]['seed']}"
        )
        exports["--aligner" if kind == "align" else "--model"] = f"{previous}/export"
    speakers = [name for name in digits.SPEAKERS if name != digits.HELD_OUT_SPEAKER]
    for speaker, record in tuned.items():
        own = [phase for phase in record["phases"] if phase["kind"] == "cooldown"]
        others = [name for name in speakers if name != speaker]
        lines.append(
            f"{python} cooldown --dir corpus --run runs/without-{speaker} --from runs/train "
            f"--hours {own[-1]['to_hours'] - own[0]['from_hours']:.1f} "
            f"--digits-speakers {','.join(others)} --seed {own[-1]['seed']}"
        )
    model, run = exports["--model"], Path(exports["--model"]).parent
    inputs = " ".join(f"{name} {folder}" for name, folder in exports.items())
    tunes = ""
    if tuned:
        models = (f"{speaker}=runs/without-{speaker}/export" for speaker in tuned)
        inputs += " --digit-models " + " ".join(models)
        tunes = " --digit-runs " + " ".join(f"{name}=runs/without-{name}" for name in tuned)
    beside = f" --aligner-run {previous}" if "--aligner" in exports else ""
    lines += [
        f"{python} manifest --dir corpus --digits DIGITS --out manifest",
        f"{python} eval {inputs} --digits DIGITS --speech SPEECH --seed {eval_seed}",
        f"{python} card --model {model} --run {run}{beside}{tunes} --manifest manifest",
    ]
    return "\n".join(lines)


def _set_threshold(folder: Path, threshold: float) -> None:
    """Tell the server below which confidence this model's texts are guesses."""
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8")) | {"unsure_below": threshold}
    path.write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def _guesses(sections: Mapping) -> str:
    if "confidence" not in sections:
        return "a low one means a guess"
    return f"below {sections['confidence']['threshold']} the clients call it a guess"


def _wrapped(card: str) -> str:
    """The card with its paragraphs broken into lines; tables, lists and code stay."""
    blocks = card.split("\n\n")
    return "\n\n".join(
        block
        if block.startswith(("#", "|", "```", "- "))
        else textwrap.fill(block, 100, break_on_hyphens=False)
        for block in blocks
    )


def _listed(counts: Mapping, unit: str) -> str:
    return ", ".join(f"{name} {count}{unit}" for name, count in counts.items())
