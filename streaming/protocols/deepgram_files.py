"""Deepgram's `POST /v1/listen`: a recording as the body, one JSON answer; see `docs/dialects`."""

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hark.engine.types import Endpointing, OptionError, RawAudio, StreamOptions

from ..errors import BadMessageError, BadOptionError, StreamError
from ..events import Final
from .base import HTTP_STATUS, Handshake, retry_header
from .files import Answer, BodyKind, FileRequest, Heard, Order
from .wire import MAX_CONTEXT_CHARACTERS, header_text, language_code, language_of, to_json

_RAW = {"linear16": "s16le", "linear32": "f32le", "mulaw": "mulaw", "alaw": "alaw"}
_KNOWN = {
    *("encoding", "sample_rate", "channels", "language", "detect_language", "keyterm", "keywords"),
    *("utterances", "utt_split", "punctuate", "smart_format", "model", "version", "tag"),
}
_KEY_PARAMETERS = {"api_key", "auth_token", "token", "key"}
_CODES = {
    "unauthorized": "INVALID_AUTH",
    "too_large": "PAYLOAD_TOO_LARGE",
    "slow_sender": "SLOW_UPLOAD",
    "capacity": "SERVICE_UNAVAILABLE",
    "shutting_down": "SERVICE_UNAVAILABLE",
    "internal": "INTERNAL_SERVER_ERROR",
}


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
        options = StreamOptions(
            language=language_of(handshake.first("language", "") or "", request.house.languages),
            context=_context(handshake),
            endpointing=_endpointing(handshake),
        )
        detects = _is_asked(handshake, "detect_language")
        has_utterances = _is_asked(handshake, "utterances")

        def answer(heard: Heard) -> Answer:
            channel = {"alternatives": [_alternative(heard)]}
            results: dict[str, Any] = {"channels": [channel]}
            if detects:
                channel |= _detected(heard)
            if has_utterances:
                results["utterances"] = list(_utterances(heard, request.id))
            body = {"metadata": _metadata(request, heard), "results": results}
            return Answer(to_json(body), headers=_headers(request.id))

        return Order(options, answer, raw=_raw(handshake))

    def deny(self, error: StreamError, request_id: str) -> Answer:
        status = HTTP_STATUS.get(error.code, 500)
        body = {
            "err_code": _CODES.get(error.code, "Bad Request"),
            "err_msg": error.message,
            "request_id": str(uuid.UUID(request_id)),
        }
        told = {"dg-error": header_text(error.message)}
        headers = {**_headers(request_id), **told, **retry_header(error)}
        return Answer(json.dumps(body), status, headers=headers)


def _headers(request_id: str) -> dict[str, str]:
    return {"dg-request-id": str(uuid.UUID(request_id))}


# --- the query -----------------------------------------------------------------------------------


def _is_asked(handshake: Handshake, name: str) -> bool:
    """Whether a parameter is there and not false; `detect_language` may also name languages."""
    return (handshake.first(name) or "false").lower() not in ("false", "0")


def _raw(handshake: Handshake) -> RawAudio | None:
    """What the body is if it has no header; encodings of containers are seen in the content."""
    codec = _RAW.get((handshake.first("encoding") or "").lower())
    if codec is None:
        return None
    try:
        return RawAudio(
            codec,  # pyright: ignore[reportArgumentType] - one of the values above
            _whole(handshake, "sample_rate", None),
            _whole(handshake, "channels", 1),
        )
    except OptionError as error:
        raise BadOptionError(str(error)) from None


def _whole(handshake: Handshake, name: str, default: int | None) -> int:
    text = handshake.first(name)
    if text is None and default is not None:
        return default
    try:
        return int(text or "")
    except ValueError:
        told = "missing" if text is None else ascii(text)[:40]
        raise BadOptionError(f"{name} is {told}; raw audio needs it in whole numbers") from None


def _context(handshake: Handshake) -> str:
    """The terms, without the boost that `keywords` may have."""
    terms = [
        *handshake.query.get("keyterm", ()),
        *(each.partition(":")[0] for each in handshake.query.get("keywords", ())),
    ]
    return ", ".join(filter(None, map(str.strip, terms)))[:MAX_CONTEXT_CHARACTERS]


def _endpointing(handshake: Handshake) -> Endpointing:
    """`utt_split`, the pause between two utterances in seconds, as near as is allowed."""
    text = handshake.first("utt_split")
    if text is None:
        return Endpointing()
    if not re.fullmatch(r"\d{1,9}(\.\d{0,9})?|\.\d{1,9}", text):
        raise BadOptionError(f"utt_split is {text[:40]!a}, allowed are seconds")
    return Endpointing(pause_ms=round(min(max(float(text) * 1000, 200), 5_000)))


# --- the answer ----------------------------------------------------------------------------------


def _metadata(request: FileRequest, heard: Heard) -> dict[str, Any]:
    model = request.house.model
    model_id = str(uuid.uuid5(uuid.NAMESPACE_URL, model))
    created = datetime.fromtimestamp(request.arrived_s, UTC).isoformat(timespec="milliseconds")
    return {
        "transaction_key": "deprecated",
        "request_id": str(uuid.UUID(request.id)),
        "sha256": request.sha256,
        "created": created.replace("+00:00", "Z"),
        "duration": round(heard.duration_s, 3),
        "channels": 1,
        "models": [model_id],
        "model_info": {model_id: {"name": model, "version": "1", "arch": "qwen3-asr"}},
        "warnings": [_warning(name) for name in _ignored(request.handshake.query)],
    }


def _ignored(query: Mapping[str, Sequence[str]]) -> list[str]:
    return sorted(query.keys() - _KNOWN - _KEY_PARAMETERS)[:100]


def _warning(name: str) -> dict[str, str]:
    return {
        "parameter": name[:100],
        "type": "unsupported_parameter",
        "message": "This server does not know the parameter; it was ignored.",
    }


def _alternative(heard: Heard) -> dict[str, Any]:
    return {
        "transcript": heard.text,
        "confidence": _mean([final.confidence for final in heard.finals]),
        "words": [word for final in heard.finals for word in _words(final)],
    }


def _words(final: Final) -> list[dict[str, Any]]:
    return [
        {
            "word": plain_word(word["text"]),
            "start": word["start_ms"] / 1000,
            "end": word["end_ms"] / 1000,
            "confidence": word["confidence"],
            "punctuated_word": word["text"],
        }
        for word in final.words
    ]


def plain_word(text: str) -> str:
    """A word in lower case without punctuation around it; as it is if it is nothing else."""
    return re.sub(r"^[\W_]+|[\W_]+$", "", text).lower() or text


def _detected(heard: Heard) -> dict[str, Any]:
    confidences = [
        final.language_confidence for final in heard.finals if final.language == heard.language
    ]
    code = language_code(heard.language)
    return {"detected_language": code, "language_confidence": _mean(confidences)}


def _utterances(heard: Heard, request_id: str) -> Iterator[dict[str, Any]]:
    for number, final in enumerate(heard.finals):
        yield {
            "start": final.start_ms / 1000,
            "end": final.end_ms / 1000,
            "confidence": final.confidence,
            "channel": 0,
            "transcript": final.text,
            "words": _words(final),
            "id": str(uuid.uuid5(uuid.UUID(request_id), str(number))),
        }


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0
