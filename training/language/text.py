"""Sentences to be spoken: drawn from grammars, open text, invented names and random words.

Each is on one side of the split into train and test, see ``training.split``.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from training.language import grammar, named_text, names, numbers, open_text, random_words
from training.language.split import TEST_MODULUS as TEST_MODULUS
from training.language.split import capitalise as capitalise
from training.language.split import is_test as is_test
from training.language.split import normalise as normalise
from training.language.split import split_sentences as split_sentences
from training.language.split import text_hash as text_hash

LANGUAGES = ("English", "Spanish", "German")
GRAMMARS = grammar.GRAMMARS

_KINDS = ("grammar", "open", "named", "words")
_MIX: dict[str, tuple[float, ...]] = {
    "English": (0.38, 0.42, 0.12, 0.08),
    "Spanish": (0.55, 0.30, 0.10, 0.05),
    "German": (0.55, 0.30, 0.10, 0.05),
}
"""The parts of ``_KINDS`` in the training sentences of each language."""


@dataclass(frozen=True)
class Sentence:
    """One utterance: its transcript, its language (of ``LANGUAGES``) and its group.

    The group is one of the grammar's, or "open", "names" or "words". ``names`` holds the
    indices of the white-space separated words that are invented names.
    """

    text: str
    language: str
    group: str
    names: tuple[int, ...] = ()


def draw(
    rng: random.Random, language: str, *, test: bool = False, group: str | None = None
) -> Sentence:
    """A random sentence of the language's grammar from the wanted side of the split."""
    source = GRAMMARS[language]
    chosen = group or rng.choice(sorted(source.templates))
    if test:
        return Sentence(source.draw_test(rng, chosen), language, chosen)
    while is_test(drawn := source.draw(rng, chosen)):
        pass
    return Sentence(drawn, language, chosen)


def draw_open(rng: random.Random, language: str, *, test: bool = False) -> Sentence:
    """A random sentence of open text from the wanted side of the split."""
    return Sentence(open_text.draw(rng, language, test=test), language, "open")


def draw_named(rng: random.Random, language: str, *, test: bool = False) -> Sentence:
    """A random sentence with at least one invented name, all names of the wanted side.

    A training sentence is also on the training side by its own words; a test sentence need not
    be held out by them, for none of its names occurs in training.
    """
    while True:
        drawn, indices = named_text.draw(rng, language, test=test)
        if test or not is_test(drawn):
            return Sentence(drawn, language, "names", indices)


def draw_words(rng: random.Random, language: str) -> Sentence:
    """A random training sentence that shows words for their own sake."""
    while True:
        drawn = random_words.draw(rng, language)
        if not is_test(drawn):
            return Sentence(drawn, language, "words")


def draw_training(rng: random.Random, language: str) -> Sentence:
    """A random sentence of the training mix."""
    kind = rng.choices(_KINDS, _MIX[language])[0]
    if kind == "grammar":
        return draw(rng, language)
    if kind == "open":
        return draw_open(rng, language)
    return draw_named(rng, language) if kind == "named" else draw_words(rng, language)


def digit_sentence(digits: list[int]) -> str:
    """The transcript of a digit string: ``[3, 7]`` → "Three seven."."""
    return capitalise(" ".join(numbers.EN_UNITS[digit] for digit in digits)) + "."


def vocabulary_size(draws: int = 40_000) -> int:
    """About how many different words the grammars have, counted over random sentences."""
    rng = random.Random(0)
    words: set[str] = set()
    for index in range(draws):
        words.update(normalise(draw(rng, LANGUAGES[index % len(LANGUAGES)]).text).split())
    return len(words)


def fingerprint() -> str:
    """Hash of all the text material: a corpus made from other material is another corpus."""
    digest = hashlib.sha256(f"{open_text.fingerprint()}{names.fingerprint()}".encode())
    for language in LANGUAGES:
        rng = random.Random(language)
        source = GRAMMARS[language]
        digest.update(repr((source.templates, source.lists, _MIX[language])).encode())
        digest.update("\n".join(draw_training(rng, language).text for _ in range(500)).encode())
    return digest.hexdigest()
