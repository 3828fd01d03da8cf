"""From a text to the word list a forced aligner is given; knows no audio, no tokens and no times.

The aligner reads letters, digits and the ASCII apostrophe only, one entry a pair of time slots
(the rules are those of the official package qwen-asr 0.0.6):

    Japanese      the words nagisa finds
    Korean        what stands between spaces, cut behind the longest beginning a dictionary has
    all others    what stands between spaces, with every CJK ideograph an entry of its own

Other characters are dropped, also inside an entry ("well-known" becomes "wellknown"), and so are
entries that nothing is left of. An entry remembers where its characters stand in the text, so that
what is shown can have its punctuation back.
"""

import importlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby, pairwise
from pathlib import Path
from typing import Literal

from ..languages import canonical_language
from ..streams.words import Span
from ..types import ConfigError, OptionError

ALIGNER_LANGUAGES = (
    "Chinese",
    "Cantonese",
    "English",
    "German",
    "Spanish",
    "French",
    "Italian",
    "Portuguese",
    "Russian",
    "Korean",
    "Japanese",
)
"""The languages the released aligner was trained on."""

_EXTRA = "ja-ko"
_LIBRARIES = {"Japanese": "nagisa"}  # in the extra above
_SHORTEST_BEGINNING = 2  # characters of a Korean word that may be cut off

# Unified ideographs, extensions A to E, compatibility ideographs. The compatibility supplement
# (2F800 to 2FA1F), which transformers adds, does not occur in NFC.
_IDEOGRAPHS = (
    "\u4e00-\u9fff\u3400-\u4dbf\U00020000-\U0002a6df\U0002a700-\U0002b73f"
    "\U0002b740-\U0002b81f\U0002b820-\U0002ceaf\uf900-\ufaff"
)
_PIECE = re.compile(f"[{_IDEOGRAPHS}]|[^{_IDEOGRAPHS}]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One entry of a word list.

    `text` is what the aligner reads, and never empty. Character i of it was written as the
    `origins[i]` of the original text: most often one character, two where an accent was written by
    itself. Characters written as one (the "fi" of a ligature) have the same origin.
    """

    text: str
    origins: tuple[Span, ...]

    @property
    def begin_char(self) -> int:
        return self.origins[0][0]

    @property
    def end_char(self) -> int:
        return self.origins[-1][1]

    @property
    def characters(self) -> list["Word"]:
        """The entry character by character, as they are written: those of one origin are one."""
        written = groupby(zip(self.text, self.origins, strict=True), key=lambda pair: pair[1])
        parts = ((origin, [char for char, _ in pairs]) for origin, pairs in written)
        return [Word("".join(chars), (origin,) * len(chars)) for origin, chars in parts]


class WordSplitter:
    """Makes word lists.

    The official package cuts Korean with a dictionary of 17,968 words, which it ships, by the rule
    of soynlp's LTokenizer; transformers gives that rule no dictionary, and then the words of a
    Korean list are what stands between spaces. Hark does as transformers does: that dictionary is
    not ours to ship, and words between spaces are what a reader sees. With `korean_dictionary`, the
    file of that package or one like it (a word first on each line), the lists are the official
    package's: a word of more than two characters is cut behind the longest beginning that the
    dictionary has ("날씨가" becomes 날씨, 가).
    """

    def __init__(self, korean_dictionary: Path | None = None) -> None:
        """Read the dictionary, if there is one. Raises ConfigError when it cannot be read."""
        self._beginnings = _read_dictionary(korean_dictionary) if korean_dictionary else frozenset()

    def split(self, text: str, language: str) -> list[Word]:
        """The word list of `text`; empty where the aligner reads nothing of it.

        Text in any normal form is read as NFC (in Japanese as NFKC, which is what nagisa reads);
        the spans are those of `text` as it was given. They never go back, and overlap only where
        one character stands for several words ("㍿").

        Raises:
            OptionError: an aligner does not know the language, or the library that finds its words
                is not installed.
        """
        language = canonical_language(language, ALIGNER_LANGUAGES)
        require_library(language)
        characters = _normalised(text, "NFKC" if language == "Japanese" else "NFC")
        origins = [origin for character, origin in characters if _is_kept(character)]
        if not origins:
            return []
        # Spaces around a text are no part of it, but nagisa cuts otherwise behind them.
        normal = "".join(character for character, _ in characters).strip()
        entries = self._entries(normal, language)
        # However a text is cut, all its letters are there, in order.
        assert sum(map(len, entries)) == len(origins), f"a word list of {text!r} lost letters"
        words, begin = [], 0
        for entry in entries:
            end = begin + len(entry)
            words.append(Word(entry, tuple(origins[begin:end])))
            begin = end
        return words

    def _entries(self, text: str, language: str) -> list[str]:
        match language:
            case "Japanese":
                raw = importlib.import_module("nagisa").tagging(text).words
            case "Korean":
                raw = [part for word in text.split() for part in self._cut_korean(word)]
            case _:
                return [part for word in _cleaned(text.split()) for part in _PIECE.findall(word)]
        return _cleaned(raw)

    def _cut_korean(self, word: str) -> tuple[str, str]:
        """The rule of soynlp's LTokenizer where all words of the dictionary score the same."""
        if len(word) <= _SHORTEST_BEGINNING:
            return word, ""
        places = range(len(word), _SHORTEST_BEGINNING - 1, -1)
        at = next((at for at in places if word[:at] in self._beginnings), len(word))
        return word[:at], word[at:]


def require_library(language: str) -> None:
    """Raise OptionError when the library that splits this language's text is not installed.

    `language` is an English name. Looks the library up without loading it, which takes seconds.
    """
    library = _LIBRARIES.get(language)
    if library is not None and find_spec(library) is None:
        raise OptionError(
            f"language is {language!r}, whose word times need {library}: "
            f"pip install {library} (the extra [{_EXTRA}]); all other languages do without"
        )


def punctuated(text: str, spans: Sequence[Span]) -> list[Span]:
    """The spans of words in `text`, each grown by the punctuation that belongs to its word.

    Between two words, what opens (brackets, opening quotes, "¿") and what touches the right one
    behind a space goes to the right; all else, to the left. Spaces at the edges go to neither.
    Together the grown spans hold every other character of the text. `spans` are in order; there is
    at least one unless the text has no word.
    """
    if not spans:
        return []
    begins, ends = [_skip_spaces(text, 0, spans[0][0])], []
    for (_, end), (begin, _) in pairwise(spans):
        cut = _cut(text, end, begin)
        ends.append(_skip_spaces_back(text, end, cut))
        begins.append(_skip_spaces(text, cut, begin))
    ends.append(_skip_spaces_back(text, spans[-1][1], len(text)))
    return list(zip(begins, ends, strict=True))


def _cut(text: str, begin: int, end: int) -> int:
    """Where what stands between two words is divided."""
    cut = end
    while cut > begin and not text[cut - 1].isspace():
        cut -= 1
    if cut == begin:  # no space between them
        cut = end
    while cut > begin and (text[cut - 1].isspace() or _opens(text[cut - 1])):
        cut -= 1
    return cut


def _opens(character: str) -> bool:
    return character in "¿¡" or unicodedata.category(character) in ("Ps", "Pi")


def _skip_spaces(text: str, begin: int, end: int) -> int:
    return end - len(text[begin:end].lstrip())


def _skip_spaces_back(text: str, begin: int, end: int) -> int:
    return begin + len(text[begin:end].rstrip())


def _is_kept(character: str) -> bool:
    return character == "'" or unicodedata.category(character)[0] in "LN"


def _cleaned(words: list[str]) -> list[str]:
    kept = ("".join(filter(_is_kept, word)) for word in words)
    return [word for word in kept if word]


def _normalised(text: str, form: Literal["NFC", "NFKC"]) -> list[tuple[str, Span]]:
    """The characters of `text` in a normal form, and where each comes from.

    The text is cut wherever nothing before the cut can merge, or change places, with what follows;
    all characters of such a piece come from the whole of it.
    """
    characters: list[tuple[str, Span]] = []
    begin, before = 0, ""  # the open piece, and its normal form
    for at, character in enumerate(text):
        alone = unicodedata.normalize(form, character)
        joined = unicodedata.normalize(form, text[begin : at + 1])
        if unicodedata.combining(alone[0]) or joined != before + alone:
            before = joined
            continue
        characters += [(each, (begin, at)) for each in before]
        begin, before = at, alone
    return characters + [(each, (begin, len(text))) for each in before]


def _read_dictionary(path: Path) -> frozenset[str]:
    """The words of a dictionary."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError(f"korean_dictionary {path} cannot be read: {error}") from error
    return frozenset(line.split()[0] for line in lines if line.strip())
