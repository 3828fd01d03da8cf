"""The state of a run on disk: weights, optimiser, hours seen, and the record of its phases."""

from __future__ import annotations

import io
import json
import pickle
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from training.errors import BadFileError, RecipeError, write_whole
from training.learning.model import Size

FILE = "checkpoint.pt"
TOKENIZER = "tokenizer.json"


class NoCheckpointError(RecipeError):
    """The run has no checkpoint yet."""


@dataclass
class Phase:
    """A stretch of a run with one kind of schedule, on one machine, from one corpus."""

    kind: str
    machine: str
    commit: str
    corpus: dict
    seed: int
    from_hours: float
    to_hours: float
    wall_seconds: float = 0.0

    def continues(self, other: Phase) -> bool:
        """Whether this is the same phase as ``other``, taken up again."""
        same = ("kind", "machine", "commit", "corpus", "seed")
        return all(getattr(self, name) == getattr(other, name) for name in same)


@dataclass
class State:
    """Everything needed to go on; ``tensors`` are the state dicts of modules and optimiser.

    ``begin_hours`` are the hours at which the present kind of schedule began.
    """

    kind: str
    size: dict
    tensors: dict[str, dict]
    seconds: float
    begin_hours: float
    phases: list[Phase] = field(default_factory=list)

    def save(self, run: Path) -> None:
        """Write the checkpoint; the old one stays until the new one is complete."""
        phases = [asdict(phase) for phase in self.phases]
        buffer = io.BytesIO()  # torch hides that a disk is full
        torch.save(vars(self) | {"phases": phases}, buffer)
        write_whole(run / FILE, buffer.getbuffer())

    @classmethod
    def load(cls, run: Path, device: torch.device | str = "cpu") -> State:
        """The last checkpoint of ``run``.

        Raises:
            NoCheckpointError: there is none.
            BadFileError: it is cut off or something else.
        """
        if not (run / FILE).exists():
            raise NoCheckpointError(
                f"{run} has no {FILE} yet; train first: python -m training train --run {run} …"
            )
        try:
            fields = torch.load(run / FILE, map_location=device)
            phases = [Phase(**phase) for phase in fields.pop("phases")]
            return cls(**fields, phases=phases)
        except (RuntimeError, EOFError, pickle.UnpicklingError, KeyError, TypeError) as error:
            raise BadFileError(
                f"{run / FILE} is cut off or no checkpoint of this recipe ({error}); "
                "put back a copy, or begin again in another folder"
            ) from None

    def model_size(self) -> Size:
        """Dimensions of the model."""
        return Size(**self.size)


def write_record(run: Path, record: dict, phases: list[Phase]) -> None:
    """Write ``run.json``, what the model card tells about the run."""
    whole = record | {"phases": [asdict(phase) for phase in phases]}
    write_whole(run / "run.json", json.dumps(whole, indent=1) + "\n")
