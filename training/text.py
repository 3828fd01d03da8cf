"""Sentences of the demo domain: drawing them, and splitting them into train and test.

Whether a sentence may be trained on is decided by a hash of its words alone, so no list has
to be kept apart: ``is_test(text)`` gives the same answer on every machine.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from training import grammar_en, grammar_es, numbers

TEST_MODULUS = 50
"""One sentence in this many is kept for testing."""

_SLOT = re.compile(r"\{(\w+)\}")
_SENTENCE_END = re.compile(r"(?<=[.?])\s+")


@dataclass(frozen=True)
class Sentence:
    """One utterance: its transcript, its language ("English"/"Spanish") and its domain group."""

    text: str
    language: str
    group: str


def normalise(text: str) -> str:
    """Lower-cased words without punctuation, the form in which WER is counted."""
    kept = (c if c.isalnum() or c == "'" else " " for c in text.lower())
    return " ".join("".join(kept).split())


def text_hash(text: str) -> int:
    """64-bit hash of the normalised sentence."""
    return int.from_bytes(hashlib.sha256(normalise(text).encode()).digest()[:8], "big")


def is_test(text: str) -> bool:
    """True when the sentence belongs to the held-out side of the split."""
    return text_hash(text) % TEST_MODULUS == 0


def split_sentences(text: str) -> list[str]:
    """Cut a transcript after each full stop or question mark."""
    return [part for part in _SENTENCE_END.split(text.strip()) if part]


def capitalise(text: str) -> str:
    """Upper-case the first letter, leaving the rest and a leading "¿" alone."""
    for i, char in enumerate(text):
        if char.isalpha():
            return text[:i] + char.upper() + text[i + 1 :]
    return text


def _small_number(rng: random.Random) -> int:
    return rng.randint(2, 20) if rng.random() < 0.4 else rng.randint(2, 99)


def _big_number(rng: random.Random, limit: int) -> int:
    """A number up to ``limit`` whose length, not its value, is uniform."""
    low = 10 ** rng.randint(1, len(str(limit)) - 1)
    number = rng.randint(low, min(10 * low - 1, limit))
    return round(number, -2) if rng.random() < 0.3 and number >= 1000 else number


def _digits(rng: random.Random, words: list[str]) -> str:
    return " ".join(rng.choice(words[:10]) for _ in range(rng.randint(3, 8)))


def _sum(rng: random.Random) -> str:
    a, b = rng.randint(2, 60), rng.randint(2, 39)
    return f"{numbers.english(a)} plus {numbers.english(b)} is {numbers.english(a + b)}"


def _difference(rng: random.Random) -> str:
    a, b = rng.randint(2, 60), rng.randint(2, 39)
    return f"{numbers.english(a + b)} minus {numbers.english(b)} is {numbers.english(a)}"


def _english_time(rng: random.Random) -> str:
    hour = numbers.english(rng.randint(1, 12))
    kind = rng.randrange(6)
    if kind == 0:
        return f"{hour} in the morning"
    if kind == 1:
        return f"{hour} in the evening"
    if kind == 2:
        return f"half past {hour}"
    if kind == 3:
        return f"quarter {rng.choice(['past', 'to'])} {hour}"
    if kind == 4:
        return f"{hour} {numbers.english(5 * rng.randint(2, 11))}"
    return rng.choice([hour, "noon", "midnight"])


def _english_year(rng: random.Random) -> str:
    if rng.random() < 0.3:
        rest = rng.randint(1, 19)
        return f"two thousand {numbers.english(rest)}"
    return f"{rng.choice(['eighteen', 'nineteen'])} {numbers.english(rng.randint(10, 99))}"


def _spanish_hour(rng: random.Random) -> str:
    hour = numbers.spanish(rng.randint(2, 12))
    part = rng.choice(
        [
            "",
            " y media",
            " y cuarto",
            " de la mañana",
            " de la tarde",
            f" y {numbers.spanish(rng.choice([5, 10, 20, 25]))}",
        ]
    )
    return hour + part


class Grammar:
    """Draws sentences from templates; ``rules`` are the slots that are computed, not listed."""

    language: str
    templates: dict[str, tuple[str, ...]]
    lists: dict[str, tuple[str, ...]]

    def __init__(self) -> None:
        self.rules: dict[str, Callable[[random.Random], str]] = {}

    def draw(self, rng: random.Random, group: str | None = None) -> Sentence:
        """One random sentence, from ``group`` if given."""
        group = group or rng.choice(sorted(self.templates))
        return self.fill(rng.choice(self.templates[group]), group, rng)

    def draw_test(self, rng: random.Random, group: str | None = None) -> Sentence:
        """One random held-out sentence.

        The template is drawn first, so that templates with few sentences, of which hardly any
        is held out, are as frequent here as in ``draw``. A template without slots is left out:
        its one sentence would be a test of unseen words, not of an unseen sentence.
        """
        while True:
            chosen = group or rng.choice(sorted(self.templates))
            template = rng.choice(self.templates[chosen])
            for _ in range(8 * TEST_MODULUS if _SLOT.search(template) else 0):
                sentence = self.fill(template, chosen, rng)
                if is_test(sentence.text):
                    return sentence

    def fill(self, template: str, group: str, rng: random.Random) -> Sentence:
        """The sentence of a template with random words in its slots."""
        used: set[str] = set()
        text = _SLOT.sub(lambda match: self._fill(match[1], rng, used), template)
        return Sentence(capitalise(text), self.language, group)

    def _fill(self, slot: str, rng: random.Random, used: set[str]) -> str:
        """Text for one slot; a word is not used twice in a sentence where that can be avoided."""
        if slot.endswith("_cap"):
            return capitalise(self._fill(slot[:-4], rng, used))
        if slot in self.rules:
            return self.rules[slot](rng)
        choice = rng.choice(self.lists[slot])
        while choice in used and len(self.lists[slot]) > 3:
            choice = rng.choice(self.lists[slot])
        used.add(choice)
        return choice


class EnglishGrammar(Grammar):
    """The English demo domain."""

    language = "English"
    templates = grammar_en.TEMPLATES
    lists = grammar_en.LISTS

    def __init__(self) -> None:
        super().__init__()
        self.rules = {
            "n": lambda rng: numbers.english(_small_number(rng)),
            "big": lambda rng: numbers.english(_big_number(rng, 99_999)),
            "room_number": lambda rng: numbers.english(rng.randint(101, 999)),
            "year": _english_year,
            "time": _english_time,
            "nth": lambda rng: numbers.english_ordinal(rng.randint(1, 31)),
            "digits": lambda rng: capitalise(_digits(rng, numbers.EN_UNITS)),
            "digits_low": lambda rng: _digits(rng, numbers.EN_UNITS),
            "letters": lambda rng: " ".join(rng.choices(self.lists["letter"], k=rng.randint(2, 4))),
            "subject": lambda rng: capitalise(self._subject(rng)),
            "subject_low": self._subject,
            "sum": _sum,
            "difference": _difference,
        }

    def _subject(self, rng: random.Random) -> str:
        return rng.choice(self.lists["name"] if rng.random() < 0.5 else self.lists["person"])


class SpanishGrammar(Grammar):
    """The Spanish demo domain."""

    language = "Spanish"
    templates = grammar_es.TEMPLATES
    lists = grammar_es.LISTS

    def __init__(self) -> None:
        super().__init__()
        self.rules = {
            "n": lambda rng: numbers.spanish(_small_number(rng)),
            "big": lambda rng: numbers.spanish(_big_number(rng, 9_999)),
            "dom": lambda rng: numbers.spanish(rng.randint(2, 31)),
            "hour": _spanish_hour,
            "digits": lambda rng: capitalise(_digits(rng, numbers.ES_UNITS)),
            "digits_low": lambda rng: _digits(rng, numbers.ES_UNITS),
        }


GRAMMARS: dict[str, Grammar] = {"English": EnglishGrammar(), "Spanish": SpanishGrammar()}


def draw(
    rng: random.Random, language: str, *, test: bool = False, group: str | None = None
) -> Sentence:
    """A random sentence of ``language`` from the wanted side of the split."""
    if test:
        return GRAMMARS[language].draw_test(rng, group)
    while True:
        sentence = GRAMMARS[language].draw(rng, group)
        if not is_test(sentence.text):
            return sentence


def digit_sentence(digits: list[int]) -> str:
    """The transcript of a digit string: ``[3, 7]`` → "Three seven."."""
    return capitalise(" ".join(numbers.EN_UNITS[digit] for digit in digits)) + "."


def vocabulary_size(draws: int = 40_000) -> int:
    """About how many different words the grammars have, counted over random sentences."""
    rng = random.Random(0)
    words: set[str] = set()
    for index in range(draws):
        sentence = draw(rng, "Spanish" if index % 3 == 0 else "English")
        words.update(normalise(sentence.text).split())
    return len(words)
