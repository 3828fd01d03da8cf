"""The `session` of OpenAI's transcription sessions: what a client sets and what it is shown.

Both forms are read: the present one (`audio.input…`) and the flat one of the beta. What this
server has no use for is accepted and shown back: an error would end the stream of most clients.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hark.engine.types import AudioFormat, Encoding, Endpointing, OptionError, StreamOptions

from ...errors import BadMessageError, BadOptionError, StreamError
from ..wire import MAX_CONTEXT_CHARACTERS, language_of

LOGPROBS = "item.input_audio_transcription.logprobs"
_TRANSCRIPTION = "session.audio.input.transcription"
_RATE = "session.audio.input.format.rate"

_UNCUT_MODELS = ("gpt-realtime-whisper", "gpt-live-transcribe")
"""Models under whose names clients cut the speech themselves unless they say otherwise."""

_SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
}
_EAGERNESS_PAUSE_MS = {"low": 1000, "medium": 700, "auto": 700, "high": 500}
_BETA_FORMATS = {
    "pcm16": {"type": "audio/pcm", "rate": 24_000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}


_BETA_NAMES = {
    "format": "input_audio_format",
    "transcription": "input_audio_transcription",
    "turn_detection": "turn_detection",
    "noise_reduction": "input_audio_noise_reduction",
}
"""The fields of `audio.input` in the flat form."""


@dataclass(frozen=True, slots=True)
class Config:
    """The session in force. `turn` is the turn detection asked for; None means none.

    `turn_is_set` is False while the client has not said, and the model's name decides.
    """

    model: str
    format: Mapping[str, Any] = field(default_factory=lambda: _BETA_FORMATS["pcm16"])
    language: str | None = None
    languages: Sequence[str] = ()
    prompt: str = ""
    keywords: Sequence[str] = ()
    turn: Mapping[str, Any] | None = None
    turn_is_set: bool = False
    noise_reduction: Mapping[str, Any] | None = None
    include: Sequence[str] = ()

    @property
    def turn_detection(self) -> Mapping[str, Any] | None:
        """What decides when an item ends; None leaves it to the client's commits."""
        if self.turn_is_set:
            return self.turn
        return None if self.model.startswith(_UNCUT_MODELS) else _SERVER_VAD

    @property
    def audio(self) -> AudioFormat:
        """The format of the bytes that are appended.

        Raises:
            BadOptionError: a format or a rate there is not.
        """
        match self.format.get("type"):
            case "audio/pcm":
                encoding, rate = Encoding.PCM_S16LE, self.format.get("rate", 24_000)
            case "audio/pcmu":  # both have one rate, whatever is said
                encoding, rate = Encoding.MULAW, 8_000
            case "audio/pcma":
                encoding, rate = Encoding.ALAW, 8_000
            case other:
                raise BadOptionError(
                    f"session.audio.input.format.type is {_show(other)}, allowed are "
                    "audio/pcm, audio/pcmu, audio/pcma"
                )
        if not isinstance(rate, int):
            raise BadMessageError(f"{_RATE} is {_show(rate)}, a whole number is due")
        try:
            return AudioFormat(encoding, rate)
        except OptionError as error:
            raise BadOptionError(f"{_RATE}: {error}") from None

    def options(self, allowed: Sequence[str]) -> StreamOptions:
        """The stream's options. `allowed` are the languages of the model.

        Raises:
            BadOptionError: a language the model does not speak.
        """
        asked = self.language or (self.languages[0] if len(self.languages) == 1 else None)
        try:
            language = language_of(asked or "", allowed)
        except BadOptionError as error:
            name = "language" if self.language else "languages"
            fault = error.message.removeprefix("language")
            raise BadOptionError(f"{_TRANSCRIPTION}.{name}{fault}") from None
        terms = ", ".join(term.strip() for term in self.keywords if term.strip())
        context = "\n".join(part for part in (self.prompt, terms) if part)
        return StreamOptions(
            language=language,
            context=context[:MAX_CONTEXT_CHARACTERS],
            endpointing=self.endpointing(),
        )

    def endpointing(self) -> Endpointing:
        """What turn detection means to the engine; out of its range, the nearest it has."""
        turn = self.turn_detection
        if turn is None:
            return Endpointing(mode="off")
        before = _number(turn, "prefix_padding_ms", 300, 0, 2_000)
        if turn.get("type") == "semantic_vad":
            pause = _EAGERNESS_PAUSE_MS[turn["eagerness"]]
            return Endpointing(mode="semantic", pause_ms=pause, pad_before_ms=before)
        pause = _number(turn, "silence_duration_ms", 500, 200, 5_000)
        return Endpointing(mode="vad", pause_ms=pause, pad_before_ms=before)

    def changed_by(self, update: object, *, is_beta: bool) -> "Config":
        """The session with a client's changes: what is absent stays, null switches off.

        Raises:
            BadMessageError: a field is of the wrong type.
            BadOptionError: a value is out of range.
        """
        session = _map("session", update)
        if is_beta:
            session = _of_beta(session)
        audio = _map("session.audio", session.get("audio"))
        audio_in = _map("session.audio.input", audio.get("input"))
        config = self
        if "include" in session:
            config = replace(config, include=_texts("session.include", session["include"]))
        if audio_in.get("format") is not None:
            config = replace(config, format=_map("session.audio.input.format", audio_in["format"]))
        if audio_in.get("transcription") is not None:
            config = config._transcribing(_map(_TRANSCRIPTION, audio_in["transcription"]))
        if "turn_detection" in audio_in:
            config = replace(config, turn=_turn(audio_in["turn_detection"]), turn_is_set=True)
        if "noise_reduction" in audio_in:
            config = replace(config, noise_reduction=_map_or_none(audio_in["noise_reduction"]))
        return config

    def _transcribing(self, fields: Mapping[str, Any]) -> "Config":
        name = _TRANSCRIPTION
        changes: dict[str, Any] = {}
        for key in ("model", "prompt"):
            if fields.get(key) is not None:
                changes[key] = _text(f"{name}.{key}", fields[key])
        if "language" in fields:
            value = fields["language"]
            changes["language"] = None if value is None else _text(f"{name}.language", value)
        for key in ("keywords", "languages"):
            if key in fields:
                changes[key] = _texts(f"{name}.{key}", fields[key])
        return replace(self, **changes)

    def to_wire(self, session_id: str, expires_at: int) -> dict[str, Any]:
        """The session as the present form shows it."""
        return {
            "id": session_id,
            "object": "realtime.transcription_session",
            "type": "transcription",
            "audio": {
                "input": {
                    "format": dict(self.format),
                    "transcription": self._transcription(),
                    "turn_detection": self.turn_detection,
                    "noise_reduction": self.noise_reduction,
                }
            },
            "include": list(self.include) or None,
            "expires_at": expires_at,
        }

    def to_beta(self, session_id: str, expires_at: int) -> dict[str, Any]:
        """The session as the beta shows it."""
        kind = next((k for k, v in _BETA_FORMATS.items() if v == self.format), "pcm16")
        return {
            "id": session_id,
            "object": "realtime.transcription_session",
            "input_audio_format": kind,
            "input_audio_transcription": self._transcription(),
            "turn_detection": self.turn_detection,
            "input_audio_noise_reduction": self.noise_reduction,
            "include": list(self.include) or None,
            "expires_at": expires_at,
        }

    def _transcription(self) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "model": self.model,
            "language": self.language,
            "prompt": self.prompt,
        }
        if self.keywords:
            shown["keywords"] = list(self.keywords)
        if self.languages:
            shown["languages"] = list(self.languages)
        return shown


# --- reading fields -------------------------------------------------------------------------------


def is_flat(session: object) -> bool:
    """Whether it is the beta's form, whatever the event is called."""
    return isinstance(session, dict) and any(
        _BETA_NAMES[name] in session for name in ("format", "transcription")
    )


def in_beta_s_words(error: StreamError) -> StreamError:
    """The same error of a field as the flat form names it."""
    message = error.message
    for new, old in _BETA_NAMES.items():
        message = message.replace(f"session.audio.input.{new}", f"session.{old}")
    return type(error)(message)


def _of_beta(session: Mapping[str, Any]) -> dict[str, Any]:
    """The flat form of the beta as the present one."""
    audio_in: dict[str, Any] = {}
    if "input_audio_format" in session:
        audio_in["format"] = _beta_format(session["input_audio_format"])
    for new, old in _BETA_NAMES.items():
        if old in session and new != "format":
            audio_in[new] = session[old]
    kept = {"include": session["include"]} if "include" in session else {}
    return {"audio": {"input": audio_in}, **kept}


def _beta_format(value: object) -> Mapping[str, Any]:
    name = _text("session.input_audio_format", value)
    if name in _BETA_FORMATS:
        return _BETA_FORMATS[name]
    rate = name.removeprefix("pcm_s16le_")  # as some servers of this form name it
    if rate != name and rate.isascii() and rate.isdigit():
        return {"type": "audio/pcm", "rate": int(rate[:6])}
    allowed = ", ".join(_BETA_FORMATS)
    raise BadOptionError(f"session.input_audio_format is {_show(name)}, allowed are {allowed}")


def _turn(value: object) -> Mapping[str, Any] | None:
    if value is None:
        return None
    field_name = "session.audio.input.turn_detection"
    turn = {name: each for name, each in _map(field_name, value).items() if each is not None}
    for name in ("threshold", "prefix_padding_ms", "silence_duration_ms"):
        if name in turn and (
            isinstance(turn[name], bool) or not isinstance(turn[name], int | float)
        ):
            raise BadMessageError(f"{field_name}.{name} is {_show(turn[name])}, a number is due")
    eagerness = turn.get("eagerness", "auto")
    if not isinstance(eagerness, str) or eagerness not in _EAGERNESS_PAUSE_MS:
        allowed = ", ".join(_EAGERNESS_PAUSE_MS)
        raise BadOptionError(f"{field_name}.eagerness is {_show(eagerness)}, allowed are {allowed}")
    match turn.get("type", "server_vad"):
        case "server_vad":
            return {**_SERVER_VAD, **turn}
        case "semantic_vad":
            return {"eagerness": "auto", **turn}
        case other:
            raise BadOptionError(
                f"{field_name}.type is {_show(other)}, allowed are server_vad, semantic_vad"
            )


def _number(fields: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    return int(min(max(fields.get(name, default), low), high))


def _map(name: str, value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadMessageError(f"{name} is {_show(value)}, an object is due")
    return value


def _map_or_none(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadMessageError(f"{name} is {_show(value)}, a string is due")
    return value


def _texts(name: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadMessageError(f"{name} is {_show(value)}, a list of strings is due")
    return tuple(_text(f"{name}[{at}]", each) for at, each in enumerate(value))


def _show(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
