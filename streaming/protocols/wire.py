"""What several dialects read and write alike: JSON, base64 audio, languages, joined texts."""

import base64
import binascii
import json
import unicodedata
from collections.abc import Sequence
from typing import Any, NoReturn

from hark.engine.languages import LANGUAGES, canonical_language

from ..errors import BadMessageError
from .base import Frame

_SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


def read_object(frame: Frame) -> dict[str, Any]:
    """The JSON object in a text frame.

    Raises:
        BadMessageError: it is binary, not JSON, or not an object.
    """
    if isinstance(frame, bytes):
        raise BadMessageError("a binary message; all messages are JSON text")
    try:
        message = json.loads(frame, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadMessageError(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise BadMessageError("not a JSON object")
    return message


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
    """Compact; halves of surrogate pairs, which a client may have sent, become question marks."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    return text if text.isascii() else text.encode(errors="replace").decode()


def language_name(text: str | None, allowed: Sequence[str]) -> str | None:
    """The model's name of a language given as a name or a code, with or without a region.

    None for no language, and for words that ask for detection.

    Raises:
        OptionError: the model does not speak it.
    """
    if text is None or text.strip().lower() in ("", "auto", "multi"):
        return None
    return canonical_language(text.replace("_", "-").partition("-")[0], allowed)


def language_code(name: str | None) -> str | None:
    """The ISO code of a language the model has named."""
    return None if name is None else LANGUAGES.get(name, name.lower())


def joined(first: str, second: str) -> str:
    """Two texts one after the other, with a blank between them where their script has any."""
    return first + gap(first, second) + second


def gap(first: str, second: str) -> str:
    """What has to stand between two texts."""
    if not first or not second or first[-1].isspace() or second[0].isspace():
        return ""
    return "" if _is_spaceless(first[-1]) or _is_spaceless(second[0]) else " "


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_spaceless(character: str) -> bool:
    return unicodedata.name(character, "").startswith((*_SPACELESS, "IDEOGRAPHIC", "FULLWIDTH"))
