"""What dialects share: JSON objects, languages by any of their names, and texts put together."""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from hark.engine.languages import canonical_language
from hark.engine.types import OptionError

from ..errors import BadMessageError, BadOptionError

MAX_CONTEXT_CHARACTERS = 4_000  # of `StreamOptions`
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "IDEOGRAPHIC")
_NO_CHOICE = ("", "auto", "multi", "null")


def json_object(text: str) -> dict[str, Any]:
    """The JSON object in a text message.

    Raises:
        BadMessageError: it holds none.
    """
    try:
        message = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadMessageError(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise BadMessageError("a message is a JSON object")
    return message


def text_in(fields: Mapping[str, Any], name: str) -> str:
    """A field that is a string; "" where it is null or missing.

    Raises:
        BadMessageError: it is something else, or no Unicode.
    """
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadMessageError(f"{name} is {ascii(value)[:60]}, allowed is a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadMessageError(f"{name} holds half of a surrogate pair") from None
    return value


def find_language(text: str, spoken: Sequence[str]) -> str | None:
    """The model's name of a language: `English`, `en` and `en-US` are the same.

    None where the model is to decide: for "", `auto` and `multi`.

    Raises:
        BadOptionError: it is none of those `spoken`, which are named.
    """
    name = text.strip().replace("_", "-")
    if name.lower() in _NO_CHOICE:
        return None
    try:
        return canonical_language(name.partition("-")[0], spoken)
    except OptionError as error:
        raise BadOptionError(str(error)) from None


def join_texts(texts: Iterable[str]) -> str:
    """Texts of one speaker in order, with blanks between them where their scripts have blanks."""
    joined = ""
    for text in filter(None, (text.strip() for text in texts)):
        joined += blank_between(joined, text) + text
    return joined


def blank_between(before: str, after: str) -> str:
    """What stands between two texts: a blank, but none beside a script written without."""
    if not before or not after:
        return ""
    return "" if _is_unspaced(before[-1]) or _is_unspaced(after[0]) else " "


def _is_unspaced(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_UNSPACED)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
