"""A clip's tokens are the same alone, among 64, under preemption, and with every backend."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from hark.engine.attention.base import Attention
from hark.engine.attention.paged import PagedAttention
from hark.engine.attention.reference import ReferenceAttention
from hark.engine.attention.sdpa import SdpaAttention
from hark.engine.decoding.kv_pool import KVLedger
from hark.engine.decoding.runner import EncodeWork, ForwardWork, Runner, StemWork, Work
from hark.engine.decoding.sequence import Hypothesis, PromptIds, Sequence, Step
from hark.engine.model.speech_model import SpeechModel, load_model
from hark.engine.model.tokenizer import Tokenizer
from hark.engine.offline import run_step
from hark.engine.types import SAMPLE_RATE
from tests.engine.model.test_weights import needs_int8, needs_packed
from tests.engine.models import assert_greedy
from tests.engine.test_attention import slow_kernel

NUM_CLIPS = 64
CONTEXTS = ("", "names: Ada, Grace, Edsger, Barbara, Alan, Katherine, Dennis and Margaret")
WHOLE, PAGED = (1024, NUM_CLIPS), (16, 240)  # page tokens and pages; 240 are too few for all
MIXED_LEAD = 0.15  # logits that are nearer may fall either way where products are bfloat16
_PREEMPTIONS = 20

FLOAT32_BACKENDS: dict[str, Callable[[], Attention]] = {
    "sdpa": lambda: SdpaAttention(torch.device("cpu")),
    "paged": lambda: PagedAttention("slow", slow_kernel),
    "reference": ReferenceAttention,
}


@dataclass(slots=True, eq=False)
class Turn:
    """One clip's step, begun again when its pages are taken."""

    sequence: Sequence
    make_step: Callable[[], Step]
    step: Step | None = None
    work: Work | None = None
    result: Hypothesis | None = None
    restarts: int = 0

    def begin(self) -> None:
        self.step = self.make_step()
        self.work = next(self.step)

    def resume(self, answer) -> None:
        assert self.step is not None
        try:
            self.work = self.step.send(answer)
        except StopIteration as stop:
            self.work, self.result = None, stop.value
            self.sequence.release()

    def lose_pages(self) -> None:
        assert self.step is not None
        self.step.close()
        self.sequence.release()
        self.restarts += 1
        self.begin()


def run_together(turns: list[Turn], runner: Runner, *, preempt: bool) -> list[Hypothesis]:
    """All steps in as few batches as there are pages for.

    With `preempt` some clips lose theirs in mid-decode, one a round.
    """
    preempted = 0 if preempt else _PREEMPTIONS
    for turn in turns:
        turn.begin()
    while any(turn.work for turn in turns):
        for kind, run in ((StemWork, runner.stems), (EncodeWork, runner.encode)):
            answer(run, [turn for turn in turns if isinstance(turn.work, kind)])
        ready = [turn for turn in turns if isinstance(turn.work, ForwardWork)]
        fitting = [turn for turn in ready if grow(turn.work, runner.ledger)]
        answer(runner.forward, fitting)
        holders = [turn for turn in turns if turn.work and turn.sequence.num_kv_tokens]
        if holders and (preempted < _PREEMPTIONS or (ready and not fitting)):
            holders[preempted * 7 % len(holders)].lose_pages()
            preempted += 1
        runner.ledger.audit()
    return [turn.result for turn in turns if turn.result is not None]


def grow(work: Work | None, ledger: KVLedger) -> bool:
    assert isinstance(work, ForwardWork)
    return ledger.grow(work.lease, work.lease.num_tokens + work.num_new)


def answer(run: Callable[[list], Iterable], turns: list[Turn]) -> None:
    if turns:
        for turn, made in zip(turns, run([turn.work for turn in turns]), strict=True):
            turn.resume(made)


@dataclass(frozen=True, slots=True)
class Clip:
    """A piece of speech, what comes before it in the prompt, and what it is when decoded alone."""

    samples: np.ndarray
    prompt: PromptIds
    alone: Hypothesis

    def turn(self, runner: Runner) -> Turn:
        sequence = Sequence(self.prompt, runner.ledger, runner.counters)
        sequence.append(self.samples)
        draft = [*self.alone.tokens[: len(self.alone.tokens) // 2], 7]
        length = self.samples.shape[0]
        return Turn(
            sequence, lambda: sequence.recognise(length, window_chunks=1, draft=list(draft))
        )


def pieces(speech: list[np.ndarray]) -> list[np.ndarray]:
    """64 pieces of 0.6 to 2.4 s out of the recordings."""
    source, found = np.random.default_rng(8), []
    for number in range(NUM_CLIPS):
        clip = speech[number % len(speech)]
        length = int(source.uniform(0.6, 2.4) * SAMPLE_RATE)
        begin = int(source.integers(0, max(1, clip.shape[0] - length)))
        found.append(clip[begin : begin + length])
    return found


def decode_alone(model: SpeechModel, samples: np.ndarray, prompt: PromptIds) -> Hypothesis:
    runner = Runner(model, KVLedger(num_pages=1, page_tokens=1024))
    sequence = Sequence(prompt, runner.ledger, runner.counters)
    sequence.append(samples)
    return run_step(sequence.recognise(samples.shape[0], window_chunks=1), runner)


def decode_pieces(model: SpeechModel, tokenizer: Tokenizer, speech: list[np.ndarray]) -> list[Clip]:
    prompts = [PromptIds.of(tokenizer, context) for context in CONTEXTS]
    return [
        Clip(samples, prompt, decode_alone(model, samples, prompt))
        for number, samples in enumerate(pieces(speech))
        for prompt in [prompts[number % len(prompts)]]
    ]


@pytest.fixture(scope="module")
def clips(speech_model: tuple[SpeechModel, Tokenizer], speech: list[np.ndarray]) -> list[Clip]:
    return decode_pieces(*speech_model, speech)


@pytest.mark.parametrize("paging", [WHOLE, PAGED], ids=["whole", "paged"])
@pytest.mark.parametrize("backend", FLOAT32_BACKENDS)
def test_together(
    backend: str,
    paging: tuple[int, int],
    speech_model: tuple[SpeechModel, Tokenizer],
    clips: list[Clip],
) -> None:
    page_tokens, num_pages = paging
    ledger = KVLedger(num_pages=num_pages, page_tokens=page_tokens)
    runner = Runner(speech_model[0], ledger, FLOAT32_BACKENDS[backend]())
    turns = [clip.turn(runner) for clip in clips]
    together = run_together(turns, runner, preempt=paging == PAGED)
    assert sum(len(clip.alone.tokens) for clip in clips) > 300, "the clips say something"
    for clip, hypothesis in zip(clips, together, strict=True):
        if hypothesis.tokens != clip.alone.tokens:
            assert assert_greedy(speech_model[0], clip.prompt, clip.samples, hypothesis) > 0
    if paging == PAGED:
        assert any(turn.restarts for turn in turns)
        head = tuple(clips[1].prompt.head)
        lease = ledger.open(head)
        assert lease.num_tokens == len(head) // 16 * 16 > 0, "the head's pages are shared"
        ledger.release(lease)
    assert ledger.num_leases == 0
    assert ledger.num_free == num_pages


@needs_packed
@pytest.mark.parametrize(
    ("how", "narrow_lead"),
    [({"dtype": torch.bfloat16}, 0.3), ({"mixed": True}, MIXED_LEAD)],
    ids=["bfloat16", "mixed"],
)
def test_narrow_numbers(
    model_folder: Path, speech_model, speech: list[np.ndarray], how: dict, narrow_lead: float
) -> None:
    """Fed the same tokens, fast path and slow twin agree wherever the choice is a clear one.

    Logits nearer than `narrow_lead` may fall either way: bfloat16 has 8 bits.
    """
    wide, tokenizer = speech_model
    model = load_model(model_folder, **how)
    prompt = PromptIds.of(tokenizer, "")
    unclear, total = 0, 0
    for samples in pieces(speech)[:16]:
        hypothesis = decode_alone(model, samples, prompt)
        tail = prompt.tail(None) + hypothesis.tokens
        narrow, exact = (
            m.forward_clip(samples, prompt.head, tail, window_chunks=1)[
                -len(hypothesis.tokens) - 1 :
            ]
            for m in (model, wide)
        )
        assert (narrow - exact).abs().mean() < narrow_lead / 2
        best = narrow.topk(2)
        leads = best.values[:, 0] - best.values[:, 1]
        for position, token in enumerate(hypothesis.tokens):
            total += 1
            if best.indices[position, 0] != token:
                assert leads[position] < narrow_lead
                unclear += 1
    assert unclear <= total // 50


def assert_nearly_greedy(model: SpeechModel, clip: Clip, hypothesis: Hypothesis) -> None:
    """No token is worse than the exact model's own choice, after the tokens before it, by much."""
    tail = clip.prompt.tail(hypothesis.language) + hypothesis.tokens
    logits = model.forward_clip(clip.samples, clip.prompt.head, tail, window_chunks=1)
    choices = logits[-len(hypothesis.tokens) - 1 : -1]
    taken = choices.gather(1, torch.tensor(hypothesis.tokens)[:, None])[:, 0]
    assert (choices.max(dim=1).values - taken < MIXED_LEAD).all()


@needs_packed
def test_exact_steps_beside_rounded_ones(
    model_folder: Path, speech_model: tuple[SpeechModel, Tokenizer], clips: list[Clip]
) -> None:
    """Finals are what float32 alone says, whatever the steps before them left behind.

    Steps say what float32 would, or what it finds nearly as good.
    """
    runner = Runner(
        load_model(model_folder, mixed=True),
        KVLedger(num_pages=NUM_CLIPS, page_tokens=1024),
        exact_model=load_model(model_folder, layout="packed"),
    )
    sequences = [Sequence(clip.prompt, runner.ledger, runner.counters) for clip in clips]
    drafts: list[Hypothesis] = []
    for clip, sequence in zip(clips, sequences, strict=True):
        sequence.append(clip.samples)
        half = clip.samples.shape[0] // 2
        run_step(sequence.recognise(half, window_chunks=1), runner)
        step = sequence.recognise(clip.samples.shape[0], window_chunks=1)
        drafts.append(run_step(step, runner))
    turns = [
        Turn(
            sequence,
            # Every other one is rounded: both models' passes are in the same batch.
            partial(
                sequence.recognise,
                clip.samples.shape[0],
                window_chunks=1,
                draft=draft.tokens,
                exact=number % 2 == 0,
            ),
        )
        for number, (clip, sequence, draft) in enumerate(zip(clips, sequences, drafts, strict=True))
    ]
    together = run_together(turns, runner, preempt=True)
    for number, (clip, hypothesis) in enumerate(zip(clips, together, strict=True)):
        if number % 2 == 0 and hypothesis.tokens != clip.alone.tokens:
            assert assert_greedy(speech_model[0], clip.prompt, clip.samples, hypothesis) > 0
        elif number % 2 == 0:
            assert hypothesis.logprobs == pytest.approx(clip.alone.logprobs, abs=1e-3)
        else:
            assert_nearly_greedy(speech_model[0], clip, hypothesis)
    rounded = [
        max(abs(a - b) for a, b in zip(h.logprobs, clip.alone.logprobs, strict=False))
        for h, clip in zip(together[1::2], clips[1::2], strict=True)
        if h.logprobs
    ]
    assert max(rounded) > 1e-3, "the others show that there is something to be rounded"


@needs_int8
def test_int8_hears_the_same_words(model_folder: Path, speech_model, clips: list[Clip]) -> None:
    model = load_model(model_folder, quant="int8")
    same = total = 0
    for clip in clips[:24]:
        tokens = decode_alone(model, clip.samples, clip.prompt).tokens
        total += 1
        same += tokens == clip.alone.tokens
    assert same >= total * 0.9
