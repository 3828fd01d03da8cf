"""`/v1/realtime`: OpenAI's form, its beta, and vLLM's, which shows itself by its first message."""

from collections.abc import Mapping
from typing import Any

from ...effects import Hangup
from ...errors import StreamError
from ...events import Event
from ..base import Action, Denial, Dialect, Frame, Handshake, House, LineId
from .errors import denial
from .realtime import OpenAIRealtime
from .vllm import VllmRealtime, speaks_vllm

_SUBPROTOCOL = "realtime"
_BETA_SUBPROTOCOL = "openai-beta.realtime-v1"


class RealtimeDoor:
    """Any query is let in; `model` and a beta's marks are hints."""

    max_message_bytes = 21 << 20  # 15 MiB of audio in base64, and what is around it

    def open(self, handshake: Handshake, house: House) -> "Realtime":
        is_beta = (
            handshake.headers.get("openai-beta", "").startswith("realtime")
            or _BETA_SUBPROTOCOL in handshake.subprotocols
        )
        subprotocol = _SUBPROTOCOL if _SUBPROTOCOL in handshake.subprotocols else None
        model = handshake.first("model") or house.model
        return Realtime(OpenAIRealtime(house, model, subprotocol, is_beta=is_beta), house)

    def deny(self, error: StreamError, handshake: Handshake) -> Denial:
        return denial(error)


class Realtime:
    """OpenAI's dialect until the first message says that it is vLLM's."""

    def __init__(self, openai: OpenAIRealtime, house: House) -> None:
        self.subprotocol = openai.subprotocol
        self.accept_headers: Mapping[str, str] = {}
        self._house = house
        self._dialect: Dialect = openai
        self._is_chosen = False

    def opened(self, now: float) -> list[Action]:
        return self._dialect.opened(now)

    def read(self, frame: Frame) -> Any:
        return self._dialect.read(frame)

    def received(self, message: Any, now: float) -> list[Action]:
        if not self._is_chosen:
            self._is_chosen = True
            if speaks_vllm(message.fields):
                self._dialect = VllmRealtime(self._house)
        return self._dialect.received(message, now)

    def misread(self, error: StreamError, now: float) -> list[Action]:
        return self._dialect.misread(error, now)

    def said(self, line: LineId, event: Event, now: float) -> list[Action]:
        return self._dialect.said(line, event, now)

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        return self._dialect.ended(line, farewell, now)

    def left(self, now: float) -> list[Action]:
        return self._dialect.left(now)

    def next_deadline(self) -> float | None:
        return self._dialect.next_deadline()

    def timed_out(self, now: float) -> list[Action]:
        return self._dialect.timed_out(now)

    def encode(self, message: Any) -> Frame:
        return self._dialect.encode(message)
