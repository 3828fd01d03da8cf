"""`POST /v1/chat/completions` with an audio part, as Qwen3-ASR's documentation shows it for vLLM.

What system messages say is context. The answer is what the model itself would write, `language
English<asr_text>` and the text: `parse_asr_output` of the `qwen-asr` package takes it apart. As in
the model's own template, texts beside the audio are not heard. Nothing is fetched: audio comes in
the request.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hark.engine.types import StreamOptions

from ...errors import BadMessageError, BadOptionError, StreamError
from ...events import Final
from ..base import Denial
from ..files import Answer, BodyKind, FileRequest, Order, Transcript
from ..wire import MAX_CONTEXT_CHARACTERS, blank_between, read_object, text_in, to_json
from .errors import error_body
from .rest import openai_denial, request_headers, server_sent

_TEXT_TAG = "<asr_text>"
_NOTHING_HEARD = f"language None{_TEXT_TAG}"
_FIELDS = ("messages", "stream")
_TO_STANDARD = str.maketrans("-_", "+/", " \t\r\n")  # from the URL-safe alphabet, without breaks


class ChatCompletions:
    """`POST /v1/chat/completions`."""

    body = BodyKind.JSON

    def read(self, request: FileRequest) -> Order:
        try:
            fields = read_object(request.document.decode())
        except UnicodeDecodeError:
            raise BadMessageError("the body is not UTF-8") from None
        messages = _objects(fields.get("messages"), "messages")
        audio = [part for message in messages for part in _audio_parts(message)]
        if len(audio) != 1:
            raise BadOptionError(f"messages hold {len(audio)} parts of audio, allowed is 1")
        chat = _Chat(request.id, int(request.arrived_s), request.house.model)
        return Order(
            StreamOptions(context=_context(messages)),
            answer=chat.whole,
            audio=audio[0],
            teller=_Teller(chat) if _is_streamed(fields) else None,
        )

    def deny(self, error: StreamError, request_id: str) -> Denial:
        return openai_denial(error, request_id, known=_FIELDS)


# --- the request ---------------------------------------------------------------------------------


def _is_streamed(fields: Mapping[str, Any]) -> bool:
    stream = fields.get("stream")
    if stream is None or isinstance(stream, bool):
        return bool(stream)
    raise BadMessageError(f"stream is {ascii(stream)[:40]}, allowed are true and false")


def _objects(value: object, name: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise BadMessageError(f"{name} is not a list of objects")
    return value


def _parts(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of a message; its content may also be a text, or missing."""
    content = message.get("content")
    if content is None or isinstance(content, str):
        return [{"type": "text", "text": content}]
    return _objects(content, "messages have content that")


def _context(messages: Sequence[Mapping[str, Any]]) -> str:
    texts = [
        text_in(part, "text")
        for message in messages
        if message.get("role") in ("system", "developer")
        for part in _parts(message)
    ]
    return "\n".join(filter(None, texts))[:MAX_CONTEXT_CHARACTERS]


def _audio_parts(message: Mapping[str, Any]) -> Iterator[bytes]:
    """The files in a message: `input_audio` holds base64, `audio_url` a data URL."""
    for part in _parts(message):
        kind = part.get("type")
        if kind not in ("input_audio", "audio_url"):
            continue
        held = part.get(kind)
        if not isinstance(held, dict):
            raise BadMessageError(f"messages have a part {kind} that holds no object")
        data = text_in(held, "data" if kind == "input_audio" else "url")
        yield _decoded(data if kind == "input_audio" else _data_of(data))


def _data_of(url: str) -> str:
    """The base64 of a data URL (RFC 2397)."""
    head, comma, data = url.partition(",")
    if not head.lower().startswith("data:") or not comma:
        raise BadOptionError(
            f"messages have the audio_url {url[:60]!a}; this server fetches nothing, "
            "allowed is data:audio/wav;base64,…"
        )
    if not head.lower().endswith(";base64"):
        raise BadOptionError("messages have a data URL that is not in base64")
    return data


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data.translate(_TO_STANDARD), validate=True)
    except (binascii.Error, ValueError):
        raise BadOptionError("messages have audio that is not base64") from None


# --- the answer ----------------------------------------------------------------------------------


class _Chat:
    """What every message of one answer says."""

    def __init__(self, request_id: str, created_s: int, model: str) -> None:
        self.headers = request_headers(request_id)
        self._common = {"id": f"chatcmpl-{request_id}", "created": created_s, "model": model}

    def whole(self, heard: Transcript) -> Answer:
        message = {"role": "assistant", "content": _content(heard)}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        body = {**self._common, "object": "chat.completion", "choices": [choice], "usage": None}
        return Answer(to_json(body), headers=self.headers)

    def chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return server_sent({**self._common, "object": "chat.completion.chunk", "choices": [choice]})


class _Teller:
    """The chunks of `"stream": true`; their contents joined are the content of the whole."""

    def __init__(self, chat: _Chat) -> None:
        self.headers = chat.headers
        self._chat = chat
        self._before: str | None = None

    def heard(self, final: Final) -> str:
        if self._before is None:
            delta = {"role": "assistant", "content": _tag(final) + final.text}
        else:
            delta = {"content": blank_between(self._before, final.text) + final.text}
        self._before = final.text
        return self._chat.chunk(delta)

    def done(self, heard: Transcript) -> str:
        if self._before is None:
            nothing = self._chat.chunk({"role": "assistant", "content": _NOTHING_HEARD})
        else:
            nothing = ""
        return nothing + self._chat.chunk({}, finish_reason="stop") + "data: [DONE]\n\n"

    def failed(self, error: StreamError) -> str:
        return server_sent({"error": error_body(error)})


def _content(heard: Transcript) -> str:
    return _tag(heard.finals[0]) + heard.text if heard.finals else _NOTHING_HEARD


def _tag(first: Final) -> str:
    """What the model writes before the text; the language is that of the first segment."""
    return f"language {first.language}{_TEXT_TAG}" if first.language else ""
