"""A live Deepgram connection: one stream, or one for each channel.

    audio ── Intake ──▶ bytes of each channel ──▶ streams ── events ──▶ Channel ──▶ messages

Streams begin with the first audio. However the connection ends, but for the client's vanishing, the
streams finish first, `Metadata` is the last message, and the close code says how it went.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ...effects import Hangup
from ...errors import BadAudioError, BadOptionError, StreamError
from ...events import (
    AudioIn,
    CloseIn,
    Configured,
    ConfigureIn,
    Error,
    Event,
    Finalized,
    FinalizeIn,
    Heard,
    Hello,
    Ready,
)
from ..base import Action, Frame, House, LineId, Say, Stay, Tell
from ..wire import header_text
from .channel import Channel, Rules
from .intake import Intake
from .messages import (
    Audio,
    CloseStream,
    Configure,
    Finalize,
    KeepAlive,
    Message,
    NotUnderstoodError,
    read_message,
)
from .query import Wishes
from .results import Map, results_metadata
from .settings import Settings

PATIENCE_S = 10.0  # without audio or any other message
_CUT_S = 3  # a segment that is too long is cut within the last seconds of its limit
_SILENT, _NO_AUDIO, _BAD_DATA = "NET-0001", "NET-0000", "DATA-0000"


@dataclass(slots=True)
class _Line:
    """A stream. `is_behind`: audio was sent that the engine has not heard yet."""

    is_behind: bool = False
    was_closed: bool = False


class Live:
    """The machine of a connection. `request_id` is its name at both ends."""

    def __init__(
        self,
        wishes: Wishes,
        intake: Intake,
        house: House,
        *,
        subprotocol: str | None,
        request_id: str,
    ) -> None:
        self.subprotocol = subprotocol
        self._request_id, self._ignored = request_id, wishes.ignored
        self._house, self._intake = house, intake
        self._settings = Settings(wishes, request_id)
        self._channels = self._new_channels(wishes)
        self._live: dict[LineId, _Line] = {}
        self._has_begun = False
        self._is_heard = False  # by one stream at least
        self._farewell: Hangup | None = None  # once the end has begun
        self._opened_at = 0.0
        self._deadline = 0.0
        self._end_ms = 0

    @property
    def accept_headers(self) -> Mapping[str, str]:
        headers = {"dg-request-id": self._request_id}
        if self._ignored:
            headers["dg-warning"] = header_text(f"ignored: {', '.join(self._ignored)}")
        return headers

    def opened(self, now: float) -> list[Action]:
        self._opened_at, self._deadline = now, now + PATIENCE_S
        return []

    # --- the client ---

    def read(self, frame: Frame) -> Message:
        return read_message(frame)

    def received(self, message: Message, now: float) -> list[Action]:
        self._deadline = now + PATIENCE_S
        if self._farewell is not None:
            return []
        match message:
            case Audio(data=data):
                return self._hear(data)
            case KeepAlive():
                return []
            case Finalize(channel=channel):
                return self._finalize(channel)
            case CloseStream():
                return self._finish(Hangup(1000, ""))
            case Configure():
                return self._configure(message)

    def misread(self, error: StreamError, now: float) -> list[Action]:
        """What is not understood is said, and changes nothing."""
        self._deadline = now + PATIENCE_S
        assert isinstance(error, NotUnderstoodError)
        return [_error("SchemaError", error.message, error.quote)]

    def left(self, now: float) -> list[Action]:
        """As `CloseStream`, which many clients leave out."""
        if self._farewell is None and self._live:
            return self._finish(Hangup(1000, ""))
        return [Stay()] if self._live else []

    def _hear(self, data: bytes) -> list[Action]:
        try:
            payloads = self._intake.take(data)
        except BadAudioError as error:
            return [
                _error(_BAD_DATA, error.message, _BAD_DATA),
                *self._finish(Hangup(1008, _BAD_DATA)),
            ]
        actions = [] if self._has_begun else self._begin()
        for name, payload in zip(self._live, payloads, strict=True):
            if payload:
                self._live[name].is_behind = True
                actions.append(Tell(name, AudioIn(payload)))
        return actions

    def _begin(self) -> list[Action]:
        self._has_begun = True
        self._live = {name: _Line() for name in self._channels}
        hello = Hello(self._intake.audio, self._settings.options, receipts=True)
        return [Tell(name, hello) for name in self._live]

    def _finalize(self, number: int | None) -> list[Action]:
        channels = list(self._channels.items())
        if number is not None and not 0 <= number < len(channels):
            text = f"channel is {number}, allowed are 0 to {len(channels) - 1}"
            return [_error("SchemaError", text, "")]
        actions: list[Action] = []
        for name, channel in channels if number is None else [channels[number]]:
            channel.will_flush()
            if self._has_begun:
                actions.append(Tell(name, FinalizeIn(self._house.new_id())))
            else:
                actions += channel.said(Finalized(id=""))
        return actions

    def _configure(self, message: Configure) -> list[Action]:
        answer = self._settings.change(message, are_streams_there=self._has_begun)
        for channel in self._channels.values():
            channel.style = self._settings.style
        if isinstance(answer, ConfigureIn):
            return [Tell(name, answer) for name in self._live]
        return [answer]

    # --- the streams ---

    def said(self, line: LineId, event: Event, now: float) -> list[Action]:
        self._end_ms = max(self._end_ms, event.end_ms)
        match event:
            case Ready():
                self._is_heard = True
                return []
            case Configured():
                return [self._settings.accepted()] if self._answers(line) else []
            case Error():
                return self._failed(line, event)
            case Heard():
                self._note_progress(line, event, now)
        return list(self._channels[line].said(event))

    def _answers(self, line: LineId) -> bool:
        """All streams answer a `Configure` alike, so the first one's answer is the client's."""
        return self._settings.is_pending and line == next(iter(self._channels))

    def _failed(self, line: LineId, error: Error) -> list[Action]:
        """A change that was refused, or why a stream ends. `line` may stand for the connection."""
        if self._settings.is_pending and error.code == BadOptionError.code:
            return [self._settings.refused(error.message)] if self._answers(line) else []
        code = _BAD_DATA if error.code == BadAudioError.code else error.code
        told = self._channels[line].said(error) if line in self._channels else []
        return [*told, _error(code, error.message, code)]

    def _note_progress(self, line: LineId, heard: Heard, now: float) -> None:
        """While the engine catches up the socket may rest, which is no silence of the client's."""
        stream = self._live[line]
        if stream.is_behind:
            self._deadline = max(self._deadline, now + PATIENCE_S)
        stream.is_behind = heard.waiting_bytes > 0

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        self._live.pop(line, None)
        if not self._is_heard:  # no room or bad options: there is nothing to wait for
            self._live.clear()
        is_bad_audio = farewell.reason == BadAudioError.code
        return self._finish(Hangup(1008, _BAD_DATA) if is_bad_audio else farewell)

    # --- time ---

    def next_deadline(self) -> float | None:
        return self._deadline if self._farewell is None else None

    def timed_out(self, now: float) -> list[Action]:
        if self._farewell is not None or now < self._deadline:
            return []
        if any(line.is_behind for line in self._live.values()):
            self._deadline = now + PATIENCE_S
            return []
        code = _SILENT if self._has_begun else _NO_AUDIO
        text = f"no audio and no text message came within {PATIENCE_S:g} s"
        return [_error(code, text, code), *self._finish(Hangup(1011, code))]

    # --- the end ---

    def _finish(self, farewell: Hangup) -> list[Action]:
        """Let every stream say what it has heard, and then hang up; a failure goes before 1000."""
        is_failure = farewell.code != 1000
        if self._farewell is None or (is_failure and self._farewell.code == 1000):
            self._farewell = farewell
        if not self._live:
            return [Say(self._summary()), self._farewell]
        waiting = [(name, line) for name, line in self._live.items() if not line.was_closed]
        for _, line in waiting:
            line.was_closed = True
        return [Tell(name, CloseIn()) for name, _ in waiting]

    def _summary(self) -> Map:
        opened = datetime.fromtimestamp(self._house.epoch + self._opened_at, UTC)
        return {
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": self._request_id,
            "sha256": "",
            "created": opened.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "duration": self._end_ms / 1000,
            "channels": len(self._channels),
        }

    # --- messages ---

    def encode(self, message: Map) -> Frame:
        return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    def _new_channels(self, wishes: Wishes) -> dict[LineId, Channel]:
        total = self._intake.num_channels
        style, limit_s = self._settings.style, self._settings.options.segment_limit_s
        rules = Rules(
            pauses_end=wishes.endpointing_ms is not None,
            utterance_end_ms=wishes.utterance_end_ms,
            vad_events=wishes.vad_events,
            cut_ms=(min(limit_s, self._house.max_segment_s) - _CUT_S) * 1000,
        )
        metadata = results_metadata(self._request_id, self._house.model)
        names = [""] if total == 1 else [str(number) for number in range(total)]
        return {
            name: Channel([number, total], rules, style, metadata)
            for number, name in enumerate(names)
        }


def _error(variant: str, description: str, message: str) -> Say:
    return Say(
        {"type": "Error", "variant": variant, "description": description, "message": message}
    )
