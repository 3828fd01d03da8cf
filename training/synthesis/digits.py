"""Strings of digits spoken by people, joined from single recordings.

The recordings are those of the Free Spoken Digit Dataset: 8 kHz wav files named
``DIGIT_SPEAKER_INDEX.wav``. It has grown over the years; people it did not have at first are left
out, so that every copy of it gives the same corpus.
"""

from __future__ import annotations

import itertools
import random
import re
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.errors import BadFileError, RecipeError
from training.language import text
from training.synthesis.speech import SAMPLE_RATE, Speech, resample

SPEAKERS = ("jackson", "nicolas", "theo", "yweweler")
HELD_OUT_SPEAKER = "theo"
"""Never trained on: the one on whom the shipped model is judged."""
TEST_INDICES = range(45, 50)
"""Recordings of every speaker and digit that are kept for testing."""
_NAME = re.compile(r"(\d)_(\w+)_(\d+)\.wav")
_PAUSE_LEVEL = 2e-4


class MissingDigitsError(RecipeError):
    """Digit recordings are missing."""


class DigitVoices:
    """Draws digit strings; the speakers are never mixed within one string."""

    def __init__(self, folder: Path) -> None:
        self._paths: dict[tuple[str, int, bool], list[Path]] = {}
        for path in sorted(folder.glob("*.wav")):
            if (match := _NAME.fullmatch(path.name)) and match[2] in SPEAKERS:
                key = (match[2], int(match[1]), int(match[3]) in TEST_INDICES)
                self._paths.setdefault(key, []).append(path)
        self.speakers = sorted({speaker for speaker, _, _ in self._paths})
        self.training_speakers = [s for s in self.speakers if s != HELD_OUT_SPEAKER]
        if lacking := self._lacking():
            raise MissingDigitsError(
                f"{folder} has {lacking}: fetch the Free Spoken Digit Dataset "
                "(github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0) and pass its "
                "recordings folder as --digits"
            )

    def _lacking(self) -> str:
        """What a corpus needs and the folder does not have; "" if it has everything."""
        if not self.training_speakers:
            return "no digit recordings to train on"
        for speaker, digit in itertools.product(self.speakers, range(10)):
            for is_test in (False, True):
                if (speaker, digit, is_test) not in self._paths:
                    side = "45 to 49" if is_test else "0 to 44"
                    return f"no recording {side} of the digit {digit} by {speaker}"
        return ""

    def train_names(self) -> list[str]:
        """File names of all recordings used for training."""
        return sorted(
            path.name
            for (speaker, _, is_test), paths in self._paths.items()
            if speaker in self.training_speakers and not is_test
            for path in paths
        )

    def draw(
        self,
        rng: random.Random,
        *,
        test: bool = False,
        length: int | None = None,
        speakers: Sequence[str] = (),
    ) -> tuple[str, str, Speech]:
        """(transcript, speaker, audio) of 3-8 digits from the wanted side of the split.

        The speaker is one of ``speakers``, by default of those that are trained on.
        """
        speaker = rng.choice(speakers or self.training_speakers)
        while True:
            digits = [rng.randrange(10) for _ in range(length or rng.randint(3, 8))]
            transcript = text.digit_sentence(digits)
            if text.is_test(transcript) == test:
                break
        paths = [rng.choice(self._paths[speaker, digit, test]) for digit in digits]
        return transcript, speaker, join(paths, rng)


def join(paths: list[Path], rng: random.Random) -> Speech:
    """The recordings one after the other with pauses of 0.1-0.5 s."""
    noise = np.random.default_rng(rng.randrange(2**32))
    pieces = [_pause(rng.uniform(0.1, 0.4), noise)]
    words, length = [], len(pieces[0])
    for path in paths:
        samples = read_wav(path)
        words.append((length / SAMPLE_RATE, (length + len(samples)) / SAMPLE_RATE))
        pieces += [samples, _pause(rng.uniform(0.1, 0.5), noise)]
        length += len(samples) + len(pieces[-1])
    return Speech(np.concatenate(pieces), words, [])


def read_wav(path: Path) -> np.ndarray:
    """A 16-bit mono wav file as float32 at 16 kHz, brought to an RMS of 0.07."""
    try:
        with wave.open(str(path)) as file:
            pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
            samples = resample(pcm.astype(np.float32) / 32768, file.getframerate())
    except (wave.Error, EOFError, ValueError) as error:
        raise BadFileError(f"{path} is no 16-bit wav file ({error}); fetch it again") from None
    return samples * np.float32(0.07 / max(1e-6, float(np.sqrt(np.mean(samples**2)))))


def _pause(seconds: float, noise: np.random.Generator) -> np.ndarray:
    count = int(seconds * SAMPLE_RATE)
    return (noise.standard_normal(count) * _PAUSE_LEVEL).astype(np.float32)
