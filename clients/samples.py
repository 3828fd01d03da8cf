"""The recordings that come with the package and what is said in them; knows no server."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from .errors import UsageError

SAMPLES_FOLDER = Path(__file__).parent / "samples"


@dataclass(frozen=True, slots=True)
class Sample:
    """A bundled recording. `text` is what was spoken, by whom says `voice`."""

    path: Path
    text: str
    language: str
    voice: str

    @property
    def name(self) -> str:
        return self.path.stem


def load_samples(folder: Path = SAMPLES_FOLDER) -> list[Sample]:
    """The samples of a folder, as its samples.json lists them.

    Raises:
        UsageError: the folder has no samples.json.
    """
    try:
        entries = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"no samples in {folder}: {error.strerror}") from None
    return [
        Sample(folder / entry["file"], entry["text"], entry["language"], entry["voice"])
        for entry in entries
    ]


def find_sample(samples: list[Sample], name: str | None) -> Sample:
    """The sample of this name, or the first one. Raises UsageError, which names them all."""
    for sample in samples:
        if name in (None, sample.name):
            return sample
    names = ", ".join(sample.name for sample in samples) or "none"
    raise UsageError(f"there is no sample {name!r}; there are: {names}")


def same_words(text: str, other: str) -> bool:
    """Whether two texts hold the same words, whatever their case and punctuation."""
    return spoken_words(text) == spoken_words(other)


def spoken_words(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation."""
    return re.findall(r"\w+(?:'\w+)*", text.lower())
