"""What Jitsi's videobridge sends to `/transcribe`: a whole conference, one Opus packet a message.

    client   info, sources, start for each source, media for each packet, ping, session-end
    server   transcription-result, pong, info

The contract is `docs/dialects/jitsi.md`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hark.engine.languages import LANGUAGES
from hark.engine.types import AudioFormat, Encoding, Endpointing, StreamOptions

from ...effects import Hangup, error_event
from ...errors import BadOptionError, StreamError
from ...events import Error, Event, FinalizeIn
from ..base import (
    HTTP_STATUS,
    Action,
    Denial,
    Frame,
    Handshake,
    House,
    LineId,
    Say,
    Tell,
    retry_header,
)
from ..wire import to_json
from .meeting import MAX_PARTICIPANTS, Caption, Hearing, Meeting, Source
from .messages import (
    UNPACK,
    Info,
    Media,
    Message,
    Options,
    Other,
    Ping,
    SessionEnd,
    Start,
    participant_of,
    read_message,
    read_options,
)
from .opus import LOST, LOST_MS, framed, packet_ms
from .reorder import Packet, ReorderBuffer
from .timeline import TICKS_PER_MS, BridgeClock, shorter_way

MAX_MESSAGE_BYTES = 1 << 20
STALL_MS = 1_000  # packets come every 20 ms, with DTX every 400
MAX_CONCEALED_MS = 500  # what is missing for longer was not said: a mute, or a pause
MAX_OVERLAP_MS = 100  # of packets; more, and the source's clock has been set anew

_RATE = 48_000


@dataclass(slots=True, eq=False)
class BridgeSource(Source):
    """A source of the bridge's, with its packets that came too early."""

    is_refused: bool = False  # it is no Opus
    packets: ReorderBuffer = field(default_factory=ReorderBuffer)


class BridgeDoor:
    """`/transcribe`."""

    max_message_bytes = MAX_MESSAGE_BYTES

    def open(self, handshake: Handshake, house: House) -> "Videobridge":
        return Videobridge(read_options(handshake, house), house)

    def deny(self, error: StreamError, handshake: Handshake) -> Denial:
        """The bridge dials again by itself, ever more slowly."""
        body = json.dumps({"error": error.code, "message": error.message})
        return Denial(HTTP_STATUS[error.code], body, headers=retry_header(error))


class Videobridge:
    """One conference, as one bridge carries it."""

    subprotocol: str | None = None
    accept_headers: Mapping[str, str] = {}

    def __init__(self, options: Options, house: House) -> None:
        self._options = options
        self._house = house
        self._unpack = UNPACK[options.encoding]
        self._clock = BridgeClock()
        self._knows_info = False  # older bridges log an error for each message they do not know
        self._hold_deadline: float | None = None  # no packet can be due before
        self._meeting: Meeting[BridgeSource] = Meeting(
            house,
            AudioFormat(Encoding.OPUS, _RATE),
            StreamOptions(
                endpointing=Endpointing(stall_ms=STALL_MS),
                partials=options.sends_interims,
                granularity="segment",
            ),
        )

    # --- in: the bridge ---

    def opened(self, now: float) -> list[Action]:
        return []

    def read(self, frame: Frame) -> Message:
        return read_message(frame, self._unpack)

    def received(self, message: Message, now: float) -> list[Action]:
        if self._meeting.is_ending:
            return []
        match message:
            case Media():  # there is little else
                return self._media(message, now)
            case Ping(id=ping_id):
                return [Say({"event": "pong"} | ({} if ping_id is None else {"id": ping_id}))]
            case Start():
                return self._start(message)
            case Info():
                self._knows_info = True
                return self._inform(model=self._house.model, ignored=self._options.ignored)
            case SessionEnd():
                return self._end(now)
            case Other(event=event):
                return self._inform(ignored=(event,)) if event != "sources" else []

    def misread(self, error: StreamError, now: float) -> list[Action]:
        if self._meeting.is_ending:
            return []
        heard = self._release_all(now)
        end = self._meeting.end(Hangup(error.close_code, error.code))
        return [*self._report(error_event(error)), *heard, *end]

    def left(self, now: float) -> list[Action]:
        late = [] if self._meeting.is_ending else self._release_all(now)
        return [*late, *self._meeting.left()]

    # --- in: lines ---

    def said(self, line: LineId, event: Event, now: float) -> list[Action]:
        if isinstance(event, Error):
            return self._report(event)
        caption = self._meeting.said(line, event)
        if caption is None:
            return []
        key = None if caption.is_final else ("interim", caption.line)
        return [Say(self._result(caption), replaces=key)]

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        return self._meeting.ended(line, farewell, now)

    # --- in: time ---

    def next_deadline(self) -> float | None:
        deadlines = (self._hold_deadline, self._meeting.next_deadline())
        return min((each for each in deadlines if each is not None), default=None)

    def timed_out(self, now: float) -> list[Action]:
        actions: list[Action] = []
        if self._hold_deadline is not None and now >= self._hold_deadline:
            sources = list(self._meeting.sources.values())
            for source in sources:
                actions += self._hear(source, source.packets.timed_out(now), now)
            held = (each.packets.deadline for each in sources)
            self._hold_deadline = min((each for each in held if each is not None), default=None)
        return [*actions, *self._meeting.timed_out(now)]

    def encode(self, message: Mapping[str, Any]) -> str:
        return to_json(message)

    # --- sources and their packets ---

    def _start(self, start: Start) -> list[Action]:
        source = self._source(start.tag, start.participant)
        if source is None:
            return self._refuse(start.tag, f"{MAX_PARTICIPANTS} sources of this socket are heard")
        source.participant = start.participant
        source.is_refused = (start.encoding, start.sample_rate) != ("opus", _RATE)
        if not source.is_refused:
            return []
        source.packets = ReorderBuffer()
        sound = f"{start.encoding[:40]!a} at {start.sample_rate} Hz"
        refusal = self._refuse(start.tag, f"mediaFormat is {sound}, allowed is opus at {_RATE} Hz")
        return [*self._meeting.close(source), *refusal]

    def _source(self, tag: str, participant: str) -> BridgeSource | None:
        """The source of a tag, as far as there is room for one more."""
        known = self._meeting.sources.get(tag)
        if known is not None:
            return known
        return self._meeting.admit(BridgeSource(tag, participant, self._options.language))

    def _media(self, media: Media, now: float) -> list[Action]:
        if not self._options.sends_captions:
            return []
        source = self._source(media.tag, participant_of(media.tag))
        if source is None or source.is_refused:
            return []
        actions = self._hear(source, source.packets.push(media.packet, now), now)
        held_until = source.packets.deadline
        if held_until is not None and (
            self._hold_deadline is None or held_until < self._hold_deadline
        ):
            self._hold_deadline = held_until
        return actions

    def _hear(self, source: BridgeSource, packets: list[Packet], now: float) -> list[Action]:
        """Packets that are in order, with what is missing between them."""
        actions: list[Action] = []
        for packet in packets:
            if not packet.opus:
                continue
            actions += self._meeting.listen(source, now)
            if source.hearing is not None:
                actions += self._feed(source.hearing, packet, now)
        return actions

    def _feed(self, hearing: Hearing, packet: Packet, now: float) -> list[Action]:
        """A short hole is concealed; a long one is left out, and ends the utterance before it."""
        actions: list[Action] = []
        media_ms, num_lost = packet.ticks / TICKS_PER_MS, 0
        hole_ms = shorter_way(media_ms - hearing.fed_ms - (hearing.offset_ms or 0.0))
        if hearing.offset_ms is not None and -MAX_OVERLAP_MS <= hole_ms <= MAX_CONCEALED_MS:
            num_lost = max(0, round(hole_ms / LOST_MS))
        else:
            if hearing.offset_ms is not None:
                actions.append(Tell(hearing.line, FinalizeIn("hole")))
            hearing.offset_ms = media_ms - hearing.fed_ms
            time_ms = self._clock.time_ms(packet.ticks, self._meeting.time_ms(now))
            hearing.timeline.anchor(hearing.fed_ms, time_ms)
        sound_ms = num_lost * LOST_MS + sum(map(packet_ms, packet.opus))
        payload = LOST * num_lost + framed(packet.opus)
        return [*actions, self._meeting.feed(hearing, payload, sound_ms)]

    def _end(self, now: float) -> list[Action]:
        return [*self._release_all(now), *self._meeting.end()]

    def _release_all(self, now: float) -> list[Action]:
        """Hear what is held back: what it waits for does not come any more."""
        self._hold_deadline = None
        actions: list[Action] = []
        for source in list(self._meeting.sources.values()):
            actions += self._hear(source, source.packets.flush(), now)
        return actions

    # --- out: messages ---

    def _result(self, caption: Caption) -> Mapping[str, Any]:
        """All of the text is in one element, which is all that Jitsi's client reads."""
        source = caption.source
        stability = {} if caption.is_final else {"stability": caption.stability}
        return {
            "event": "transcription-result",
            "type": "transcription-result",
            "transcript": [{"text": caption.text, "confidence": caption.confidence}],
            "is_interim": not caption.is_final,
            "message_id": caption.id,
            "participant": {"id": source.participant, "tag": source.name},
            "timestamp": caption.at_ms,
            "language": LANGUAGES.get(caption.language or "", "und"),
            **stability,
        }

    def _report(self, error: Error) -> list[Action]:
        return self._inform(error=error.code, message=error.message)

    def _refuse(self, tag: str, message: str) -> list[Action]:
        return self._inform(error=BadOptionError.code, message=message, tag=tag)

    def _inform(self, **fields: Any) -> list[Action]:
        """An `info`, for bridges that know what it is; of those that wait the last is enough."""
        if not self._knows_info:
            return []
        return [Say({"event": "info", "application": "hark", **fields}, replaces="info")]
