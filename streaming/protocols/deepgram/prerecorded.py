"""Deepgram's `POST /v1/listen`: a recording as the body, one JSON answer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID, uuid5

from hark.engine.types import Encoding, Endpointing, RawAudio, StreamOptions

from ...errors import BadMessageError, BadOptionError, StreamError
from ..base import Denial, Handshake
from ..files import Answer, BodyKind, FileRequest, Order, Transcript
from ..wire import header_text, join_texts, language_code, to_json
from .door import deepgram_denial
from .intake import ENCODINGS, MAX_CHANNELS
from .query import PAUSE_MS, Wishes, detects_language, flag, read_wishes, whole_number
from .results import Map, Style, alternative_of, results_metadata, silence

_RAW = (Encoding.PCM_S16LE, Encoding.PCM_F32LE, Encoding.MULAW, Encoding.ALAW)
_SECONDS = re.compile(r"\d{1,9}(\.\d{0,9})?|\.\d{1,9}")


class DeepgramPrerecorded:
    """`POST /v1/listen`."""

    body = BodyKind.FILE

    def read(self, request: FileRequest) -> Order:
        handshake = request.handshake
        if handshake.headers.get("content-type", "").partition(";")[0] == "application/json":
            raise BadOptionError("url is not fetched by this server; send the file as the body")
        if handshake.first("callback") is not None:
            raise BadOptionError("callback is not called by this server; the answer has it all")
        if not request.has_file:
            raise BadMessageError("the body is empty; it has to be the file")
        wishes = read_wishes(handshake, request.house.languages)
        recording = _Recording(
            request,
            style=Style(wishes.punctuate or wishes.smart_format, wishes.language is None),
            ignored=_ignored(handshake, wishes),
            detects=detects_language(handshake),
            has_utterances=flag(handshake, "utterances"),
        )
        return Order(_options(handshake, wishes), recording.answer, raw=_raw(handshake))

    def deny(self, error: StreamError, request_id: str) -> Denial:
        return deepgram_denial(error, str(UUID(request_id)))


# --- the query -----------------------------------------------------------------------------------


def _ignored(handshake: Handshake, wishes: Wishes) -> list[str]:
    """Of a file, channels are never kept apart."""
    is_split = flag(handshake, "multichannel")
    names = [*wishes.ignored, "multichannel"] if is_split else wishes.ignored
    return [name for name in names if name not in ("utterances", "utt_split")]


def _options(handshake: Handshake, wishes: Wishes) -> StreamOptions:
    """Segments end where the engine ends them, or by `utt_split`: a pause in seconds."""
    endpointing = Endpointing()
    text = handshake.first("utt_split")
    if text is not None:
        if not _SECONDS.fullmatch(text):
            raise BadOptionError(f"utt_split is {text[:40]!a}, allowed are seconds")
        pause_ms = min(max(float(text) * 1000, PAUSE_MS[0]), PAUSE_MS[1])
        endpointing = Endpointing(pause_ms=round(pause_ms))
    return replace(wishes.options(), endpointing=endpointing)


def _raw(handshake: Handshake) -> RawAudio | None:
    """What the body is if it has no header; any other encoding is seen in the content."""
    encoding = ENCODINGS.get((handshake.first("encoding") or "").lower())
    if encoding is None or encoding not in _RAW:
        return None
    rate = whole_number(handshake, "sample_rate", 8_000, 48_000)
    if rate is None:
        raise BadOptionError("sample_rate is needed where encoding says that the audio is raw")
    return RawAudio(encoding, rate, whole_number(handshake, "channels", 1, MAX_CHANNELS) or 1)


# --- the answer ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Recording:
    """A request, and what its answer has beside words."""

    request: FileRequest
    style: Style
    ignored: list[str]
    detects: bool
    has_utterances: bool

    def answer(self, heard: Transcript) -> Answer:
        alternatives = [alternative_of(final, self.style) for final in heard.finals]
        channel: Map = {"alternatives": [_joined(alternatives, heard)]}
        results: Map = {"channels": [channel]}
        if self.detects:
            channel |= _detected(heard)
        if self.has_utterances:
            results["utterances"] = list(self._utterances(heard, alternatives))
        body = {"metadata": self._metadata(heard), "results": results}
        headers = {"dg-request-id": self._id}
        if self.ignored:
            headers["dg-warning"] = header_text(f"ignored: {', '.join(self.ignored)}")
        return Answer(to_json(body), headers=headers)

    @property
    def _id(self) -> str:
        return str(UUID(self.request.id))

    def _metadata(self, heard: Transcript) -> Map:
        model = results_metadata(self._id, self.request.house.model)
        created = datetime.fromtimestamp(self.request.arrived_s, UTC)
        return {
            "transaction_key": "deprecated",
            "request_id": self._id,
            "sha256": self.request.sha256,
            "created": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "duration": round(heard.duration_s, 3),
            "channels": 1,
            "models": [model["model_uuid"]],
            "model_info": {model["model_uuid"]: model["model_info"]},
            "warnings": [_warning(name) for name in self.ignored],
        }

    def _utterances(self, heard: Transcript, alternatives: list[Map]) -> Iterator[Map]:
        for number, (final, told) in enumerate(zip(heard.finals, alternatives, strict=True)):
            yield {
                "start": final.start_ms / 1000,
                "end": final.end_ms / 1000,
                "confidence": told["confidence"],
                "channel": 0,
                "transcript": told["transcript"],
                "words": told["words"],
                "id": str(uuid5(UUID(self.request.id), str(number))),
            }


def _joined(alternatives: list[Map], heard: Transcript) -> Map:
    """The alternatives of all segments as one; its confidence is their mean."""
    if not alternatives:
        return silence()
    joined: Map = {
        "transcript": join_texts(told["transcript"] for told in alternatives),
        "confidence": _mean([told["confidence"] for told in alternatives]),
        "words": [word for told in alternatives for word in told["words"]],
    }
    if any("languages" in told for told in alternatives):
        joined["languages"] = [language_code(name) for name in heard.languages]
    return joined


def _detected(heard: Transcript) -> Map:
    confidences = [
        final.language_confidence for final in heard.finals if final.language == heard.language
    ]
    return {
        "detected_language": language_code(heard.language),
        "language_confidence": _mean(confidences),
    }


def _warning(name: str) -> Map:
    return {
        "parameter": name[:100],
        "type": "unsupported_parameter",
        "message": "This server does not know the parameter; it was ignored.",
    }


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0
