"""Templates with slots: filling them, and holding some of their sentences out."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from training.language import (
    agreement,
    grammar_de,
    grammar_en,
    grammar_es,
    rules,
    words_de,
    words_en,
    words_es,
)
from training.language.split import TEST_MODULUS, capitalise, is_test

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Grammar:
    """Draws sentences from templates; ``rules`` are the slots that are computed, not listed.

    ``agree`` mends what depends on the words that came into the slots.
    """

    language: str
    templates: dict[str, tuple[str, ...]]
    lists: dict[str, tuple[str, ...]]
    rules: dict[str, rules.Rule]
    agree: Callable[[str], str] = str

    def draw(self, rng: random.Random, group: str) -> str:
        """One random sentence of ``group``."""
        return self.fill(rng.choice(self.templates[group]), rng)

    def draw_test(self, rng: random.Random, group: str) -> str:
        """One random held-out sentence of ``group``.

        The template is drawn first, so that templates with few sentences, of which hardly any
        is held out, are as frequent here as in ``draw``. A template without slots is left out:
        its one sentence would be a test of unseen words, not of an unseen sentence.
        """
        while True:
            template = rng.choice(self.templates[group])
            for _ in range(8 * TEST_MODULUS if _SLOT.search(template) else 0):
                sentence = self.fill(template, rng)
                if is_test(sentence):
                    return sentence

    def fill(self, template: str, rng: random.Random) -> str:
        """The sentence of a template with random words in its slots."""
        used: set[str] = set()
        text = _SLOT.sub(lambda match: self._fill(match[1], rng, used), template)
        return capitalise(self.agree(text))

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


def _english_subject(rng: random.Random) -> str:
    return rng.choice(words_en.LISTS["name" if rng.random() < 0.5 else "person"])


GRAMMARS: dict[str, Grammar] = {
    "English": Grammar(
        "English",
        grammar_en.TEMPLATES,
        words_en.LISTS,
        {**rules.ENGLISH, "subject": _english_subject},
        agreement.english,
    ),
    "Spanish": Grammar(
        "Spanish", grammar_es.TEMPLATES, words_es.LISTS, rules.SPANISH, agreement.spanish
    ),
    "German": Grammar("German", grammar_de.TEMPLATES, words_de.LISTS, rules.GERMAN),
}
