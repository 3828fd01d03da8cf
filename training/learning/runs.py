"""How runs begin: from nothing, from a checkpoint of their own, or from another run's."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from training.errors import RecipeError
from training.language.tokenizer import Prompt, train_tokenizer
from training.learning import checkpoint, export, schedule
from training.learning.checkpoint import NoCheckpointError, State
from training.learning.feed import Source
from training.learning.model import Size, SpeechModel
from training.learning.recogniser import Recogniser
from training.learning.train import Run, Settings


class OtherRunError(RecipeError):
    """A folder holds a run of another kind."""


def constant(
    settings: Settings,
    corpus: Path,
    hours: float,
    *,
    init: Path | None = None,
    init_hours: float = 0.0,
    size: Size | None = None,
) -> Run:
    """The long phase, up to ``hours`` of audio in all.

    A new run may start with the weights of the exported model in ``init``, which has seen
    ``init_hours``; ``size`` holds the dimensions of a new one.
    """
    source = Source(corpus, settings.seed, digit_speakers=())
    if has_checkpoint(settings.run):
        state = own_state(settings, "constant")
    elif init:
        state = _state_of_export(settings.run, init, init_hours)
    else:
        state = _new_state(settings, size or Size())
    return _recogniser(settings, state, source, schedule.Constant(hours))


def cooldown(
    settings: Settings,
    corpus: Path,
    parent: Path,
    hours: float,
    *,
    digit_speakers: Sequence[str] | None = None,
    highest_rate: float = 1.0,
) -> Run:
    """The last ``hours`` of audio, from ``parent``'s checkpoint, with human digits mixed in.

    ``digit_speakers`` are those to hear, by default all in the corpus.
    """
    source = Source(corpus, settings.seed, digit_speakers)
    state = _continued(settings, parent, "cooldown")
    end = state.begin_hours + hours
    plan = schedule.Cooldown(state.begin_hours, end, highest_rate)
    return _recogniser(settings, state, source, plan)


def export_checkpoint(run: Path, output: Path) -> None:
    """Export the last checkpoint of a run."""
    state = State.load(run)
    model = SpeechModel(state.model_size())
    model.load_state_dict(state.tensors["model"])
    export.export(model, Prompt.load(run / checkpoint.TOKENIZER), output)


def _recogniser(settings: Settings, state: State, source: Source, plan: schedule.Schedule) -> Run:
    prompt = Prompt.load(settings.run / checkpoint.TOKENIZER)
    task = Recogniser(SpeechModel(state.model_size()), prompt, plan)
    for name, module in task.modules().items():
        if name in state.tensors:
            module.load_state_dict(state.tensors[name])
    return Run(settings, task, state, source)


def has_checkpoint(run: Path) -> bool:
    run.mkdir(parents=True, exist_ok=True)
    return (run / checkpoint.FILE).exists()


def own_state(settings: Settings, kind: str) -> State:
    """The checkpoint that the run's folder holds already.

    Raises:
        OtherRunError: it is of another kind of run.
    """
    state = State.load(settings.run, settings.device)
    if state.kind != kind:
        raise OtherRunError(
            f"{settings.run} holds a run of the kind {state.kind!r}, this command continues only "
            f"{kind!r}; give another --run"
        )
    return state


def parent_state(parent: Path, device: torch.device | str = "cpu") -> State:
    """The checkpoint of the recogniser's run that another one starts from.

    Raises:
        OtherRunError: it is an aligner's run.
    """
    state = State.load(parent, device)
    if state.kind == "align":
        raise OtherRunError(f"{parent} holds an aligner's run; --from wants a recogniser's")
    return state


def _new_state(settings: Settings, size: Size) -> State:
    """A run from nothing; its tokenizer is learnt first."""
    torch.manual_seed(settings.seed)
    print("learning the tokenizer, about half a minute", flush=True)
    path = settings.run / checkpoint.TOKENIZER
    if not path.exists():
        train_tokenizer(settings.seed).save(str(path))
    return State("constant", size.to_dict(), {}, seconds=0.0, begin_hours=0.0)


def _state_of_export(run: Path, folder: Path, hours: float) -> State:
    """A run that starts with the weights and the tokenizer of an exported model."""
    if not (folder / "model.safetensors").exists():
        raise NoCheckpointError(f"{folder} holds no exported model (model.safetensors)")
    model, _ = export.load(folder)
    shutil.copyfile(folder / "tokenizer.json", run / checkpoint.TOKENIZER)
    tensors = {"model": model.state_dict()}
    return State("constant", model.size.to_dict(), tensors, seconds=3600 * hours, begin_hours=0.0)


def _continued(settings: Settings, parent: Path, kind: str) -> State:
    """The run's own state, or a new one of ``kind`` that begins where ``parent`` stands."""
    if has_checkpoint(settings.run):
        return own_state(settings, kind)
    state = parent_state(parent, settings.device)
    shutil.copyfile(parent / checkpoint.TOKENIZER, settings.run / checkpoint.TOKENIZER)
    state.kind, state.begin_hours = kind, state.seconds / 3600
    return state
