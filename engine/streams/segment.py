"""One segment of a stream: when its steps fall due, and what its hypotheses become.

Knows one sequence, the policy of its partials and its place on the stream's clock; knows nothing
of other segments, of batches or of time.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..decoding.sequence import Hypothesis, Sequence, Step
from ..model.tokenizer import Tokenizer
from ..types import (
    FRAME_SAMPLES,
    MIN_CLIP_SAMPLES,
    SAMPLE_RATE,
    Final,
    Partial,
    SpeechEnded,
    SpeechStarted,
    StreamOptions,
    Word,
)
from .echo import Context
from .endpointing import Reading, quietest_cut
from .final_words import FinalWords
from .hypothesis import Stabiliser
from .output import confidence, split_hypothesis, spoken_text, tag_length
from .timing import Times
from .words import Span

_SETTLED_OFFSET = 40  # samples past a frame's hop after which every frame is final (features.py)
_FREEZE_SAMPLES = 3 * SAMPLE_RATE  # before the limit: nothing new becomes stable, the cut is here
_SURE_LANGUAGE = 0.95  # before, nothing becomes stable: words of a wrong language are all wrong
_GUESSED_LANGUAGE, _GUESSED_WORDS = 0.6, 0.5  # below both, a first text is what babble begins with
_LOCK_HYPOTHESES = 3
_LOCK_PROBABILITY = 0.9
_LOCK_SAMPLES = 2 * SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Spent:
    """What one job cost: waiting for its turn, and from its start to its end."""

    queue_ms: float
    compute_ms: float


class Segment:
    """A segment from its first sample to its final."""

    def __init__(
        self,
        index: int,
        start_sample: int,
        options: StreamOptions,
        sequence: Sequence,
        tokenizer: Tokenizer,
        *,
        phase: float = 0.0,
    ) -> None:
        """`phase`, 0 to 1, shifts the grid of this segment's steps against those of others."""
        self.index, self.start_sample, self.options = index, start_sample, options
        self.sequence = sequence
        self.end_sample: int | None = None
        self.is_decoded = False  # its final's text is known
        self._tokenizer = tokenizer
        self.phase = phase
        self.spoken_from: float | None = None  # s on the engine's clock: its steps keep to that
        self._context = Context(options.context)
        self._stabiliser = Stabiliser()
        self._words = FinalWords(tokenizer, options.granularity)
        self.reading: Reading | None = None  # of the last step
        self._hypothesis: Hypothesis | None = None
        self._num_steps = 0
        self._said: tuple[str, str] = ("", "")
        self._locked: str | None = None
        self._agreeing = 0  # successive hypotheses sure of the same language

    @property
    def limit_samples(self) -> int:
        return self.options.segment_limit_s * SAMPLE_RATE

    @property
    def is_full(self) -> bool:
        return self.sequence.num_samples >= self.limit_samples

    @property
    def started(self) -> SpeechStarted:
        return SpeechStarted(self.index, self.start_sample)

    # --- partials --------------------------------------------------------------------------------

    def can_read(self, sample: int) -> bool:
        """Whether a step may hear the audio up to this sample of the stream's clock.

        None does without partials, nor where the audio is shorter than a clip may be.
        """
        num_samples = sample - self.start_sample
        return self.options.partials and num_samples >= MIN_CLIP_SAMPLES

    def due_samples(self, stretch: float = 1.0) -> int | None:
        """How many samples the next step hears, or None while none is due.

        Steps lie on a grid of the cadence, on the engine's clock and shifted by the phase; a stream
        that is behind skips to the newest point of the grid. `stretch` makes the grid wider: it
        decides when there are hypotheses, never what they say.
        """
        if not self.options.partials or self.end_sample is not None:
            return None
        cadence = _whole_frames(self.options.cadence_ms * SAMPLE_RATE / 1000)
        point = self._grid_point(self.sequence.num_samples, _whole_frames(cadence * stretch))
        if self._hypothesis is None:
            return point if point >= MIN_CLIP_SAMPLES else None
        # A step between two points of the grid, for an endpointer, does not put off the next one.
        heard = self._grid_point(self._hypothesis.num_samples, cadence)
        return point if point >= max(heard + cadence, MIN_CLIP_SAMPLES) else None

    def _grid_point(self, num_samples: int, cadence: int) -> int:
        """The newest point of the grid with this cadence among the first samples, or before all."""
        spoken_from = (self.spoken_from or 0.0) * SAMPLE_RATE
        shift = (self.phase * cadence - spoken_from) % cadence
        shift = _whole_frames(shift) + _SETTLED_OFFSET
        return (num_samples - shift) // cadence * cadence + shift

    def step(self, num_samples: int) -> Step:
        """The next partial's decode, with the last hypothesis as its draft.

        Where it has the final's window it is as exact as that, so that the final can go on from it.
        """
        language = self.options.language or self._locked
        return self.sequence.recognise(
            num_samples,
            window_chunks=self.options.partial_window_s,
            language=language,
            draft=self._draft(language),
            exact=self.options.partial_window_s == self.options.final_window_s,
        )

    def step_done(self, hypothesis: Hypothesis, spent: Spent) -> Partial | None:
        """Take the step's result; the partial to send, or None when nothing changed.

        A step that heard less than the one before it looked back, for an endpointer: `reading` is
        all there is to it.
        """
        self._num_steps += 1
        language, text = split_hypothesis(hypothesis.tokens, self._tokenizer, hypothesis.language)
        self.reading = self._reading_of(hypothesis, text.strip())
        if self._hypothesis and hypothesis.num_samples < self._hypothesis.num_samples:
            return None
        self._hypothesis = hypothesis
        self._consider_lock(hypothesis, language)
        is_sure = self._language_confidence(hypothesis) >= _SURE_LANGUAGE
        is_near_limit = hypothesis.num_samples >= self.limit_samples - _FREEZE_SAMPLES
        audio_ms = hypothesis.num_samples * 1000 / SAMPLE_RATE
        said = self._stabiliser.update(text.strip(), audio_ms, frozen=is_near_limit or not is_sure)
        self._words.note(text.strip(), hypothesis.num_samples)
        if said == self._said or self._is_guess(hypothesis):
            return None
        self._said = said
        return Partial(
            segment=self.index,
            start_sample=self.start_sample,
            end_sample=self.start_sample + hypothesis.num_samples,
            stable=said[0],
            unstable=said[1],
            language=language,
            confidence=self._confidence(hypothesis),
            steps=self._num_steps,
            queue_ms=spent.queue_ms,
            compute_ms=spent.compute_ms,
        )

    def _is_guess(self, hypothesis: Hypothesis) -> bool:
        """Whether nothing was said yet, and what would be is more likely nothing at all."""
        is_first = self._said == ("", "")
        is_sure = self._language_confidence(hypothesis) >= _GUESSED_LANGUAGE
        return is_first and not is_sure and self._confidence(hypothesis) < _GUESSED_WORDS

    def _reading_of(self, hypothesis: Hypothesis, text: str) -> Reading:
        end_probability = 0.0
        if text and hypothesis.end_logprob is not None:
            end_probability = math.exp(hypothesis.logprobs[-1] + hypothesis.end_logprob)
        return Reading(self.start_sample + hypothesis.num_samples, text, end_probability)

    # --- the end ---------------------------------------------------------------------------------

    def end(self, end_sample: int, last_speech_sample: int) -> SpeechEnded:
        """No more audio belongs to this segment; its final is due."""
        self.end_sample = end_sample
        return SpeechEnded(self.index, self.start_sample, min(last_speech_sample, end_sample))

    def cut_sample(self) -> int:
        """Where to cut at the segment limit: the quietest place of the last 3 s."""
        begin = self.limit_samples - _FREEZE_SAMPLES
        return (
            self.start_sample
            + begin
            + quietest_cut(self.sequence.samples(begin, self.limit_samples))
        )

    def samples_from(self, sample: int) -> np.ndarray:
        """The segment's audio from a position of the stream's clock on."""
        return self.sequence.samples(sample - self.start_sample)

    def final_step(self) -> Step:
        """The decode of the whole segment with the long window, the last hypothesis its draft.

        A text that stands in the context is decoded again without it. Where that hears nothing,
        nothing was said.
        """
        hypothesis = yield from self._recognise_whole(draft=self._draft(self.options.language))
        if self._may_be_echo(hypothesis):
            unbiased = yield from self._recognise_whole(draft=hypothesis.tokens, biased=False)
            return hypothesis if self._text(unbiased) else unbiased
        return hypothesis

    def _recognise_whole(self, *, draft: list[int], biased: bool = True) -> Step:
        assert self.end_sample is not None
        return self.sequence.recognise(
            self.end_sample - self.start_sample,
            window_chunks=self.options.final_window_s,
            language=self.options.language,
            draft=draft,
            biased=biased,
            exact=True,
        )

    def ready_final(self) -> Hypothesis | None:
        """The last hypothesis, where it already is what the final pass would find."""
        last = self._hypothesis
        if last is None or self.end_sample is None:
            return None
        same = (
            last.num_samples == self.end_sample - self.start_sample
            and last.window_chunks == self.options.final_window_s
            and last.language == self.options.language
        )
        return last if same and not self._may_be_echo(last) else None

    def _may_be_echo(self, hypothesis: Hypothesis) -> bool:
        return bool(self.options.context) and self._context.holds(self._text(hypothesis))

    def _text(self, hypothesis: Hypothesis) -> str:
        output = self._tokenizer.decode(hypothesis.tokens, final=True)
        return spoken_text(output, hypothesis.language)[1]

    def final_done(self, hypothesis: Hypothesis, spent: Spent) -> Final:
        """Take the final pass's result; the segment holds no pages afterwards.

        Its words' times are estimated.
        """
        assert self.end_sample is not None
        self.is_decoded = True
        self.sequence.release()
        output = self._tokenizer.decode(hypothesis.tokens, final=True)
        language, text = spoken_text(output, hypothesis.language)
        tag = self._tag_length(hypothesis)
        words = self._words.estimated(
            text, hypothesis.tokens[tag:], hypothesis.logprobs[tag:], self.samples()
        )
        return Final(
            segment=self.index,
            start_sample=self.start_sample,
            end_sample=self.end_sample,
            text=text,
            words=self._on_stream_clock(words),
            times="estimated",
            language=language or None,
            language_confidence=self._language_confidence(hypothesis) if language else 0.0,
            confidence=self._confidence(hypothesis),
            stable_words_replaced=self._stabiliser.words_replaced(text),
            queue_ms=spent.queue_ms,
            compute_ms=spent.compute_ms,
        )

    def retimed(self, final: Final, spans: list[Span], times: list[Times]) -> Final:
        """The final with times that a forced aligner found for these spans of its text."""
        words = self._words.aligned(final.text, spans, times)
        return replace(final, words=self._on_stream_clock(words), times="aligned")

    def samples(self) -> np.ndarray:
        """The audio of the segment, which has ended: float32 [N]."""
        assert self.end_sample is not None
        return self.sequence.samples(0, self.end_sample - self.start_sample)

    def _on_stream_clock(self, words: Iterable[Word]) -> tuple[Word, ...]:
        begin = self.start_sample
        return tuple(
            replace(w, start_sample=begin + w.start_sample, end_sample=begin + w.end_sample)
            for w in words
        )

    # --- language and confidence -----------------------------------------------------------------

    def _draft(self, language: str | None) -> list[int]:
        """The last hypothesis as a draft for a prompt that does or does not name the language."""
        last = self._hypothesis
        if last is None or last.language == language:
            return [] if last is None else last.tokens
        if last.language is None:
            return last.tokens[self._tag_length(last) :]
        bare, forced = self._tokenizer.prompt_tail(), self._tokenizer.prompt_tail(last.language)
        return forced[len(bare) :] + last.tokens

    def _consider_lock(self, hypothesis: Hypothesis, language: str | None) -> None:
        """Once the language is sure over several steps, partials no longer ask for it."""
        if hypothesis.language is not None or language is None:
            self._agreeing = 0
            return
        sure = self._language_confidence(hypothesis) >= _LOCK_PROBABILITY
        self._agreeing = self._agreeing + 1 if sure else 0
        if self._agreeing >= _LOCK_HYPOTHESES and hypothesis.num_samples >= _LOCK_SAMPLES:
            self._locked = language

    def _language_confidence(self, hypothesis: Hypothesis) -> float:
        return math.exp(sum(hypothesis.logprobs[: self._tag_length(hypothesis)]))

    def _tag_length(self, hypothesis: Hypothesis) -> int:
        return tag_length(hypothesis.tokens, self._tokenizer, hypothesis.language)

    def _confidence(self, hypothesis: Hypothesis) -> float:
        return confidence(hypothesis.logprobs, self._tag_length(hypothesis))


def _whole_frames(samples: float) -> int:
    return int(samples) // FRAME_SAMPLES * FRAME_SAMPLES
