"""The vocabulary of the wire: what a client may ask and what the server says; no I/O, no clock.

Adapters translate frames to and from these types; the SDK hands the events to its user. Times are
milliseconds of the stream's own clock. `docs/protocol.md` is the same vocabulary in words.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar

from hark.engine import types as engine
from hark.engine.types import SAMPLE_RATE, AudioFormat, StreamOptions

# --- commands: client to server ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message: what the audio is and what is wanted.

    With `receipts` the dialect is told `Heard` and `Configured`, too.
    """

    audio: AudioFormat
    options: StreamOptions
    receipts: bool = False


@dataclass(frozen=True, slots=True)
class AudioIn:
    """Bytes of the stream, of any length."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class ConfigureIn:
    """Changes in force from the next segment on; only the fields that are given change."""

    changes: dict[str, object]


@dataclass(frozen=True, slots=True)
class FinalizeIn:
    """End the open segment here and acknowledge with `id`."""

    id: str


@dataclass(frozen=True, slots=True)
class CloseIn:
    """No more audio will come."""


Command = Hello | AudioIn | ConfigureIn | FinalizeIn | CloseIn

# --- events: server to client --------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event carries. `seq` is given when the event is sent, -1 before that."""

    type: ClassVar[str]
    seq: int = -1
    segment: int = 0
    start_ms: int = 0
    end_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(Event):
    """The stream is open. `options` are the ones in force, by their wire names.

    A final whose confidence is below `unsure_below` is more likely a guess than a transcript.
    """

    type: ClassVar[str] = "ready"
    session: str
    model: str
    languages: list[str]
    max_segment_s: int
    unsure_below: float
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted(Event):
    """A segment opened; exactly one `Final` with its number follows."""

    type: ClassVar[str] = "speech_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial(Event):
    """What is heard so far: `stable` is never taken back, `unstable` may be.

    While `stable` is empty the language may still change.

    `steps` counts the segment's steps up to this one, those that changed nothing included.
    """

    type: ClassVar[str] = "partial"
    stable: str
    unstable: str
    language: str | None
    confidence: float
    steps: int
    queue_ms: float
    compute_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEnded(Event):
    """The segment's speech was last heard at `end_ms`."""

    type: ClassVar[str] = "speech_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Final(Event):
    """The authoritative text of a segment; may be empty, and then nothing was said.

    `words` are maps of `text`, `start_ms`, `end_ms` and `confidence`; `times` says whether their
    times are `aligned` or `estimated`.
    """

    type: ClassVar[str] = "final"
    text: str
    words: list[dict[str, Any]] = field(default_factory=list)
    times: str = "estimated"
    no_speech: bool = False
    language: str | None
    language_confidence: float = 0.0
    confidence: float
    stable_words_replaced: int
    queue_ms: float
    compute_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalized(Event):
    """Everything before the `finalize` with this id has been heard."""

    type: ClassVar[str] = "finalized"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(Event):
    """Something was refused or went wrong; `retry` says whether trying again can help."""

    type: ClassVar[str] = "error"
    code: str
    message: str
    retry: bool
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bye(Event):
    """The last event of a stream that ended in order."""

    type: ClassVar[str] = "bye"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Event):
    """What a dialect is told if it has asked for it; no wire carries it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(Receipt):
    """All audio up to `end_ms` has been heard; of what was sent, `waiting_bytes` have not.

    Speech that begins later may be dated back, by the padding before it and the voice it took.
    """

    type: ClassVar[str] = "heard"
    waiting_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured(Receipt):
    """A `ConfigureIn` was accepted; one that is not is answered by an `Error`."""

    type: ClassVar[str] = "configured"


EVENT_TYPES: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (Ready, SpeechStarted, Partial, SpeechEnded, Final, Finalized, Error, Bye)
}


def to_ms(sample: int) -> int:
    """A position on the 16 kHz sample clock in milliseconds."""
    return sample * 1000 // SAMPLE_RATE


def event_of(update: engine.EngineUpdate) -> Event | None:
    """What the engine says about a segment, as an event; None for what is about the stream."""
    match update:
        case engine.SpeechStarted():
            at_ms = to_ms(update.start_sample)
            return SpeechStarted(segment=update.segment, start_ms=at_ms, end_ms=at_ms)
        case engine.Partial():
            return Partial(
                segment=update.segment,
                start_ms=to_ms(update.start_sample),
                end_ms=to_ms(update.end_sample),
                stable=update.stable,
                unstable=update.unstable,
                language=update.language,
                confidence=round(update.confidence, 4),
                steps=update.steps,
                queue_ms=round(update.queue_ms, 1),
                compute_ms=round(update.compute_ms, 1),
            )
        case engine.SpeechEnded():
            return SpeechEnded(
                segment=update.segment,
                start_ms=to_ms(update.start_sample),
                end_ms=to_ms(update.end_sample),
            )
        case engine.Final():
            return Final(
                segment=update.segment,
                start_ms=to_ms(update.start_sample),
                end_ms=to_ms(update.end_sample),
                text=update.text,
                words=[word_to_wire(word) for word in update.words],
                times=update.times,
                no_speech=not update.text,
                language=update.language,
                language_confidence=round(update.language_confidence, 4),
                confidence=round(update.confidence, 4),
                stable_words_replaced=update.stable_words_replaced,
                queue_ms=round(update.queue_ms, 1),
                compute_ms=round(update.compute_ms, 1),
            )
        case _:
            return None


def word_to_wire(word: engine.Word) -> dict[str, Any]:
    """A word of a final as the map that goes into its message."""
    return {
        "text": word.text,
        "start_ms": to_ms(word.start_sample),
        "end_ms": to_ms(word.end_sample),
        "confidence": round(word.confidence, 4),
    }


def event_to_wire(event: Event) -> dict[str, Any]:
    """The event as the map that goes into a JSON or msgpack message; shares the event's values."""
    names, values_of = _fields_of(type(event))
    return {"type": event.type, **dict(zip(names, values_of(event), strict=True))}


@cache
def _fields_of(cls: type[Event]) -> tuple[tuple[str, ...], Callable[[Event], tuple[Any, ...]]]:
    """The names of an event's fields and what reads them, several times faster than `asdict`."""
    names = tuple(f.name for f in fields(cls))
    return names, attrgetter(*names)


def event_from_wire(message: dict[str, Any]) -> Event:
    """The event a server's message holds; keys from a newer server are left out.

    Raises:
        ValueError: the message has no known `type`, or lacks a field of that type.
    """
    cls = EVENT_TYPES.get(str(message.get("type")))
    if cls is None:
        raise ValueError(f"not an event of this protocol: type {message.get('type')!r}")
    known = {f.name for f in fields(cls)}
    try:
        return cls(**{key: value for key, value in message.items() if key in known})
    except TypeError as error:
        raise ValueError(f"{cls.type} message is incomplete: {error}") from None


def options_to_wire(audio: AudioFormat, options: StreamOptions) -> dict[str, Any]:
    """The audio format and options by their wire names, as `hello` takes and `ready` gives them."""
    return {"encoding": audio.encoding.value, "sample_rate": audio.sample_rate, **asdict(options)}
