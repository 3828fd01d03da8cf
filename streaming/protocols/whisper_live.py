"""WhisperLive's WebSocket, `docs/dialects/whisper-live.md`: a list of segments, the last one open.

Every message repeats the client's `uid`, as clients drop what has another. Each list of segments
holds the last finals and the open segment; a client keeps those that are `completed`.
"""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hark.engine.languages import LANGUAGES
from hark.engine.types import AudioFormat, Encoding, Endpointing, StreamOptions

from ..effects import Hangup
from ..errors import BadMessageError, BadOptionError, CapacityError, ShuttingDownError, StreamError
from ..events import AudioIn, CloseIn, Error, Event, Final, Hello, Partial
from .base import Action, Frame, LineId, Say, Stay, Tell
from .wire import MAX_CONTEXT_CHARACTERS, blank_between, language_of, text_in

END_OF_AUDIO = "END_OF_AUDIO"  # binary, but the phone app sends it as text
MAX_UID_CHARACTERS = 128
MAX_KEPT_SEGMENTS = 500  # as many as WhisperLive's own server keeps

_ONLY = ""  # the one line
_BACKEND = "faster_whisper"  # clients keep completed segments of no other
_FORMATS = {"float32": Encoding.PCM_F32LE, "int16": Encoding.PCM_S16LE, "uint8": Encoding.PCM_S16LE}
_FLIP_SIGN = bytes(value ^ 0x80 for value in range(256))
_TUNING = {  # of Whisper, or of WhisperLive's server: without meaning here
    *("model", "no_speech_thresh", "clip_audio", "same_output_threshold", "target_language"),
    *("max_speakers", "max_clients", "max_connection_time"),
}
_UNSUPPORTED = ("enable_translation", "enable_diarization", "known_speakers")
KNOWN_FIELDS = {
    *("uid", "language", "task", "use_vad", "vad_parameters", "send_last_n_segments"),
    *("hotwords", "initial_prompt", "word_timestamps", "audio_format"),
    *(*_TUNING, *_UNSUPPORTED),
}
_PAUSES = {  # of `vad_parameters`: ours, and its bounds in milliseconds
    "min_silence_duration_ms": ("pause_ms", 200, 5_000),
    "min_speech_duration_ms": ("min_speech_ms", 20, 1_000),
    "speech_pad_ms": ("pad_before_ms", 0, 2_000),
}


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What a client's first message asks for; `warnings` say what it will not get."""

    hello: Hello
    is_uint8: bool
    num_segments: int
    with_words: bool
    warnings: Sequence[str]


class WhisperLive:
    """One client, by the `uid` of its first message. `spoken` are the model's languages."""

    def __init__(self, uid: object, spoken: Sequence[str]) -> None:
        fits = isinstance(uid, str) and len(uid) <= MAX_UID_CHARACTERS
        self._uid = uid if fits else None
        self._spoken = spoken
        self._wishes: _Wishes | None = None
        self._began = self._ending = False
        self._mistake: list[Action] = []  # of the client, which ends the stream
        self._completed: deque[dict[str, Any]] = deque()
        self._tail = ""  # of the text before the open segment
        self._shown = ""  # the open segment's text, as the client has it
        self._owes_language = False  # it was left to the model, and the client waits to hear

    # --- the client ---

    def received(self, message: bytes | str | Mapping[str, Any], now: float) -> list[Action]:
        if self._ending:
            return []  # nothing is read after the end
        try:
            return self._obey(message)
        except StreamError as error:
            return self.misread(error, now)

    def misread(self, error: StreamError, now: float) -> list[Action]:
        """The mistake ends the stream, which tells what it has heard first."""
        if self._ending:
            return []
        self._mistake = [
            self._tell("status", "ERROR", message=error.message),
            Hangup(error.close_code, error.code),
        ]
        return self._end() if self._began else self._mistake

    def left(self, now: float) -> list[Action]:
        """Who goes without an end is told the last words all the same."""
        if not self._began:
            return []
        return [Stay()] if self._ending else self._end()

    def _obey(self, message: bytes | str | Mapping[str, Any]) -> list[Action]:
        if self._wishes is None and isinstance(message, Mapping):
            return self._greet(message)
        if message in (END_OF_AUDIO, END_OF_AUDIO.encode()):
            return self._end()
        if self._wishes is None or not isinstance(message, bytes):
            raise BadMessageError("only audio and END_OF_AUDIO may follow the first message")
        return self._hear(message, self._wishes)

    def _greet(self, message: Mapping[str, Any]) -> list[Action]:
        if self._uid is None:
            raise BadOptionError(f"uid is no string of at most {MAX_UID_CHARACTERS} characters")
        self._wishes = wishes = _read_wishes(message, self._spoken)
        self._completed = deque(maxlen=wishes.num_segments)
        self._owes_language = wishes.hello.options.language is None
        ready = self._tell("message", "SERVER_READY", backend=_BACKEND)
        if not wishes.warnings:
            return [ready]
        return [ready, self._tell("status", "WARNING", message="; ".join(wishes.warnings))]

    def _hear(self, audio: bytes, wishes: _Wishes) -> list[Action]:
        begin: list[Action] = [] if self._began else [Tell(_ONLY, wishes.hello)]
        self._began = True
        return [*begin, Tell(_ONLY, AudioIn(_int16(audio) if wishes.is_uint8 else audio))]

    def _end(self) -> list[Action]:
        self._ending = True
        return [Tell(_ONLY, CloseIn())] if self._began else [Hangup(1000, "bye")]

    # --- the stream ---

    def said(self, line: LineId, event: Event, now: float) -> list[Action]:
        match event:
            case Partial():
                if self._owes_language and not event.stable:
                    return []  # the language comes before all else, once it is sure: see `Partial`
                return self._show(event, (event.stable + event.unstable).strip())
            case Final():
                return self._complete(event, event.text.strip())
            case Error():
                return [self._say_error(event)]
            case _:
                return []

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        return self._mistake if farewell.code == 1000 and self._mistake else [farewell]

    def _show(self, event: Partial | Final, text: str) -> list[Action]:
        """The segments up to now, the last one open with this text."""
        if text == self._shown:
            return []
        self._shown = text
        segments = [*self._completed, self._segment(event, text, completed=False)]
        return [*self._tell_language(event), self._tell("segments", segments, replaces="open")]

    def _complete(self, final: Final, text: str) -> list[Action]:
        """The final's segment, first open and then completed.

        A client that ends writes the last open segment it has heard of behind those completed, if
        its text is not that of the last one: so the last text of each has to be the final's.
        """
        actions = self._show(final, text)
        if text:
            self._completed.append(self._segment(final, text, completed=True))
            actions.append(self._tell("segments", list(self._completed)))
            self._tail = text[-1]
        self._shown = ""
        return actions

    def _segment(self, event: Partial | Final, text: str, *, completed: bool) -> dict[str, Any]:
        segment: dict[str, Any] = {
            "start": _seconds(event.start_ms),
            "end": _seconds(event.end_ms),
            "text": _as_whisper(text, self._tail),
            "completed": completed,
        }
        if completed and self._wishes and self._wishes.with_words and isinstance(event, Final):
            segment["words"] = [_word(word) for word in event.words]
        return segment

    def _tell_language(self, event: Partial | Final) -> list[Action]:
        if not self._owes_language or event.language is None:
            return []
        self._owes_language = False
        is_final = isinstance(event, Final)
        probability = event.language_confidence if is_final else event.confidence
        code = LANGUAGES.get(event.language, event.language)
        return [self._tell("language", code, language_prob=probability)]

    # --- what is said ---

    def _say_error(self, error: Error) -> Say:
        match error.code:
            case CapacityError.code:  # in minutes
                return self._tell("status", "WAIT", message=(error.retry_after_s or 0) / 60)
            case ShuttingDownError.code:  # after an ERROR a client would not connect again
                return self._tell("message", "DISCONNECT")
            case _:
                return self._tell("status", "ERROR", message=error.message)

    def _tell(self, kind: str, value: Any, *, replaces: str | None = None, **fields: Any) -> Say:
        return Say({"uid": self._uid, kind: value, **fields}, replaces=replaces)

    def encode(self, message: dict[str, Any]) -> Frame:
        return json.dumps(message)


# --- options ------------------------------------------------------------------------------------


def _read_wishes(message: Mapping[str, Any], spoken: Sequence[str]) -> _Wishes:
    """Raises StreamError for what no stream can be opened with."""
    warnings = [f"{name} is not supported" for name in _UNSUPPORTED if message.get(name)]
    if text_in(message, "task") not in ("", "transcribe"):
        warnings.append("only the task transcribe is supported")
    warnings += _ignored("", [name for name in message if name not in KNOWN_FIELDS])
    options = StreamOptions(
        language=_language(message, spoken, warnings),
        context=_context(message, warnings),
        endpointing=_endpointing(message, warnings),
    )
    name = text_in(message, "audio_format") or "float32"
    if name not in _FORMATS:
        raise BadOptionError(f"audio_format is {name[:40]!a}, allowed are {', '.join(_FORMATS)}")
    return _Wishes(
        hello=Hello(AudioFormat(_FORMATS[name]), options),
        is_uint8=name == "uint8",
        num_segments=_num_segments(message.get("send_last_n_segments", 10)),
        with_words=message.get("word_timestamps") is True,
        warnings=warnings,
    )


def _language(message: Mapping[str, Any], spoken: Sequence[str], warnings: list[str]) -> str | None:
    """An unknown one is left to the model: a client that is refused asks again and again."""
    try:
        return language_of(text_in(message, "language"), spoken)
    except BadOptionError as error:
        warnings.append(f"{error.message}; it is left to the model")
        return None


def _context(message: Mapping[str, Any], warnings: list[str]) -> str:
    texts = [text_in(message, name).strip() for name in ("initial_prompt", "hotwords")]
    context = "\n".join(filter(None, texts))
    if len(context) > MAX_CONTEXT_CHARACTERS:
        warnings.append(f"the prompt and hotwords are cut to {MAX_CONTEXT_CHARACTERS} characters")
    return context[:MAX_CONTEXT_CHARACTERS]


def _endpointing(message: Mapping[str, Any], warnings: list[str]) -> Endpointing:
    """What WhisperLive hands on to its voice activity detector, as far as ours has it."""
    if message.get("use_vad") is False:
        return Endpointing(mode="manual")
    parameters = message.get("vad_parameters") or {}
    if not isinstance(parameters, Mapping):
        raise BadMessageError("vad_parameters is no object")
    usable = {name: ms for name, ms in parameters.items() if name in _PAUSES and type(ms) is int}
    warnings += _ignored("of vad_parameters ", [name for name in parameters if name not in usable])
    times: dict[str, Any] = {}
    for name, milliseconds in usable.items():
        ours, least, most = _PAUSES[name]
        times[ours] = max(least, min(milliseconds, most))
    return Endpointing(**times)


def _ignored(where: str, names: Sequence[str]) -> list[str]:
    """A warning that names some of them, in pure ASCII and never long."""
    shown = ", ".join(ascii(name[:40])[1:-1] for name in names[:8])
    return [f"ignored {where}are {shown}"] if names else []


def _num_segments(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadOptionError(
            f"send_last_n_segments is {ascii(value)[:40]}, allowed are 1 to {MAX_KEPT_SEGMENTS}"
        )
    return min(value, MAX_KEPT_SEGMENTS)


# --- helpers ------------------------------------------------------------------------------------


def _int16(audio: bytes) -> bytes:
    """Unsigned bytes with silence at 128, as 16-bit samples."""
    wide = bytearray(2 * len(audio))
    wide[1::2] = audio.translate(_FLIP_SIGN)
    return bytes(wide)


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _word(word: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "word": _as_whisper(word["text"], ""),
        "start": _seconds(word["start_ms"]),
        "end": _seconds(word["end_ms"]),
        "probability": word["confidence"],
    }


def _as_whisper(text: str, before: str) -> str:
    """Whisper's texts begin with their blank, and some clients put nothing else between them."""
    return blank_between(before or "a", text) + text
