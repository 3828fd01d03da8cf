"""Vosk's WebSocket, `docs/dialects/vosk.md`: one reply to each message of audio, no more, no less.

Its clients send audio, wait for the reply and send the next: without a reply they wait for ever,
and with two they take each for an answer to what they sent later. The engine has rarely heard the
audio by then, so a reply holds the newest that there is to say when it leaves: the finals since the
last one, joined into one result, or else the open segment's partial.
"""

import json
import math
import unicodedata
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from hark.engine.types import AudioFormat, OptionError, StreamOptions

from ..effects import Hangup
from ..errors import BadMessageError, BadOptionError, SlowReaderError, StreamError
from ..events import AudioIn, CloseIn, Event, Final, Finalized, FinalizeIn, Hello, Partial
from .base import Action, Frame, LineId, Say, Stay, Tell
from .wire import MAX_CONTEXT_CHARACTERS, join_texts

MAX_UNREAD = 4_096  # replies; a burst of audio that was held up on its way is no slow reader
_ONLY = ""  # the one line
_NO_PHRASE = "[unk]"  # how a grammar says that other words may be said, too


class _Reply(Enum):
    NEWEST = auto()  # a result if there is one, else a partial
    RESULT = auto()


@dataclass(frozen=True, slots=True)
class _Config:
    """What `config` may set; the sample rate in Hz, 8,000 to 48,000."""

    sample_rate: int = 8_000
    words: bool = True
    max_alternatives: int = 0
    context: str = ""


class Vosk:
    """One client. `language` is the model's name of the one it speaks, None lets the model decide.

    Vosk has no message for an error: the close code is all that a client is told.
    """

    def __init__(self, language: str | None) -> None:
        self._language = language
        self._config = _Config()
        self._began = self._ending = False
        self._mistake: Hangup | None = None  # of the client, which ends the stream
        self._partial = ""
        self._finals: list[Final] = []  # not said yet; of the audio that the engine may be behind
        self._owed: deque[int] = deque([0])  # replies to audio: before, between and after resets
        self._num_flushed = 0  # of the resets that wait for their replies
        self._num_unread = 0  # replies owed, and said but not sent
        self._num_said = 0

    # --- the client ---

    def received(self, message: bytes | str | Mapping[str, Any], now: float) -> list[Action]:
        if self._ending:
            return []  # nothing is read after eof
        try:
            return self._obey(message)
        except StreamError as error:
            return self.misread(error, now)

    def misread(self, error: StreamError, now: float) -> list[Action]:
        """The mistake ends the stream, which tells what it has heard first."""
        if self._ending:
            return []
        self._mistake = Hangup(error.close_code, error.code)
        return self._end() if self._began else [self._mistake]

    def left(self, now: float) -> list[Action]:
        """Who goes without eof is told the last result all the same."""
        if not self._began:
            return []
        return [Stay()] if self._ending else self._end()

    def _obey(self, message: bytes | str | Mapping[str, Any]) -> list[Action]:
        match message:
            case bytes():
                return self._hear(message)
            case {"config": config}:
                if not self._began:
                    self._config = _read_config(self._config, config)
                return []
            case {"eof": _}:
                return self._end()
            case {"reset": _}:
                return self._flush()
            case _:
                raise BadMessageError("not audio, and no config, eof or reset either")

    def _hear(self, audio: bytes) -> list[Action]:
        begin: list[Action] = [] if self._began else [Tell(_ONLY, self._hello())]
        self._began = True
        self._owed[-1] += 1
        return [*begin, Tell(_ONLY, AudioIn(audio)), *self._owe()]

    def _flush(self) -> list[Action]:
        """A reset: the open segment ends here, and the reply waits for its final."""
        self._owed.append(0)
        if not self._began:
            self._num_flushed += 1
            return self._owe()
        return [Tell(_ONLY, FinalizeIn("reset")), *self._owe()]

    def _end(self) -> list[Action]:
        self._ending = True
        if self._began:
            return [Tell(_ONLY, CloseIn())]
        return [*self._say(_Reply.RESULT), Hangup(1000, "bye")]

    def _hello(self) -> Hello:
        config = self._config
        return Hello(
            AudioFormat(sample_rate=config.sample_rate),
            StreamOptions(language=self._language, context=config.context),
        )

    # --- the stream ---

    def said(self, line: LineId, event: Event, now: float) -> list[Action]:
        match event:
            case Partial():
                self._partial = plain(event.stable + event.unstable)
            case Final():
                self._partial = ""
                self._finals.append(event)
            case Finalized():
                self._num_flushed += 1
                return self._settle()
            case _:
                pass
        return []

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        is_awaited = self._ending and farewell.code == 1000
        last = self._say(_Reply.RESULT) if is_awaited or self._finals else []
        return [*last, self._mistake if is_awaited and self._mistake else farewell]

    # --- replies ---

    def _owe(self) -> list[Action]:
        """One reply more is owed."""
        self._num_unread += 1
        if self._num_unread > MAX_UNREAD:
            return [Hangup(SlowReaderError.close_code, SlowReaderError.code)]
        return self._settle()

    def _settle(self) -> list[Action]:
        """Every reply that is owed and that waits for no reset before it."""
        actions: list[Action] = []
        while True:
            for _ in range(self._owed[0]):
                actions += self._say(_Reply.NEWEST)
            self._owed[0] = 0
            if len(self._owed) == 1 or not self._num_flushed:
                return actions
            self._owed.popleft()
            self._num_flushed -= 1
            actions += self._say(_Reply.RESULT)

    def _say(self, reply: _Reply) -> list[Action]:
        """A reply, under a name of its own: they are counted here, and none makes way."""
        self._num_said += 1
        return [Say(reply, replaces=self._num_said)]

    def encode(self, message: _Reply) -> Frame:
        self._num_unread -= 1
        if message is _Reply.RESULT or self._finals:
            finals, self._finals = self._finals, []
            reply = _result(finals, self._config)
        else:
            reply = {"partial": self._partial}
        return json.dumps(reply, ensure_ascii=False)


# --- options ------------------------------------------------------------------------------------


def _read_config(before: _Config, fields: object) -> _Config:
    """The config with what a message sets.

    Raises:
        StreamError: a field is of the wrong type or out of range. Unknown ones are not looked at.
    """
    if not isinstance(fields, Mapping):
        raise BadMessageError("config is no object")
    changes: dict[str, Any] = {}
    if "sample_rate" in fields:
        changes["sample_rate"] = _sample_rate(_number("sample_rate", fields["sample_rate"]))
    if "words" in fields:
        changes["words"] = bool(fields["words"])
    if "max_alternatives" in fields:
        wanted = _number("max_alternatives", fields["max_alternatives"])
        changes["max_alternatives"] = max(0, int(wanted))
    if "phrase_list" in fields:
        changes["context"] = _context(fields["phrase_list"])
    return replace(before, **changes)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e9 < value < 1e9:
        raise BadMessageError(f"{name} is {ascii(value)[:60]}, allowed is a number")
    return value


def _sample_rate(rate: float) -> int:
    try:
        return AudioFormat(sample_rate=math.floor(rate)).sample_rate
    except OptionError as error:
        raise BadOptionError(str(error)) from None


def _context(phrases: object) -> str:
    """As many of the phrases as the context has room for: no client can be told of the others."""
    if not isinstance(phrases, Sequence) or isinstance(phrases, str):
        raise BadMessageError("phrase_list is no list")
    context = ""
    for phrase in phrases:
        if not isinstance(phrase, str) or not phrase.isprintable():
            raise BadMessageError("phrase_list holds what is no phrase")
        longer = f"{context}, {phrase}" if context else phrase
        if len(longer) > MAX_CONTEXT_CHARACTERS:
            break
        context = context if phrase in ("", _NO_PHRASE) else longer
    return context


# --- what is said -------------------------------------------------------------------------------


def _result(finals: Sequence[Final], config: _Config) -> dict[str, Any]:
    """The finals as one result; times in seconds of the stream."""
    text = join_texts(plain(final.text) for final in finals)
    words = list(_words(finals)) if config.words else []
    if not config.max_alternatives:
        return ({"result": words} if words else {}) | {"text": text}
    for word in words:
        del word["conf"]
    confidence = min((final.confidence for final in finals if final.text), default=1.0)
    alternative = {"confidence": confidence} | ({"result": words} if words else {}) | {"text": text}
    return {"alternatives": [alternative]}


def _words(finals: Sequence[Final]) -> Iterator[dict[str, Any]]:
    for final in finals:
        for word in final.words:
            if text := plain(word["text"]):
                yield {
                    "conf": word["confidence"],
                    "end": word["end_ms"] / 1000,
                    "start": word["start_ms"] / 1000,
                    "word": text,
                }


_SPOKEN = "%&@#§"  # punctuation to Unicode, words to a speaker
_BINDING = "'-./_\N{RIGHT SINGLE QUOTATION MARK}\N{HYPHEN}"  # between letters, part of a word
_BINDING_DIGITS = ",:"


def plain(text: str) -> str:
    """A text as Vosk's models write: lower case, no punctuation, one blank between words."""
    lower = text.lower()
    kept = [letter if _is_kept(lower, place) else " " for place, letter in enumerate(lower)]
    return " ".join("".join(kept).split())


def _is_kept(text: str, place: int) -> bool:
    character = text[place]
    if character in _SPOKEN or not unicodedata.category(character).startswith("P"):
        return True
    around = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
    if len(around) < 2:
        return False
    if character in _BINDING_DIGITS:
        return around.isdecimal()
    return character in _BINDING and all(unicodedata.category(c)[0] in "LNM" for c in around)
