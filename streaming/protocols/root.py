"""The WebSocket at `/`, where Vosk and WhisperLive call: whose it is, the first message tells.

JSON with `uid`                          WhisperLive
audio, JSON with `config`, `eof`, …      Vosk
"""

from collections.abc import Mapping
from typing import Any, Protocol

from ..effects import Hangup
from ..errors import CapacityError, ServerError, StreamError
from ..events import Event
from .base import HTTP_STATUS, Action, Denial, Frame, Handshake, House, LineId
from .vosk import Vosk
from .whisper_live import END_OF_AUDIO, WhisperLive
from .wire import language_of, read_object

MAX_MESSAGE_BYTES = 4 << 20  # two minutes of 16-bit samples at 16 kHz
_ANSWERED = "bearer"  # the subprotocol beside which a browser shows its key

Message = bytes | str | Mapping[str, Any]
"""Audio, WhisperLive's end of it, or a JSON object."""


class Talk(Protocol):
    """A dialect once it is known: as a `Dialect`, but that `read` is the same for all."""

    def received(self, message: Message, now: float) -> list[Action]: ...
    def misread(self, error: StreamError, now: float) -> list[Action]: ...
    def said(self, line: LineId, event: Event, now: float) -> list[Action]: ...
    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]: ...
    def left(self, now: float) -> list[Action]: ...
    def encode(self, message: Any) -> Frame: ...


class RootDoor:
    """`/`. Vosk has no option for a language, so the query has one: `/?language=de`."""

    max_message_bytes = MAX_MESSAGE_BYTES

    def open(self, handshake: Handshake, house: House) -> "Root":
        named = handshake.first("language") or ""
        language = language_of(named, house.languages) if house.languages else None
        offered = [name for name in handshake.subprotocols if name.lower() == _ANSWERED]
        return Root(language, house, offered[0] if offered else None)

    def deny(self, error: StreamError, handshake: Handshake) -> Denial | None:
        """A client that may try again is told so in its own words, once it is known whose."""
        if isinstance(error, CapacityError | ServerError):
            return None
        return Denial(HTTP_STATUS[error.code], error.message + "\n", "text/plain")


class Root:
    """Hands all over to one of the two, also what was said before it knew to which."""

    def __init__(self, language: str | None, house: House, subprotocol: str | None) -> None:
        self._language, self._house = language, house
        self._subprotocol = subprotocol
        self._talk: Talk | None = None
        self._refusal: Event | None = None
        self._farewell: Hangup | None = None

    @property
    def subprotocol(self) -> str | None:
        return self._subprotocol

    @property
    def accept_headers(self) -> Mapping[str, str]:
        return {}

    def opened(self, now: float) -> list[Action]:
        return []

    def read(self, frame: Frame) -> Message:
        if isinstance(frame, bytes) or frame == END_OF_AUDIO:
            return frame
        return read_object(frame)

    def received(self, message: Message, now: float) -> list[Action]:
        if self._talk is None:
            self._talk = self._recognise(message)
            if self._refusal is not None and self._farewell is not None:
                told = self._talk.said("", self._refusal, now)
                return [*told, *self._talk.ended("", self._farewell, now)]
        return self._talk.received(message, now)

    def _recognise(self, message: Message) -> Talk:
        if isinstance(message, Mapping) and "uid" in message:
            return WhisperLive(message["uid"], self._house.languages)
        return Vosk(self._language)

    def misread(self, error: StreamError, now: float) -> list[Action]:
        if self._talk is None:
            return [Hangup(error.close_code, error.code)]
        return self._talk.misread(error, now)

    def said(self, line: LineId, event: Event, now: float) -> list[Action]:
        if self._talk is None:
            self._refusal = event
            return []
        return self._talk.said(line, event, now)

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        if self._talk is None:
            self._farewell = farewell
            return []
        return self._talk.ended(line, farewell, now)

    def left(self, now: float) -> list[Action]:
        return [] if self._talk is None else self._talk.left(now)

    def next_deadline(self) -> float | None:
        return None

    def timed_out(self, now: float) -> list[Action]:
        return []

    def encode(self, message: Any) -> Frame:
        assert self._talk is not None, "nothing is said before it is known to whom"
        return self._talk.encode(message)
