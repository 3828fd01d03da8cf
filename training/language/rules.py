"""Slots of the templates that are computed: numbers, times, dates, spelled letters."""

from __future__ import annotations

import random
from collections.abc import Callable

from training.language import numbers
from training.language.split import capitalise

Rule = Callable[[random.Random], str]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def small_number(rng: random.Random) -> int:
    """2 … 99, the low ones more often."""
    return rng.randint(2, 20) if rng.random() < 0.4 else rng.randint(2, 99)


def big_number(rng: random.Random, limit: int) -> int:
    """A number up to ``limit`` whose length, not its value, is uniform."""
    low = 10 ** rng.randint(1, len(str(limit)) - 1)
    number = rng.randint(low, min(10 * low - 1, limit))
    return round(number, -2) if rng.random() < 0.3 and number >= 1000 else number


def digits(rng: random.Random, units: list[str], least: int = 3, most: int = 8) -> str:
    """A string of single digits, as codes and telephone numbers are read out."""
    return " ".join(rng.choice(units[:10]) for _ in range(rng.randint(least, most)))


def letters(rng: random.Random) -> str:
    """Two to four spelled letters."""
    return " ".join(rng.choices(_LETTERS, k=rng.randint(2, 4)))


def _phone(rng: random.Random, units: list[str]) -> str:
    """A telephone number in two or three groups."""
    return ", ".join(digits(rng, units, 3, 4) for _ in range(rng.randint(2, 3)))


def _shared(units: list[str], spell: Callable[[int], str], limit: int) -> dict[str, Rule]:
    """The slots that are the same in every language but for the number words."""
    return {
        "n": lambda rng: spell(small_number(rng)),
        "big": lambda rng: spell(big_number(rng, limit)),
        "decimal_part": lambda rng: rng.choice(units[1:10]),
        "digits": lambda rng: capitalise(digits(rng, units)),
        "digits_low": lambda rng: digits(rng, units),
        "phone": lambda rng: _phone(rng, units),
        "letters": letters,
        "letter": lambda rng: rng.choice(_LETTERS),
    }


def _sum(rng: random.Random) -> str:
    a, b = rng.randint(2, 60), rng.randint(2, 39)
    return f"{numbers.english(a)} plus {numbers.english(b)} is {numbers.english(a + b)}"


def _difference(rng: random.Random) -> str:
    a, b = rng.randint(2, 60), rng.randint(2, 39)
    return f"{numbers.english(a + b)} minus {numbers.english(b)} is {numbers.english(a)}"


def _english_time(rng: random.Random) -> str:
    hour = numbers.english(rng.randint(1, 12))
    minutes = numbers.english(5 * rng.randint(2, 11))
    return rng.choice(
        [
            f"{hour} in the morning",
            f"{hour} in the evening",
            f"half past {hour}",
            f"quarter {rng.choice(['past', 'to'])} {hour}",
            f"{hour} {minutes}",
            f"{hour} o'clock",
            rng.choice([hour, "noon", "midnight"]),
        ]
    )


def _english_year(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return f"two thousand {numbers.english(rng.randint(1, 19))}"
    if rng.random() < 0.3:
        return f"twenty {numbers.english(rng.randint(10, 40))}"
    return f"{rng.choice(['eighteen', 'nineteen'])} {numbers.english(rng.randint(10, 99))}"


def _spanish_hour(rng: random.Random) -> str:
    hour = numbers.spanish(rng.randint(2, 12))
    minutes = numbers.spanish(rng.choice([5, 10, 20, 25]))
    tail = rng.choice(
        [
            "",
            " y media",
            " y cuarto",
            " menos cuarto",
            " de la mañana",
            " de la tarde",
            " en punto",
            f" y {minutes}",
        ]
    )
    return hour + tail


def _german_time(rng: random.Random) -> str:
    """A time of day as it follows "um": "drei Uhr", "halb vier", "Viertel nach fünf"."""
    value = rng.randint(1, 12)
    hour = numbers.german(value)
    clock = "ein" if value == 1 else hour
    minutes = numbers.german(5 * rng.randint(1, 11))
    return rng.choice(
        [
            f"{clock} Uhr",
            f"{clock} Uhr {minutes}",
            f"halb {hour}",
            f"Viertel nach {hour}",
            f"Viertel vor {hour}",
            f"{numbers.german(rng.choice([5, 10, 20]))} nach {hour}",
            f"{clock} Uhr morgens",
            f"{numbers.german(rng.randint(13, 23))} Uhr",
        ]
    )


def _german_year(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return "zweitausend" + numbers.german(rng.randint(1, 29))
    century = rng.choice(["achtzehnhundert", "neunzehnhundert"])
    return century + numbers.german(rng.randint(10, 99))


ENGLISH: dict[str, Rule] = {
    **_shared(numbers.EN_UNITS, numbers.english, 99_999),
    "room_number": lambda rng: numbers.english(rng.randint(101, 999)),
    "year": _english_year,
    "time": _english_time,
    "nth": lambda rng: numbers.english_ordinal(rng.randint(1, 31)),
    "sum": _sum,
    "difference": _difference,
}
SPANISH: dict[str, Rule] = {
    **_shared(numbers.ES_UNITS, numbers.spanish, 9_999),
    "dom": lambda rng: numbers.spanish(rng.randint(2, 31)),
    "hour": _spanish_hour,
    "year": lambda rng: numbers.spanish(rng.choice([rng.randint(1850, 1999), 2000])),
}
GERMAN: dict[str, Rule] = {
    **_shared(numbers.DE_UNITS, numbers.german, 9_999),
    "time": _german_time,
    "year": _german_year,
    "nth": lambda rng: numbers.german_ordinal(rng.randint(1, 31)),
    "nth_nom": lambda rng: numbers.german_ordinal(rng.randint(1, 31)).removesuffix("n"),
}
