"""One stream: bytes in, segments out, everything said about it in order.

Owns the sample clock, the voice activity and the segments that are not final yet. It decides where
segments begin and end; the engine runs their jobs and hands the results back.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from .audio import AudioDecoder
from .endpointing import PAD_SAMPLES, VAD_FRAME_SAMPLES, VoiceActivity
from .pace import Pace
from .segment import Segment, Spent
from .sequence import Hypothesis
from .types import (
    SAMPLE_RATE,
    AudioFormat,
    Close,
    Closed,
    Consumed,
    EngineUpdate,
    Feed,
    Final,
    Finalize,
    Finalized,
    Partial,
    StreamOptions,
)

StreamRequest = Feed | Finalize | Close
SegmentFactory = Callable[[int, int, StreamOptions], Segment]

MAX_SECONDS_PER_TICK = 10  # pieces of feeds, each of a second at most
AHEAD_STRETCH = 8.0  # of the cadence of a stream nobody can read as fast as it is sent
MAX_FINISHING = 2  # segments whose final is not out; past that the stream's audio waits
_HISTORY_SAMPLES = PAD_SAMPLES + 8 * VAD_FRAME_SAMPLES


class Stream:
    """A stream from its first byte to `Closed`."""

    def __init__(
        self, audio: AudioFormat, options: StreamOptions, new_segment: SegmentFactory, now: float
    ) -> None:
        self.options = options  # of the next segment
        self.accepted = options  # of the last segment that what has arrived will begin
        self._bytes_per_second = audio.bytes_per_second
        self._new_segment = new_segment
        self._decoder = AudioDecoder(audio)
        self._activity = VoiceActivity()
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
        return self.open.due_samples(AHEAD_STRETCH if self.is_ahead(now) else stretch)

    def push(self, request: StreamRequest, now: float) -> None:
        """Queue a request behind the earlier ones. The sender bounds the audio in flight."""
        self._inbox.append((request, now))

    def configure(self, options: StreamOptions, now: float) -> None:
        """Queue options for the segments that begin after what was pushed so far."""
        self.accepted = options
        self._inbox.append((options, now))

    def advance(self, now: float, *, may_catch_up: bool) -> None:
        """Take in what has arrived, as far as the bounds on a tick and on segments allow.

        A stream that is ahead takes in a second, and nothing unless it `may_catch_up`.

        Raises:
            BadAudioError: the bytes are not what the format promised.
        """
        seconds_left = MAX_SECONDS_PER_TICK
        while self._inbox and seconds_left and len(self.finishing) < MAX_FINISHING:
            request, arrived_at = self._inbox[0]
            if isinstance(request, Feed):
                if self.is_ahead(now):
                    seconds_left = 1 if may_catch_up else 0
                    may_catch_up = False
                if not seconds_left:
                    break
                seconds_left -= 1
            self._inbox.popleft()
            self._take_in(request, arrived_at, now)

    def undecoded(self) -> list[Segment]:
        """The segments that have ended and whose text is not known yet."""
        return [entry.segment for entry in self.finishing if not entry.segment.is_decoded]

    def take_updates(self) -> list[EngineUpdate]:
        """What is to be said now, in order."""
        updates, self._outbox = self._outbox, []
        return updates

    def step_done(self, segment: Segment, hypothesis: Hypothesis, spent: Spent) -> None:
        partial = segment.step_done(hypothesis, spent)
        if partial is not None and segment is self.open:
            self._emit(partial)

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
                self.options = request
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

    def _take_feed(self, feed: Feed, now: float) -> None:
        """Hear a second of a feed; the rest waits its turn, so that no feed holds up a tick."""
        piece, rest = feed.payload[: self._bytes_per_second], feed.payload[self._bytes_per_second :]
        if rest:
            self._inbox.appendleft((Feed(feed.stream, rest), self.heard_at))
        self._hear(self._decoder.push(piece))
        self._pace.hear(len(piece) / self._bytes_per_second, now)
        self._acknowledge(len(piece))

    def _acknowledge(self, num_bytes: int) -> None:
        last = self._outbox[-1] if self._outbox else None
        if isinstance(last, Consumed):
            num_bytes += last.num_bytes
            self._outbox.pop()
        self._outbox.append(Consumed(num_bytes))

    # --- the sample clock ------------------------------------------------------------------------

    def _hear(self, samples: np.ndarray) -> None:
        """Samples in pieces that end where a VAD frame does, so that decisions fall on its grid."""
        while samples.shape[0]:
            room = VAD_FRAME_SAMPLES - self._frame.shape[0]
            piece, samples = samples[:room], samples[room:]
            self._take(piece)
            self._frame = np.concatenate([self._frame, piece])
            if self._frame.shape[0] == VAD_FRAME_SAMPLES:
                self._decide(self._frame)
                self._frame = np.empty(0, np.float32)

    def _take(self, piece: np.ndarray) -> None:
        if self.open is None and self.options.endpointing.mode == "manual":
            self._begin(self._clock)
        self._clock += piece.shape[0]
        if self.open is not None:
            self.open.sequence.append(piece)
        else:
            self._history = np.concatenate([self._history, piece])[-_HISTORY_SAMPLES:]

    def _decide(self, frame: np.ndarray) -> None:
        """Begin or end a segment at the end of this frame."""
        if self.open is not None and self.open.options.endpointing.mode == "manual":
            self.open.last_speech_sample = self._clock
        else:
            self._decide_by_voice(frame)
        segment = self.open
        if segment is not None and segment.sequence.num_samples >= segment.limit_samples:
            self._cut(segment)

    def _decide_by_voice(self, frame: np.ndarray) -> None:
        activity = self._activity
        activity.hear(frame)
        if self.open is None:
            if activity.in_speech:
                onset = self._clock - activity.onset_frames * VAD_FRAME_SAMPLES
                self._begin(onset - PAD_SAMPLES)
            return
        silent = activity.silent_frames * VAD_FRAME_SAMPLES
        self.open.last_speech_sample = max(self.open.last_speech_sample, self._clock - silent)
        pause = self.open.options.endpointing.pause_ms * SAMPLE_RATE // 1000
        if not activity.in_speech or silent >= pause:
            self._end(self.open)

    # --- segments --------------------------------------------------------------------------------

    def _begin(self, start_sample: int, samples: np.ndarray | None = None) -> None:
        """Open a segment; its first samples are those of the history from there on."""
        if samples is None:
            kept = min(self._clock - start_sample, self._history.shape[0])
            samples = self._history[self._history.shape[0] - kept :]
        start_sample = self._clock - samples.shape[0]
        self.open = self._new_segment(self._num_segments, start_sample, self.options)
        self._num_segments += 1
        self._history = np.empty(0, np.float32)
        self.open.sequence.append(samples)
        self._emit(self.open.started)

    def _end(self, segment: Segment, end_sample: int | None = None) -> None:
        self._emit(segment.end(self._clock if end_sample is None else end_sample))
        self.finishing.append(_Finishing(segment))
        self.open = None
        self._activity.stop()

    def _cut(self, segment: Segment) -> None:
        """End a segment at its limit; its audio behind the cut is the beginning of the next."""
        cut = segment.cut_sample()
        rest = segment.samples_from(cut)
        in_speech = self._activity.in_speech
        self._end(segment, cut)
        self._begin(cut, rest)
        self._activity.in_speech = in_speech

    def _flush(self) -> None:
        """End what is open; voice heard just now that is not a segment yet becomes one."""
        if self.open is None and self._activity.maybe_speech:
            onset = self._clock - self._activity.onset_frames * VAD_FRAME_SAMPLES
            self._begin(onset - PAD_SAMPLES)
            assert self.open is not None
            self.open.last_speech_sample = self._clock
        if self.open is not None:
            self._end(self.open)

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
