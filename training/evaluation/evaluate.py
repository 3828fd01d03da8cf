"""Test clips: held-out sentences as audio, and what a model makes of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training import mel
from training.language import text
from training.language.tokenizer import Prompt
from training.learning import decode
from training.learning.model import SpeechModel
from training.synthesis import voices
from training.synthesis.speech import SAMPLE_RATE, SynthesisError

DECODE_BATCH = 16
SHORTEST = SAMPLE_RATE // 2
"""Samples; the server pads shorter clips with silence, and so does this evaluation."""

DrawSentence = Callable[..., text.Sentence]


@dataclass(frozen=True)
class TestClip:
    """A held-out sentence (or several), its voice, and 16 kHz samples.

    ``words`` holds (start, end) in seconds for every written word, ``names`` the indices of the
    words that are invented names.
    """

    text: str
    language: str
    voice: str
    samples: np.ndarray
    words: tuple[tuple[float, float], ...] = ()
    names: tuple[int, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self.samples) / SAMPLE_RATE


def fresh_clip(
    engines: voices.Voices,
    rng: random.Random,
    language: str,
    voice: str | None = None,
    draw: DrawSentence = text.draw,
) -> TestClip:
    """Synthesise one held-out sentence in a trained voice, or in ``voice``."""
    while True:
        sentence = draw(rng, language, test=True)
        name = voice or voices.draw_voice(rng, language)
        try:
            speech = engines.speak(sentence.text, name, rng, language)
        except SynthesisError:
            continue
        return TestClip(
            sentence.text, language, name, speech.samples, tuple(speech.words), sentence.names
        )


def concatenate(clips: list[TestClip], rng: random.Random) -> TestClip:
    """Several clips as one, with pauses of 0.3-0.8 s."""
    pieces: list[np.ndarray] = []
    words: list[tuple[float, float]] = []
    names: list[int] = []
    length = 0
    for clip in clips:
        begin, count = length / SAMPLE_RATE, len(words)
        words += [(begin + start, begin + end) for start, end in clip.words]
        names += [count + index for index in clip.names]
        pieces += [clip.samples, np.zeros(int(rng.uniform(0.3, 0.8) * SAMPLE_RATE), np.float32)]
        length += len(clip.samples) + len(pieces[-1])
    return replace(
        clips[0],
        text=" ".join(clip.text for clip in clips),
        samples=np.concatenate(pieces[:-1]),
        words=tuple(words),
        names=tuple(names),
    )


def transcribe(
    model: SpeechModel,
    prompt: Prompt,
    clips: Sequence[TestClip],
    window: int,
    contexts: Sequence[str] | None = None,
    language: str | None = None,
) -> list[tuple[str, str]]:
    """(language, text) per clip; clips of similar length are decoded together.

    ``contexts`` holds one context per clip; ``language`` forces the language of all clips.
    """
    answers: list[tuple[str, str]] = [("", "")] * len(clips)
    order = sorted(range(len(clips)), key=lambda i: len(clips[i].samples))
    for start in range(0, len(order), DECODE_BATCH):
        chosen = order[start : start + DECODE_BATCH]
        features = [_features(clips[i].samples) for i in chosen]
        some = [contexts[i] for i in chosen] if contexts else None
        batch = decode.transcribe(model, prompt, features, window, some, language)
        for i, answer in zip(chosen, batch, strict=True):
            answers[i] = answer
    return answers


def _features(samples: np.ndarray) -> np.ndarray:
    """The model's input [T, 128]."""
    padded = np.pad(samples, (0, max(0, SHORTEST - len(samples))))
    return mel.finish(mel.raw_log_mel(padded))
