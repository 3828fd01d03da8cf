"""What several dialects read and write alike: JSON, base64 audio, languages, joined texts."""

import base64
import binascii
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any, NoReturn

from hark.engine.languages import LANGUAGES, canonical_language
from hark.engine.types import OptionError

from ..errors import BadMessageError, BadOptionError
from .base import Frame

MAX_CONTEXT_CHARACTERS = 4_000  # of `StreamOptions`
_UNDECIDED = ("", "auto", "multi", "null", "none", "und")
_OF_TAG = {"zh-hk": "yue", "zh-mo": "yue", "tl": "fil"}  # where the first part says something else
_BRACKET = re.compile(r"[\[\]{}]")
_MAX_DEPTH = 64
MAX_JSON_PARTS = 20_000
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


def read_object(frame: Frame) -> dict[str, Any]:
    """The JSON object in a text frame; it can be written as JSON again, in UTF-8.

    Raises:
        BadMessageError: it is binary, not JSON, not an object, or has too many parts.
    """
    if isinstance(frame, bytes):
        raise BadMessageError("a binary message; all messages are JSON text")
    try:
        message = parse_json(frame)
        if _SURROGATE.search(frame):
            json.dumps(message, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadMessageError("a string with half of a surrogate pair") from None
    except ValueError as error:
        raise BadMessageError(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise BadMessageError("not a JSON object")
    return message


def parse_json(text: str) -> Any:
    """The value in a text, which takes no time to speak of and can be written as JSON again.

    Raises:
        ValueError: it is not JSON.
        BadMessageError: it has too many values, or they are nested too deep.
    """
    _check_parts(text)
    return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)


def text_in(fields: Mapping[str, Any], name: str) -> str:
    """A field that is a string; "" where it is null or missing.

    Raises:
        BadMessageError: it is something else.
    """
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadMessageError(f"{name} is {ascii(value)[:60]}, allowed is a string")
    return value


def read_base64(name: str, value: object) -> bytes:
    """The bytes a field holds in base64.

    Raises:
        BadMessageError: it is no text, or not base64.
    """
    if not isinstance(value, str):
        raise BadMessageError(f"{name} is missing or no string; it holds base64")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadMessageError(f"{name} is not base64: {error}") from None


def to_json(message: object) -> str:
    """Compact. A float keeps its fraction: 1.0 stays 1.0."""
    return _ENCODE(message)


def header_text(text: str) -> str:
    """A text as it can stand in an HTTP header."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


def language_of(tag: str, languages: Sequence[str]) -> str | None:
    """The name the model gives a language: of its name, its ISO code, or a tag such as `en-US`.

    None leaves it to the model, which is also what `multi` and `auto` ask for.

    Raises:
        BadOptionError: it is none of `languages`.
    """
    wanted = tag.strip().replace("_", "-").lower()
    if wanted in _UNDECIDED:
        return None
    code = _OF_TAG.get(wanted, wanted.partition("-")[0])
    try:
        return canonical_language(code, languages)
    except OptionError:
        allowed = ", ".join(f"{name} ({LANGUAGES[name]})" for name in languages)
        raise BadOptionError(f"language is {tag[:40]!a}, allowed are {allowed}") from None


def language_code(name: str | None) -> str | None:
    """The ISO code of a language the model has named."""
    return None if name is None else LANGUAGES.get(name, name.lower())


def joined(first: str, second: str) -> str:
    """Two texts one after the other, with a blank between them where their script has any."""
    return first + blank_between(first, second) + second


def join_texts(texts: Iterable[str]) -> str:
    """Texts of one speaker in order, with blanks between them where their scripts have blanks."""
    whole = ""
    for text in filter(None, (text.strip() for text in texts)):
        whole = joined(whole, text)
    return whole


def with_blanks(texts: Iterable[str]) -> list[str]:
    """Texts, none of them empty, each with the blank before it, so that they can be joined."""
    return [blank_between(*pair) + pair[1] for pair in pairwise(chain([""], texts))]


def blank_between(first: str, second: str) -> str:
    """What has to stand between two texts."""
    if not first or not second or first[-1].isspace() or second[0].isspace():
        return ""
    return "" if _is_spaceless(first[-1]) or _is_spaceless(second[0]) else " "


def _check_parts(text: str) -> None:
    """Python reads JSON in one piece, with all other threads waiting, so it must not take long.

    What makes it long is the number of values; a long string, such as audio, takes next to nothing.
    """
    num_containers = text.count("[") + text.count("{")
    if num_containers + text.count(",") > MAX_JSON_PARTS:
        raise BadMessageError(f"more than {MAX_JSON_PARTS} values in one message")
    if num_containers > _MAX_DEPTH and _depth(text) > _MAX_DEPTH:
        raise BadMessageError(f"values nested more than {_MAX_DEPTH} deep")


def _depth(text: str) -> int:
    """How deep brackets nest, those in strings included."""
    deepest = depth = 0
    for mark in _BRACKET.findall(text):
        depth += 1 if mark in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number[:20]} is too large a number")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_spaceless(character: str) -> bool:
    return unicodedata.name(character, "").startswith((*_SPACELESS, "IDEOGRAPHIC", "FULLWIDTH"))
