"""What the native protocol's messages hold: fields to commands, each checked, none passed over.

Names and types of fields are checked here, ranges by the types they fill, languages by the
session, which knows what its model speaks.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hark.engine.types import AudioFormat, Encoding, Endpointing, OptionError, StreamOptions

from ..errors import BadMessageError, BadOptionError
from ..events import AudioIn, CloseIn, Command, ConfigureIn, FinalizeIn, Hello

MAX_ID_CHARACTERS = 128

Message = Mapping[str, Any]


def command_from_wire(message: object) -> Command:
    """The command a message's map holds.

    Raises:
        BadMessageError: not a map, no known `type`, an unknown field, or a field of the wrong type.
        BadOptionError: a value is out of range or unknown.
    """
    if not isinstance(message, dict):
        raise BadMessageError(f"a message is a map with a type, this is {_kind(message)}")
    kind = message.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise BadMessageError(f"type is {_show(kind)}, allowed are {', '.join(_READERS)}")
    try:
        return reader(message)
    except OptionError as error:
        raise BadOptionError(str(error)) from None


# --- one reader for each type of message ---------------------------------------------------------


def _read_hello(message: Message) -> Hello:
    fields = _fields(message, (*_AUDIO_FIELDS, *_OPTION_FIELDS))
    audio = {
        name: read(name, fields[name]) for name, read in _AUDIO_FIELDS.items() if name in fields
    }
    options = {
        name: read(name, fields[name]) for name, read in _OPTION_FIELDS.items() if name in fields
    }
    return Hello(AudioFormat(**audio), StreamOptions(**options))


def _read_configure(message: Message) -> ConfigureIn:
    fields = _fields(message, _CONFIGURABLE)
    changes = {name: _OPTION_FIELDS[name](name, value) for name, value in fields.items()}
    StreamOptions().with_changes(**changes)  # ranges are checked here, as in hello
    return ConfigureIn(changes)


def _read_finalize(message: Message) -> FinalizeIn:
    flush_id = _text("id", _fields(message, ("id",)).get("id"))
    if len(flush_id) > MAX_ID_CHARACTERS:
        raise BadOptionError(f"id has {len(flush_id)} characters, allowed are {MAX_ID_CHARACTERS}")
    return FinalizeIn(flush_id)


def _read_close(message: Message) -> CloseIn:
    _fields(message, ())
    return CloseIn()


def audio_from_wire(message: Message) -> AudioIn:
    """The audio in a map of type `audio`, which only msgpack has. Raises BadMessageError."""
    fields = _fields(message, ("data",))
    payload = fields.get("data")
    if not isinstance(payload, bytes):
        raise BadMessageError(f"data is {_kind(payload)}, allowed is a bin")
    return AudioIn(payload)


_READERS: Mapping[str, Callable[[Message], Command]] = {
    "hello": _read_hello,
    "configure": _read_configure,
    "finalize": _read_finalize,
    "close": _read_close,
}


# --- one reader for each kind of field -----------------------------------------------------------


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadMessageError(f"{name} is {_kind(value)}, allowed is a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadMessageError(f"{name} holds half of a surrogate pair") from None
    return value


def _text_or_null(name: str, value: object) -> str | None:
    return None if value is None else _text(name, value)


def _text_or_terms(name: str, value: object) -> str:
    """A text, or a list of terms as the model is given one."""
    if isinstance(value, str):
        return _text(name, value)
    if not isinstance(value, list):
        raise BadMessageError(f"{name} is {_kind(value)}, allowed is a string or a list of strings")
    terms = [_text(f"an entry of {name}", term).strip() for term in value]
    return ", ".join(term for term in terms if term)


def _whole_number(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadMessageError(f"{name} is {_kind(value)}, allowed is a whole number")
    return value


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadMessageError(f"{name} is {_kind(value)}, allowed are true and false")
    return value


def _encoding(name: str, value: object) -> Encoding:
    text = _text(name, value)
    try:
        return Encoding(text)
    except ValueError:
        allowed = ", ".join(Encoding)
        raise BadOptionError(f"{name} is {_show(text)}, allowed are {allowed}") from None


def _whole_number_or_null(name: str, value: object) -> int | None:
    return None if value is None else _whole_number(name, value)


def _endpointing(name: str, value: object) -> Endpointing:
    allowed = ", ".join(_ENDPOINTING_FIELDS)
    if not isinstance(value, dict):
        raise BadMessageError(f"{name} is {_kind(value)}, allowed is a map of {allowed}")
    fields: dict[str, Any] = {}
    for key, setting in value.items():
        if key not in _ENDPOINTING_FIELDS:
            raise BadMessageError(
                f"{name} has the unknown field {_show(key)}, allowed are {allowed}"
            )
        fields[key] = _ENDPOINTING_FIELDS[key](f"{name}.{key}", setting)
    return Endpointing(**fields)


_ENDPOINTING_FIELDS: Mapping[str, Callable[[str, object], Any]] = {
    "mode": _text,
    "pause_ms": _whole_number,
    "min_speech_ms": _whole_number,
    "pad_before_ms": _whole_number,
    "pad_after_ms": _whole_number_or_null,
    "stall_ms": _whole_number_or_null,
}
_AUDIO_FIELDS: Mapping[str, Callable[[str, object], Any]] = {
    "encoding": _encoding,
    "sample_rate": _whole_number,
}
_OPTION_FIELDS: Mapping[str, Callable[[str, object], Any]] = {
    "language": _text_or_null,
    "context": _text_or_terms,
    "cadence_ms": _whole_number,
    "partial_window_s": _whole_number,
    "final_window_s": _whole_number,
    "segment_limit_s": _whole_number,
    "endpointing": _endpointing,
    "partials": _truth,
    "granularity": _text,
}
_CONFIGURABLE = ("language", "context", "endpointing")


# --- helpers -------------------------------------------------------------------------------------


def _fields(message: Message, allowed: Sequence[str]) -> Message:
    """The message without its type. Raises BadMessageError on a field that is not allowed."""
    for name in message:
        if name != "type" and name not in allowed:
            choices = ", ".join(allowed) or "none"
            raise BadMessageError(
                f"unknown field {_show(name)} in {message['type']}, allowed are {choices}"
            )
    return {name: value for name, value in message.items() if name != "type"}


def _kind(value: object) -> str:
    """A value's type in words that hold for JSON and msgpack."""
    names = {
        type(None): "null",
        bool: "a boolean",
        int: "a whole number",
        float: "a fraction",
        str: "a string",
        bytes: "a bin",
        list: "a list",
        dict: "a map",
    }
    return names.get(type(value), "something else")


def _show(value: object) -> str:
    """A client's value inside a message: pure ASCII, and never long."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
