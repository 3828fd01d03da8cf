"""A client's event, as OpenAI's, vLLM's and DashScope's realtime interfaces frame it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import BadMessageError
from ..base import Frame
from ..wire import read_base64, read_object

_MAX_EVENT_ID = 512
MAX_EVENT_CHARS = 1 << 16
"""Of all events but those that bring audio: sessions are kept, and shown back at each update."""
APPEND = "input_audio_buffer.append"


@dataclass(frozen=True, slots=True)
class Message:
    """One event, the audio of an `input_audio_buffer.append` decoded."""

    type: str
    event_id: str | None
    fields: Mapping[str, Any]
    audio: bytes = b""


class BadEventError(BadMessageError):
    """An event that cannot be read. `event_id` is the client's, if it gave one."""

    def __init__(self, message: str, event_id: str | None) -> None:
        super().__init__(message)
        self.event_id = event_id


def read_message(frame: Frame) -> Message:
    """The event in a frame.

    Raises:
        BadMessageError: not a JSON object.
        BadEventError: it has no type, is too large, or its audio is not base64.
    """
    fields = read_object(frame)
    kind, given_id = fields.get("type"), fields.get("event_id")
    event_id = given_id[:_MAX_EVENT_ID] if isinstance(given_id, str) else None
    if not isinstance(kind, str):
        raise BadEventError("type is missing or no string", event_id)
    if kind != APPEND:
        if len(frame) > MAX_EVENT_CHARS:
            raise BadEventError(f"{kind[:60]!a} is over {MAX_EVENT_CHARS} characters", event_id)
        return Message(kind, event_id, fields)
    try:
        return Message(kind, event_id, {}, read_base64("audio", fields.get("audio")))
    except BadMessageError as error:
        raise BadEventError(error.message, event_id) from None
