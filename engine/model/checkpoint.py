"""Tensors of a checkpoint folder → the parameters of a module; knows names, no architecture.

Our parameter names are the transformers-native ones without their leading `model.`. The original
layout is translated by a table. Every stored tensor must find its parameter and every parameter
its tensor: nothing is skipped, nothing is left at its initial value.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..types import CheckpointError
from .checkpoint_config import read_config

__all__ = ["load_weights", "read_config"]

# Stored prefix → ours; the first match counts.
_RENAMES = (
    ("thinker.audio_tower.proj1.", "multi_modal_projector.linear_1."),
    ("thinker.audio_tower.proj2.", "multi_modal_projector.linear_2."),
    ("thinker.audio_tower.", "audio_tower."),
    ("thinker.model.", "language_model."),
    ("thinker.lm_head.", "lm_head."),
    ("model.", ""),
)
_ALIGNER_RENAMES = (("thinker.lm_head.", "score."), *_RENAMES)

_HEAD, _EMBEDDINGS, _SCORE = "lm_head.weight", "language_model.embed_tokens.weight", "score.weight"
_FLOATS = ("F32", "F16", "BF16")
_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _StoredTensor:
    """Where one tensor lies. `file` is an open safetensors file."""

    stored_name: str
    path: Path
    file: Any
    shape: tuple[int, ...]
    dtype: str

    def read(self) -> Tensor:
        try:
            return self.file.get_tensor(self.stored_name)
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{self.path} cannot be read: {error}") from error


def load_weights(
    folder: Path, module: torch.nn.Module, *, dtype: torch.dtype, device: torch.device | str
) -> None:
    """Fill `module` (which may be on the meta device) with the weights in `folder`.

    Reads one tensor at a time. Raises CheckpointError when a file is missing, truncated or no
    safetensors file, and when a tensor is missing, unread, misshapen, not a float or not finite.
    """
    expected = {name: tuple(p.shape) for name, p in module.named_parameters()}
    renames = _ALIGNER_RENAMES if _SCORE in expected else _RENAMES
    with ExitStack() as files:
        stored = _index_by_our_names(_stored_tensors(folder, files), renames)
        if _HEAD not in expected and _SCORE not in expected:
            _drop_tied_head(folder, stored)
        _check_complete(folder, expected, stored)
        weights = {
            name: stored[name].read().to(device=device, dtype=dtype, copy=True) for name in expected
        }
    for name, weight in weights.items():
        if not weight.sum().isfinite():  # in its own type: another would be a copy
            where = stored[name]
            raise CheckpointError(
                f"{where.path}: {where.stored_name} holds values that are no finite numbers"
            )
    module.load_state_dict(weights, strict=False, assign=True)


def _stored_tensors(folder: Path, files: ExitStack) -> Iterator[_StoredTensor]:
    """Every tensor of every weight file; the files stay open as long as `files`."""
    for path, listed in _weight_files(folder).items():
        try:
            file = files.enter_context(safe_open(path, framework="pt", device="cpu"))
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{path} cannot be read: {error}") from error
        present = set(file.keys())
        if listed is not None and not listed <= present:
            raise CheckpointError(f"{path} lacks {_some(listed - present)}")
        for name in sorted(present):
            tensor = file.get_slice(name)
            yield _StoredTensor(name, path, file, tuple(tensor.get_shape()), tensor.get_dtype())


def _weight_files(folder: Path) -> Mapping[Path, set[str] | None]:
    """The weight files and, where an index lists them, the tensors each must hold."""
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return {single: None}
    if not index.is_file():
        raise CheckpointError(f"{folder} has neither {single.name} nor {index.name}")
    files: dict[Path, set[str] | None] = {}
    for name, file_name in _read_weight_map(index).items():
        tensors = files.setdefault(folder / Path(file_name).name, set())
        assert tensors is not None  # an index lists every file's tensors
        tensors.add(name)
    return files


def _read_weight_map(index: Path) -> Mapping[str, str]:
    try:
        weight_map = json.loads(index.read_text("utf-8"))["weight_map"]
        return {str(name): str(file_name) for name, file_name in weight_map.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index} cannot be read: {error!r}") from error


def _index_by_our_names(
    tensors: Iterable[_StoredTensor], renames: tuple[tuple[str, str], ...]
) -> dict[str, _StoredTensor]:
    by_name: dict[str, _StoredTensor] = {}
    for tensor in tensors:
        name = _our_name(tensor.stored_name, renames)
        if name in by_name:
            raise CheckpointError(
                f"{tensor.path}: {tensor.stored_name} and {by_name[name].stored_name} "
                f"are both {name}"
            )
        by_name[name] = tensor
    return by_name


def _our_name(stored_name: str, renames: tuple[tuple[str, str], ...]) -> str:
    for theirs, ours in renames:
        if stored_name.startswith(theirs):
            return ours + stored_name.removeprefix(theirs)
    return stored_name


def _drop_tied_head(folder: Path, stored: dict[str, _StoredTensor]) -> None:
    """Forget a stored head that repeats the embeddings; refuse one that does not."""
    if _HEAD not in stored or _EMBEDDINGS not in stored:
        return
    if not torch.equal(stored[_HEAD].read(), stored[_EMBEDDINGS].read()):
        raise CheckpointError(
            f"{folder}: config.json ties the head to the embeddings, "
            f"but {stored[_HEAD].stored_name} differs from {stored[_EMBEDDINGS].stored_name}"
        )
    del stored[_HEAD]


def _check_complete(
    folder: Path, expected: Mapping[str, tuple[int, ...]], stored: Mapping[str, _StoredTensor]
) -> None:
    shared = expected.keys() & stored.keys()
    misshapen = {
        f"{stored[name].stored_name} {list(stored[name].shape)} instead of {list(expected[name])}"
        for name in shared
        if stored[name].shape != expected[name]
    }
    not_float = {
        f"{stored[name].stored_name} {stored[name].dtype}"
        for name in shared
        if stored[name].dtype not in _FLOATS
    }
    complaints = {
        "missing": expected.keys() - stored.keys(),
        "unread": {stored[name].stored_name for name in stored.keys() - expected.keys()},
        "wrong shape": misshapen,
        "not a float": not_float,
    }
    found = [f"{what}: {_some(names)}" for what, names in complaints.items() if names]
    if found:
        raise CheckpointError(f"{folder}: {'; '.join(found)}")


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    shown = ", ".join(ordered[:_NAMES_SHOWN])
    more = len(ordered) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
