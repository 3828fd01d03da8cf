"""What a synthesiser is given to read in place of the transcript."""

from __future__ import annotations

import re

_LETTER_A = re.compile(r"(?<=\s)A(?![\w'])")


def spoken(transcript: str, language: str) -> str:
    """The same words, none more or fewer, with the letter "A" as English voices must read it.

    They take a lone "A" for the article; the grammar puts a spelled letter never first.
    """
    return _LETTER_A.sub("eigh", transcript) if language == "English" else transcript
