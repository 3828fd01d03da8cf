"""Invented names of people, places and products.

The spelling of such a name cannot be known from its sound: the same sound is written with c, k
or ck, f or ph, i or y, single or double letters, with or without a silent h or e. Only a
context that holds the name tells how it is written. A name belongs to the test side by its own
hash, so no test name is ever trained on.
"""

from __future__ import annotations

import hashlib
import random
import re

from training.language.decency import is_decent
from training.language.name_sounds import SOUNDS, Sounds
from training.language.split import text_hash

TEST_MODULUS = 10
"""One invented name in this many is kept for testing."""

_SHORTEST, _LONGEST = 4, 11
_AWKWARD = re.compile(
    r"(?:[aeiouäöü]{2}|[aeiou]h|[ae][wy])(?:(\w)\1|ck|x|tz|rr)|[wy](?:[^aeiou]|$)(?<![aeiou]y\w)"
    r"|[aeiouäöü]{3}|h[^aeiouäöülmnrt]|(\w)\w?\2\w?\2|qu[uo]|q(?!u)"
)
"""Spellings that no reader would know how to say."""


def invent(rng: random.Random, *, test: bool = False, language: str = "English") -> str:
    """A pronounceable name of two to four syllables from the wanted side of the split."""
    while True:
        name = _build(rng, SOUNDS[language])
        if (
            _SHORTEST <= len(name) <= _LONGEST
            and is_decent(name)
            and not _AWKWARD.search(name)
            and (text_hash(name) % TEST_MODULUS == 0) == test
        ):
            return name.capitalize()


def _build(rng: random.Random, sounds: Sounds) -> str:
    """Syllables joined: the first may lack its onset, the last is a coda or an ending."""
    parts = [_spell(rng, sounds.onsets)] if rng.random() < 0.85 else []
    parts.append(_spell(rng, sounds.vowels))
    middle = rng.choices((0, 1, 2), (5, 4, 1))[0]
    for _ in range(middle):
        parts += [_spell(rng, sounds.inner), _spell(rng, sounds.vowels)]
    if middle and rng.random() < 0.5:
        parts.append(_spell(rng, sounds.codas))
    else:
        parts += [_spell(rng, sounds.inner), _spell(rng, sounds.endings)]
    return "".join(parts)


def _spell(rng: random.Random, sounds: tuple[list[str], ...]) -> str:
    return rng.choice(rng.choice(sounds))


def fingerprint() -> str:
    """Hash of the tables of sounds."""
    return hashlib.sha256(repr((SOUNDS, TEST_MODULUS)).encode()).hexdigest()
