"""The clips of the evaluation's test sets. Every sentence is on the held-out side of the split."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from training.evaluation.evaluate import DrawSentence, TestClip, concatenate, fresh_clip
from training.language import text
from training.synthesis import digits, voices
from training.synthesis.speech import SAMPLE_RATE

Stock = dict[str, list[tuple[str, str]]]
"""Trained voices by family: (language, voice), as often as training draws them."""
_SHORTEST_CUT_S = 0.5


def stock(rng: random.Random, draws: int) -> Stock:
    """Voices as training draws them, grouped by family; all languages equally often."""
    families: Stock = {}
    for index in range(draws):
        language = text.LANGUAGES[index % len(text.LANGUAGES)]
        voice = voices.draw_voice(rng, language)
        families.setdefault(voices.family(voice), []).append((language, voice))
    return dict(sorted(families.items()))


def shared_families(families: Stock) -> list[str]:
    """Families that speak more than one language, so that the voice doesn't give it away."""
    return [name for name, entries in families.items() if len({lang for lang, _ in entries}) > 1]


def of_words(words: int, make: Callable[[], TestClip]) -> list[TestClip]:
    """As many clips as hold at least so many words."""
    clips: list[TestClip] = []
    while words > 0:
        clips.append(make())
        words -= len(clips[-1].text.split())
    return clips


def family_sets(
    engines: voices.Voices, rng: random.Random, families: Stock, words: int
) -> tuple[list[TestClip], dict[str, list[int]]]:
    """Grammar sentences of at least ``words`` words in each family.

    Returns all clips, and the indices of those of each language, each family and of "all".
    """
    clips: list[TestClip] = []
    groups: dict[str, list[int]] = {name: [] for name in ("all", *text.LANGUAGES)}
    for family, entries in families.items():
        for clip in of_words(words, partial(_family_clip, engines, rng, entries)):
            for group in ("all", clip.language, family):
                groups.setdefault(group, []).append(len(clips))
            clips.append(clip)
    return clips, {name: chosen for name, chosen in groups.items() if chosen}


def mixed_clip(
    engines: voices.Voices, rng: random.Random, draw: DrawSentence = text.draw
) -> TestClip:
    """A sentence of a random language in a trained voice."""
    return fresh_clip(engines, rng, rng.choice(text.LANGUAGES), draw=draw)


def joined_clip(
    engines: voices.Voices,
    rng: random.Random,
    shortest: float,
    longest: float,
    language: str | None = None,
    voice: str | None = None,
) -> TestClip:
    """Grammar sentences of one voice with pauses, ``shortest`` to ``longest`` seconds in all."""
    language = language or rng.choice(text.LANGUAGES)
    voice = voice or voices.draw_voice(rng, language)
    clips: list[TestClip] = []
    while True:
        clips.append(fresh_clip(engines, rng, language, voice))
        joined = concatenate(clips, rng)
        if joined.seconds > longest:
            clips = []
        elif joined.seconds >= shortest:
            return joined


def cut(clip: TestClip, rng: random.Random) -> tuple[TestClip, str]:
    """The clip broken off at a random point, with the words fully spoken by then as its text.

    Also returns the text that includes the word being spoken at the cut, if there is one.
    """
    at = rng.uniform(min(_SHORTEST_CUT_S, clip.seconds), clip.seconds)
    spoken = sum(end <= at for _, end in clip.words)
    begun = sum(start < at for start, _ in clip.words)
    written = clip.text.split()
    heard = TestClip(
        " ".join(written[:spoken]),
        clip.language,
        clip.voice,
        clip.samples[: int(at * SAMPLE_RATE)],
        clip.words[:spoken],
    )
    return heard, " ".join(written[:begun])


def digit_clips(
    folder: Path, speaker: str, count: int, rng: random.Random, *, trained: bool
) -> list[TestClip]:
    """Strings of 3 to 7 digits by one person; of one trained on, only the recordings kept back."""
    paths: dict[int, list[Path]] = {}
    for digit in range(10):
        found = sorted(folder.glob(f"{digit}_{speaker}_*.wav"))
        paths[digit] = [p for p in found if not trained or _is_kept(p)]
    clips = []
    while len(clips) < count:
        chosen = rng.choices(range(10), k=rng.randint(3, 7))
        transcript = text.digit_sentence(chosen)
        if text.is_test(transcript):
            speech = digits.join([rng.choice(paths[digit]) for digit in chosen], rng)
            clips.append(TestClip(transcript, "English", f"human-{speaker}", speech.samples))
    return clips


def pieces_at_pauses(samples: np.ndarray, shortest: float, longest: float) -> list[np.ndarray]:
    """A recording cut into pieces of ``shortest`` to ``longest`` seconds, each at its quietest.

    What is left at the end is a piece if it is long enough.
    """
    low, high = int(shortest * SAMPLE_RATE), int(longest * SAMPLE_RATE)
    box = SAMPLE_RATE // 10
    pieces = []
    while len(samples) > high:
        loudness = np.convolve(samples[low:high] ** 2, np.ones(box), "valid")
        place = low + int(loudness.argmin()) + box // 2
        pieces.append(samples[:place])
        samples = samples[place:]
    return [*pieces, samples] if len(samples) >= low else pieces


def _family_clip(
    engines: voices.Voices, rng: random.Random, entries: list[tuple[str, str]]
) -> TestClip:
    return fresh_clip(engines, rng, *rng.choice(entries))


def _is_kept(path: Path) -> bool:
    return int(path.stem.rpartition("_")[2]) in digits.TEST_INDICES
