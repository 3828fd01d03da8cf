"""Word times of what was said in a clip, by a forced aligner: one pass, nothing is generated.

The sequence is the clip's audio and then its words, each followed by two time slots; there are no
chat turns:

    <|audio_start|> one <|audio_pad|> for each audio token <|audio_end|>
    word <timestamp> <timestamp> word <timestamp> <timestamp> …

The scores at a word's two slots say in which step of 80 ms it starts and ends. Each slot chooses by
itself, so the times are then made to go forward (`repair.py`). Knows no streams: times count from
the clip's first sample.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self, get_args

import numpy as np
import torch
from torch import Tensor

from ..attention.base import Attention
from ..attention.choose import choose_attention
from ..attention.sdpa import SdpaAttention
from ..config import AttentionChoice
from ..languages import canonical_language
from ..model.speech_model import SpeechModel, load_model
from ..model.tokenizer import Tokenizer
from ..types import SAMPLE_RATE, BadAudioError, ConfigError, Granularity, OptionError
from .packed import encode_clips, hidden_states, num_audio_tokens
from .repair import repair
from .splitting import ALIGNER_LANGUAGES, Word, WordSplitter, require_library

MAX_CLIP_S = 180
"""What the official package gives an aligner at once."""
TIME_STEP_MS = 80

_BATCH_TOKENS = 8192
"""Tokens of one pass, which bounds its memory: two clips of 180 s, or about twenty of 25 s."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A clip, float32 samples [N] at 16 kHz, and what was said in it, in which language.

    `language` is a name or ISO code in any case.
    """

    samples: np.ndarray
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class WordTime:
    """When a word, character or segment was said, in seconds from the start of the clip.

    `start_s` and `end_s` are whole steps of 80 ms or interpolated between such; they may be equal.
    Nothing keeps them inside the clip but the model. `text` is what the aligner was given, without
    punctuation (a segment's is its whole text); it comes from `begin_char` to `end_char`
    (exclusive) of the utterance's text.
    """

    text: str
    start_s: float
    end_s: float
    begin_char: int
    end_char: int


@dataclass(frozen=True, slots=True)
class _Task:
    """One utterance as the model is given it: token ids behind the audio, and where slots are."""

    utterance: Utterance
    words: list[Word]
    tail: list[int]
    slots: list[int]  # two a word, counted from the start of the tail
    length: int  # of the whole sequence


class Aligner:
    """Owns a forced aligner's weights; one caller at a time."""

    def __init__(
        self,
        model: SpeechModel,
        tokenizer: Tokenizer,
        *,
        attention: Attention | None = None,
        splitter: WordSplitter | None = None,
    ) -> None:
        """Take a loaded model; `attention` None is torch's own.

        Raises:
            ConfigError: the model is a recogniser.
            CheckpointError: model and tokenizer do not belong together.
        """
        if model.config.num_time_classes is None or tokenizer.timestamp_id is None:
            raise ConfigError("the checkpoint is a recogniser, not a forced aligner")
        tokenizer.check_fits(model.config)
        self.model, self.tokenizer = model, tokenizer
        self._attention = attention or SdpaAttention(model.device)
        self._splitter = splitter or WordSplitter()
        self._slot_id = tokenizer.timestamp_id
        self.languages = tuple(n for n in ALIGNER_LANGUAGES if n in model.config.languages)
        last_step_s = (model.config.num_time_classes - 1) * TIME_STEP_MS / 1000
        self.max_clip_s: float = min(MAX_CLIP_S, last_step_s)

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        mixed: bool = False,
        attention: AttentionChoice = "auto",
        splitter: WordSplitter | None = None,
    ) -> Self:
        """The aligner of a checkpoint folder, either layout.

        Raises:
            ConfigError: config.json fits neither layout or is a recogniser's, or the attention
                backend cannot run here.
            CheckpointError: a file or tensor is missing, unread or misshapen.
        """
        device = torch.device(device)
        backend = choose_attention(attention, device, dtype)
        model = load_model(folder, dtype=dtype, device=device, mixed=mixed)
        tokenizer = Tokenizer.from_folder(folder)
        return cls(model, tokenizer, attention=backend, splitter=splitter)

    def check_language(self, language: str) -> str:
        """The English name of a language in which this aligner can time words, loading nothing.

        Raises OptionError when it cannot: it names the languages that can be had, or the extra
        that is not installed.
        """
        name = canonical_language(language, self.languages)
        require_library(name)
        return name

    @torch.inference_mode()
    def align(
        self, utterances: Sequence[Utterance], granularity: Granularity = "word"
    ) -> list[list[WordTime]]:
        """The times of what was said in each clip, in order, together in few passes.

        `word` is an entry of the word list: a word, or one ideograph. `character` spreads the time
        of a word evenly over its characters: those times are estimated, not measured. `segment` is
        the whole text, from the start of its first word to the end of its last. A text of
        which the aligner reads nothing has no times. Times never decrease.

        Raises:
            BadAudioError: a clip is empty, longer than `max_clip_s`, or holds NaN or infinities.
            OptionError: a language or the granularity is not among those allowed, the extra for
                Japanese and Korean is not installed, or a text is too long for the model.
        """
        if granularity not in get_args(Granularity):
            allowed = ", ".join(get_args(Granularity))
            raise OptionError(f"granularity is {granularity!r}, allowed are {allowed}")
        tasks = [self._task(utterance) for utterance in utterances]  # refuses before it computes
        spoken = [task for task in tasks if task.words]
        steps = iter([own for batch in _batches(spoken) for own in self._choose(batch)])
        return [_timed(task, next(steps), granularity) if task.words else [] for task in tasks]

    @torch.inference_mode()
    def slot_logits(self, utterances: Sequence[Utterance]) -> list[Tensor]:
        """The scores that `align` chooses by, in float32: [2 a word, time steps] of each clip.

        All clips go through one pass. Raises BadAudioError and OptionError as `align` does.
        """
        states = self._slot_states([self._task(utterance) for utterance in utterances])
        return [self.model.logits(own) for own in states]

    def _task(self, utterance: Utterance) -> _Task:
        self._check_samples(utterance.samples)
        language = self.check_language(utterance.language)
        words = self._splitter.split(utterance.text, language)
        tail, slots = [self.tokenizer.audio_end_id], []
        for word in words:
            tail += self.tokenizer.encode(word.text)
            slots += [len(tail), len(tail) + 1]
            tail += [self._slot_id, self._slot_id]
        length = 1 + num_audio_tokens(utterance.samples.shape[0]) + len(tail)
        room = self.model.config.decoder.max_positions
        if length > room:
            raise OptionError(
                f"text has {len(words)} words, which with the clip's audio are {length} tokens, "
                f"allowed are at most {room}"
            )
        return _Task(utterance, words, tail, slots, length)

    def _check_samples(self, samples: np.ndarray) -> None:
        if not 0 < samples.shape[0] <= self.max_clip_s * SAMPLE_RATE:
            seconds = samples.shape[0] / SAMPLE_RATE
            raise BadAudioError(
                f"the clip is {seconds:.2f} s long, an aligner takes at most {self.max_clip_s:g} s"
            )
        if not np.isfinite(samples).all():
            raise BadAudioError("the clip holds NaN or infinite samples")

    def _choose(self, batch: list[_Task]) -> list[list[int]]:
        """The likeliest time step of every slot of each task."""
        states = torch.cat(self._slot_states(batch))
        steps = self.model.choose(states).tokens.cpu()
        return [own.tolist() for own in steps.split([len(task.slots) for task in batch])]

    def _slot_states(self, batch: list[_Task]) -> list[Tensor]:
        """The hidden states at the slots of each task, by one pass: [2 a word, E]."""
        clips = [task.utterance.samples for task in batch]
        audio = encode_clips(self.model, self._attention, clips)
        rows = [self._row(task, own) for task, own in zip(batch, audio, strict=True)]
        tails = [len(task.tail) for task in batch]
        states = hidden_states(self.model, self._attention, rows, tails)
        return [own[task.slots] for task, own in zip(batch, states, strict=True)]

    def _row(self, task: _Task, audio: Tensor) -> Tensor:
        """The embeddings of a whole sequence: [S, E]."""
        text = self.model.embed([self.tokenizer.audio_start_id, *task.tail])
        return torch.cat([text[:1], audio, text[1:]])


def _batches(tasks: list[_Task]) -> Iterator[list[_Task]]:
    """Neighbours that fit into one pass together; a task too long for that goes alone."""
    batch: list[_Task] = []
    for task in tasks:
        if batch and sum(t.length for t in batch) + task.length > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(task)
    if batch:
        yield batch


def _timed(task: _Task, steps: list[int], granularity: Granularity) -> list[WordTime]:
    """What the chosen steps, two a word, say of an utterance."""
    times_ms = repair([TIME_STEP_MS * step for step in steps])
    starts, ends = times_ms[::2], times_ms[1::2]
    if granularity == "segment":
        text = task.utterance.text
        return [WordTime(text, _seconds(starts[0]), _seconds(ends[-1]), 0, len(text))]
    timed = zip(task.words, starts, ends, strict=True)
    if granularity == "word":
        return [_word_time(word, start, end) for word, start, end in timed]
    return [part for word, start, end in timed for part in _spread(word, start, end)]


def _spread(word: Word, start_ms: int, end_ms: int) -> Iterator[WordTime]:
    """The characters of a word, each as long as the others."""
    characters = word.characters
    edges = np.linspace(start_ms, end_ms, len(characters) + 1).tolist()
    for character, (start, end) in zip(characters, pairwise(edges), strict=True):
        yield _word_time(character, start, end)


def _word_time(word: Word, start_ms: float, end_ms: float) -> WordTime:
    begin, end = word.begin_char, word.end_char
    return WordTime(word.text, _seconds(start_ms), _seconds(end_ms), begin, end)


def _seconds(time_ms: float) -> float:
    return round(time_ms / 1000, 3)
