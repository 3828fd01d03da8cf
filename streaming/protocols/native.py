"""The native dialect, `docs/protocol.md`, as JSON and as msgpack; knows fields, not their order.

Names and types of fields are checked here, ranges by the types they fill, languages by the
session, which knows what its model speaks.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn, Protocol

import msgpack

from hark.engine.types import AudioFormat, Encoding, Endpointing, OptionError, StreamOptions

from ..errors import BadMessageError, BadOptionError, CapacityError, ServerError, StreamError
from ..events import (
    AudioIn,
    CloseIn,
    Command,
    ConfigureIn,
    Event,
    FinalizeIn,
    Hello,
    Partial,
    event_to_wire,
)
from ..session import Hangup
from .base import (
    HTTP_STATUS,
    Action,
    Begin,
    Denial,
    Frame,
    Handshake,
    House,
    LineId,
    Refuse,
    Say,
    Tell,
)

JSON_SUBPROTOCOL = "hark.v1.json"
MSGPACK_SUBPROTOCOL = "hark.v1.msgpack"
MAX_ID_CHARACTERS = 128
MAX_MESSAGE_BYTES = 1 << 20

Message = Mapping[str, Any]

_ONLY = ""  # the one line


class NativeDoor:
    """`/v1/stream`."""

    max_message_bytes = MAX_MESSAGE_BYTES

    def open(self, handshake: Handshake, house: House) -> "Native":
        adapter = choose_adapter(handshake.subprotocols)
        if adapter is None:
            known = f"{JSON_SUBPROTOCOL}, {MSGPACK_SUBPROTOCOL}"
            raise BadOptionError(f"no known subprotocol; known are {known}")
        return Native(adapter)

    def deny(self, error: StreamError, handshake: Handshake) -> Denial | None:
        """A browser sees no HTTP answer, so what may pass soon is said in the protocol itself."""
        if isinstance(error, CapacityError | ServerError):
            return None
        return Denial(HTTP_STATUS[error.code], error.message + "\n", "text/plain")


class Native:
    """The dialect that says what the session says, as it is."""

    def __init__(self, adapter: "Adapter") -> None:
        self._adapter = adapter
        self._next_seq = 0

    @property
    def subprotocol(self) -> str | None:
        return self._adapter.subprotocol

    @property
    def accept_headers(self) -> Mapping[str, str]:
        return {}

    def opened(self, now: float) -> list[Action]:
        return [Begin(_ONLY)]

    def read(self, frame: Frame) -> Command:
        return self._adapter.decode(frame)

    def received(self, message: Command, now: float) -> list[Action]:
        return [Tell(_ONLY, message)]

    def misread(self, error: StreamError, now: float) -> list[Action]:
        return [Refuse(_ONLY, error)]

    def said(self, line: LineId, event: Event, now: float) -> list[Action]:
        return [Say(event, replaces=Partial.type if isinstance(event, Partial) else None)]

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        return [farewell]

    def left(self, now: float) -> list[Action]:
        return []

    def next_deadline(self) -> float | None:
        return None

    def timed_out(self, now: float) -> list[Action]:
        return []

    def encode(self, message: Event) -> Frame:
        frame = self._adapter.encode(replace(message, seq=self._next_seq))
        self._next_seq += 1
        return frame


class Adapter(Protocol):
    """One framing of the protocol."""

    @property
    def subprotocol(self) -> str | None: ...

    def decode(self, frame: Frame) -> Command:
        """The command in a frame. Raises StreamError, whatever the bytes are."""
        ...

    def encode(self, event: Event) -> Frame:
        """The frame that carries an event."""
        ...


def choose_adapter(offered: Sequence[str]) -> Adapter | None:
    """The adapter of the first subprotocol known here; JSON if none is offered; else None."""
    if not offered:
        return JsonAdapter(None)
    for name in offered:
        if name == JSON_SUBPROTOCOL:
            return JsonAdapter(name)
        if name == MSGPACK_SUBPROTOCOL:
            return MsgpackAdapter()
    return None


class JsonAdapter:
    """Text messages hold JSON objects, binary messages are audio."""

    def __init__(self, subprotocol: str | None) -> None:
        self.subprotocol = subprotocol

    def decode(self, frame: Frame) -> Command:
        if isinstance(frame, bytes):
            return AudioIn(frame)
        try:
            message = json.loads(frame, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise BadMessageError(f"not JSON: {error} (audio goes in binary messages)") from None
        return command_from_wire(message)

    def encode(self, event: Event) -> str:
        message = event_to_wire(event)
        return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class MsgpackAdapter:
    """Every message is binary and holds one msgpack map; audio is one of them."""

    subprotocol = MSGPACK_SUBPROTOCOL

    def decode(self, frame: Frame) -> Command:
        if isinstance(frame, str):
            raise BadMessageError("a text message; under hark.v1.msgpack all messages are binary")
        try:
            message = msgpack.unpackb(frame)
        except (ValueError, OverflowError, msgpack.UnpackException) as error:
            reason = str(error) or type(error).__name__
            raise BadMessageError(f"not msgpack: {reason}") from None
        if isinstance(message, dict) and message.get("type") == "audio":
            return _read_audio(_fields(message, ("data",)))
        return command_from_wire(message)

    def encode(self, event: Event) -> bytes:
        return _pack(event_to_wire(event))


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


def _read_audio(fields: Message) -> AudioIn:
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


def _pack(message: Message) -> bytes:
    packed = msgpack.packb(message)
    assert packed is not None, "packb returns None only for a Packer that keeps its buffer"
    return packed


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
