"""The nouns the engine and its callers share; knows no torch, no sockets and no asyncio.

Shape legend, used in every shape comment of `hark.engine`:

    N samples        T mel frames (10 ms)     M mel bins (128)
    C chunks (1 s)   W windows (1 to 8 s)     A audio tokens (13 a chunk)
    S text tokens    R rows of a packed batch Q packed query tokens
    H query heads    K key/value heads        D head dim
    E hidden size    V vocabulary             L layers

All positions are samples of one stream's 16 kHz clock, counted from its first sample.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, get_args

SAMPLE_RATE = 16_000
FRAME_SAMPLES = 160  # one mel frame
CHUNK_FRAMES = 100  # one chunk of the conv stem: 1 s
CHUNK_SAMPLES = CHUNK_FRAMES * FRAME_SAMPLES
MIN_CLIP_SAMPLES = 8_000  # shorter clips are zero-padded, as the reference pads them

StreamId = int
EndpointingMode = Literal["vad", "semantic", "manual", "off"]
MAX_STALL_MS = 600_000
Granularity = Literal["word", "character", "segment"]


class EngineError(Exception):
    """An error the engine reports about one stream or about its set-up.

    `code` is stable and goes over the wire; `retry` says whether the same request can succeed
    later without being changed.
    """

    code = "engine_error"
    retry = False


class ConfigError(EngineError):
    """A setting or checkpoint config is missing, of the wrong kind or out of range."""

    code = "config_error"


class CheckpointError(EngineError):
    """A checkpoint folder cannot be read: a file or tensor is missing, unread or misshapen."""

    code = "checkpoint_error"


class BadAudioError(EngineError):
    """Audio that is not what its format promised: NaN or infinite samples, no known container."""

    code = "bad_audio"


class AudioFileError(BadAudioError):
    """A file that cannot be transcribed: missing, empty, not audio, or broken."""


class OptionError(EngineError):
    """A stream option is unknown or out of range; the message names it and what is allowed."""

    code = "bad_option"


class CapacityError(EngineError):
    """The engine has no room for one more stream now."""

    code = "capacity"
    retry = True


class Encoding(StrEnum):
    """How sound lies in the bytes a client sends, which may be cut anywhere.

    `pcm_s16le`, `pcm_f32le`, `mulaw` and `alaw` (both G.711) are mono samples, little-endian.

    `opus` is a sequence of Opus packets, each behind its length in two bytes, big-endian. Length 0
    is a lost packet of 20 ms, which is concealed; so is a packet that is not Opus, until 50 of them
    came in a row. Stereo is mixed to mono.

    `container` is a file as it is recorded, sent or read: WAV, Ogg or WebM with Opus, FLAC or MP3,
    which its first bytes show. Its channels are averaged.
    """

    PCM_S16LE = "pcm_s16le"
    PCM_F32LE = "pcm_f32le"
    MULAW = "mulaw"
    ALAW = "alaw"
    OPUS = "opus"
    CONTAINER = "container"

    @property
    def sample_bytes(self) -> int | None:
        """The size of a sample; None where only decoding shows how many samples there are."""
        return {"pcm_s16le": 2, "pcm_f32le": 4, "mulaw": 1, "alaw": 1}.get(self.value)


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What the bytes of a stream mean. `sample_rate` in Hz, 8,000 to 48,000.

    The rate says nothing about `opus` and `container`, which bring their own.
    """

    encoding: Encoding = Encoding.PCM_S16LE
    sample_rate: int = SAMPLE_RATE

    def __post_init__(self) -> None:
        if not 8_000 <= self.sample_rate <= 48_000:
            raise OptionError(f"sample_rate is {self.sample_rate}, allowed are 8000 to 48000")

    @property
    def bytes_per_second(self) -> int:
        """By this, bytes that wait are counted as seconds: exact for samples of a fixed size.

        For `opus` it is 4,000, as at 32 kbit/s; for `container` 96,000, as of a WAV of 48 kHz, so
        that one flows. Opus in a container is mostly 30 times smaller: where 10 s may wait, that is
        a MB of it, or five minutes. What the engine has decoded it counts in samples.
        """
        size = self.encoding.sample_bytes
        return _NOMINAL_BYTES_PER_SECOND[self.encoding] if size is None else self.sample_rate * size


_NOMINAL_BYTES_PER_SECOND = {Encoding.OPUS: 4_000, Encoding.CONTAINER: 96_000}


@dataclass(frozen=True, slots=True)
class RawAudio:
    """What the bytes of a whole file without a header mean: PCM or G.711.

    `sample_rate` in Hz, 8,000 to 48,000; 1 to 20 interleaved channels, which are averaged.
    """

    encoding: Encoding
    sample_rate: int
    num_channels: int = 1

    def __post_init__(self) -> None:
        _check_range("sample_rate", self.sample_rate, 8_000, 48_000)
        _check_range("channels", self.num_channels, 1, 20)


@dataclass(frozen=True, slots=True)
class Endpointing:
    """When a segment begins and ends by itself; nothing is decoded outside segments.

    `mode` `vad`: it ends after `pause_ms` without a voice. `semantic`: earlier where the text says
    that the sentence is over, later where it is not. `manual`: all audio is speech; the client,
    the segment limit and a stall end it. `off`: as `manual`, and a stall ends nothing.

    `min_speech_ms` is the voice it takes for speech to have begun. `pad_before_ms` of audio are
    kept before the first voice and `pad_after_ms` behind the last one: at most the pause itself,
    which None keeps whole, in noise up to 100 ms less of it. `stall_ms` of wall time without audio
    end the open segment; 0 never does, None is the server's choice.
    """

    mode: EndpointingMode = "vad"
    pause_ms: int = 600
    min_speech_ms: int = 100
    pad_before_ms: int = 300
    pad_after_ms: int | None = None
    stall_ms: int | None = None

    def __post_init__(self) -> None:
        if self.mode not in get_args(EndpointingMode):
            allowed = ", ".join(map(repr, get_args(EndpointingMode)))
            raise OptionError(f"endpointing mode is {self.mode!r}, allowed are {allowed}")
        _check_range("pause_ms", self.pause_ms, 200, 5_000)
        _check_range("min_speech_ms", self.min_speech_ms, 20, 1_000)
        _check_range("pad_before_ms", self.pad_before_ms, 0, 2_000)
        if self.pad_after_ms is not None:
            _check_range("pad_after_ms", self.pad_after_ms, 0, 5_000)
        if self.stall_ms is not None:
            _check_range("stall_ms", self.stall_ms, 0, MAX_STALL_MS)
        if self.stall_ms and self.mode == "off":
            raise OptionError(f"stall_ms is {self.stall_ms}, with mode 'off' only 0 is allowed")


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What a client may choose for its stream; validated here, once.

    `language` is the English name of a language ("English"), or None to let the model decide.
    `context` is free text or a word list that biases the words chosen. `cadence_ms` is the audio
    time between two partials. The windows are the encoder's attention windows in seconds.
    `granularity` is what the times of a final are of: its words, their characters, or the segment.
    Language names are checked by the engine, which knows what its model speaks.
    """

    language: str | None = None
    context: str = ""
    cadence_ms: int = 320
    partial_window_s: int = 1
    final_window_s: int = 8
    segment_limit_s: int = 30
    endpointing: Endpointing = field(default_factory=Endpointing)
    partials: bool = True
    granularity: Granularity = "word"

    def __post_init__(self) -> None:
        _check_range("cadence_ms", self.cadence_ms, 80, 10_000)
        _check_range("partial_window_s", self.partial_window_s, 1, 8)
        _check_range("final_window_s", self.final_window_s, 1, 8)
        _check_range("segment_limit_s", self.segment_limit_s, 5, 120)
        if self.granularity not in get_args(Granularity):
            allowed = ", ".join(get_args(Granularity))
            raise OptionError(f"granularity is {self.granularity!r}, allowed are {allowed}")
        if len(self.context) > 4_000:
            raise OptionError(
                f"context has {len(self.context)} characters, allowed are at most 4000"
            )

    def with_changes(self, **changes: object) -> "StreamOptions":
        """These options with some fields replaced; raises OptionError as the constructor does."""
        return replace(self, **changes)  # pyright: ignore[reportArgumentType]


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise OptionError(f"{name} is {value}, allowed are {low} to {high}")


# --- what a caller asks of the engine; every request belongs to one stream -----------------------


@dataclass(frozen=True, slots=True)
class Open:
    """A new stream. Answered by `Opened`, or by `Failed` when an option is refused."""

    stream: StreamId
    audio: AudioFormat
    options: StreamOptions


@dataclass(frozen=True, slots=True)
class Feed:
    """The next bytes of a stream, of any length: a sample may be split over two requests."""

    stream: StreamId
    payload: bytes


@dataclass(frozen=True, slots=True)
class Configure:
    """Options to change from the next segment on. Answered by `Configured` or `Refused`."""

    stream: StreamId
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Finalize:
    """End the open segment here. `Finalized` with the same id follows its final.

    `id` None asks for no acknowledgement (the server's own stall timer).
    """

    stream: StreamId
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """No more audio will come: finish everything heard so far, then `Closed`."""

    stream: StreamId


@dataclass(frozen=True, slots=True)
class Abort:
    """Forget the stream at once; nothing more is said about it."""

    stream: StreamId


EngineRequest = Open | Feed | Configure | Finalize | Close | Abort


# --- what the engine says, in order, per stream --------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """The stream is open; `model` is the name of the model that will hear it."""

    model: str


@dataclass(frozen=True, slots=True)
class Consumed:
    """`num_bytes` more of the fed bytes have been taken in; the sender may send as many more.

    The stream has been heard up to `at_sample`. Speech that begins later may be dated back, by the
    padding before it and the voice it took to be speech.
    """

    num_bytes: int
    at_sample: int


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Segment `segment` (0, 1, 2, …) opened at `start_sample`. Exactly one `Final` follows."""

    segment: int
    start_sample: int


@dataclass(frozen=True, slots=True)
class Partial:
    """The hypothesis of the open segment after hearing up to `end_sample`.

    No later partial of the segment takes back `stable`. `confidence` is the mean token
    probability, 0 to 1. `steps` counts the segment's steps up to this one: a step that changes
    nothing makes no partial. `queue_ms` is the time the step waited for its turn, `compute_ms` the
    time it took.
    """

    segment: int
    start_sample: int
    end_sample: int
    stable: str
    unstable: str
    language: str | None
    confidence: float
    steps: int
    queue_ms: float
    compute_ms: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The open segment ended; its speech was last heard at `end_sample`."""

    segment: int
    start_sample: int
    end_sample: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a final as it is written there, punctuation included, and when it was said.

    `confidence` is the mean probability of its tokens, 0 to 1.
    """

    text: str
    start_sample: int
    end_sample: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Final:
    """The authoritative text of a segment, `start_sample` to `end_sample`; may be empty.

    `words` are in order; where `times` is estimated, their times come from when they were first
    written and not from a forced aligner. `language_confidence` is the probability of the language,
    1 where the client chose it, 0 where nothing was said. `stable_words_replaced` counts words that
    were shown as stable and are not in `text`.
    """

    segment: int
    start_sample: int
    end_sample: int
    text: str
    words: tuple[Word, ...]
    times: Literal["aligned", "estimated"]
    language: str | None
    language_confidence: float
    confidence: float
    stable_words_replaced: int
    queue_ms: float
    compute_ms: float


@dataclass(frozen=True, slots=True)
class Finalized:
    """Everything before the `Finalize` with this id has been heard and its finals are out."""

    id: str
    at_sample: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The stream ended in order, after `end_sample` samples. The last update of a stream."""

    end_sample: int


@dataclass(frozen=True, slots=True)
class Configured:
    """A `Configure` was accepted."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A `Configure` was refused; the stream goes on as it was."""

    error: EngineError


@dataclass(frozen=True, slots=True)
class Failed:
    """The stream ended by an error. The last update of a stream."""

    error: EngineError


EngineUpdate = (
    Opened
    | Consumed
    | SpeechStarted
    | Partial
    | SpeechEnded
    | Final
    | Finalized
    | Closed
    | Configured
    | Refused
    | Failed
)


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """How hard the engine works for live streams, measured over the last seconds.

    `busy_ratio` is the share of time, 0 to 1. `lateness_s` is how late nine in ten steps began at
    most. `stretch` multiplies every stream's cadence, 1 when there is time for all. `capacity` is
    how many streams fit, by how those that are there are doing; None where nothing is measured.
    `silent_s` is how long ago the engine last began a round of work; idle it begins two a second.
    """

    busy_ratio: float = 0.0
    lateness_s: float = 0.0
    stretch: float = 1.0
    capacity: int | None = None
    silent_s: float = 0.0


@dataclass(slots=True)
class WorkCounters:
    """What the engine has computed, in units that do not depend on the clock.

    A fast path is right when these say it did the least work, and when its tokens equal the slow
    twin's. `peak_reencodes` counts windows encoded again because the segment's peak rose.
    """

    stem_chunks: int = 0
    encoder_tokens: int = 0
    decoder_tokens: int = 0
    verify_passes: int = 0
    decode_steps: int = 0
    peak_reencodes: int = 0
