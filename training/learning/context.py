"""Context texts for the system turn, so that names given there are spelled right when spoken.

A context that lists the spoken names teaches to use it; one that lists only other names and
words teaches not to write what was not said.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from training.language import names
from training.language.text import LANGUAGES
from training.learning.rows import CLOSING, Row

DISTRACTOR_LIMITS = (0, 3, 8)
"""Most invented names a batch's contexts may add; with 0 the batch has no context at all.

A limit for the whole batch, because one long context makes all of its sequences as long."""
SPOKEN_SHARE = 0.80
"""Of the rows with names, in batches with contexts: those whose context lists them."""
UNSPOKEN_SHARE = 0.18
"""Of the rows without names: those whose context holds nothing that is said."""
USUAL_WORDS_SHARE = 0.25
"""Of the rows without names: those whose context holds words that are said, the longer ones."""
_OPENING = "¿¡"
_AND = {"English": "and", "Spanish": "y", "German": "und"}
_SENTENCES = {
    "English": "The speakers are {}.",
    "Spanish": "Los participantes son {}.",
    "German": "Die Teilnehmer sind {}.",
}

WordSource = Callable[[random.Random, str], list[str]]


def give(rows: list[Row], rng: random.Random, words_of: WordSource) -> list[Row]:
    """The rows of one batch with their contexts; most of them are empty.

    ``words_of(rng, language)`` gives words of some other sentence.
    """
    limit = rng.choice(DISTRACTOR_LIMITS)
    if not limit:
        return rows
    return [replace(row, context=_context(row, rng, limit, words_of)) for row in rows]


def _context(row: Row, rng: random.Random, limit: int, words_of: WordSource) -> str:
    if not row.words:
        listed = _unspoken(row, rng, limit, words_of) if rng.random() < UNSPOKEN_SHARE else []
    elif row.names:
        spoken = spoken_names(row) if rng.random() < SPOKEN_SHARE else []
        listed = spoken + _unspoken(row, rng, limit, words_of, least=0 if spoken else 1)
    else:
        listed = _without_names(row, rng, limit, words_of)
    rng.shuffle(listed)
    return written(list(dict.fromkeys(listed)), row.language, rng)


def _without_names(row: Row, rng: random.Random, limit: int, words_of: WordSource) -> list[str]:
    place = rng.random()
    if place < USUAL_WORDS_SHARE:
        longer = sorted(row.words, key=len)[len(row.words) // 2 :]
        spoken = [bare(word) for word in rng.sample(longer, min(len(longer), rng.randint(1, 4)))]
        return spoken + _unspoken(row, rng, limit, words_of, least=0)
    if place < USUAL_WORDS_SHARE + UNSPOKEN_SHARE:
        return _unspoken(row, rng, limit, words_of)
    return []


def spoken_names(row: Row) -> list[str]:
    """The names of a row; one of several words, which follow each other, is kept together."""
    found: list[str] = []
    for index in row.names:
        follows = index - 1 in row.names and row.words[index - 1][-1:] not in CLOSING
        if follows and found:
            found[-1] += " " + bare(row.words[index])
        else:
            found.append(bare(row.words[index]))
    return found


def _unspoken(
    row: Row, rng: random.Random, limit: int, words_of: WordSource, least: int = 1
) -> list[str]:
    """Invented names and sometimes usual words, none of which is said in ``row``."""
    language = row.language if row.words and rng.random() < 0.6 else rng.choice(LANGUAGES)
    listed = [names.invent(rng, language=language) for _ in range(rng.randint(least, limit))]
    if row.words and rng.random() < 0.3:
        others = [bare(word) for word in words_of(rng, row.language)]
        listed += rng.sample(others, min(len(others), rng.randint(1, limit)))
    said = {bare(word).lower() for word in row.words}
    return [word for word in listed if word.lower() not in said]


def bare(word: str) -> str:
    """A word as it stands in a list: no punctuation, no possessive ending."""
    return word.strip(CLOSING + _OPENING).removesuffix("'s")


def written(listed: list[str], language: str, rng: random.Random) -> str:
    """A list of names as people write it into a context field."""
    if not listed:
        return ""
    style = rng.randrange(5)
    if style == 0:
        return f"Names: {', '.join(listed)}."
    if style == 1:
        return "\n".join(listed)
    if style == 2 and language in _AND:
        *first, last = listed
        joined = f"{', '.join(first)} {_AND[language]} {last}" if first else last
        return _SENTENCES[language].format(joined)
    return ", ".join(listed)
