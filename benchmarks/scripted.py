"""Scripted tokens: an engine that computes everything and then says what a script says.

A model with random weights babbles, and how much it babbles would decide what a step costs. Here
every forward pass is run in full, logits and their best two included; only the token taken at
each position is the script's. So drafts are accepted, contradicted and met again as they were in
the recorded hypotheses (tapes.py), at their number of tokens a second.

The seam is the step's own generator: its answers pass through `_scripted` on their way in. Nothing
in the product knows of it. Whoever prints a figure made with it says so (`NOTICE`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from zlib import crc32

from benchmarks.tapes import TOKENS_PER_SECOND, Script, common_prefix, load_tapes
from hark.engine.decoding.runner import Answer, Choices, ForwardWork
from hark.engine.decoding.sequence import Limits, PromptIds, Sequence, Step
from hark.engine.engine import Engine
from hark.engine.types import MIN_CLIP_SAMPLES, SAMPLE_RATE

NOTICE = (
    "tokens are scripted: every pass is computed in full, the token taken is read from recorded "
    "hypotheses of the embedded model, 3.5 a second of speech"
)
_LANGUAGE = "English"


@dataclass(slots=True)
class Tally:
    """What the steps did with their drafts, in tokens and passes."""

    steps: int = 0
    offered: int = 0
    accepted: int = 0
    verify_passes: int = 0
    decode_passes: int = 0
    gaps_samples: list[int] = field(default_factory=list)  # audio between steps of a segment

    def reset(self) -> None:
        self.steps = self.offered = self.accepted = 0
        self.verify_passes = self.decode_passes = 0
        self.gaps_samples.clear()

    def note_step(self, gap_samples: int) -> None:
        """A step began, with so much audio more than the segment's last; 0 for its first."""
        self.steps += 1
        if gap_samples:
            self.gaps_samples.append(gap_samples)

    @property
    def accepted_share(self) -> float:
        return self.accepted / self.offered if self.offered else 0.0

    def summary(self) -> dict[str, float]:
        return {
            "steps": self.steps,
            "draft_tokens_offered": self.offered,
            "draft_tokens_accepted_share": round(self.accepted_share, 4),
            "verify_passes_a_step": round(self.verify_passes / max(1, self.steps), 3),
            "decode_passes_a_step": round(self.decode_passes / max(1, self.steps), 3),
        }


class ScriptedEngine(Engine):
    """An engine over a loaded one's model whose every hypothesis is the script's."""

    def __init__(
        self,
        loaded: Engine,
        *,
        clock: Callable[[], float] = time.monotonic,
        rate: float = TOKENS_PER_SECOND,
        disguised: bool = False,
    ) -> None:
        """`disguised`: no word of the script is one that a speaker said (see tapes.py)."""
        name = f"{loaded.model_name} (scripted)"
        super().__init__(
            loaded.runner, loaded.tokenizer, loaded.limits, model_name=name, clock=clock
        )
        self.tally = Tally()
        tapes = load_tapes(loaded.tokenizer.encode, disguised=disguised)
        self._script = Script(tapes, rate=rate)

    def new_sequence(self, context: str) -> Sequence:
        prompt = PromptIds.of(self.tokenizer, context)
        return ScriptedSequence(self, prompt, self._script)


class ScriptedSequence(Sequence):
    """A sequence whose hypotheses are a pure function of its samples, as real ones are."""

    def __init__(self, engine: ScriptedEngine, prompt: PromptIds, script: Script) -> None:
        super().__init__(prompt, engine.runner.ledger, engine.counters)
        tokenizer = engine.tokenizer
        self._tag = tokenizer.prompt_tail(_LANGUAGE)[len(tokenizer.prompt_tail()) :]
        self._end_id = tokenizer.im_end_id
        self._script, self._tally = script, engine.tally
        self._heard = 0

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
        seconds = num_samples / SAMPLE_RATE
        text = self._script.tokens(seconds, window_chunks, start=self._first_tape())
        wanted = [*([] if language else self._tag), *text, self._end_id]
        step = super().recognise(
            num_samples,
            window_chunks=window_chunks,
            language=language,
            draft=draft,
            limits=limits,
            biased=biased,
            exact=exact,
        )
        self._tally.note_step(num_samples - self._heard if self._heard else 0)
        self._heard = num_samples
        return _scripted(step, wanted, self._tally)

    def _first_tape(self) -> int:
        """Which tape a segment begins with: told by its first half second alone."""
        return crc32(self.samples(0, MIN_CLIP_SAMPLES).tobytes())


def _scripted(step: Step, wanted: list[int], tally: Tally) -> Step:
    """`step` with the tokens of its forward answers replaced; `wanted` ends in end-of-text.

    The model's n-th choice stands behind the n-th token of the text, whatever was fed there: the
    sequence stops reading where its draft is not what was chosen.
    """
    answer: Answer | None = None
    text_begin: int | None = None
    while True:
        try:
            work = step.send(answer)  # pyright: ignore[reportArgumentType]
        except StopIteration as stop:
            return stop.value
        if not isinstance(work, ForwardWork):
            answer = yield work
            continue
        first = work.lease.num_tokens + work.num_new - work.num_choices  # the token before choice 0
        text_begin = first if text_begin is None else text_begin
        chosen = _pick(wanted, first - text_begin, work.num_choices)
        _count(work, chosen, tally)
        made = yield work
        assert isinstance(made, Choices)
        answer = Choices(chosen, [0.0] * len(chosen), made.margins)


def _pick(wanted: list[int], begin: int, count: int) -> list[int]:
    """`count` tokens of the script from `begin` on; end-of-text where it is over."""
    picked = wanted[begin : begin + count]
    return picked + wanted[-1:] * (count - len(picked))


def _count(work: ForwardWork, chosen: list[int], tally: Tally) -> None:
    guessed = work.num_choices - 1
    last = work.inputs[-1]
    assert isinstance(last, list)
    tally.offered += guessed
    tally.accepted += common_prefix(last[len(last) - guessed :], chosen)
    if work.num_new == 1:
        tally.decode_passes += 1
    else:
        tally.verify_passes += 1
