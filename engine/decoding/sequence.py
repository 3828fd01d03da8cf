"""One clip on the engine: what of it is encoded, its KV lease, and the step.

A step is a generator: it yields the work it needs done (`StemWork`, `EncodeWork`, `ForwardWork`)
and is sent the answers, so the engine can pack the work of many sequences into one batch while the
step itself reads from top to bottom. It knows nothing of streams, time or other sequences.

Between steps a sequence keeps its clip (see `clip.py`) and the KV of the prompt's head and of the
closed windows: everything after them moves when audio arrives. When a window is encoded anew, the
KV from there on is computed again.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from ..model.encoder import TOKENS_PER_CHUNK
from ..model.tokenizer import Tokenizer
from ..types import SAMPLE_RATE, WorkCounters
from .clip import Clip
from .greedy import Draft, LoopGuard
from .habits import Habits
from .kv_pool import KVLedger, Lease
from .runner import Answer, Choices, ForwardWork, Work


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
    end_logprob: float | None


@dataclass(frozen=True, slots=True)
class PromptIds:
    """The token ids around the audio: `head` before it, `tail(language)` behind.

    `bare_head` is the head without the context.
    """

    head: list[int]
    bare_head: list[int]
    tail: Callable[[str | None], list[int]]
    end_ids: frozenset[int]

    @classmethod
    def of(cls, tokenizer: Tokenizer, context: str) -> "PromptIds":
        """The prompt of a clip with this biasing context (may be empty)."""
        head = tokenizer.prompt_head(context)
        bare_head = tokenizer.prompt_head("") if context else head
        return cls(head, bare_head, tokenizer.prompt_tail, frozenset(tokenizer.eos_ids))


Step = Generator[Work, Answer, Hypothesis]
End = tuple[int, float] | tuple[None, None]  # the end-of-text token and its log-probability


class Sequence:
    """Engine state of one clip. One step at a time; `release` when done.

    `habits` are what the words after a draft are guessed by.
    """

    def __init__(
        self,
        prompt: PromptIds,
        ledger: KVLedger,
        counters: WorkCounters,
        habits: Habits | None = None,
    ) -> None:
        self._prompt, self._ledger, self._counters = prompt, ledger, counters
        self._habits = habits
        self._clip = Clip(counters)
        self._lease: Lease | None = None
        self._kv_head = prompt.head
        self._kv_window_chunks, self._kv_exact = 0, False
        self._kv_versions: list[tuple[int, ...]] = []  # of the closed windows whose KV is kept

    @property
    def num_samples(self) -> int:
        """Samples that have been appended."""
        return self._clip.num_samples

    @property
    def num_kv_tokens(self) -> int:
        """Tokens whose KV is kept between steps."""
        return 0 if self._lease is None else self._lease.num_tokens

    def append(self, samples: np.ndarray) -> None:
        """More samples of the clip, float32 [n]."""
        self._clip.append(samples)

    def samples(self, begin: int = 0, end: int | None = None) -> np.ndarray:
        """A copy of the samples from `begin` to `end` (all that is there)."""
        return self._clip.samples(begin, end)

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
        biased: bool = True,
        exact: bool = False,
    ) -> Step:
        """Decode the clip's first `num_samples` samples greedily.

        `draft` is a guess of the tokens; it saves time and never changes the result. `language`
        forces the language through the prompt; without `biased` the prompt leaves the context out;
        `exact` decodes with the runner's exact model.
        The pages behind the closed windows are given back before the hypothesis is returned.
        """
        self._clip.hear(num_samples)
        closed, open_window = yield from self._clip.encode(window_chunks, exact=exact)
        versions = [window.versions for window in closed]
        head = self._prompt.head if biased else self._prompt.bare_head
        lease, kept = self._reuse_kv(head, window_chunks, versions, exact=exact)
        tail = self._prompt.tail(language)
        audio = [w.embeddings for w in closed[kept:]] + (
            [] if open_window is None else [open_window]
        )
        draft_ids = list(draft or [])
        if self._habits is not None:
            draft_ids += self._habits.follow(draft_ids)
        missing = head[lease.num_tokens :]  # what is not shared, or nothing
        inputs = [missing, *audio, tail + draft_ids]
        choices = yield ForwardWork(lease, inputs, len(draft_ids) + 1, exact)
        self._counters.verify_passes += 1
        self._ledger.share(lease, tuple(head))
        self._kv_window_chunks, self._kv_exact = window_chunks, exact
        self._kv_versions = versions

        limits = limits or Limits.for_audio(num_samples)
        greedy = self._greedy(lease, cast(Choices, choices), draft_ids, limits, exact=exact)
        tokens, logprobs, stopped, end = yield from greedy
        self._ledger.truncate(lease, self._kv_length())
        return Hypothesis(tokens, logprobs, num_samples, window_chunks, language, stopped, *end)

    def encode_ahead(self, window_chunks: int) -> Generator[Work, Answer, None]:
        """Encode the windows of this length that are closed by now, for a later exact step."""
        yield from self._clip.encode(window_chunks, exact=True, closed_only=True)

    def windows_ahead(self, window_chunks: int) -> int:
        """Closed windows of this length that no exact step has encoded yet."""
        return self._clip.windows_ahead(window_chunks, exact=True)

    def _reuse_kv(
        self,
        head: list[int],
        window_chunks: int,
        versions: list[tuple[int, ...]],
        *,
        exact: bool,
    ) -> tuple[Lease, int]:
        """The lease, cut back to the closed windows that still hold, and their count."""
        if head is not self._kv_head or exact != self._kv_exact:
            self.release()
            self._kv_head, self._kv_exact = head, exact
        if self._lease is None:
            self._lease = self._ledger.open(tuple(head))
        kept = 0
        if window_chunks == self._kv_window_chunks:
            for before, now in zip(self._kv_versions, versions, strict=False):
                if before != now:
                    break
                kept += 1
        else:
            self._ledger.truncate(self._lease, min(self._lease.num_tokens, len(head)))
        self._kv_window_chunks = window_chunks
        self._kv_versions = self._kv_versions[:kept]
        valid = min(self._lease.num_tokens, self._kv_length())
        self._ledger.truncate(self._lease, valid)
        return self._lease, kept

    def _kv_length(self) -> int:
        window_tokens = self._kv_window_chunks * TOKENS_PER_CHUNK
        return len(self._kv_head) + window_tokens * len(self._kv_versions)

    def _greedy(
        self,
        lease: Lease,
        choices: Choices,
        draft_ids: list[int],
        limits: Limits,
        *,
        exact: bool,
    ) -> Generator[
        Work, Answer, tuple[list[int], list[float], Literal["end", "budget", "loop"], End]
    ]:
        """The greedy decode, taking from the draft all that the model would have said itself.

        `choices` are the model's tokens after the prompt and after each draft token. Where they
        leave the draft one token is decoded at a time, until there is something to guess by: the
        last two meet the draft again, or the decode repeats itself. That is verified in one pass.
        """
        tokens: list[int] = []
        logprobs: list[float] = []
        draft, guard = Draft(draft_ids, self._habits), LoopGuard()
        text_begin = lease.num_tokens - len(draft_ids)
        while True:
            for token, logprob in zip(choices.tokens, choices.logprobs, strict=True):
                if token in self._prompt.end_ids:
                    return tokens, logprobs, "end", (token, logprob)
                if len(tokens) == limits.max_tokens:
                    return tokens, logprobs, "budget", (None, None)
                tokens.append(token)
                logprobs.append(logprob)
                loop_begin = guard.push(token)
                if limits.loop_guard and loop_begin is not None:
                    return tokens[:loop_begin], logprobs[:loop_begin], "loop", (None, None)
                if not draft.agrees(token):
                    break
            rest = draft.go_on(tokens)
            self._ledger.truncate(lease, text_begin + len(tokens) - 1)
            choices = cast(
                Choices, (yield ForwardWork(lease, [[tokens[-1], *rest]], 1 + len(rest), exact))
            )
            if rest:
                self._counters.verify_passes += 1
            else:
                self._counters.decode_steps += 1
