"""Open-vocabulary sentences, cleaned so that what is written is what is spoken.

A usable sentence has 2 to 22 words of plain letters, commas, one final "." or "?", and nothing
that a synthesiser would read in its own way (digits, abbreviations, words in capitals).
"""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass
from functools import cache

from training.language.decency import is_decent
from training.language.sources import SOURCES, Source
from training.language.split import capitalise, is_test

_ACCENTS = {"English": "", "Spanish": "áéíóúüñÁÉÍÓÚÜÑ¿", "German": "äöüÄÖÜß"}
_MOST_WORDS = 22

_QUOTES = str.maketrans({"\u2019": "'", "`": "'", "\u00b4": "'", "!": ".", "…": ".", "¡": None})
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}")
_PAUSE = re.compile(r"\s*(?:[;:]|\s--?\s|\s\u2013\s|\u2014)\s*")
_UNUSABLE = re.compile(r"^\W*\w+:|\]\w")
"""A speaker's name in front, or a letter that an editor put in."""
_HYPHEN = re.compile(r"(?<=[a-z])-(?=[a-z])")
_QUOTE_EDGE = re.compile(r"(?<!\w)'+|'+(?!\w)|[\"“”„«»\u2018*_]")
_END = re.compile(r"[\s.,?]*$")
_INNER_END = re.compile(r"[.?](?!$)")
_CAPITALS = re.compile(r"[^\W\d_]{2,}(?<![a-zß-ÿ])")
_ABBREVIATION = re.compile(
    r"\b(?:mr|mrs|ms|dr|st|etc|vs|sb|sth|jdn|jdm|jds|etw|usw|bzw|ca|prof|sr|sra|ud|uds|ing)\b",
    re.IGNORECASE,
)
_LONE_LETTER = re.compile(r"(?<![\w'])(?:[b-hj-np-z]|[B-HJ-NP-Z])(?![\w'])")
_REPEATED = re.compile(r"(.)\1\1|¿.*¿", re.IGNORECASE)
_VERSE = re.compile(
    r"(?<=[a-z,]) (?:And|Or|But|To|The|A|In|Of|On|For|From|Not|Would|Who|When|Which|That|With|By"
    r"|As|At|If|It|He|She|They|We|You|My|His|Her|Their|Your|Is|Are|All|So|Then)\b"
)
"""A line of verse starts with a capital in the middle of a sentence."""
_OLD_SPELLING = re.compile(
    r"\b((?:ver|er|ge|be|um|ent|nach|an|ab|ein|über|unbe)?(?:da|mu|mü|lä|la|wu|wü|hä|ha|fa|pa|ku|kü"
    r"|mi|i|bi|gi|fri|wi|schlu|flu|nu|stre|proze))ß(?=(?:t|te|ten|test|lich\w*|heit|sein|chen)?\b)",
    re.IGNORECASE,
)
"""German before the reform of 1996 wrote "daß" and "muß"."""


@dataclass(frozen=True)
class Extract:
    """The usable sentences of one source, on the two sides of the split."""

    source: Source
    train: tuple[str, ...]
    test: tuple[str, ...]


def draw(rng: random.Random, language: str, *, test: bool = False) -> str:
    """A random sentence; the sources are weighted by their shares."""
    extracts = extract(language)
    chosen = rng.choices(extracts, [extract.source.share for extract in extracts])[0]
    return rng.choice(chosen.test if test else chosen.train)


@cache
def extract(language: str) -> tuple[Extract, ...]:
    """What each source of the language yields, without sentences that occur twice."""
    seen: set[str] = set()
    return tuple(_extract(source, seen) for source in SOURCES if source.language == language)


def _extract(source: Source, seen: set[str]) -> Extract:
    sides: tuple[list[str], list[str]] = ([], [])
    for raw in source.read():
        sentence = clean(raw, source.language)
        if sentence and sentence not in seen:
            seen.add(sentence)
            sides[is_test(sentence)].append(sentence)
    return Extract(source, tuple(sides[0]), tuple(sides[1]))


def clean(raw: str, language: str) -> str:
    """The sentence as it is to be spoken and written, or "" when it cannot be used."""
    if _UNUSABLE.search(raw):
        return ""
    text = _BRACKETS.sub(" ", " ".join(raw.split()).translate(_QUOTES))
    text = _PAUSE.sub(", ", text)
    if language == "English":
        text = _HYPHEN.sub(" ", text)
    if language == "German":
        text = _OLD_SPELLING.sub(r"\1ss", text)
    text = " ".join(_QUOTE_EDGE.sub("", text).split()).replace(" ,", ",")
    end = "?" if text.endswith("?") else "."
    text = _END.sub("", text).lstrip(" ,.") + end
    return capitalise(text) if _is_usable(text, language) else ""


def _is_usable(text: str, language: str) -> bool:
    words = text.split()
    allowed = rf"[A-Za-z',.? {_ACCENTS[language]}]+"
    return (
        2 <= len(words) <= _MOST_WORDS
        and re.fullmatch(allowed, text) is not None
        and ",," not in text
        and not any(
            pattern.search(text)
            for pattern in (_INNER_END, _CAPITALS, _ABBREVIATION, _REPEATED, _VERSE)
        )
        and not _has_lone_letter(text, language)
        and ("¿" in text) <= text.endswith("?")
        and is_decent(text)
    )


def _has_lone_letter(text: str, language: str) -> bool:
    """A letter standing alone is an initial, not a word ("y", "e", "o", "u" are in Spanish)."""
    letters = _LONE_LETTER.findall(text)
    return any(language != "Spanish" or letter not in "yeu" for letter in letters)


@cache
def vocabulary(language: str) -> frozenset[str]:
    """The words of the training side, in lower case, without punctuation."""
    sentences = (sentence for part in extract(language) for sentence in part.train)
    return frozenset(word.strip(".,?¿") for s in sentences for word in s.lower().split())


def fingerprint() -> str:
    """Hash of all extracted sentences: it changes with a package as with the cleaning."""
    digest = hashlib.sha256()
    for language in _ACCENTS:
        for part in extract(language):
            digest.update("\n".join((part.source.name, *part.train, *part.test)).encode())
    return digest.hexdigest()
