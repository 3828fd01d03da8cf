"""Where the open text comes from: Debian packages, their licences, and how each is read.

Reading gives raw sentences in the order of the files; cleaning them is ``open_text``'s part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from training.errors import RecipeError
from training.language.wordlists import words

_FORTUNES = Path("/usr/share/games/fortunes")
_WORDNET = Path("/usr/share/wordnet")
_DING = Path("/usr/share/trans/de-en")
_WORDNET_PARTS = ("noun", "verb", "adj", "adv")
_QUOTED = re.compile(r'"([^"]*)"')
_ATTRIBUTION = re.compile(r"^\s*--.*", re.MULTILINE | re.DOTALL)
_SENTENCE_BREAK = re.compile(r"(?<=[.!?])[\"']?\s+")

_SPANISH_WORDS = Path("/usr/share/dict/spanish")

# Files of verse, code, chat logs and coarse jokes are left out.
_FORTUNE_FILES = {
    "English": words("""
        computers cookie debian definitions disclaimer education food fortunes goedel humorists
        kids law linux linuxcookie literature love magic medicine miscellaneous news paradoxum
        people pets platitudes politics pratchett riddles science songs-poems sports startrek
        tao wisdom work"""),
    "German": words("""
        de/anekdoten de/bahnhof de/beilagen de/brot de/computer de/debian de/dessert
        de/elefanten de/fussball de/hauptgericht de/holenlassen de/huhn de/infodrom de/kalt
        de/kinderzitate de/kuchen de/letzteworte de/linuxtag de/loewe de/mathematiker de/ms
        de/murphy de/plaetzchen de/regeln de/salat de/sauce de/sicherheitshinweise
        de/sprichworte de/sprichwortev de/sprueche de/stilblueten de/suppe de/tips
        de/translations de/vorspeise de/wusstensie de/zitate"""),
    "Spanish": words("""
        es/amistad.fortunes es/arte.fortunes es/asimov.fortunes es/ciencia.fortunes
        es/deprimente.fortunes es/familia.fortunes es/famosos.fortunes es/filosofia.fortunes
        es/humanos.fortunes es/informatica.fortunes es/lao-tse.fortunes
        es/leydemurphy.fortunes es/libertad.fortunes es/nietzsche.fortunes es/poder.fortunes
        es/proverbios.fortunes es/refranes.fortunes es/sabiduria.fortunes
        es/schopenhauer.fortunes es/sentimientos.fortunes es/varios.fortunes
        es/verdad.fortunes es/vida.fortunes"""),
}


class MissingSourceError(RecipeError):
    """A package that the text material comes from is not installed."""


@dataclass(frozen=True)
class Source:
    """One body of text. ``share`` is its part of the open text drawn in its language."""

    name: str
    language: str
    package: str
    licence: str
    share: float
    read: Callable[[], Iterator[str]]


def read_lines(path: Path, package: str) -> tuple[str, ...]:
    """The lines of a file that ``package`` installs."""
    if not path.is_file():
        raise MissingSourceError(f"{path} is missing: apt-get install {package}")
    return tuple(path.read_text(encoding="utf-8").splitlines())


def wordnet_lines(file: str) -> tuple[str, ...]:
    """A WordNet database file without its licence header, whose lines start with a space."""
    lines = read_lines(_WORDNET / file, "wordnet-base")
    return tuple(line for line in lines if not line.startswith(" "))


def ding_entries() -> Iterator[tuple[str, str]]:
    """(German, English) sides of each entry, "|" between the parts of a side."""
    for line in read_lines(_DING, "trans-de-en"):
        german, found, english = line.partition(" :: ")
        if found and not line.startswith("#"):
            yield german, english


def _glosses() -> Iterator[str]:
    for part in _WORDNET_PARTS:
        for line in wordnet_lines(f"data.{part}"):
            yield line.partition(" | ")[2]


def _wordnet_examples() -> Iterator[str]:
    for gloss in _glosses():
        yield from _QUOTED.findall(gloss)


def _wordnet_definitions() -> Iterator[str]:
    for gloss in _glosses():
        yield _QUOTED.sub("", gloss).partition(";")[0]


def _ding(side: int) -> Iterator[str]:
    """Whole sentences among the usage examples: a capital first and a full stop last."""
    for entry in ding_entries():
        for phrase in entry[side].split("|"):
            phrase = phrase.strip()
            if phrase[:1].isupper() and phrase[-1] in ".?!":
                yield phrase


def _fortunes(language: str, package: str) -> Iterator[str]:
    """The sentences of the fortune cookies, without their attributions."""
    for file in _FORTUNE_FILES[language]:
        for fortune in "\n".join(read_lines(_FORTUNES / file, package)).split("\n%\n"):
            yield from _SENTENCE_BREAK.split(_ATTRIBUTION.sub("", fortune).strip())


def spanish_words() -> Iterator[str]:
    """A list of single words, which gives no sentences."""
    yield from read_lines(_SPANISH_WORDS, "wspanish")


_WORDNET_LICENCE = "WordNet 3.0 licence (permissive)"
_GPL = "GPL-2 or later"

SOURCES: tuple[Source, ...] = (
    Source(
        "WordNet example sentences",
        "English",
        "wordnet-base",
        _WORDNET_LICENCE,
        0.42,
        _wordnet_examples,
    ),
    Source(
        "WordNet definitions",
        "English",
        "wordnet-base",
        _WORDNET_LICENCE,
        0.15,
        _wordnet_definitions,
    ),
    Source("Ding usage examples", "English", "trans-de-en", _GPL, 0.3, lambda: _ding(1)),
    Source(
        "fortune cookies",
        "English",
        "fortunes",
        "BSD, with quotations",
        0.13,
        lambda: _fortunes("English", "fortunes"),
    ),
    Source("Ding usage examples", "German", "trans-de-en", _GPL, 0.65, lambda: _ding(0)),
    Source(
        "fortune cookies",
        "German",
        "fortunes-de",
        _GPL,
        0.35,
        lambda: _fortunes("German", "fortunes-de"),
    ),
    Source(
        "fortune cookies",
        "Spanish",
        "fortunes-es",
        "public domain quotations, GPL-2 or later",
        1.0,
        lambda: _fortunes("Spanish", "fortunes-es"),
    ),
    Source("list of words", "Spanish", "wspanish", "public domain", 0.0, spanish_words),
)
