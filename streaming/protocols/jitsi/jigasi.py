"""What Jigasi sends to a Skynet transcriber: one socket for a meeting, a header on each frame.

    client   60 bytes `participant|language`, then 16 kHz 16-bit samples      one zero byte: the end
    server   {id, participant_id, ts, text, audio, type, variance}

The contract is `docs/dialects/jitsi.md`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from hark.engine.types import AudioFormat, Endpointing, StreamOptions

from ...effects import Hangup
from ...errors import BadMessageError, StreamError
from ...events import ConfigureIn, Event
from ..base import HTTP_STATUS, Action, Denial, Handshake, House, LineId, Say, Tell, retry_header
from ..wire import to_json
from .meeting import Caption, Meeting, Source, wanted_language

MAX_MESSAGE_BYTES = 1 << 20
HEADER_BYTES = 60
STALL_MS = 2_000  # a frame holds up to 1.5 s of sound, and comes when all of it is there
MAX_DRIFT_MS = 1_000  # between a participant's sound and the clock, before sound is missing

_PADDED_BYTES, _PADDING = 48_000, bytes(1_280)  # Jigasi leaves the end of its buffer unused
_BYTES_PER_MS = 32


@dataclass(frozen=True, slots=True)
class Speech:
    """A participant's next samples, and the language it is said to speak, as it is written."""

    participant: str
    language: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class EndOfMeeting:
    """All participants have left."""


Message = Speech | EndOfMeeting


class JigasiDoor:
    """`/streaming-whisper/ws/{meeting}` and `/ws/{meeting}`; the meeting's id is not needed."""

    max_message_bytes = MAX_MESSAGE_BYTES

    def open(self, handshake: Handshake, house: House) -> "Jigasi":
        return Jigasi(house)

    def deny(self, error: StreamError, handshake: Handshake) -> Denial:
        """Jigasi tries again by itself after any refusal of the handshake."""
        body = json.dumps({"error": error.code, "detail": error.message})
        return Denial(HTTP_STATUS[error.code], body, headers=retry_header(error))


class Jigasi:
    """One meeting. Jigasi understands nothing but captions, so errors are told by closing."""

    subprotocol: str | None = None
    accept_headers: Mapping[str, str] = {}

    def __init__(self, house: House) -> None:
        self._house = house
        options = StreamOptions(endpointing=Endpointing(stall_ms=STALL_MS), granularity="segment")
        self._meeting: Meeting[Source] = Meeting(house, AudioFormat(), options)

    def opened(self, now: float) -> list[Action]:
        return []

    def read(self, frame: str | bytes) -> Message:
        return read_frame(frame)

    def received(self, message: Message, now: float) -> list[Action]:
        if self._meeting.is_ending:
            return []
        match message:
            case Speech():
                return self._hear(message, now)
            case EndOfMeeting():
                return self._meeting.end()

    def misread(self, error: StreamError, now: float) -> list[Action]:
        """Who does not speak Jigasi's language ends the meeting, which tells what it has heard."""
        if self._meeting.is_ending:
            return []
        return self._meeting.end(Hangup(error.close_code, error.code))

    def said(self, line: LineId, event: Event, now: float) -> list[Action]:
        caption = self._meeting.said(line, event)
        if caption is None:
            return []
        return [Say(caption, replaces=None if caption.is_final else caption.line)]

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        return self._meeting.ended(line, farewell, now)

    def left(self, now: float) -> list[Action]:
        return self._meeting.left()

    def next_deadline(self) -> float | None:
        return self._meeting.next_deadline()

    def timed_out(self, now: float) -> list[Action]:
        return self._meeting.timed_out(now)

    def encode(self, message: Caption) -> str:
        return to_json(
            {
                "id": _uuid(message.id),
                "participant_id": message.source.participant,
                "ts": message.at_ms,
                "text": message.text,
                "audio": "",
                "type": "final" if message.is_final else "interim",
                "variance": message.confidence,
            }
        )

    def _hear(self, speech: Speech, now: float) -> list[Action]:
        name = speech.participant
        source = self._meeting.sources.get(name) or self._meeting.admit(Source(name, name))
        if source is None:
            return []
        actions = self._ask_for(source, speech.language)
        actions += self._meeting.listen(source, now)
        hearing = source.hearing
        if hearing is None or not speech.pcm:
            return actions
        sound_ms = len(speech.pcm) / _BYTES_PER_MS
        begin_ms = self._meeting.time_ms(now) - sound_ms
        expected_ms = hearing.timeline.expected(hearing.fed_ms)
        if expected_ms is None or abs(begin_ms - expected_ms) > MAX_DRIFT_MS:
            hearing.timeline.anchor(hearing.fed_ms, begin_ms)
        return [*actions, self._meeting.feed(hearing, speech.pcm, sound_ms)]

    def _ask_for(self, source: Source, language: str) -> list[Action]:
        """The language of what a participant says from its next utterance on."""
        wanted = wanted_language(language, self._house.languages)
        if wanted == source.language:
            return []
        source.language = wanted
        if source.hearing is None:
            return []
        return [Tell(source.hearing.line, ConfigureIn({"language": wanted}))]


def read_frame(frame: str | bytes) -> Message:
    """The message in a frame of Jigasi's.

    Raises:
        BadMessageError: it is a text message, or not a header with a participant in it.
    """
    if isinstance(frame, str):
        raise BadMessageError("a text message; frames are binary, a header and samples")
    if frame == b"\0":
        return EndOfMeeting()
    if len(frame) < HEADER_BYTES:
        raise BadMessageError(f"{len(frame)} bytes; a frame begins with {HEADER_BYTES} of header")
    try:
        header = frame[:HEADER_BYTES].decode().rstrip("\0 ")
    except UnicodeDecodeError:
        raise BadMessageError("a header that is not UTF-8") from None
    participant, _, language = header.rpartition("|")
    if not participant:
        raise BadMessageError(f"the header is {header!a}, it has to be participant|language")
    return Speech(participant, language, _without_padding(frame[HEADER_BYTES:]))


def _without_padding(pcm: bytes) -> bytes:
    """The samples without the 40 ms that Jigasi leaves zero at the end of each full buffer."""
    if len(pcm) == _PADDED_BYTES and pcm.endswith(_PADDING):
        return pcm[: -len(_PADDING)]
    return pcm


def _uuid(caption_id: str) -> str:
    """A UUID, which is what Jigasi parses, with all that tells ids of 24 digits apart."""
    return str(UUID(hex=(caption_id * 2)[:32], version=4))
