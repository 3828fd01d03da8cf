"""Words put at random into plain sentences, so that the model hears more than common words."""

from __future__ import annotations

import random
import re
from functools import cache

from training.language import open_text
from training.language.decency import is_decent
from training.language.sources import ding_entries, spanish_words, wordnet_lines
from training.language.split import capitalise
from training.language.wordlists import lines

_SLOT = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[a-zäöüßáéíóúñ]{4,14}")
_PROPER = re.compile(r"[A-Z][a-z]{2,12}")
_FAMILIAR_SHARE = 0.6
"""Part of the draws that take a word which also occurs in the open text."""

_GERMAN_NOUN = re.compile(r"([A-ZÄÖÜ][a-zäöüß]{2,14}) \{([mfn])\}")
_GERMAN_ADJECTIVE = re.compile(r"([a-zäöüß]{4,14}) \{adj\}")
_GERMAN_GENDERS = {"m": "masculine", "f": "feminine", "n": "neuter"}
_WORDNET_LEXICOGRAPHER = {"15": "place", "18": "person"}
"""WordNet's file numbers for places and for people."""

TEMPLATES: dict[str, tuple[str, ...]] = {
    "English": lines("""
        The {noun} was near the {noun}.
        The {adjective} {noun} is here.
        Where is the {noun}?
        The {noun} and the {noun} are {adjective}.
        They want to {verb} the {noun}.
        We can {verb} or {verb}.
        Did you {verb} the {adjective} {noun}?
        The word {noun} is next to the word {noun}.
        {noun}, {noun}, {noun}.
        The {noun} of {person} is in {place}.
        {person} wrote about the {noun}.
        We travelled from {place} to {place}.
        I read about {person} and the {noun}.
        It was a matter of {noun} and {noun}.
        Please do not {verb} the {noun}.
        This {noun} seems {adjective}."""),
    "German": lines("""
        Der {masculine} steht neben dem {neuter}.
        Die {feminine} ist hier.
        Das {neuter} ist {adjective}.
        Der {masculine} ist {adjective}.
        Die {feminine} war {adjective}.
        Wo ist das {neuter}?
        Wo ist der {masculine}?
        Wo ist die {feminine}?
        Wir sprechen über die {feminine} und das {neuter}.
        Es geht um die {feminine}.
        Er sieht das {neuter} und die {feminine}.
        Das {neuter}, die {feminine} und der {masculine} gehören zusammen."""),
    "Spanish": lines("""
        La palabra es {word}.
        La palabra {word} está en la lista.
        Escribe {word}, {word} y {word}.
        {word}, {word}, {word}.
        ¿Qué significa {word}?
        Primero {word} y después {word}."""),
}


def draw(rng: random.Random, language: str) -> str:
    """A plain sentence with random words in it."""
    template = rng.choice(TEMPLATES[language])
    return capitalise(_SLOT.sub(lambda match: _word(rng, language, match[1]), template))


def _word(rng: random.Random, language: str, kind: str) -> str:
    familiar, rare = _words(language)[kind]
    return rng.choice(familiar if rng.random() < _FAMILIAR_SHARE else rare)


@cache
def _words(language: str) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Kind → (words that occur in the open text, words that do not)."""
    found = {"English": _english, "German": _german, "Spanish": _spanish}[language]()
    known = open_text.vocabulary(language)
    return {kind: _by_familiarity(words, known) for kind, words in found.items()}


def _by_familiarity(
    words: set[str], known: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    decent = sorted(word for word in words if is_decent(word))
    familiar = tuple(word for word in decent if word.lower() in known)
    return familiar, tuple(word for word in decent if word.lower() not in known)


def _english() -> dict[str, set[str]]:
    found = {
        "noun": _wordnet_words("noun"),
        "verb": _wordnet_words("verb"),
        "adjective": _wordnet_words("adj"),
        "place": set[str](),
        "person": set[str](),
    }
    for line in wordnet_lines("data.noun"):
        _, lexicographer, _, _, first, _ = line.split(" ", 5)
        kind = _WORDNET_LEXICOGRAPHER.get(lexicographer)
        if kind and " @i " in line and _PROPER.fullmatch(first):
            found[kind].add(first)
    return found


def _wordnet_words(part: str) -> set[str]:
    """The first word of each entry, unless it is a phrase or is written with a capital."""
    entries = (line.split(" ", 5)[4] for line in wordnet_lines(f"data.{part}"))
    return {word for word in entries if _WORD.fullmatch(word)}


def _german() -> dict[str, set[str]]:
    found = {kind: set[str]() for kind in (*_GERMAN_GENDERS.values(), "adjective")}
    for german, _ in ding_entries():
        singular = german.partition("|")[0]
        if noun := _GERMAN_NOUN.match(singular):
            found[_GERMAN_GENDERS[noun[2]]].add(noun[1])
        elif adjective := _GERMAN_ADJECTIVE.match(singular):
            found["adjective"].add(adjective[1])
    return found


def _spanish() -> dict[str, set[str]]:
    return {"word": {word for word in spanish_words() if _WORD.fullmatch(word)}}
