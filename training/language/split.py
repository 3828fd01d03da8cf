"""The split into train and test, decided by a hash of the words alone.

No list of held-out sentences has to be kept: ``is_test(text)`` gives the same answer on every
machine. Invented names are split the same way, each by itself.
"""

from __future__ import annotations

import hashlib
import re

TEST_MODULUS = 50
"""One sentence in this many is kept for testing."""

_SENTENCE_END = re.compile(r"(?<=[.?])\s+")


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
