"""A step does the least work there is, shown by counters that know no clock."""

import numpy as np

from hark.engine.decoding.runner import ForwardWork, Runner
from hark.engine.decoding.sequence import Hypothesis, PromptIds, Sequence
from hark.engine.model.speech_model import SpeechModel
from hark.engine.model.tokenizer import Tokenizer
from hark.engine.offline import run_step
from hark.engine.types import SAMPLE_RATE, WorkCounters
from tests.engine.models import small_runner

CADENCE = SAMPLE_RATE * 320 // 1000
SECONDS = 28


def first_difference(draft: list[int], tokens: list[int]) -> int:
    pairs = zip(draft, tokens, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(draft), len(tokens)))


class CountingRunner(Runner):
    """Also notes how many tokens the first pass of a step fed."""

    first_pass = 0

    def forward(self, works: list[ForwardWork]):
        self.first_pass = self.first_pass or works[0].num_new
        return super().forward(works)


def test_28_seconds_at_the_one_second_window(
    speech_model: tuple[SpeechModel, Tokenizer], speech: list[np.ndarray]
) -> None:
    model, tokenizer = speech_model
    clip = np.tile(np.concatenate(speech), 3)[: SECONDS * SAMPLE_RATE]
    runner = CountingRunner(model, small_runner(model, page_tokens=2048, num_pages=1).ledger)
    prompt = PromptIds.of(tokenizer, "")
    tail = len(prompt.tail(None))
    sequence = Sequence(prompt, runner.ledger, runner.counters)
    sequence.append(clip)

    last: Hypothesis | None = None
    closed_before, frames_before = 0, 0
    for heard in range(2 * CADENCE + 40, clip.shape[0], CADENCE):
        before = WorkCounters(**{f: getattr(runner.counters, f) for f in runner.counters.__slots__})
        runner.first_pass = 0
        draft = [] if last is None else last.tokens
        last = run_step(sequence.recognise(heard, window_chunks=1, draft=draft), runner)
        done = {f: getattr(runner.counters, f) - getattr(before, f) for f in before.__slots__}

        frames = heard // 160
        closed, open_frames = divmod(frames, 100)
        newly_closed = closed - closed_before
        open_tokens = -(-open_frames // 8)
        redone = done["peak_reencodes"]
        assert done["stem_chunks"] == newly_closed + bool(open_frames) + redone
        assert done["encoder_tokens"] == 13 * (newly_closed + redone) + open_tokens
        head = len(prompt.head) if frames_before == 0 else 0  # once, then its KV is kept
        first_pass = 13 * (newly_closed + redone) + open_tokens + tail + len(draft)
        if not redone:  # a rise of the peak may also cost the KV behind the window that changed
            assert runner.first_pass == head + first_pass
        differing = len(last.tokens) - first_difference(draft, last.tokens)
        assert done["decode_steps"] <= differing + 1
        closed_before, frames_before = closed, frames

    assert last is not None
    assert len(last.tokens) > 40  # it heard something, so the bounds above were put to work
    # All closed audio went through the stem and the encoder once, but for rises of the peak.
    total = runner.counters
    assert total.peak_reencodes <= SECONDS
