"""vLLM's own `/v1/realtime`: 16 kHz PCM in rounds, one text for each; no items, no turn detection.

A round is what is appended until `commit` with `final: true`. Its deltas come once a `commit`
without `final` has asked for them, or when it is complete.
https://docs.vllm.ai/en/latest/serving/openai_compatible_server/
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from hark.engine.types import AudioFormat, Endpointing, StreamOptions

from ...effects import Hangup
from ...errors import StreamError
from ...events import AudioIn, CloseIn, Error, Event, Final, Finalized, FinalizeIn, Hello, Partial
from ..base import Action, Frame, House, LineId, Say, Tell
from ..wire import to_json
from .items import Item
from .message import APPEND, Message, read_message

_LINE = ""
_AUDIO_TOKENS_PER_SECOND = 13
_CODES = {"bad_message": "invalid_event", "bad_audio": "invalid_audio"}


def speaks_vllm(fields: Mapping[str, Any]) -> bool:
    """Whether a client's first event is vLLM's: a model where OpenAI has a session."""
    return fields.get("type") == "session.update" and "model" in fields and "session" not in fields


class VllmRealtime:
    """One connection, its `session.created` already said."""

    subprotocol = None

    def __init__(self, house: House) -> None:
        self.accept_headers: Mapping[str, str] = {}
        self._house = house
        self._is_live = False
        self._round = Item("0", ends_by_commit=True)
        self._num_rounds = 0
        self._wants_deltas = False
        self._held = ""  # deltas nobody has asked for yet
        self._has_audio = False

    def opened(self, now: float) -> list[Action]:
        return []

    def read(self, frame: Frame) -> Message:
        return read_message(frame)

    def received(self, message: Message, now: float) -> list[Action]:
        match message.type:
            case "session.update":
                return []  # any model's name will do
            case "input_audio_buffer.append":
                return self._append(message.audio)
            case "input_audio_buffer.commit":
                return self._commit(is_final=message.fields.get("final") is True)
            case other:
                text = f"unknown event {other[:60]!a}, allowed are session.update, {APPEND}, "
                return [self._error("unknown_event", text + "input_audio_buffer.commit")]

    def misread(self, error: StreamError, now: float) -> list[Action]:
        is_json = not error.message.startswith("not JSON")
        return [self._error("invalid_event" if is_json else "invalid_json", error.message)]

    def left(self, now: float) -> list[Action]:
        return [Tell(_LINE, CloseIn())] if self._is_live else []

    def _append(self, audio: bytes) -> list[Action]:
        if not audio:
            return []
        options = StreamOptions(endpointing=Endpointing(mode="off"))
        begin = [] if self._is_live else [Tell(_LINE, Hello(AudioFormat(), options))]
        self._is_live = self._has_audio = True
        return [*begin, Tell(_LINE, AudioIn(audio))]

    def _commit(self, *, is_final: bool) -> list[Action]:
        self._wants_deltas = True
        told = self._deltas("")
        if not is_final:
            return list(told)
        if not self._has_audio:
            return [self._error("invalid_audio", "no audio was appended before this commit")]
        self._has_audio = False
        self._num_rounds += 1
        return [*told, Tell(_LINE, FinalizeIn(str(self._num_rounds)))]

    # --- the stream ---

    def said(self, line: LineId, event: Event, now: float) -> list[Action]:
        match event:
            case Partial():
                return list(self._deltas(self._round.partial(event.stable)))
            case Final():
                return list(self._deltas(self._round.final(event)))
            case Finalized():
                return list(self._done())
            case Error(code="shutting_down"):
                return []  # the close says it, behind the last words
            case Error():
                code = _CODES.get(event.code, "processing_error")
                return [self._error(code, event.message)]
            case _:
                return []

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        self._is_live = False
        is_heard_out = farewell.code in (1000, 1001)  # 1001: the server stops, and has waited
        rest = self._done() if is_heard_out and self._has_audio else []
        return [*rest, Hangup(farewell.code, farewell.reason if farewell.code != 1000 else "")]

    def next_deadline(self) -> float | None:
        return None

    def timed_out(self, now: float) -> list[Action]:
        return []

    def encode(self, message: Mapping[str, Any]) -> Frame:
        return to_json(message)

    def _deltas(self, text: str) -> Iterator[Action]:
        self._held += text
        if self._wants_deltas and self._held:
            yield Say({"type": "transcription.delta", "delta": self._held})
            self._held = ""

    def _done(self) -> Iterator[Action]:
        done, self._round = self._round, Item("", ends_by_commit=True)
        self._wants_deltas = True
        yield from self._deltas("")
        self._wants_deltas = self._has_audio
        seconds = sum(final.end_ms - final.start_ms for final in done.finals) / 1000
        prompt = math.ceil(seconds * _AUDIO_TOKENS_PER_SECOND)
        words = sum(len(final.words) for final in done.finals)
        usage = {"prompt_tokens": prompt, "completion_tokens": words}
        usage["total_tokens"] = prompt + words
        yield Say({"type": "transcription.done", "text": done.text, "usage": usage})

    def _error(self, code: str, text: str) -> Action:
        return Say({"type": "error", "error": text, "code": code})
