"""What a Deepgram client sends after the handshake, checked; knows no state."""

from dataclasses import dataclass, field
from typing import Any

from ...errors import BadMessageError
from ..base import Frame
from ..wire import read_object

_MAX_QUOTED = 200  # characters of a message that was not understood


@dataclass(frozen=True, slots=True)
class Audio:
    data: bytes


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """The client is there and silent."""


@dataclass(frozen=True, slots=True)
class Finalize:
    """Say what has been heard up to here, of one channel or of all."""

    channel: int | None = None


@dataclass(frozen=True, slots=True)
class CloseStream:
    """No more audio will come."""


@dataclass(frozen=True, slots=True)
class Configure:
    """Other terms from now on, None for the same as before, and features switched on or off."""

    terms: tuple[str, ...] | None = None
    features: dict[str, bool] = field(default_factory=dict)


Message = Audio | KeepAlive | Finalize | CloseStream | Configure


class NotUnderstoodError(BadMessageError):
    """A text message that is none of these; `quote` is how it begins."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason)
        self.quote = text[:_MAX_QUOTED]


def read_message(frame: Frame) -> Message:
    """The message in a frame. An empty binary frame is an old way to close.

    Raises:
        NotUnderstoodError: a text that is not one of the messages.
    """
    if isinstance(frame, bytes):
        return Audio(frame) if frame else CloseStream()
    try:
        return _of(read_object(frame))
    except BadMessageError as error:
        raise NotUnderstoodError(error.message, frame) from None


def _of(fields: dict[str, Any]) -> Message:
    match fields.get("type"):
        case "KeepAlive":
            return KeepAlive()
        case "Finalize":
            return Finalize(_channel(fields.get("channel")))
        case "CloseStream":
            return CloseStream()
        case "Configure":
            return Configure(_terms(fields.get("keyterms")), _features(fields.get("features")))
        case kind:
            allowed = "KeepAlive, Finalize, CloseStream, Configure"
            raise BadMessageError(f"type is {ascii(kind)[:60]}, allowed are {allowed}")


def _channel(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise BadMessageError("channel is not a whole number")


def _terms(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(term, str) for term in value):
        return tuple(value)
    raise BadMessageError("keyterms is not a list of strings")


def _features(value: object) -> dict[str, bool]:
    if value is None:
        return {}
    if isinstance(value, dict) and all(isinstance(wanted, bool) for wanted in value.values()):
        return value
    raise BadMessageError("features is not a map of names to true or false")
