"""Every hypothesis equals a from-scratch greedy decode of the same samples, token for token."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hark.engine.decoding.greedy import LoopGuard
from hark.engine.decoding.habits import Habits
from hark.engine.decoding.sequence import Limits, PromptIds, Sequence
from hark.engine.model.speech_model import SpeechModel
from hark.engine.model.tokenizer import Tokenizer
from hark.engine.offline import reference_decode, run_step
from hark.engine.types import SAMPLE_RATE
from tests.engine.models import (
    CLOSE_CALL,
    assert_greedy,
    bursts,
    small_runner,
    tiny_model,
    tiny_tokenizer,
)

# Random weights babble to the end of any budget; a short one tests the same code.
SHORT = Limits(max_tokens=20)
TOKENIZER = tiny_tokenizer()
MODEL = tiny_model(TOKENIZER)

step_kinds = st.sampled_from(
    ["partial", "partial", "partial", "ahead", "preempt", "final", "unbiased"]
)
clips = st.builds(
    lambda seconds, seed, gains, silence: np.concatenate(
        [np.zeros(int(silence * SAMPLE_RATE), np.float32), bursts(seconds, seed=seed, gains=gains)]
    ),
    seconds=st.floats(0.3, 6.0),
    seed=st.integers(0, 2**16),
    gains=st.sampled_from([[1.0], [0.001, 1.0], [0.0001, 0.01, 1.0, 1.0], [1.0, 0.01]]),
    silence=st.sampled_from([0.0, 0.0, 0.5, 2.25]),
)


@settings(max_examples=25, deadline=None)
@given(
    clip=clips,
    steps=st.lists(st.tuples(step_kinds, st.floats(0.05, 1.0)), min_size=1, max_size=8),
    window=st.sampled_from([1, 2, 4, 8]),
    language=st.sampled_from([None, None, "English"]),
    context=st.sampled_from(["", "", "Gannis, Belluna"]),
    paging=st.sampled_from([(16, 200), (4096, 1)]),
)
def test_any_cuts_and_windows(
    clip: np.ndarray,
    steps: list[tuple[str, float]],
    window: int,
    language: str | None,
    context: str,
    paging: tuple[int, int],
) -> None:
    runner = small_runner(MODEL, page_tokens=paging[0], num_pages=paging[1])
    prompt, bare = PromptIds.of(TOKENIZER, context), PromptIds.of(TOKENIZER, "")
    habits = Habits()
    sequence = Sequence(prompt, runner.ledger, runner.counters, habits)
    draft: list[int] = []
    for kind, share in [*steps, ("final", 1.0)]:
        # Random lengths, not only growing ones: a cut at the segment limit makes a clip shorter.
        length = max(1, int(share * clip.shape[0]))
        if length > sequence.num_samples:
            sequence.append(clip[sequence.num_samples : length])
        if kind == "preempt":
            sequence.release()
        elif kind == "ahead":
            _drain(sequence, runner, window_chunks=8)
        else:
            step = sequence.recognise(
                length,
                window_chunks=8 if kind == "final" else window,
                language=language,
                draft=draft,
                limits=SHORT,
                biased=kind != "unbiased",
            )
            hypothesis = run_step(step, runner)
            runner.ledger.audit()
            assert_greedy(MODEL, bare if kind == "unbiased" else prompt, clip[:length], hypothesis)
            draft = hypothesis.tokens
            habits.learn(draft)
    sequence.release()
    assert runner.ledger.num_free == paging[1]


def _drain(sequence: Sequence, runner, *, window_chunks: int) -> None:
    """Encode ahead, as the engine does when it has nothing else to do."""
    steps = sequence.encode_ahead(window_chunks)
    try:
        work = next(steps)
        while True:
            run = runner.stems if hasattr(work, "mel") else runner.encode
            work = steps.send(run([work])[0])
    except StopIteration:
        pass


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**16), share=st.floats(0.0, 1.0), wrong=st.booleans())
def test_any_draft_gives_the_same_tokens(seed: int, share: float, wrong: bool) -> None:
    clip = bursts(2.0, seed=seed)
    runner = small_runner(MODEL, page_tokens=64, num_pages=20)
    prompt = PromptIds.of(TOKENIZER, "names")
    plain = Sequence(prompt, runner.ledger, runner.counters)
    plain.append(clip)
    expected = run_step(plain.recognise(clip.shape[0], window_chunks=1), runner)
    guard = LoopGuard()
    twin, leads = reference_decode(
        MODEL, TOKENIZER, clip, context="names", window_chunks=1, max_new_tokens=56
    )
    assume(min(leads, default=1.0) >= CLOSE_CALL)  # nearer logits may fall either way
    cuts = [cut for token in twin if (cut := guard.push(token)) is not None]
    if expected.stopped == "loop":
        assert cuts and expected.tokens == twin[: cuts[0]]
    else:
        assert expected.tokens == [t for t in twin if t not in prompt.end_ids]

    draft = expected.tokens[: int(share * len(expected.tokens))] + expected.tokens[-4:]
    if wrong and draft:
        draft[len(draft) // 2] = 7
    drafted = Sequence(prompt, runner.ledger, runner.counters)
    drafted.append(clip)
    again = run_step(drafted.recognise(clip.shape[0], window_chunks=1, draft=draft), runner)
    assert again.tokens == expected.tokens
    assert again.logprobs == pytest.approx(expected.logprobs, abs=1e-4)


def test_the_twin_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: a stale window that is kept too long is caught."""
    clip = bursts(4.0, seed=5, gains=[0.0001, 0.01, 1.0, 1.0])
    model = tiny_model(TOKENIZER, end_weight=1.0)
    runner = small_runner(model, page_tokens=64, num_pages=20)
    prompt = PromptIds.of(TOKENIZER, "")
    sequence = Sequence(prompt, runner.ledger, runner.counters)
    sequence.append(clip)
    monkeypatch.setattr("hark.engine.decoding.clip._Stem.holds", lambda stem, floor: True)
    run_step(sequence.recognise(20_000, window_chunks=1), runner)
    stale = run_step(sequence.recognise(clip.shape[0], window_chunks=1), runner)
    with pytest.raises(AssertionError):
        assert_greedy(model, prompt, clip, stale)


def test_speech_with_the_shipped_model(
    speech_model: tuple[SpeechModel, Tokenizer], speech: list[np.ndarray]
) -> None:
    model, tokenizer = speech_model
    speech_clip = speech[0]
    prompt = PromptIds.of(tokenizer, "")
    runner = small_runner(model, page_tokens=1024, num_pages=1)
    sequence = Sequence(prompt, runner.ledger, runner.counters)
    sequence.append(speech_clip)
    draft: list[int] = []
    for heard in [*range(5160, speech_clip.shape[0], 5120), speech_clip.shape[0]]:
        hypothesis = run_step(sequence.recognise(heard, window_chunks=1, draft=draft), runner)
        assert_greedy(model, prompt, speech_clip[:heard], hypothesis)
        draft = hypothesis.tokens
