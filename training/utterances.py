"""One utterance of the corpus: a random sentence in a random voice, as raw log mel."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from training import mel
from training.language import text
from training.language.text import Sentence
from training.synthesis import digits, effects, voices
from training.synthesis.speech import Speech, SynthesisError

LANGUAGE_SHARES = {"English": 0.60, "Spanish": 0.17, "German": 0.17}
"""The rest are digit strings spoken by people."""
PAIR_SHARE = 0.10
"""Share of utterances that are two sentences spoken in one go."""
LONGEST_FRAMES = 2900
"""Longer utterances are drawn again: the longest training clip has 3000 frames."""
_ATTEMPTS = 200


@dataclass(frozen=True)
class Clip:
    """One utterance. Times are in mel frames (10 ms); ``phones`` holds (label, end).

    ``names`` are the indices of the words that are invented names. ``group`` is the sentence's,
    or "human" for digits spoken by people.
    """

    text: str
    language: str
    group: str
    voice: str
    frames: int
    words: list[tuple[int, int]]
    phones: list[tuple[str, int]]
    names: list[int] = field(default_factory=list)


class Speaker:
    """Draws and speaks random training utterances; espeak-ng allows one per process."""

    def __init__(self, digit_folder: Path) -> None:
        self.voices = voices.Voices()
        self.digits = digits.DigitVoices(digit_folder)

    def utterance(self, rng: random.Random) -> tuple[Clip, np.ndarray]:
        """A random utterance and its raw log mel."""
        place = rng.random()
        for language, share in LANGUAGE_SHARES.items():
            place -= share
            if place < 0:
                return self._synthetic(rng, language)
        transcript, speaker, speech = self.digits.draw(rng)
        sentence = Sentence(transcript, "English", "human")
        return make_clip(sentence, f"human-{speaker}", speech)

    def _synthetic(self, rng: random.Random, language: str) -> tuple[Clip, np.ndarray]:
        """An utterance of ``language``; one that fails or is too long is drawn again."""
        failure = "it was too long"
        for _ in range(_ATTEMPTS):
            sentence = text.draw_training(rng, language)
            if rng.random() < PAIR_SHARE:
                sentence = joined(sentence, text.draw_training(rng, language))
            voice = voices.draw_voice(rng, language)
            try:
                speech = self.voices.speak(sentence.text, voice, rng, language)
            except SynthesisError as error:
                failure = str(error)
                continue
            if len(speech.samples) // mel.HOP <= LONGEST_FRAMES:
                return make_clip(sentence, voice, with_effect(speech, rng))
        raise SynthesisError(f"{_ATTEMPTS} {language} utterances failed, the last one: {failure}")


def joined(first: Sentence, second: Sentence) -> Sentence:
    """Two sentences as one utterance."""
    shift = len(first.text.split())
    names = (*first.names, *(shift + index for index in second.names))
    return Sentence(f"{first.text} {second.text}", first.language, first.group, names)


def with_effect(speech: Speech, rng: random.Random) -> Speech:
    """The utterance through a random room, line or codec, or as it is."""
    kind = effects.draw(rng)
    if kind is None:
        return speech
    return Speech(effects.apply(speech.samples, rng, kind), speech.words, speech.phones)


def make_clip(sentence: Sentence, voice: str, speech: Speech) -> tuple[Clip, np.ndarray]:
    """Turn one spoken utterance into a corpus entry and its raw log mel [frames, 128]."""
    features = mel.raw_log_mel(speech.samples).astype(np.float16)
    last = len(features)

    def frame(seconds: float) -> int:
        return min(last, round(seconds * mel.FRAMES_PER_SECOND))

    clip = Clip(
        text=sentence.text,
        language=sentence.language,
        group=sentence.group,
        voice=voice,
        frames=last,
        words=[(frame(start), frame(end)) for start, end in speech.words],
        phones=[(label, frame(end)) for label, end in speech.phones],
        names=list(sentence.names),
    )
    return clip, features
