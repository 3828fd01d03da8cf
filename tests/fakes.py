"""Stand-ins for the slow and the unpredictable: an engine that hears nothing, a clock that waits.

`FakeEngine` keeps the real engine's promises (order, one final for each speech start, bytes
acknowledged, a thread of its own) and computes nothing: what it "hears" is one word for each
`WORD_MS` of audio, whatever the audio is.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from hark.engine.types import (
    SAMPLE_RATE,
    Abort,
    AudioFormat,
    BadAudioError,
    Close,
    Closed,
    Configure,
    Configured,
    Consumed,
    Encoding,
    EngineLoad,
    EngineRequest,
    EngineUpdate,
    Failed,
    Feed,
    Final,
    Finalize,
    Finalized,
    Open,
    Opened,
    Partial,
    SpeechEnded,
    SpeechStarted,
    StreamId,
    StreamOptions,
    WorkCounters,
)

WORD_MS = 100
WORD_SAMPLES = WORD_MS * SAMPLE_RATE // 1000
OPUS_SAMPLES = SAMPLE_RATE // 50


@lru_cache(maxsize=1024)
def words(count: int) -> str:
    """What the fake hears in `count` words' worth of audio."""
    return " ".join(f"w{number}" for number in range(count))


def opus_packets(payload: bytes) -> list[bytes]:
    """The packets of `Encoding.OPUS`, each behind its length; a lost one is empty."""
    packets: list[bytes] = []
    at = 0
    while at < len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        packets.append(payload[at + 2 : at + 2 + size])
        at += 2 + size
    return packets


class ManualClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def advance(self, seconds: float) -> float:
        self.now += seconds
        return self.now


@dataclass(slots=True)
class _FakeStream:
    audio: AudioFormat
    options: StreamOptions
    samples: int = 0
    num_bytes: int = 0
    segment: int = 0
    segment_start: int = 0
    speaking: bool = False

    def take(self, payload: bytes) -> None:
        """Count what is fed: Opus as packets of 20 ms, which lie whole in a feed."""
        self.num_bytes += len(payload)
        if self.audio.encoding is Encoding.OPUS:
            self.samples += OPUS_SAMPLES * len(opus_packets(payload))
        else:
            self.samples = self.num_bytes * SAMPLE_RATE // self.audio.bytes_per_second

    @property
    def num_words(self) -> int:
        return self.words_until(self.samples)

    def words_until(self, sample: int) -> int:
        return (sample - self.segment_start) // WORD_SAMPLES


@dataclass
class FakeEngine:
    """An `EnginePort`. `hold` makes it stop hearing, `go_on` lets it hear on, `crash` kills it."""

    publish: Callable[[StreamId, EngineUpdate], None]
    on_crash: Callable[[BaseException], None]
    model_name: str = "fake"
    device: str = "none"
    languages: tuple[str, ...] = ("English", "Spanish")
    unsure_below: float = 0.5
    max_segment_s: int = 60
    max_streams: int = 4
    counters: WorkCounters = field(default_factory=WorkCounters)
    load: EngineLoad = field(default_factory=EngineLoad)
    final_suffix: str = ""  # appended to each final, to make finals heavy
    segment_words: int = 0  # a segment of so many words ends by itself; 0 for never
    submitted: list[EngineRequest] = field(default_factory=list)
    requests: list[EngineRequest] = field(default_factory=list)  # those that were handled

    def __post_init__(self) -> None:
        self._inbox: queue.SimpleQueue[EngineRequest | BaseException | None] = queue.SimpleQueue()
        self._may_hear = threading.Event()
        self._may_hear.set()
        self._streams: dict[StreamId, _FakeStream] = {}
        self._thread = threading.Thread(target=self._run, name="fake-engine", daemon=True)
        self._thread.start()

    def submit(self, request: EngineRequest) -> None:
        self.submitted.append(request)
        self._inbox.put(request)

    def close(self) -> None:
        self._may_hear.set()
        self._inbox.put(None)
        self._thread.join()

    def hold(self) -> None:
        self._may_hear.clear()

    def go_on(self) -> None:
        self._may_hear.set()

    def crash(self, error: BaseException) -> None:
        self._inbox.put(error)

    @property
    def open_streams(self) -> int:
        return len(self._streams)

    def has_handled(self, kind: type[EngineRequest]) -> bool:
        return any(isinstance(request, kind) for request in self.requests)

    @property
    def fed_bytes(self) -> int:
        """Audio bytes of all streams that were handled."""
        return sum(len(r.payload) for r in self.requests if isinstance(r, Feed))

    def _run(self) -> None:
        while (request := self._inbox.get()) is not None:
            if isinstance(request, BaseException):
                self.on_crash(request)
                return
            self.requests.append(request)
            if not isinstance(request, Open):
                self._may_hear.wait()
            self._handle(request)

    def _handle(self, request: EngineRequest) -> None:
        if isinstance(request, Open):
            self._streams[request.stream] = _FakeStream(request.audio, request.options)
            self.publish(request.stream, Opened(self.model_name))
            return
        stream = self._streams.get(request.stream)
        if stream is None:
            return
        for update in self._answer(stream, request):
            self.publish(request.stream, update)
            if type(update) in (Closed, Failed):
                del self._streams[request.stream]

    def _answer(self, stream: _FakeStream, request: EngineRequest) -> list[EngineUpdate]:
        match request:
            case Feed(payload=payload):
                updates = self._hear(stream, payload)
                failed = any(isinstance(update, Failed) for update in updates)
                return updates if failed else [*updates, Consumed(len(payload), stream.samples)]
            case Finalize(id=flush_id):
                ack = [] if flush_id is None else [Finalized(flush_id, stream.samples)]
                return [*self._end_segment(stream), *ack]
            case Close():
                return [*self._end_segment(stream), Closed(stream.samples)]
            case Configure(changes=changes):
                stream.options = stream.options.with_changes(**changes)
                return [Configured()]
            case Abort():
                del self._streams[request.stream]
                return []
            case Open():
                raise AssertionError("handled before")

    def _hear(self, stream: _FakeStream, payload: bytes) -> list[EngineUpdate]:
        if stream.audio.encoding is Encoding.PCM_F32LE:
            whole_floats = payload[: len(payload) // 4 * 4]
            if not np.isfinite(np.frombuffer(whole_floats, "<f4")).all():
                return [Failed(BadAudioError("the audio holds NaN or infinite samples"))]
        samples_before = stream.samples
        stream.take(payload)
        updates: list[EngineUpdate] = []
        if not stream.speaking and stream.num_words:
            stream.speaking = True
            updates.append(SpeechStarted(stream.segment, stream.segment_start))
        if stream.options.partials and self._is_due(stream, samples_before):
            updates.append(self._partial(stream))
        if stream.speaking and 0 < self.segment_words <= stream.num_words:
            updates += self._end_segment(stream)
        return updates

    def _is_due(self, stream: _FakeStream, samples_before: int) -> bool:
        """Whether what came after `samples_before` makes a partial due; here each word does."""
        return stream.num_words > stream.words_until(samples_before)

    def _partial(self, stream: _FakeStream) -> Partial:
        stable = words(stream.num_words - 1)
        return Partial(
            segment=stream.segment,
            start_sample=stream.segment_start,
            end_sample=stream.samples,
            stable=stable,
            unstable=words(stream.num_words)[len(stable) :],
            language=stream.options.language or "English",
            confidence=0.5,
            steps=stream.num_words,
            queue_ms=1.0,
            compute_ms=2.0,
        )

    def _end_segment(self, stream: _FakeStream) -> list[EngineUpdate]:
        if not stream.speaking:
            return []
        final = Final(
            segment=stream.segment,
            start_sample=stream.segment_start,
            end_sample=stream.samples,
            text=words(stream.num_words) + self.final_suffix,
            words=(),
            times="estimated",
            language=stream.options.language or "English",
            language_confidence=0.5,
            confidence=0.5,
            stable_words_replaced=0,
            queue_ms=1.0,
            compute_ms=2.0,
        )
        ended = SpeechEnded(stream.segment, stream.segment_start, stream.samples)
        stream.segment += 1
        stream.segment_start = stream.samples
        stream.speaking = False
        return [ended, final]
