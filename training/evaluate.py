"""Fresh test clips, word error rate, and the figures of the model card."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from training import decode, mel, text, voices
from training.model import SpeechModel
from training.speech import SynthesisError
from training.tokenizer import Prompt

DECODE_BATCH = 16


@dataclass(frozen=True)
class TestClip:
    """A held-out sentence (or several), its voice, and 16 kHz samples."""

    text: str
    language: str
    voice: str
    samples: np.ndarray


@dataclass
class Score:
    """Word errors over a set of clips."""

    errors: int = 0
    words: int = 0
    clips: int = 0
    exact: int = 0
    language_right: int = 0

    @property
    def wer(self) -> float:
        """Word error rate in percent."""
        return 100.0 * self.errors / max(1, self.words)


def word_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """(edit distance, reference length) in lower-cased words without punctuation."""
    truth, guess = text.normalise(reference).split(), text.normalise(hypothesis).split()
    row = list(range(len(guess) + 1))
    for i, word in enumerate(truth, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(guess, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1], len(truth)


def fresh_clip(
    engines: voices.Voices, rng: random.Random, language: str, voice: str | None = None
) -> TestClip:
    """Synthesise one held-out sentence in a trained voice, or in ``voice``."""
    while True:
        sentence = text.draw(rng, language, test=True).text
        name = voice or voices.draw_voice(rng, language)
        try:
            return TestClip(sentence, language, name, engines.speak(sentence, name, rng).samples)
        except SynthesisError:
            continue


def concatenate(clips: list[TestClip], rng: random.Random) -> TestClip:
    """Several clips as one, with pauses of 0.3-0.8 s."""
    pieces: list[np.ndarray] = []
    for clip in clips:
        pieces += [clip.samples, np.zeros(int(rng.uniform(0.3, 0.8) * 16_000), np.float32)]
    joined = " ".join(clip.text for clip in clips)
    return TestClip(joined, clips[0].language, clips[0].voice, np.concatenate(pieces[:-1]))


def transcribe(
    model: SpeechModel, prompt: Prompt, clips: Iterable[TestClip], window: int
) -> list[tuple[str, str]]:
    """(language, text) per clip; clips of similar length are decoded together."""
    clips = list(clips)
    answers: list[tuple[str, str]] = [("", "")] * len(clips)
    order = sorted(range(len(clips)), key=lambda i: len(clips[i].samples))
    for start in range(0, len(order), DECODE_BATCH):
        chosen = order[start : start + DECODE_BATCH]
        features = [mel.finish(mel.raw_log_mel(clips[i].samples)) for i in chosen]
        for i, answer in zip(
            chosen, decode.transcribe(model, prompt, features, window), strict=True
        ):
            answers[i] = answer
    return answers


def score(clips: list[TestClip], answers: list[tuple[str, str]]) -> dict[str, Score]:
    """Scores per voice family, and over everything under "all"."""
    scores: dict[str, Score] = defaultdict(Score)
    for clip, (language, guess) in zip(clips, answers, strict=True):
        errors, words = word_errors(clip.text, guess)
        for key in (voices.family(clip.voice), "all"):
            entry = scores[key]
            entry.errors += errors
            entry.words += words
            entry.clips += 1
            entry.exact += errors == 0
            entry.language_right += language == clip.language
    return dict(scores)
