"""Common phone classes for the labels of all synthesisers.

They serve one auxiliary loss only, so accents and languages are merged generously. The diphone
speakers of festival carry the labels of espeak-ng, which told them what to say.
"""

from __future__ import annotations

IGNORE = -100
"""Class of a phone that is not in the table; the loss skips it."""

_CLASSES = {
    "sil": "_ _: _:: _! _| pau ?",
    "iy": "i i: iy I#i",
    "ih": "I I2 I# ih i@ i@3 IR",
    "ey": "eI EI ey eU e:",
    "eh": "E E: E2 e eh e@",
    "ae": "a ae",
    "ah": "V ah",
    "ax": "@ @2 @5 @- 3 a# ax",
    "aa": "0 O2 A: A@ A~ aa A",
    "ao": "O: O@ o@ O o O~ ao",
    "oy": "OI oI OY oy",
    "ow": "oU ow o:",
    "uh": "U U@ UR uh",
    "uw": "u u: uw",
    "uy": "y y:",
    "oe": "W Y Y:",
    "er": "3: VR er",
    "ay": "aI aI2 aI3 aI@ ay",
    "aw": "aU aw",
    "p": "p pF",
    "b": "b B",
    "t": "t t2 t# t[",
    "d": "d",
    "k": "k",
    "g": "g Q",
    "ch": "tS ch",
    "jh": "dZ jh",
    "ts": "ts",
    "f": "f",
    "v": "v",
    "th": "T th",
    "dh": "D dh",
    "s": "s",
    "z": "z",
    "sh": "S sh",
    "zh": "Z zh",
    "hh": "h hh",
    "kh": "x C",
    "m": "m",
    "n": "n n- n^",
    "ng": "N ng",
    "l": "l @L",
    "r": "r r- * ** R R2",
    "w": "w w#",
    "y": "j y ; l^ J^",
}
COUNT = len(_CLASSES)
"""Number of phone classes."""
_INDEX = {
    label: index for index, labels in enumerate(_CLASSES.values()) for label in labels.split()
}


def phone_class(label: str) -> int:
    """Class of a synthesiser's phone label, or ``IGNORE``."""
    return _INDEX.get(label, IGNORE)
