"""Where a line of text may end, and how well, in many scripts; knows no time and no layout."""

import re
import unicodedata
from enum import Enum
from functools import lru_cache

from hark.engine.streams.hypothesis import split_units

_SENTENCE_ENDS = ".!?…。！？．｡؟।॥"  # noqa: RUF001  full-width marks are meant
_CLAUSE_ENDS = ",;:、，；：､،؛–—"  # noqa: RUF001
_CLOSERS = "\"'”’»›)]}）］｝」』】》〉〕"  # noqa: RUF001
# Beside closing brackets these may not begin a line: small kana, iteration and length marks, and
# the Thai and Lao vowels and signs that follow their consonant.
_SMALL_KANA = "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶ"
_FOLLOWING = "\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eaf\u0eb0\u0eb2\u0eb3\u0ec6"
_NEVER_FIRST = frozenset(
    _SENTENCE_ENDS + _CLAUSE_ENDS + _SMALL_KANA + _FOLLOWING + "・％%‥‰℃°々〻ゝゞヽヾー〜～"  # noqa: RUF001
)
# And beside opening brackets these may not end one: currency, the Thai and Lao vowels before their
# consonant, and the marks that stack the next consonant under this one.
_LEADING = "\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4\u17d2\u1039"
_NEVER_LAST = frozenset("$€£¥￥＄#＃@＠¿¡" + _LEADING)  # noqa: RUF001
_ZERO_WIDTH_JOINER = "\u200d"
_LONGEST_CHARACTER = 20  # code points

# Words that belong to the next one: articles, prepositions, conjunctions, titles.
_HOLDING_ON = """
    an the my your his her its our their this that of to in on at for from with by and or but
    el la los las lo un una unos unas mi tu su de del al en con por para sin y o u que
    le les une des du au aux mon ma mes ton ta tes son sa ses ce cette et ou dans sur pour
    der die das den dem ein eine einen einem einer und oder zu zum zur im am vom von mit für
    il gli uno i di da dal dalla nel nella per tra fra os as um uma do dos das em no na nos nas a e
    mr. mrs. ms. dr. prof. st. sr. sra. herr frau mme. hr. fr.
"""
_HOLD_ON = frozenset(_HOLDING_ON.split())
_INITIAL = re.compile(r"[^\W\d_]\.")  # the J. of J. Smith


class Break(Enum):
    """What a line or a cue would end behind, best first."""

    SENTENCE = "a sentence"
    CLAUSE = "a comma or the like"
    WORD = "a word"
    HELD = "an article or the like"
    PART = "a part of a word"


def break_behind(word: str) -> Break:
    """The break between a word, its punctuation included, and the next."""
    ending = word.rstrip(_CLOSERS) or word
    if ending.lower() in _HOLD_ON or _INITIAL.fullmatch(ending):
        return Break.HELD
    if ending[-1] in _SENTENCE_ENDS:
        return Break.SENTENCE
    return Break.CLAUSE if ending[-1] in _CLAUSE_ENDS else Break.WORD


@lru_cache(maxsize=1 << 16)
def may_part(left: str, right: str) -> bool:
    """Whether a line may end between two characters that have no space between them.

    Only beside a character of a script without spaces or its punctuation, never before closing
    punctuation and never behind opening punctuation (the common part of the Japanese rules, JIS X
    4051).
    """
    if right in _NEVER_FIRST or unicodedata.category(right)[0] == "M":
        return False
    if unicodedata.category(right) in ("Pe", "Pf"):
        return False
    if left in _NEVER_LAST or unicodedata.category(left) in ("Ps", "Pi"):
        return False
    return len(split_units(left + right)) > 1 or _is_wide_mark(left) or _is_wide_mark(right)


def _is_wide_mark(char: str) -> bool:
    return _char_columns(char) == 2 and unicodedata.category(char)[0] == "P"


def columns(text: str) -> int:
    """Its width in columns: two for a full-width character, none for a combining mark."""
    return sum(map(_char_columns, text))


@lru_cache(maxsize=1 << 14)
def _char_columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def characters(text: str) -> list[str]:
    """The characters as a reader counts them: with their marks and skin tones, joined ones as one.

    None is longer than 20 code points, so that each fits into a line whatever the text.
    """
    found: list[str] = []
    for char in text:
        last = found[-1] if found and not found[-1].isspace() else ""
        extends = unicodedata.category(char)[0] == "M" or char == _ZERO_WIDTH_JOINER
        extends |= "\U0001f3fb" <= char <= "\U0001f3ff" or last.endswith(_ZERO_WIDTH_JOINER)
        if extends and 0 < len(last) < _LONGEST_CHARACTER:
            found[-1] += char
        else:
            found.append(char)
    return found
