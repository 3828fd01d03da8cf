"""Numbers spelled out as words, in English, Spanish and German.

The transcripts carry no digits: what is spoken is what is written, so the model has no
inverse text normalisation to learn.
"""

from __future__ import annotations

from training.language.wordlists import words

EN_UNITS = words("""
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen""")
EN_TENS = words("- - twenty thirty forty fifty sixty seventy eighty ninety")

ES_UNITS = words("""
    cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince
    dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés
    veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve""")
ES_TENS = words("- - - treinta cuarenta cincuenta sesenta setenta ochenta noventa")
ES_HUNDREDS = words("""
    - ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos
    ochocientos novecientos""")

DE_UNITS = words("""
    null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn
    fünfzehn sechzehn siebzehn achtzehn neunzehn""")
DE_TENS = words("- - zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig")


def english(value: int) -> str:
    """``value`` (0 … 999 999) in English words without hyphens or "and"."""
    if value < 20:
        return EN_UNITS[value]
    if value < 100:
        tens, rest = divmod(value, 10)
        return EN_TENS[tens] + (f" {EN_UNITS[rest]}" if rest else "")
    for scale, name in ((1000, "thousand"), (100, "hundred")):
        if value >= scale:
            head, rest = divmod(value, scale)
            return f"{english(head)} {name}" + (f" {english(rest)}" if rest else "")
    raise ValueError(f"cannot spell {value}")


def spanish(value: int) -> str:
    """``value`` (0 … 9999) in Spanish words, masculine form."""
    if value < 30:
        return ES_UNITS[value]
    if value < 100:
        tens, rest = divmod(value, 10)
        return ES_TENS[tens] + (f" y {ES_UNITS[rest]}" if rest else "")
    if value == 100:
        return "cien"
    if value < 1000:
        hundreds, rest = divmod(value, 100)
        return ES_HUNDREDS[hundreds] + (f" {spanish(rest)}" if rest else "")
    head, rest = divmod(value, 1000)
    thousands = "mil" if head == 1 else f"{spanish(head)} mil"
    return thousands + (f" {spanish(rest)}" if rest else "")


def english_ordinal(value: int) -> str:
    """The day-of-month ordinal (1 … 31) in words."""
    first = {
        1: "first",
        2: "second",
        3: "third",
        5: "fifth",
        8: "eighth",
        9: "ninth",
        12: "twelfth",
        20: "twentieth",
        30: "thirtieth",
    }
    if value in first:
        return first[value]
    if value > 20:
        return f"{EN_TENS[value // 10]} {english_ordinal(value % 10)}"
    return EN_UNITS[value] + "th"


def german(value: int) -> str:
    """``value`` (0 … 999 999) in German, one word, as it is counted: "eins", "einundzwanzig"."""
    if value < 20:
        return DE_UNITS[value]
    if value < 100:
        tens, rest = divmod(value, 10)
        return (f"{_german_head(rest)}und" if rest else "") + DE_TENS[tens]
    for scale, name in ((1000, "tausend"), (100, "hundert")):
        if value >= scale:
            head, rest = divmod(value, scale)
            lead = "" if head == 1 else _german_head(head)
            return lead + name + (german(rest) if rest else "")
    raise ValueError(f"cannot spell {value}")


def _german_head(value: int) -> str:
    """``value`` in front of another number word: "ein", not "eins"."""
    return german(value).removesuffix("s") if value % 100 == 1 else german(value)


def german_ordinal(value: int) -> str:
    """The ordinal (1 … 31) in the form of dates: "ersten", "dritten", "einundzwanzigsten"."""
    irregular = {1: "ersten", 3: "dritten", 7: "siebten", 8: "achten"}
    if value in irregular:
        return irregular[value]
    return german(value) + ("ten" if value < 20 else "sten")
