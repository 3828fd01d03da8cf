"""What several dialects read and write alike: JSON objects, language tags, texts in headers."""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from hark.engine.languages import LANGUAGES, canonical_language
from hark.engine.types import OptionError

from ..errors import BadMessageError, BadOptionError

_UNDECIDED = ("", "auto", "multi", "null", "none", "und")
_OF_TAG = {"zh-hk": "yue", "zh-mo": "yue", "tl": "fil"}  # where the first part says something else


def json_object(text: str) -> dict[str, Any]:
    """The object a text message holds; its strings can all be written as UTF-8.

    Raises:
        BadMessageError: it is not JSON, or not an object.
    """
    try:
        message = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(message, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadMessageError("a string with half of a surrogate pair") from None
    except (ValueError, RecursionError) as error:
        raise BadMessageError(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise BadMessageError("a message is a JSON object with a type")
    return message


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


def header_text(text: str) -> str:
    """A text as it can stand in an HTTP header."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
