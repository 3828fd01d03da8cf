"""DashScope's Qwen-ASR-Realtime, `/api-ws/v1/realtime`: the hosted Qwen3-ASR's own interface.

Its partials say what is settled (`text`) and what is still open (`stash`).
https://help.aliyun.com/zh/model-studio/qwen-asr-realtime-client-events
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hark.engine.types import AudioFormat, Encoding, Endpointing, OptionError, StreamOptions

from ..effects import Hangup
from ..errors import BadMessageError, BadOptionError, StreamError
from ..events import CloseIn, Final, Partial
from .base import (
    HTTP_STATUS,
    Action,
    Denial,
    Handshake,
    House,
    Say,
    Stay,
    Tell,
    retry_header,
)
from .openai.errors import error_body
from .openai.items import Item
from .openai.machine import RealtimeMachine
from .openai.message import APPEND, Message
from .openai.tell import TRANSCRIPTION
from .wire import MAX_CONTEXT_CHARACTERS, joined, language_code, language_of, to_json

_LINE = ""
_ENCODINGS = {
    "pcm": Encoding.PCM_S16LE,
    "pcm16": Encoding.PCM_S16LE,
    "wav": Encoding.CONTAINER,
    "opus": Encoding.CONTAINER,
}
_SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.2,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 800,
}


class DashScopeDoor:
    """Any model's name is let in."""

    max_message_bytes = 21 << 20

    def open(self, handshake: Handshake, house: House) -> "DashScope":
        return DashScope(house, handshake.first("model") or house.model)

    def deny(self, error: StreamError, handshake: Handshake) -> Denial:
        body = {"code": error_body(error)["code"], "message": error.message}
        return Denial(HTTP_STATUS[error.code], to_json(body), headers=retry_header(error))


@dataclass(frozen=True, slots=True)
class Config:
    """The session in force. Where the client does not say, it has server VAD, as the service."""

    format: str = "pcm"
    sample_rate: int = 16_000
    language: str | None = None
    corpus: str = ""
    turn_detection: Mapping[str, Any] | None = field(default_factory=lambda: _SERVER_VAD)

    @property
    def audio(self) -> AudioFormat:
        """The format of the bytes that are appended.

        Raises:
            BadOptionError: a format or a rate there is not.
        """
        encoding = _ENCODINGS.get(self.format)
        if encoding is None:
            allowed = ", ".join(_ENCODINGS)
            raise BadOptionError(
                f"input_audio_format is {self.format[:40]!a}, allowed are {allowed}"
            )
        try:
            return AudioFormat(encoding, self.sample_rate)
        except OptionError as error:
            raise BadOptionError(str(error)) from None

    def options(self, allowed: Sequence[str]) -> StreamOptions:
        """The stream's options.

        Raises:
            BadOptionError: a language the model does not speak.
        """
        language = language_of(self.language or "", allowed)
        turn = self.turn_detection
        return StreamOptions(
            language=language,
            context=self.corpus[:MAX_CONTEXT_CHARACTERS],
            endpointing=Endpointing(mode="off") if turn is None else _pauses(turn),
        )

    def changed_by(self, session: object) -> "Config":
        """The session with a client's changes, in the old form or the new.

        Raises:
            BadMessageError: a field is of the wrong type.
        """
        fields = _map("session", session)
        audio_in = _map(
            "session.audio.input", _map("session.audio", fields.get("audio")).get("input")
        )
        newer = _map("session.audio.input.format", audio_in.get("format"))
        config = self
        if kind := fields.get("input_audio_format") or newer.get("type"):
            config = replace(config, format=_text("input_audio_format", kind))
        rate = fields.get("sample_rate", newer.get("sample_rate"))
        if rate is not None:
            config = replace(config, sample_rate=_whole("sample_rate", rate))
        asked = fields.get("input_audio_transcription") or audio_in.get("transcription")
        if asked is not None:
            config = config._transcribing(_map("input_audio_transcription", asked))
        for place in (fields, audio_in):
            if "turn_detection" in place:
                turn = place["turn_detection"]
                fresh = None if turn is None else {**_SERVER_VAD, **_map("turn_detection", turn)}
                config = replace(config, turn_detection=fresh)
        return config

    def _transcribing(self, fields: Mapping[str, Any]) -> "Config":
        config = self
        if "language" in fields:
            given = fields["language"]
            config = replace(config, language=None if given is None else _text("language", given))
        corpus = fields.get("corpus")
        text = corpus.get("text") if isinstance(corpus, dict) else fields.get("corpus_text")
        return config if text is None else replace(config, corpus=_text("corpus.text", text))


class DashScope(RealtimeMachine[Config]):
    """One connection."""

    item_events = ("created",)

    def __init__(self, house: House, model: str) -> None:
        super().__init__(house, Config())
        self._model = model
        self._is_finishing = False

    def opened(self, now: float) -> list[Action]:
        return [self._tell.say("session.created", session=self._session())]

    def left(self, now: float) -> list[Action]:
        if not self._is_finishing:
            return super().left(now)
        return [Stay()] if self._is_live else []

    def _handlers(self) -> Mapping[str, Callable[[Message], list[Action]]]:
        change = self._refuse_late if self._is_finishing else None
        return {
            "session.update": change or self._update,
            APPEND: change or self._append,
            "input_audio_buffer.commit": change or self._commit,
            "input_audio_buffer.clear": change or self._clear,
            "session.finish": self._finish,
        }

    def _update(self, message: Message) -> list[Action]:
        actions = self._change(self._config.changed_by(message.fields.get("session")))
        return [*actions, self._tell.say("session.updated", session=self._session())]

    def _refuse_late(self, message: Message) -> list[Action]:
        raise BadOptionError(f"{message.type} came after session.finish")

    def _finish(self, message: Message) -> list[Action]:
        """Everything that was said, then `session.finished`."""
        if self._is_finishing:
            return []
        self._is_finishing = True
        if self._is_live:
            return [Tell("", CloseIn())]
        return list(self._farewell(Hangup(1000, "")))

    def _partial(self, item: Item, event: Partial) -> Iterator[Action]:
        said = self._tell.say(
            f"{TRANSCRIPTION}.text",
            item_id=item.id,
            content_index=0,
            language=language_code(event.language) or "",
            emotion="neutral",
            text=joined(item.text, event.stable),
            stash=event.unstable,
        )
        yield Say(said.message, replaces=("text", item.id))

    def _last_words(self, item: Item, event: Final) -> Iterator[Action]:
        item.final(event)
        yield from ()

    def _completed(self, item: Item) -> Action:
        language = next((final.language for final in item.finals if final.language), None)
        return self._tell.say(
            f"{TRANSCRIPTION}.completed",
            item_id=item.id,
            content_index=0,
            transcript=item.text,
            language=language_code(language) or "",
            emotion="neutral",
        )

    def _farewell(self, hangup: Hangup) -> Iterator[Action]:
        if hangup.code == 1000:
            yield self._tell.say("session.finished")
        yield from super()._farewell(hangup)

    def _session(self) -> dict[str, Any]:
        config = self._config
        transcription: dict[str, Any] = {"language": config.language}
        if config.corpus:
            transcription["corpus"] = {"text": config.corpus}
        return {
            "id": self._id,
            "object": "realtime.session",
            "model": self._model,
            "modalities": ["text"],
            "input_audio_format": config.format,
            "sample_rate": config.sample_rate,
            "input_audio_transcription": transcription,
            "turn_detection": config.turn_detection,
        }


# --- reading fields -------------------------------------------------------------------------------


def _pauses(turn: Mapping[str, Any]) -> Endpointing:
    """Server VAD as the engine knows it; out of its range, the nearest it has."""
    return Endpointing(
        pause_ms=_nearest("silence_duration_ms", turn, 800, 200, 5_000),
        pad_before_ms=_nearest("prefix_padding_ms", turn, 300, 0, 2_000),
    )


def _nearest(name: str, fields: Mapping[str, Any], default: int, low: int, high: int) -> int:
    value = fields.get(name)
    return int(min(max(default if value is None else _number(name, value), low), high))


def _whole(name: str, value: object) -> int:
    number = _number(name, value)
    if isinstance(number, float) and not number.is_integer():
        raise BadMessageError(f"{name} is {ascii(value)[:40]}, a whole number is due")
    return int(number)


def _number(name: str, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise BadMessageError(f"{name} is {ascii(value)[:40]}, a number is due")


def _map(name: str, value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadMessageError(f"{name} is no object")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadMessageError(f"{name} is no string")
    return value
