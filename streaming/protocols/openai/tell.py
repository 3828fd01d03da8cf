"""The server's events of a transcription session, with every field their clients read."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...errors import StreamError
from ...events import Error, Final
from ..base import Say
from ..wire import language_code, with_blanks
from .errors import body_of, error_body
from .logprobs import logprobs_of

_FIELD = re.compile(r"(session(\.[\w.\[\]]+)?|type|audio)(?= is |: )")
TRANSCRIPTION = "conversation.item.input_audio_transcription"


class Teller:
    """Makes events; each gets an id of its own."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id

    def say(self, name: str, /, **fields: Any) -> Say:
        """An event of any type."""
        return Say({"type": name, "event_id": f"event_{self._new_id()}", **fields})

    def delta(self, item: str, text: str) -> Say:
        return self.say(f"{TRANSCRIPTION}.delta", item_id=item, content_index=0, delta=text)

    def committed(self, item: str, before: str | None, item_events: Sequence[str]) -> list[Say]:
        """The item is part of the conversation now; `item_events` are the names that say so."""
        shown = {
            "id": item,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        told = [self.say("input_audio_buffer.committed", previous_item_id=before, item_id=item)]
        for name in item_events:
            told.append(self.say(f"conversation.item.{name}", previous_item_id=before, item=shown))
        return told

    def completed(
        self, item: str, text: str, finals: Sequence[Final], *, with_logprobs: bool
    ) -> Say:
        codes = dict.fromkeys(language_code(final.language) for final in finals)
        seconds = sum(final.end_ms - final.start_ms for final in finals) / 1000
        fields: dict[str, Any] = {
            "item_id": item,
            "content_index": 0,
            "transcript": text,
            "usage": {"type": "duration", "seconds": seconds},
            "languages": [{"code": code} for code in codes if code],
        }
        if with_logprobs:
            spoken = [final for final in finals if final.text]
            pieces = with_blanks(final.text for final in spoken)
            fields["logprobs"] = logprobs_of(spoken, pieces)
        return self.say(f"{TRANSCRIPTION}.completed", **fields)

    def failed(self, item: str, error: Error) -> Say:
        told = error_body(error, in_event=True)
        return self.say(f"{TRANSCRIPTION}.failed", item_id=item, content_index=0, error=told)

    def stream_error(self, error: Error) -> Say:
        return self._error(error_body(error, in_event=True), None)

    def mistake(self, error: StreamError, event_id: str | None) -> Say:
        """What the client sent was wrong; the session goes on. Messages begin with the field."""
        field = _FIELD.match(error.message)
        param = None if field is None else field[0]
        return self._error(error_body(error, param, in_event=True), event_id)

    def empty_commit(self, least_ms: int, buffered_ms: float, event_id: str | None) -> Say:
        text = (
            "Error committing input audio buffer: buffer too small. Expected at least "
            f"{least_ms}ms of audio, but buffer only has {max(0.0, buffered_ms):.2f}ms of audio."
        )
        return self._error(body_of(text, "input_audio_buffer_commit_empty"), event_id)

    def _error(self, body: Mapping[str, Any], event_id: str | None) -> Say:
        return self.say("error", error={**body, "event_id": event_id})
