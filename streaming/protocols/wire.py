"""What several dialects read and write alike: JSON, base64, and languages by any of their names."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from hark.engine.languages import LANGUAGES, canonical_language
from hark.engine.types import OptionError

from ..errors import BadMessageError, BadOptionError

_UNDECIDED = ("", "auto", "multi", "null", "none", "und")
_OF_TAG = {"zh-hk": "yue", "zh-mo": "yue", "tl": "fil"}  # where the first part says something else


def json_object(text: str) -> dict[str, Any]:
    """The object a text message holds; its strings can all be written as UTF-8.

    Of a key that is there twice the last counts.

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
        raise BadMessageError("a message is a JSON object")
    return message


def json_text(message: Mapping[str, Any]) -> str:
    """The object as a text message. A float keeps its fraction: 1.0 stays 1.0."""
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def base64_bytes(name: str, text: str) -> bytes:
    """The bytes in a field.

    Raises:
        BadMessageError: it is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadMessageError(f"{name} is not base64: {error}") from None


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


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
