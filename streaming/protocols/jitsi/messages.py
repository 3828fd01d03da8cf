"""The messages of Jitsi's videobridge: JSON, with most numbers as strings and `event` twice."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import BadMessageError, BadOptionError
from ..base import Frame, Handshake, House, truth
from ..wire import read_base64, read_object
from .meeting import wanted_language
from .opus import MAX_PACKET_BYTES, page_packets
from .reorder import Packet

MAX_NAME_CHARACTERS = 256

Object = Mapping[str, Any]
Unpack = Callable[[bytes], list[bytes]]

_NUMBER = re.compile(r"-?[0-9]{1,19}")
_PARAMETERS = {"sessionId", "sendBack", "sendBackInterim", "lang", "tag", "encoding"}
_MAX_TOLD = 16


@dataclass(frozen=True, slots=True)
class Info:
    """The bridge says who it is; it knows what an `info` is, then."""


@dataclass(frozen=True, slots=True)
class Start:
    """Media will come under a tag. `encoding` is in lower case, `sample_rate` in Hz."""

    tag: str
    participant: str
    encoding: str
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Media:
    tag: str
    packet: Packet


@dataclass(frozen=True, slots=True)
class Ping:
    """`id` None where the ping has none."""

    id: int | None


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """Nothing more comes."""


@dataclass(frozen=True, slots=True)
class Other:
    """An event that means nothing here."""

    event: str


Message = Info | Start | Media | Ping | SessionEnd | Other


@dataclass(frozen=True, slots=True)
class Options:
    """What the query of a connection asks for. `ignored` are parameters nobody here knows."""

    encoding: str
    language: str | None
    sends_captions: bool
    sends_interims: bool
    ignored: tuple[str, ...]


def read_message(frame: Frame, unpack: Unpack) -> Message:
    """The message in a frame. `unpack` gives the Opus packets of a payload.

    Raises:
        BadMessageError: it is no JSON object with an `event`, or a field it needs is not there or
            of the wrong type.
    """
    if isinstance(frame, bytes):
        raise BadMessageError("a binary message; messages are JSON in text messages")
    message = read_object(frame)
    match _text(message, "event"):
        case "media":
            return _media(_object(message, "media"), unpack)
        case "start":
            return _start(_object(message, "start"))
        case "ping":
            return Ping(_number(message, "id") if "id" in message else None)
        case "info":
            return Info()
        case "session-end":
            return SessionEnd()
        case event:
            return Other(event)


def read_options(handshake: Handshake, house: House) -> Options:
    """What the query asks for.

    Raises:
        BadOptionError: `encoding` is not known, or a switch is neither true nor false.
    """
    encoding = handshake.first("encoding", "opus") or ""
    if encoding not in UNPACK:
        raise BadOptionError(f"encoding is {encoding[:40]!a}, allowed are {', '.join(UNPACK)}")
    wanted = handshake.first("lang", "") or ""
    ignored = [name[:40] for name in handshake.query if name not in _PARAMETERS][:_MAX_TOLD]
    return Options(
        encoding=encoding,
        language=wanted_language(wanted, house.languages),
        sends_captions=truth("sendBack", handshake.first("sendBack", "true") or ""),
        sends_interims=truth("sendBackInterim", handshake.first("sendBackInterim", "false") or ""),
        ignored=tuple(ignored),
    )


def unpack_opus(payload: bytes) -> list[bytes]:
    """The one packet that is the payload; none where it is empty.

    Raises:
        BadMessageError: no Opus packet is that long.
    """
    if len(payload) > MAX_PACKET_BYTES:
        raise BadMessageError(
            f"media.payload has {len(payload)} bytes, an Opus packet at most {MAX_PACKET_BYTES}"
        )
    return [payload] if payload else []


def unpack_ogg(payload: bytes) -> list[bytes]:
    """The packets of the one Ogg page that is the payload. Raises BadMessageError."""
    return [each for packet in page_packets(payload) for each in unpack_opus(packet)]


UNPACK: Mapping[str, Unpack] = {"opus": unpack_opus, "ogg-opus": unpack_ogg}
"""How the packets of a payload are found, by the encoding that a connection asks for."""


def participant_of(tag: str) -> str:
    """Whose source a tag names: `ab12cd34-a0`, in older bridges `ab12cd34-` and an SSRC."""
    return tag.rpartition("-")[0] or tag


def _start(start: Object) -> Start:
    tag, media_format = _text(start, "tag"), _object(start, "mediaFormat")
    parameters = start.get("customParameters")
    if isinstance(parameters, dict) and parameters.get("endpointId") is not None:
        participant = _text(parameters, "endpointId")
    else:
        participant = participant_of(tag)
    return Start(
        tag=tag,
        participant=participant,
        encoding=_text(media_format, "encoding").lower(),
        sample_rate=_number(media_format, "sampleRate"),
    )


def _media(media: Object, unpack: Unpack) -> Media:
    payload = media.get("payload")
    if not isinstance(payload, str):
        raise BadMessageError("media.payload has to be a string")
    packet = Packet(
        number=_number(media, "chunk"),
        ticks=_number(media, "timestamp"),
        opus=tuple(unpack(read_base64("media.payload", payload))),
    )
    return Media(_text(media, "tag"), packet)


# --- one reader for each kind of field ------------------------------------------------------------


def _object(message: Object, name: str) -> Object:
    value = message.get(name)
    if not isinstance(value, dict):
        raise BadMessageError(f"{name} has to be an object")
    return value


def _text(message: Object, name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME_CHARACTERS:
        raise BadMessageError(f"{name} has to be a string of 1 to {MAX_NAME_CHARACTERS} characters")
    return value


def _number(message: Object, name: str) -> int:
    """A whole number of up to 19 digits, as a number or as a string."""
    value = message.get(name)
    if isinstance(value, str | int) and not isinstance(value, bool):
        digits = value if isinstance(value, str) else f"{value:d}"
        if _NUMBER.fullmatch(digits):
            return int(digits)
    raise BadMessageError(f"{name} has to be a whole number, or a string of one")
