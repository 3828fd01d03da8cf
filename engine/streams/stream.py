"""One stream: bytes in, segments out, everything said about it in order.

Owns the sample clock, the voice detector and the segments that are not final yet. Its endpointer
decides where segments begin and end; the engine runs their jobs and hands the results back.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from ..audio.decoder import AudioDecoder
from ..audio.voice import VAD_FRAME_SAMPLES, VoiceDetector
from ..decoding.sequence import Hypothesis
from ..types import (
    SAMPLE_RATE,
    AudioFormat,
    BadAudioError,
    Close,
    Closed,
    Consumed,
    EngineUpdate,
    Failed,
    Feed,
    Final,
    Finalize,
    Finalized,
    Partial,
    StreamOptions,
)
from .endpointing import Begin, Decision, End, new_endpointer
from .pace import Pace
from .segment import Segment, Spent

StreamRequest = Feed | Finalize | Close
SegmentFactory = Callable[[int, int, StreamOptions], Segment]

MAX_SECONDS_PER_TICK = 10  # pieces of feeds, each of a second at most
AHEAD_STRETCH = 8.0  # of the cadence of a stream nobody can read as fast as it is sent
MAX_FINISHING = 2  # segments of a live stream whose final is not out; past that its audio waits
_PIECES_PER_SECOND = 10  # of the audio that a question may hold up


class Stream:
    """A stream from its first byte to `Closed`."""

    def __init__(
        self, audio: AudioFormat, options: StreamOptions, new_segment: SegmentFactory, now: float
    ) -> None:
        self.options = options  # of the next segment
        self.accepted = options  # of the last segment that what has arrived will begin
        self._new_segment = new_segment
        self._decoder = AudioDecoder(audio)
        self._detector = VoiceDetector()
        self._endpointer = new_endpointer(options.endpointing, self._detector, 0)
        self._inbox: deque[tuple[StreamRequest | StreamOptions, float]] = deque()
        self._pace = Pace(now)
        self.heard_at = now  # when the newest audio that was taken in had arrived
        self._clock = 0  # samples heard
        self._frame = np.empty(0, np.float32)  # the VAD frame that is still filling
        self._history = np.empty(0, np.float32)  # the newest samples outside segments
        self._num_segments = 0
        self._outbox: list[EngineUpdate] = []
        self.open: Segment | None = None
        self.finishing: list[_Finishing] = []
        self.closed = False

    @property
    def has_requests(self) -> bool:
        """Some of what was pushed waits to be taken in."""
        return bool(self._inbox)

    def is_ahead(self, now: float) -> bool:
        """Audio comes faster than anybody speaks: there is no hurry with it."""
        return self._pace.is_ahead(now)

    def due_samples(self, stretch: float, now: float) -> int | None:
        """How many samples the open segment's next step hears, or None while none is due."""
        if self.open is None:
            return None
        if self.open.spoken_from is None:
            self.open.spoken_from = self.spoken_at(0)
        is_ahead, asked = self.is_ahead(now), self._asked_sample
        if asked is not None and (is_ahead or stretch == 1.0):
            return asked - self.open.start_sample
        return self.open.due_samples(AHEAD_STRETCH if is_ahead else stretch)

    def spoken_at(self, num_samples: int) -> float:
        """When the last of the open segment's first samples was spoken, judged by the newest."""
        assert self.open is not None
        newer = self._clock - self.open.start_sample - num_samples
        return self.heard_at - newer / SAMPLE_RATE

    @property
    def _asked_sample(self) -> int | None:
        """Up to where the endpointer wants the open segment to be read at once, if it can be."""
        asked = self._endpointer.question
        return asked if asked and self.open and self.open.can_read(asked) else None

    def push(self, request: StreamRequest, now: float) -> None:
        """Queue a request behind the earlier ones. The sender bounds the audio in flight."""
        if not self.closed:
            self._inbox.append((request, now))

    def configure(self, options: StreamOptions, now: float) -> None:
        """Queue options for the segments that begin after what was pushed so far."""
        self.accepted = options
        self._inbox.append((options, now))

    def advance(self, now: float, *, ahead_seconds: int, spare_finals: int = 0) -> None:
        """Take in what has arrived, as far as the bounds on a tick and on segments allow.

        A stream that is ahead takes in `ahead_seconds`, and waits for what its endpointer has asked
        for, so that a file ends where live speech does. So many finals more as `spare_finals` may
        wait for it, as they are decoded together.

        Bytes that are not what the format promised end the stream behind the final of what was
        heard before them.
        """
        seconds = MAX_SECONDS_PER_TICK
        max_finishing = MAX_FINISHING + (spare_finals if self.is_ahead(now) else 0)
        while self._inbox and seconds and len(self.finishing) < max_finishing:
            request, arrived_at = self._inbox[0]
            if isinstance(request, Feed):
                if self.is_ahead(now):
                    if not ahead_seconds or self._asked_sample is not None:
                        break
                    ahead_seconds -= 1
                seconds -= 1
            self._inbox.popleft()
            try:
                self._take_in(request, arrived_at, now)
            except BadAudioError as error:
                self._break_off(error)

    def undecoded(self) -> list[Segment]:
        """The segments that have ended and whose text is not known yet."""
        return [entry.segment for entry in self.finishing if not entry.segment.is_decoded]

    def take_updates(self) -> list[EngineUpdate]:
        """What is to be said now, in order."""
        updates, self._outbox = self._outbox, []
        return updates

    def step_done(self, segment: Segment, hypothesis: Hypothesis, spent: Spent) -> None:
        partial = segment.step_done(hypothesis, spent)
        if segment is not self.open:
            return
        if partial is not None:
            self._emit(partial)
        if segment.reading is not None:
            self._obey(self._endpointer.read(segment.reading))

    def final_done(self, segment: Segment, final: Final) -> None:
        """Say the final of a segment, as soon as those before it are out."""
        entry = next(entry for entry in self.finishing if entry.segment is segment)
        entry.final = final
        while self.finishing and self.finishing[0].final is not None:
            done = self.finishing.pop(0)
            self._outbox += [done.final, *done.held_back]

    def release(self) -> None:
        """Give back everything; the stream is not used again."""
        for segment in [entry.segment for entry in self.finishing] + [self.open]:
            if segment is not None:
                segment.sequence.release()

    def _take_in(
        self, request: StreamRequest | StreamOptions, arrived_at: float, now: float
    ) -> None:
        match request:
            case Feed():
                self.heard_at = arrived_at
                self._take_feed(request, now)
            case StreamOptions():
                self._take_options(request)
            case Finalize(id=id):
                self._hear(self._decoder.flush())
                self._flush()
                if id is not None:
                    self._emit(Finalized(id, self._clock))
            case Close():
                self._hear(self._decoder.flush())
                self._flush()
                self._emit(Closed(self._clock))
                self.closed = True

    def _break_off(self, error: BadAudioError) -> None:
        """Nothing more can be heard; what was is a segment yet."""
        self._inbox.clear()
        self._flush()
        self._emit(Failed(error))
        self.closed = True

    def _take_feed(self, feed: Feed, now: float) -> None:
        """Hear a second of a feed; the rest waits its turn, so that no feed holds up a tick.

        For an endpointer that asks it is less, so that the answer finds the pause it is about.
        """
        wanted = SAMPLE_RATE // (_PIECES_PER_SECOND if self._endpointer.asks else 1)
        samples, num_bytes = self._decoder.take(feed.payload, wanted)
        if num_bytes < len(feed.payload) or self._decoder.is_behind:
            rest = Feed(feed.stream, feed.payload[num_bytes:])
            self._inbox.appendleft((rest, self.heard_at))
        self._hear(samples)
        self._pace.hear(samples.shape[0] / SAMPLE_RATE, now)
        self._acknowledge(num_bytes)

    def _take_options(self, options: StreamOptions) -> None:
        changed = options.endpointing != self.options.endpointing
        self.options = options
        if changed and self.open is None:
            self._endpointer = new_endpointer(
                options.endpointing, self._detector, self._clock, before=self._endpointer
            )

    def _acknowledge(self, num_bytes: int) -> None:
        last = self._outbox[-1] if self._outbox else None
        if isinstance(last, Consumed):
            num_bytes += last.num_bytes
            self._outbox.pop()
        self._outbox.append(Consumed(num_bytes, self._clock))

    # --- the sample clock ------------------------------------------------------------------------

    def _hear(self, samples: np.ndarray) -> None:
        """Samples in pieces that end where a VAD frame does, so that decisions fall on its grid."""
        while samples.shape[0]:
            room = VAD_FRAME_SAMPLES - self._frame.shape[0]
            piece, samples = samples[:room], samples[room:]
            self._take(piece)
            self._frame = np.concatenate([self._frame, piece])
            if self._frame.shape[0] == VAD_FRAME_SAMPLES:
                self._obey(self._endpointer.hear(self._frame, self._clock))
                self._frame = np.empty(0, np.float32)
                if self.open is not None and self.open.is_full:
                    self._cut(self.open)

    def _take(self, piece: np.ndarray) -> None:
        self._clock += piece.shape[0]
        if self.open is not None:
            self.open.sequence.append(piece)
        else:
            history = np.concatenate([self._history, piece])
            self._history = history[-self._endpointer.history_samples :]

    # --- segments --------------------------------------------------------------------------------

    def _obey(self, decision: Decision) -> None:
        match decision:
            case Begin(sample=sample):
                self._begin(sample)
            case End(sample=sample):
                self._end(sample)
            case None:
                pass

    def _begin(self, start_sample: int) -> None:
        """Open a segment; its first samples are those of the history from there on."""
        kept = min(self._clock - start_sample, self._history.shape[0])
        samples = self._history[self._history.shape[0] - kept :]
        start_sample = self._clock - samples.shape[0]
        self.open = self._new_segment(self._num_segments, start_sample, self.options)
        self._num_segments += 1
        self._history = np.empty(0, np.float32)
        self.open.sequence.append(samples)
        self._emit(self.open.started)

    def _end(self, end_sample: int, *, is_cut: bool = False) -> None:
        """End the open segment; its audio behind the end belongs to what follows."""
        segment = self.open
        assert segment is not None
        self._emit(segment.end(end_sample, self._endpointer.last_speech_sample))
        self.finishing.append(_Finishing(segment))
        self.open = None
        self._history = segment.samples_from(end_sample)
        self._endpointer = new_endpointer(
            self.options.endpointing, self._detector, self._clock, in_speech=is_cut
        )

    def _cut(self, segment: Segment) -> None:
        """End a segment at its limit; its audio behind the cut is the beginning of the next."""
        cut = segment.cut_sample()
        self._end(cut, is_cut=True)
        self._begin(cut)

    def _flush(self) -> None:
        """End what is open; what was heard just now and is not a segment yet becomes one."""
        start_sample = self._endpointer.flush(self._clock)
        if start_sample is not None:
            self._begin(start_sample)
        if self.open is not None:
            self._end(self._clock)

    def _emit(self, update: EngineUpdate) -> None:
        """Say it now, or behind the final that has to come first. The newest partial wins."""
        if not self.finishing:
            self._outbox.append(update)
            return
        held = self.finishing[-1].held_back
        if isinstance(update, Partial) and held and isinstance(held[-1], Partial):
            held.pop()
        held.append(update)


class _Finishing:
    """A segment that has ended, its final when it is there, and what waits behind that."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.final: Final | None = None
        self.held_back: list[EngineUpdate] = []
