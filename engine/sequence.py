"""One clip on the engine: its samples, what of it is encoded, its KV lease, and the step.

A step is a generator: it yields the work it needs done (`StemWork`, `EncodeWork`, `ForwardWork`)
and is sent the answers, so the engine can pack the work of many sequences into one batch while the
step itself reads from top to bottom. It knows nothing of streams, time or other sequences.

What a sequence keeps between steps, and why it may:

    stem tokens of closed chunks      each chunk is convolved alone
    embeddings of closed windows      windows never see each other
    KV of prompt head + closed windows   everything after them moves when audio arrives

All three hold only while the clamp of the log-mel does: when the clip's peak rises, a chunk with a
bin under the new floor changes, and with it its window and the KV behind.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor

from .encoder import TOKENS_PER_CHUNK, num_tokens
from .features import DYNAMIC_RANGE, SegmentFeatures, normalise
from .greedy import Draft, LoopGuard
from .kv_pool import KVLedger, Lease
from .model import to_chunks
from .runner import Answer, Choices, EncodeWork, ForwardWork, StemWork, Work
from .tokenizer import Tokenizer
from .types import CHUNK_FRAMES, CHUNK_SAMPLES, SAMPLE_RATE, WorkCounters


@dataclass(frozen=True, slots=True)
class Limits:
    """When a decode stops without end-of-text. A function of the audio and the tokens only."""

    max_tokens: int
    loop_guard: bool = True

    @classmethod
    def for_audio(cls, num_samples: int) -> "Limits":
        """32 tokens and 12 for each second heard: thrice the pace of fast speech."""
        return cls(max_tokens=32 + 12 * num_samples // SAMPLE_RATE)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The greedy decode of the first `num_samples` samples.

    `tokens` begin with the language tag unless `language` was forced by the prompt; end-of-text is
    not among them. `logprobs` has one entry a token; `end_logprob` is that of the end-of-text token
    `end_token`, both None when the decode stopped for another reason.
    """

    tokens: list[int]
    logprobs: list[float]
    num_samples: int
    window_chunks: int
    language: str | None
    stopped: Literal["end", "budget", "loop"]
    end_token: int | None


@dataclass(frozen=True, slots=True)
class PromptIds:
    """The token ids around the audio: `head` before it, `tail(language)` behind."""

    head: list[int]
    tail: Callable[[str | None], list[int]]
    end_ids: frozenset[int]

    @classmethod
    def of(cls, tokenizer: Tokenizer, context: str) -> "PromptIds":
        """The prompt of a clip with this biasing context (may be empty)."""
        head = tokenizer.prompt_head(context)
        return cls(head, tokenizer.prompt_tail, frozenset(tokenizer.eos_ids))


Step = Generator[Work, Answer, Hypothesis]

_PART_CHUNKS = 8
"""Chunks of one step that go into one batch, so that a long clip holds up nobody's tick."""


@dataclass(frozen=True, slots=True)
class _Stem:
    """Stem tokens of a closed chunk, and under which clamp they were made."""

    tokens: Tensor  # [13, d]
    floor: float
    lowest: float
    settled: bool
    version: int

    def holds(self, floor: float) -> bool:
        untouched = self.lowest >= max(self.floor, floor)
        return self.settled and (self.floor == floor or untouched)


@dataclass(frozen=True, slots=True)
class _Window:
    """Embeddings of a closed window [A, E], and the versions of the chunks they were made of."""

    embeddings: Tensor
    versions: tuple[int, ...]


class Sequence:
    """Engine state of one clip. One step at a time; `release` when done."""

    def __init__(self, prompt: PromptIds, ledger: KVLedger, counters: WorkCounters) -> None:
        self._prompt, self._ledger, self._counters = prompt, ledger, counters
        self._samples = torch.empty(CHUNK_SAMPLES)
        self.num_samples = 0
        self._features = SegmentFeatures()
        self._stems: list[_Stem] = []
        self._num_stems_made = 0
        self._windows: dict[int, list[_Window]] = {}  # by window length in chunks
        self._lease: Lease | None = None
        self._kv_window_chunks = 0
        self._kv_versions: list[tuple[int, ...]] = []  # of the closed windows whose KV is kept

    @property
    def num_kv_tokens(self) -> int:
        """Tokens whose KV is kept between steps."""
        return 0 if self._lease is None else self._lease.num_tokens

    def append(self, samples: np.ndarray) -> None:
        """More samples of the clip, float32 [n]."""
        end = self.num_samples + samples.shape[0]
        if end > self._samples.shape[0]:
            grown = torch.empty(max(end, 2 * self._samples.shape[0]))
            grown[: self.num_samples] = self._samples[: self.num_samples]
            self._samples = grown
        self._samples[self.num_samples : end] = torch.from_numpy(samples)
        self.num_samples = end

    def samples(self, begin: int = 0, end: int | None = None) -> np.ndarray:
        """A copy of the samples from `begin` to `end` (all that is there)."""
        return self._samples[begin : self.num_samples if end is None else end].numpy().copy()

    def release(self) -> None:
        """Give the KV pages back. What is encoded stays, so a later step only prefills again."""
        if self._lease is not None:
            self._ledger.release(self._lease)
            self._lease = None
        self._kv_versions = []

    # --- the step --------------------------------------------------------------------------------

    def recognise(
        self,
        num_samples: int,
        *,
        window_chunks: int,
        language: str | None = None,
        draft: list[int] | None = None,
        limits: Limits | None = None,
    ) -> Step:
        """Decode the clip's first `num_samples` samples greedily.

        `draft` is a guess of the tokens; it saves time and never changes the result. `language`
        forces the language through the prompt. The pages behind the closed windows are given back
        before the hypothesis is returned.
        """
        self._hear(num_samples)
        closed, open_window = yield from self._encode(window_chunks)
        lease, kept = self._reuse_kv(window_chunks)
        tail = self._prompt.tail(language)
        head = [self._prompt.head[lease.num_tokens :]]  # what is not shared, or nothing
        audio = [w.embeddings for w in closed[kept:]] + (
            [] if open_window is None else [open_window]
        )
        draft_ids = draft or []
        choices = yield ForwardWork(lease, [*head, *audio, tail + draft_ids], len(draft_ids) + 1)
        self._counters.verify_passes += 1
        self._ledger.share(lease, tuple(self._prompt.head))
        self._kv_window_chunks = window_chunks
        self._kv_versions = [window.versions for window in closed]

        limits = limits or Limits.for_audio(num_samples)
        greedy = self._greedy(lease, cast(Choices, choices), draft_ids, limits)
        tokens, logprobs, stopped, end_token = yield from greedy
        self._ledger.truncate(lease, self._kv_length())
        return Hypothesis(
            tokens, logprobs, num_samples, window_chunks, language, stopped, end_token
        )

    def encode_ahead(self, window_chunks: int) -> Generator[Work, Answer, None]:
        """Encode the windows of this length that are closed by now, for a later `recognise`."""
        yield from self._encode(window_chunks, closed_only=True)

    def windows_ahead(self, window_chunks: int) -> int:
        """Closed windows of this length that no step has encoded yet."""
        closed = self._features.num_final // CHUNK_FRAMES // window_chunks
        return closed - len(self._windows.get(window_chunks, []))

    def _hear(self, num_samples: int) -> None:
        self._features.hear(self._samples[:num_samples])
        del self._stems[self._features.num_frames // CHUNK_FRAMES :]

    def _encode(
        self, window_chunks: int, *, closed_only: bool = False
    ) -> Generator[Work, Answer, tuple[list[_Window], Tensor | None]]:
        """Bring stems and closed windows up to date; returns them, and the open window [A, E]."""
        open_stem = yield from self._update_stems(closed_only=closed_only)
        kept = self._windows.setdefault(window_chunks, [])
        num_closed = len(self._stems) // window_chunks
        del kept[num_closed:]
        groups = [
            self._stems[w * window_chunks : (w + 1) * window_chunks] for w in range(num_closed)
        ]
        versions = [tuple(stem.version for stem in group) for group in groups]
        stale = [w for w in range(num_closed) if w >= len(kept) or kept[w].versions != versions[w]]
        self._counters.peak_reencodes += sum(w < len(kept) for w in stale)
        work = [torch.cat([stem.tokens for stem in groups[w]]) for w in stale]
        rest = [stem.tokens for stem in self._stems[num_closed * window_chunks :]]
        rest += [] if open_stem is None else [open_stem]
        has_open = bool(rest) and not closed_only
        if has_open:
            work.append(torch.cat(rest))
        embeddings: list[Tensor] = []
        for part in _parts(work, max(1, _PART_CHUNKS // window_chunks)):
            embeddings += cast(list[Tensor], (yield EncodeWork(part)))
        for w, embedded in zip(stale, embeddings, strict=False):
            kept[w : w + 1] = [_Window(embedded, versions[w])]
        return kept, embeddings[-1] if has_open else None

    def _update_stems(self, *, closed_only: bool) -> Generator[Work, Answer, Tensor | None]:
        """Convolve new, unsettled and newly clamped chunks; returns the open chunk's tokens."""
        features = self._features
        floor = features.peak - DYNAMIC_RANGE
        num_closed, open_frames = divmod(features.num_frames, CHUNK_FRAMES)
        if closed_only:
            num_closed, open_frames = features.num_final // CHUNK_FRAMES, 0
        stale = [
            c for c in range(num_closed) if c >= len(self._stems) or not self._stems[c].holds(floor)
        ]
        raw = [features.raw[c * CHUNK_FRAMES : (c + 1) * CHUNK_FRAMES] for c in stale]
        chunks = [normalise(chunk, features.peak) for chunk in raw]
        if open_frames:
            tail = features.raw[num_closed * CHUNK_FRAMES : features.num_frames]
            chunks.append(to_chunks(normalise(tail, features.peak))[0])
        if not chunks:
            return None
        made_parts = []
        for part in _parts(chunks, _PART_CHUNKS):
            made_parts.append(cast(Tensor, (yield StemWork(torch.stack(part)))))
        tokens = torch.cat(made_parts)  # [C, 13, d]
        for c, chunk, made in zip(stale, raw, tokens, strict=False):
            self._num_stems_made += 1
            settled = (c + 1) * CHUNK_FRAMES <= features.num_final
            self._stems[c : c + 1] = [
                _Stem(made, floor, chunk.min().item(), settled, self._num_stems_made)
            ]
        return tokens[-1, : num_tokens(open_frames)] if open_frames else None

    def _reuse_kv(self, window_chunks: int) -> tuple[Lease, int]:
        """The lease, cut back to the closed windows that still hold, and their count."""
        if self._lease is None:
            self._lease = self._ledger.open(tuple(self._prompt.head))
        versions = [window.versions for window in self._windows[window_chunks]]
        kept = 0
        if window_chunks == self._kv_window_chunks:
            for before, now in zip(self._kv_versions, versions, strict=False):
                if before != now:
                    break
                kept += 1
        else:
            self._ledger.truncate(self._lease, min(self._lease.num_tokens, len(self._prompt.head)))
        self._kv_window_chunks = window_chunks
        self._kv_versions = self._kv_versions[:kept]
        valid = min(self._lease.num_tokens, self._kv_length())
        self._ledger.truncate(self._lease, valid)
        return self._lease, kept

    def _kv_length(self) -> int:
        window_tokens = self._kv_window_chunks * TOKENS_PER_CHUNK
        return len(self._prompt.head) + window_tokens * len(self._kv_versions)

    def _greedy(
        self, lease: Lease, choices: Choices, draft_ids: list[int], limits: Limits
    ) -> Generator[
        Work, Answer, tuple[list[int], list[float], Literal["end", "budget", "loop"], int | None]
    ]:
        """The greedy decode, taking from the draft all that the model would have said itself.

        `choices` are the model's tokens after the prompt and after each draft token. Where they
        leave the draft one token is decoded at a time, until the last two meet the draft again:
        then the rest of it is verified in one pass.
        """
        tokens: list[int] = []
        logprobs: list[float] = []
        draft, guard = Draft(draft_ids), LoopGuard()
        text_begin = lease.num_tokens - len(draft_ids)
        while True:
            for token, logprob in zip(choices.tokens, choices.logprobs, strict=True):
                if token in self._prompt.end_ids:
                    return tokens, logprobs, "end", token
                if len(tokens) == limits.max_tokens:
                    return tokens, logprobs, "budget", None
                tokens.append(token)
                logprobs.append(logprob)
                loop_begin = guard.push(token)
                if limits.loop_guard and loop_begin is not None:
                    return tokens[:loop_begin], logprobs[:loop_begin], "loop", None
                if not draft.agrees(token):
                    break
            rest = draft.rejoin(tokens)
            self._ledger.truncate(lease, text_begin + len(tokens) - 1)
            choices = cast(
                Choices, (yield ForwardWork(lease, [[tokens[-1], *rest]], 1 + len(rest)))
            )
            if rest:
                self._counters.verify_passes += 1
            else:
                self._counters.decode_steps += 1


def _parts(items: list[Tensor], size: int) -> Iterator[list[Tensor]]:
    """The list in pieces of `size`, the last one shorter."""
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]
