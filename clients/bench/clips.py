"""The bundled clips a load is made of: what is said in them, and when each word ends."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hark.engine.audio.files import open_audio
from hark.engine.types import SAMPLE_RATE

from ..errors import UsageError
from ..samples import SAMPLES_FOLDER, spoken_words

CLIPS_FOLDER = SAMPLES_FOLDER / "bench"
_MANIFEST = "clips.json"


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word without case and punctuation; where it lies, in samples of what holds it."""

    text: str
    start: int
    end: int

    def moved(self, num_samples: int) -> "SpokenWord":
        return SpokenWord(self.text, self.start + num_samples, self.end + num_samples)


@dataclass(frozen=True, slots=True)
class Clip:
    """One sentence, int16 samples [n] at 16 kHz, cut close around its words."""

    voice: str
    samples: np.ndarray
    words: tuple[SpokenWord, ...]

    @property
    def num_samples(self) -> int:
        return self.samples.shape[0]


def load_clips(folder: Path = CLIPS_FOLDER) -> list[Clip]:
    """All clips of a folder, as its manifest lists them.

    Raises:
        UsageError: the folder has no manifest, or an empty one.
        AudioFileError: a clip is missing or broken.
    """
    try:
        entries = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"no clips in {folder}: {error.strerror}") from None
    if not entries:
        raise UsageError(f"{folder / _MANIFEST} lists no clip")
    return [
        Clip(entry["voice"], _read(folder / entry["file"]), _words(entry["words"]))
        for entry in entries
    ]


def _read(path: Path) -> np.ndarray:
    samples = np.concatenate(list(open_audio(path).blocks(SAMPLE_RATE)))
    return (samples * 32768).round().astype(np.int16)  # exactly the file's own


def _words(entries: list[tuple[str, int, int]]) -> tuple[SpokenWord, ...]:
    """What is written as one word may be spoken as several; they share its times."""
    per_ms = SAMPLE_RATE // 1000
    return tuple(
        SpokenWord(word, start_ms * per_ms, end_ms * per_ms)
        for written, start_ms, end_ms in entries
        for word in spoken_words(written)
    )
