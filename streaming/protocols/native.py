"""The native dialect, `docs/protocol.md`, framed as JSON and as msgpack; knows no order.

What a message may hold is in `native_fields`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgpack

from ..effects import Hangup
from ..errors import BadMessageError, BadOptionError, CapacityError, ServerError, StreamError
from ..events import (
    AudioIn,
    CloseIn,
    Command,
    Event,
    Partial,
    event_to_wire,
)
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
    Stay,
    Tell,
)
from .native_fields import Message, audio_from_wire, command_from_wire
from .wire import parse_json, to_json

JSON_SUBPROTOCOL = "hark.v1.json"
MSGPACK_SUBPROTOCOL = "hark.v1.msgpack"
MAX_MESSAGE_BYTES = 1 << 20

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
        self._is_closing = False

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
        self._is_closing |= isinstance(message, CloseIn)
        return [Tell(_ONLY, message)]

    def misread(self, error: StreamError, now: float) -> list[Action]:
        return [Refuse(_ONLY, error)]

    def said(self, line: LineId, event: Event, now: float) -> list[Action]:
        return [Say(event, replaces=Partial.type if isinstance(event, Partial) else None)]

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        return [farewell]

    def left(self, now: float) -> list[Action]:
        """Who has said `close` is told all that was promised, whatever it says after that."""
        return [Stay()] if self._is_closing else []

    def next_deadline(self) -> float | None:
        return None

    def timed_out(self, now: float) -> list[Action]:
        return []

    def encode(self, message: Event) -> Frame:
        frame = self._adapter.encode(event_to_wire(message) | {"seq": self._next_seq})
        self._next_seq += 1
        return frame


class Adapter(Protocol):
    """One framing of the protocol."""

    @property
    def subprotocol(self) -> str | None: ...

    def decode(self, frame: Frame) -> Command:
        """The command in a frame. Raises StreamError, whatever the bytes are."""
        ...

    def encode(self, message: Message) -> Frame:
        """The frame that carries an event, given as `event_to_wire` makes it."""
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
            message = parse_json(frame)
        except ValueError as error:
            raise BadMessageError(f"not JSON: {error} (audio goes in binary messages)") from None
        return command_from_wire(message)

    def encode(self, message: Message) -> str:
        return to_json(message)


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
            return audio_from_wire(message)
        return command_from_wire(message)

    def encode(self, message: Message) -> bytes:
        packed = msgpack.packb(message)
        assert packed is not None, "packb returns None only for a Packer that keeps its buffer"
        return packed
