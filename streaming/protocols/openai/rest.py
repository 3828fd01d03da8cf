"""OpenAI's `POST /v1/audio/transcriptions` and `/v1/models`: fields, errors, and events.

Bodies of the formats are in `bodies.py`. Fields that are not named here are ignored, and so
is the model's name, as there is but one model.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hark.engine.types import Endpointing, StreamOptions

from ...errors import BadMessageError, BadOptionError, StreamError
from ...events import Final
from ..base import Denial, House
from ..files import Answer, BodyKind, FileRequest, Order, Transcript
from ..wire import MAX_CONTEXT_CHARACTERS, blank_between, language_of, read_object, to_json
from .bodies import FORMATS, plain, render
from .errors import body_of, denial, error_body
from .logprobs import logprobs_of

Fields = Mapping[str, Sequence[str]]

_GRANULARITIES = ("word", "segment")
_YES, _NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
_STRATEGY = "chunking_strategy"


class Transcriptions:
    """`POST /v1/audio/transcriptions`."""

    body = BodyKind.FORM

    def read(self, request: FileRequest) -> Order:
        fields = request.fields
        if not request.has_file:
            raise BadMessageError("file is missing: a form field of this name has to hold one")
        options = StreamOptions(
            language=_language(fields, request.house.languages),
            context=_context(fields),
            endpointing=_endpointing(fields),
        )
        form = _one_of("response_format", _first(fields, "response_format"), FORMATS)
        granularities = {
            _one_of("timestamp_granularities", each, _GRANULARITIES)
            for each in _all(fields, "timestamp_granularities")
        }
        with_logprobs = "logprobs" in _all(fields, "include")
        headers = request_headers(request.id)

        def answer(heard: Transcript) -> Answer:
            body, media_type = render(
                heard,
                form,
                granularities=granularities or {"segment"},
                with_logprobs=with_logprobs,
            )
            return Answer(body, media_type=media_type, headers=headers)

        stream = _one_of("stream", _first(fields, "stream").lower(), (*_NO, *_YES))
        return Order(
            options,
            answer,
            teller=_Teller(headers, with_logprobs=with_logprobs) if stream in _YES else None,
        )

    def deny(self, error: StreamError, request_id: str) -> Denial:
        return openai_denial(error, request_id, known=_FIELDS)


class _Teller:
    """The events of `stream=true`. Deltas are whole finals: joined they are the text, always."""

    def __init__(self, headers: Mapping[str, str], *, with_logprobs: bool) -> None:
        self.headers = headers
        self._with_logprobs = with_logprobs
        self._before = ""

    def heard(self, final: Final) -> str:
        delta = blank_between(self._before, final.text) + final.text
        self._before = final.text
        event: dict[str, Any] = {"type": "transcript.text.delta", "delta": delta}
        if self._with_logprobs:
            event["logprobs"] = logprobs_of([final], [delta])
        return server_sent(event)

    def done(self, heard: Transcript) -> str:
        fields = plain(heard, with_logprobs=self._with_logprobs)
        return server_sent({"type": "transcript.text.done", **fields})

    def failed(self, error: StreamError) -> str:
        return server_sent({"error": error_body(error)})


def server_sent(event: Mapping[str, Any]) -> str:
    """A server-sent event of data alone."""
    return f"data: {to_json(event)}\n\n"


# --- errors --------------------------------------------------------------------------------------


def openai_denial(error: StreamError, request_id: str, known: Sequence[str] = ()) -> Denial:
    """An error in OpenAI's shape. Its `param` is the one of the `known` fields it begins with.

    The first of them is the one that holds the audio.
    """
    first_word = error.message.partition(" ")[0]
    if error.code == "bad_audio":
        param = next(iter(known), None)
    else:
        param = first_word if first_word in known else None
    return denial(error, param, request_headers(request_id))


def request_headers(request_id: str) -> dict[str, str]:
    return {"x-request-id": f"req_{request_id}"}


# --- fields --------------------------------------------------------------------------------------

_FIELDS = ("file", "language", "response_format", "timestamp_granularities", "stream", _STRATEGY)


def _all(fields: Fields, name: str) -> list[str]:
    """A list's entries; its name may end in brackets."""
    return [*fields.get(name, ()), *fields.get(f"{name}[]", ())]


def _first(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "").strip()


def _one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    """The value, the first that is allowed where it is empty."""
    if value and value not in allowed:
        raise BadOptionError(f"{name} is {value[:40]!a}, allowed are {', '.join(allowed)}")
    return value or allowed[0]


def _language(fields: Fields, spoken: Sequence[str]) -> str | None:
    """`language`; or `languages` if that is one, as several are left to the model."""
    named = _first(fields, "language")
    several = _all(fields, "languages")
    return language_of(several[0] if not named and len(several) == 1 else named, spoken)


def _context(fields: Fields) -> str:
    """The keywords, and as much of the prompt's end as there is room for."""
    keywords = ", ".join(filter(None, map(str.strip, _all(fields, "keywords"))))
    keywords = keywords[:MAX_CONTEXT_CHARACTERS]
    room = MAX_CONTEXT_CHARACTERS - len(keywords) - 1
    prompt = _first(fields, "prompt")[-room:] if room > 0 else ""
    return "\n".join(filter(None, [prompt, keywords]))


def _endpointing(fields: Fields) -> Endpointing:
    """`chunking_strategy`: `auto`, JSON, or a field for each of its own, as SDKs send it."""
    told: dict[str, Any] = {
        name.removeprefix(f"{_STRATEGY}[").removesuffix("]"): values[0]
        for name, values in fields.items()
        if name.startswith(f"{_STRATEGY}[") and values
    }
    text = _first(fields, _STRATEGY)
    if text not in ("", "auto"):
        try:
            told |= read_object(text)
        except BadMessageError:
            allowed = "auto and a JSON object of type server_vad"
            raise BadOptionError(f"{_STRATEGY} is {text[:40]!a}, allowed are {allowed}") from None
    if (kind := told.get("type")) not in (None, "", "server_vad"):
        raise BadOptionError(f"{_STRATEGY} has type {kind!a:.40}, allowed is server_vad")
    default = Endpointing()
    return Endpointing(
        pause_ms=_ms(told, "silence_duration_ms", 200, 5_000, default.pause_ms),
        pad_before_ms=_ms(told, "prefix_padding_ms", 0, 2_000, default.pad_before_ms),
    )


def _ms(told: Mapping[str, Any], name: str, least: int, most: int, default: int) -> int:
    """A time of the strategy, as near as is allowed."""
    value = told.get(name)
    if value is None:
        return default
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isnan(number):
        raise BadOptionError(f"{_STRATEGY} has {name} {value!a:.40}, allowed are numbers")
    return round(min(max(number, least), most))


# --- models --------------------------------------------------------------------------------------


def list_models(house: House, began_s: int) -> Answer:
    """`GET /v1/models`. `began_s` stands for when the model was made, in seconds since 1970."""
    return Answer(json.dumps({"object": "list", "data": [_model(house, began_s)]}))


def describe_model(name: str, house: House, began_s: int) -> Answer:
    """`GET /v1/models/{name}`."""
    if name == house.model:
        return Answer(json.dumps(_model(house, began_s)))
    message = f"The model {name[:80]!a} does not exist; there is {house.model}"
    return Answer(json.dumps({"error": body_of(message, "model_not_found", "model")}), 404)


def _model(house: House, began_s: int) -> dict[str, Any]:
    return {"id": house.model, "object": "model", "created": began_s, "owned_by": "hark"}
