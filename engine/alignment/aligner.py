"""Word times of what was said in a clip, by a forced aligner: nothing is generated.

The sequence is the clip's audio and then its words, each followed by two time slots; there are no
chat turns:

    <|audio_start|> one <|audio_pad|> for each audio token <|audio_end|>
    word <timestamp> <timestamp> word <timestamp> <timestamp> …

The scores at a word's two slots say in which step of 80 ms it starts and ends. Each slot chooses by
itself, so the times are then made to go forward (`repair.py`). A clip is one such sequence, or
several over pieces of the same audio, where the checkpoint does not reach far (`placement.py`).
Knows no streams: times count from the clip's first sample.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
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
from ..model.encoder import TOKENS_PER_CHUNK
from ..model.speech_model import SpeechModel, load_model
from ..model.tokenizer import Tokenizer
from ..types import SAMPLE_RATE, BadAudioError, ConfigError, Granularity, OptionError
from .packed import encode_clips, hidden_states, num_audio_tokens
from .placement import Piece, Placement, Times
from .silences import Shortened
from .splitting import ALIGNER_LANGUAGES, Word, WordSplitter, require_library
from .word_times import WordTime, forward, word_times

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
class _Task:
    """One utterance as the model is given it; `length` is that of its whole sequence.

    Of a `shortened` clip the model hears what is left.
    """

    utterance: Utterance
    shortened: Shortened | None
    words: list[Word]
    word_ids: list[list[int]]
    length: int

    @property
    def samples(self) -> np.ndarray:
        return self.utterance.samples if self.shortened is None else self.shortened.samples

    @property
    def seconds(self) -> int:
        """The length of what the model hears, rounded up."""
        return -(-self.samples.shape[0] // SAMPLE_RATE)

    def original(self, times: list[Times]) -> list[Times]:
        """Times in what the model hears as those of the clip."""
        return times if self.shortened is None else self.shortened.original(times)

    @property
    def whole(self) -> Piece:
        return Piece(0, self.seconds, range(len(self.words)))


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
        self._reach_s = model.config.reach_s
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
        passes = self.passes(utterances, granularity)
        while True:
            try:
                next(passes)
            except StopIteration as done:
                return done.value

    def passes(
        self,
        utterances: Sequence[Utterance],
        granularity: Granularity = "word",
        *,
        in_one: bool = False,
    ) -> Generator[None, None, list[list[WordTime]]]:
        """`align`, which here stops after every pass; its result is the generator's.

        With `in_one` no clip is taken in pieces: quicker, and late words of long clips are less
        exact where the checkpoint does not hear far.
        """
        tasks = [
            self._task(each, self._reach_s) for each in utterances
        ]  # refuses before it computes
        found: list[list[Times]] = []
        reach_s = None if in_one else self._reach_s
        for batch in _batches([task for task in tasks if task.words]):
            placements = [Placement(len(task.words), task.seconds, reach_s) for task in batch]
            if found:
                yield
            audio = self._encode(batch)
            parts = [_Part(*each) for each in zip(batch, audio, placements, strict=True)]
            while parts:
                for part, steps in zip(parts, self._choose(parts), strict=True):
                    part.placement.take(forward([TIME_STEP_MS * step for step in steps]))
                parts = [part for part in parts if part.placement.piece]
                if parts:
                    yield
            placed = (placement.times for placement in placements)
            found += [task.original(own) for task, own in zip(batch, placed, strict=True)]
        of_spoken = iter(found)
        return [
            word_times(task.utterance.text, task.words, next(of_spoken), granularity)
            if task.words
            else []
            for task in tasks
        ]

    @torch.inference_mode()
    def slot_logits(self, utterances: Sequence[Utterance]) -> list[Tensor]:
        """The scores of each whole clip's slots, in float32: [2 a word, time steps].

        All clips go through one pass. Raises BadAudioError and OptionError as `align` does.
        """
        tasks = [self._task(utterance) for utterance in utterances]
        audio = self._encode(tasks)
        rows = [self._row(task, task.whole, own) for task, own in zip(tasks, audio, strict=True)]
        return [self.model.logits(own) for own in self._slot_states(rows)]

    def _task(self, utterance: Utterance, reach_s: int | None = None) -> _Task:
        self._check_samples(utterance.samples)
        language = self.check_language(utterance.language)
        shortened = None if reach_s is None else Shortened(utterance.samples)
        words = self._splitter.split(utterance.text, language)
        word_ids = [self.tokenizer.encode(word.text) for word in words]
        length = 2 + num_audio_tokens(utterance.samples.shape[0])
        length += sum(len(ids) + 2 for ids in word_ids)
        room = self.model.config.decoder.max_positions
        if length > room:
            raise OptionError(
                f"text has {len(words)} words, which with the clip's audio are {length} tokens, "
                f"allowed are at most {room}"
            )
        return _Task(utterance, shortened, words, word_ids, length)

    def _check_samples(self, samples: np.ndarray) -> None:
        if not 0 < samples.shape[0] <= self.max_clip_s * SAMPLE_RATE:
            seconds = samples.shape[0] / SAMPLE_RATE
            raise BadAudioError(
                f"the clip is {seconds:.2f} s long, an aligner takes at most {self.max_clip_s:g} s"
            )
        if not np.isfinite(samples).all():
            raise BadAudioError("the clip holds NaN or infinite samples")

    @torch.inference_mode()
    def _encode(self, batch: list[_Task]) -> list[Tensor]:
        """The audio embeddings [A, E] of each clip."""
        clips = [task.samples for task in batch]
        return encode_clips(self.model, self._attention, clips)

    @torch.inference_mode()
    def _choose(self, parts: list["_Part"]) -> list[list[int]]:
        """The likeliest time step of every slot of each part, from its piece's beginning."""
        rows = [self._row(part.task, part.placement.piece, part.audio) for part in parts]
        states = torch.cat(self._slot_states(rows))
        steps = self.model.choose(states).tokens.cpu()
        return [own.tolist() for own in steps.split([len(row.slots) for row in rows])]

    def _slot_states(self, rows: list["_Row"]) -> list[Tensor]:
        """The hidden states at the slots of each row, by one pass: [2 a word, E]."""
        embeddings, tails = [row.embeddings for row in rows], [row.tail for row in rows]
        states = hidden_states(self.model, self._attention, embeddings, tails)
        return [own[row.slots] for row, own in zip(rows, states, strict=True)]

    def _row(self, task: _Task, piece: Piece | None, audio: Tensor) -> "_Row":
        """The sequence of a piece; `audio` [A, E] is that of its whole clip."""
        assert piece is not None
        tail, slots = [self.tokenizer.audio_end_id], []
        for word in piece.words:
            tail += task.word_ids[word]
            slots += [len(tail), len(tail) + 1]
            tail += [self._slot_id, self._slot_id]
        text = self.model.embed([self.tokenizer.audio_start_id, *tail])
        heard = audio[TOKENS_PER_CHUNK * piece.begin_s : TOKENS_PER_CHUNK * piece.end_s]
        return _Row(torch.cat([text[:1], heard, text[1:]]), len(tail), slots)


@dataclass(frozen=True, slots=True)
class _Part:
    """A task on its way through the model; its audio is embedded, [A, E]."""

    task: _Task
    audio: Tensor
    placement: Placement


@dataclass(frozen=True, slots=True)
class _Row:
    """Embeddings [S, E], whose last `tail` hold the words; `slots` count from the tail's start."""

    embeddings: Tensor
    tail: int
    slots: list[int]  # two a word


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
