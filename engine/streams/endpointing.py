"""Where a segment begins and ends: one small object for each mode, which knows no stream.

An endpointer lives from the end of one segment to the end of the next. It hears the 20 ms frames of
the sample clock and says what they mean, so nothing depends on the size of network frames or on
time. What `semantic` decides depends on the hypotheses it is told as well; without any it decides
as `vad` does.
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..audio.voice import VAD_FRAME_SAMPLES, VoiceDetector
from ..types import SAMPLE_RATE, Endpointing
from .hypothesis import ends_sentence

_JUST_NOW_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Begin:
    """A segment begins at this sample; what of it the stream no longer has is left out."""

    sample: int


@dataclass(frozen=True, slots=True)
class End:
    """The segment ends at this sample, which may lie some frames back."""

    sample: int


Decision = Begin | End | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What an endpointer is told of a hypothesis over the segment's audio up to `end_sample`.

    `end_probability`, 0 to 1, is that of the text ending as it does: of its last token and of the
    end-of-text behind it.
    """

    end_sample: int
    text: str
    end_probability: float


class Endpointer(Protocol):
    """What a stream asks of the object that finds its segments. Positions are on its clock.

    `history_samples`: how far back of the clock a `Begin` may lie. `last_speech_sample`: where
    speech was last heard. `asks`: whether it ever has a `question`, a sample up to which a
    hypothesis is wanted at once.
    """

    @property
    def asks(self) -> bool: ...
    @property
    def history_samples(self) -> int: ...
    @property
    def last_speech_sample(self) -> int: ...
    @property
    def question(self) -> int | None: ...

    def hear(self, frame: np.ndarray, clock: int) -> Decision:
        """The next frame, float32 [320], which ends at `clock`."""
        ...

    def read(self, reading: Reading) -> Decision:
        """A hypothesis of the segment that is open."""
        ...

    def flush(self, clock: int) -> int | None:
        """The client ends the segment at `clock`. Where it began, if no `Begin` has said so."""
        ...


def new_endpointer(
    options: Endpointing,
    detector: VoiceDetector,
    clock: int,
    *,
    in_speech: bool = False,
    before: "Endpointer | None" = None,
) -> Endpointer:
    """The endpointer of these options from `clock` on; it takes over what `before` has just heard.

    `detector` is the stream's own; it goes on from segment to segment, as the noise around the
    speaker does. `in_speech`: the segment has begun, because the one before was cut there.
    """
    match options.mode:
        case "vad":
            new = PauseEndpointer(options, detector, clock, in_speech=in_speech)
        case "semantic":
            new = SemanticEndpointer(options, detector, clock, in_speech=in_speech)
        case "manual" | "off":
            return ManualEndpointer(clock, in_speech=in_speech)
    if isinstance(before, PauseEndpointer):
        new.take_over(before)
    return new


class ManualEndpointer:
    """All audio is speech, from the first frame on; only the client ends a segment."""

    asks, question = False, None
    history_samples = 2 * VAD_FRAME_SAMPLES

    def __init__(self, clock: int, *, in_speech: bool = False) -> None:
        self.last_speech_sample = clock
        self._in_speech = in_speech
        self._start_sample = clock

    def hear(self, frame: np.ndarray, clock: int) -> Decision:
        began, self._in_speech = self._in_speech, True
        self.last_speech_sample = clock
        return None if began else Begin(self._start_sample)

    def read(self, reading: Reading) -> Decision:
        return None

    def flush(self, clock: int) -> int | None:
        self.last_speech_sample = clock
        waits = not self._in_speech and clock > self._start_sample
        return self._start_sample if waits else None


class PauseEndpointer:
    """A segment begins with a voice and ends with a pause of `pause_ms`.

    Speech starts when `min_speech_ms` are voiced within 8/5 of that time.
    """

    asks = False

    def __init__(
        self, options: Endpointing, detector: VoiceDetector, clock: int, *, in_speech: bool = False
    ) -> None:
        self.last_speech_sample = clock
        self._options = options
        self._detector = detector
        self._in_speech = in_speech
        self._frames_to_start = _frames(options.min_speech_ms)
        self._recent: deque[bool] = deque(maxlen=self._frames_to_start * 8 // 5)

    def take_over(self, before: "PauseEndpointer") -> None:
        """Go on from the voice that another endpointer has heard before a segment began."""
        self._recent.extend(before._recent)

    @property
    def question(self) -> int | None:
        return None

    @property
    def history_samples(self) -> int:
        onset = (self._recent.maxlen or 0) * VAD_FRAME_SAMPLES
        return _samples(self._options.pad_before_ms) + onset

    def hear(self, frame: np.ndarray, clock: int) -> Decision:
        voiced = self._detector.hear(frame, in_speech=self._in_speech)
        if self._in_speech:
            self._note(clock, voiced=voiced)
            return self._decide(clock)
        self._recent.append(voiced)
        if sum(self._recent) < self._frames_to_start:
            return None
        self._in_speech = True
        self._note(clock, voiced=True)
        return Begin(self._onset(clock))

    def read(self, reading: Reading) -> Decision:
        return None

    def flush(self, clock: int) -> int | None:
        """Some voice was heard just now, though not enough to call it speech: it is a segment."""
        just_now = list(self._recent)[-_JUST_NOW_FRAMES:]
        if self._in_speech or sum(just_now) < min(2, self._frames_to_start):
            return None
        self.last_speech_sample = clock
        return self._onset(clock)

    def _onset(self, clock: int) -> int:
        """Where the voice heard lately began, and the padding before it."""
        recent = list(self._recent)
        num_frames = len(recent) - recent.index(True)
        return clock - num_frames * VAD_FRAME_SAMPLES - _samples(self._options.pad_before_ms)

    def _note(self, clock: int, *, voiced: bool) -> None:
        """One more frame of the segment."""
        if voiced:
            self.last_speech_sample = clock

    def _decide(self, clock: int) -> Decision:
        """End the segment where the pause became long enough, or where the padding ends."""
        pause, silent = self._pause_frames() * VAD_FRAME_SAMPLES, clock - self.last_speech_sample
        if silent < pause:
            return None
        pad_ms = self._options.pad_after_ms
        kept = pause if pad_ms is None else min(pause, _samples(pad_ms))
        unsure = min(self._detector.lag_frames * VAD_FRAME_SAMPLES, silent // 2)
        return End(self.last_speech_sample + min(kept, silent - unsure))

    def _pause_frames(self) -> int:
        return _frames(self._options.pause_ms)


class SemanticEndpointer(PauseEndpointer):
    """As `PauseEndpointer`, with a pause that depends on whether the sentence is over.

    Behind some silence every text looks finished to a model, so the hypothesis that counts is that
    of the audio up to shortly behind the last loud frame. It is asked for once the pause is one. A
    text that very likely ends a sentence there, and that no later hypothesis changes, needs a
    short pause; one that ends none needs a long one. The figures are those of
    `benchmarks/endpointing.py`.
    """

    asks = True

    _ASK_MS = 120  # into the pause
    _BEHIND_VOICE_MS = 60
    _LONGEST_RING_MS = 240  # of a voice; what goes on for longer is a softer voice
    _SURE_OF_END, _SURE_OF_NONE = 0.6, 0.75  # of a text with a last mark, and of one without
    _SURE_OF_END_IN_NOISE, _SURE_OF_NONE_IN_NOISE = 0.9, 0.4  # what is misheard may look finished
    _SHORT, _LONG = 0.5, 1.4  # of the pause
    _SHORTEST_MS = 240

    def __init__(
        self, options: Endpointing, detector: VoiceDetector, clock: int, *, in_speech: bool = False
    ) -> None:
        super().__init__(options, detector, clock, in_speech=in_speech)
        self._clock = clock
        self._voice_end = clock  # behind the last loud frame
        self._answer: Reading | None = None
        self._is_changed = False  # by a later hypothesis of the same pause

    @property
    def question(self) -> int | None:
        """The sample behind the last loud frame, while a pause waits for its hypothesis."""
        silent = self._clock - self.last_speech_sample
        if self._answer is not None or silent < _samples(self._ASK_MS):
            return None
        return self._asked_sample

    def read(self, reading: Reading) -> Decision:
        if reading.end_sample == self._asked_sample:
            self._answer = reading
        elif self._answer is not None and reading.end_sample > self._asked_sample:
            self._is_changed = _words(reading.text) != _words(self._answer.text)
        return self._decide(self._clock) if self._in_speech else None

    def _note(self, clock: int, *, voiced: bool) -> None:
        super()._note(clock, voiced=voiced)
        self._clock = clock
        if voiced and self._detector.is_loud:
            self._voice_end = clock
        if self._answer is not None and self._answer.end_sample != self._asked_sample:
            self._answer, self._is_changed = None, False

    @property
    def _asked_sample(self) -> int:
        behind_voice = self._voice_end + _samples(self._BEHIND_VOICE_MS)
        return max(behind_voice, self.last_speech_sample - _samples(self._LONGEST_RING_MS))

    def _pause_frames(self) -> int:
        pause_ms, answer = self._options.pause_ms, self._answer
        if answer is None or not answer.text:
            return _frames(pause_ms)
        sure_of_end, sure_of_none = self._sure()
        if not ends_sentence(answer.text):
            is_sure = answer.end_probability >= sure_of_none
            return _frames(int(pause_ms * self._LONG) if is_sure else pause_ms)
        if self._is_changed or answer.end_probability < sure_of_end:
            return _frames(pause_ms)
        return _frames(min(pause_ms, max(self._SHORTEST_MS, int(pause_ms * self._SHORT))))

    def _sure(self) -> tuple[float, float]:
        """How probable the end of a text with a last mark must be, and of one without."""
        if self._detector.is_noisy:
            return self._SURE_OF_END_IN_NOISE, self._SURE_OF_NONE_IN_NOISE
        return self._SURE_OF_END, self._SURE_OF_NONE


def _words(text: str) -> str:
    """The letters and digits of a text: silence may add or change its last mark."""
    return "".join(filter(str.isalnum, text))


def _samples(milliseconds: int) -> int:
    return milliseconds * SAMPLE_RATE // 1000


def _frames(milliseconds: int) -> int:
    """As many whole frames as hold this much time."""
    return -(-_samples(milliseconds) // VAD_FRAME_SAMPLES)


def quietest_cut(samples: np.ndarray, *, box_samples: int = 1600) -> int:
    """Where to cut with the least harm: inside the quietest 100 ms, at the smallest sample."""
    loudness = np.convolve(np.abs(samples), np.ones(box_samples), mode="valid")
    begin = int(loudness.argmin())
    return begin + int(np.abs(samples[begin : begin + box_samples]).argmin())
