"""Words that change with what a slot put behind them: "a"/"an", Spanish numbers and nouns."""

from __future__ import annotations

import re

_ARTICLE = re.compile(r"\ba (?=(?!one\b|uni(?![nm])|use|eu)(?:[aeiou]|hour|honest|heir))")
"""An "a" before a vowel sound; "one", "unit", "used", "euro" begin with a consonant sound."""

_MASCULINE = (
    "euros|minutos|días|años|metros|grados|segundos|milisegundos|kilómetros|céntimos|libros"
)
_FEMININE = (
    "personas|páginas|horas|semanas|preguntas|manzanas|naranjas|patatas|fresas|cebollas"
    "|zanahorias|galletas|peras|cervezas"
)
_ONE_OF_THEM = re.compile(rf"uno (?={_MASCULINE})")
_COUNTED_FEMININE = re.compile(
    rf"\b(\S*(?:ciento|quiniento)s )?(\S+ y |\S+ )?(\S+) (?={_FEMININE})"
)


def english(text: str) -> str:
    """The article before a vowel sound: "an engineer"."""
    return _ARTICLE.sub("an ", text)


def spanish(text: str) -> str:
    """The gender of counted things: "veintiún euros", "doscientas una páginas"."""
    text = _ONE_OF_THEM.sub("un ", text).replace("veintiun ", "veintiún ")
    return _COUNTED_FEMININE.sub(lambda match: _feminine(match[0]), text)


def _feminine(number: str) -> str:
    number = re.sub(r"(cient|quinient)os\b", r"\1as", number)
    return re.sub(r"uno $", "una ", number)
