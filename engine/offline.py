"""Whole clips and files through the engine, and the slow twin that recognises from nothing.

`transcribe` is a stream without sockets: the same segments, steps and finals as a live one.
`decode_clip` does exactly what the reference implementation does with one clip.
`reference_decode` uses none of the engine: no cache, no draft, every token from the whole clip.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from .decoding.kv_pool import KVLedger
from .decoding.runner import EncodeWork, ForwardWork, Runner, StemWork
from .decoding.sequence import Hypothesis, Limits, PromptIds, Sequence, Step
from .engine import Engine
from .model.speech_model import SpeechModel
from .model.tokenizer import Tokenizer
from .streams.final_words import FinalWords
from .streams.output import confidence, spoken_text, tag_length
from .types import (
    SAMPLE_RATE,
    Abort,
    AudioFormat,
    BadAudioError,
    Close,
    Closed,
    Encoding,
    EngineUpdate,
    Failed,
    Feed,
    Open,
    StreamOptions,
    Word,
)

MAX_CLIP_S = 120


@dataclass(frozen=True, slots=True)
class ClipResult:
    """One clip decoded whole. `tokens` are all ids generated, language tag and end included.

    `words` have estimated times. `confidence` is the mean token probability of the text, 0 to 1.
    """

    tokens: list[int]
    text: str
    words: tuple[Word, ...]
    language: str | None
    confidence: float


def transcribe(
    engine: Engine, blocks: Iterable[np.ndarray], options: StreamOptions
) -> Iterator[EngineUpdate]:
    """Hear blocks of float32 samples (16 kHz, mono) as one stream; yields what the engine says.

    Raises:
        EngineError: an option is refused or the audio is bad.
    """
    stream = 0
    engine.handle(Open(stream, AudioFormat(Encoding.PCM_F32LE), options))
    try:
        for block in blocks:
            engine.handle(Feed(stream, np.ascontiguousarray(block, "<f4").tobytes()))
            yield from _until_idle(engine)
        engine.handle(Close(stream))
        yield from _until_idle(engine)
    finally:  # the blocks broke off, or the caller stopped listening
        engine.handle(Abort(stream))


def _until_idle(engine: Engine) -> Iterator[EngineUpdate]:
    while True:
        for _, update in engine.tick():
            if isinstance(update, Failed):
                raise update.error
            yield update
            if isinstance(update, Closed):
                return
        if engine.idle:
            return


def decode_clip(
    engine: Engine,
    samples: np.ndarray,
    *,
    language: str | None = None,
    context: str = "",
    window_s: int = 8,
    max_new_tokens: int = 512,
) -> ClipResult:
    """Decode one clip of up to 120 s as one segment, as `generate()` of the reference does.

    No voice activity, no cut, no loop guard. Raises BadAudioError when the clip is empty or longer.
    """
    if not 0 < samples.shape[0] <= MAX_CLIP_S * SAMPLE_RATE:
        seconds = samples.shape[0] / SAMPLE_RATE
        raise BadAudioError(f"the clip is {seconds:.1f} s long, allowed are 0 to {MAX_CLIP_S} s")
    tokenizer = engine.tokenizer
    prompt = PromptIds.of(tokenizer, context)
    room = len(prompt.head) + samples.shape[0] // SAMPLE_RATE * 13 + max_new_tokens + 64
    # A pool of its own: a clip may be longer than the segments the engine's pool is made for.
    runner = Runner(engine.runner.exact_model, KVLedger(num_pages=1, page_tokens=room))
    sequence = Sequence(prompt, runner.ledger, runner.counters)
    sequence.append(samples)
    step = sequence.recognise(
        samples.shape[0],
        window_chunks=window_s,
        language=language,
        limits=Limits(max_new_tokens, loop_guard=False),
    )
    hypothesis = run_step(step, runner)
    end = [] if hypothesis.end_token is None else [hypothesis.end_token]
    output = tokenizer.decode(hypothesis.tokens, final=True)
    heard_language, text = spoken_text(output, language)
    tag = tag_length(hypothesis.tokens, tokenizer, hypothesis.language)
    words = FinalWords(tokenizer, "word").estimated(
        text, hypothesis.tokens[tag:], hypothesis.logprobs[tag:], samples
    )
    sure = confidence(hypothesis.logprobs, tag)
    return ClipResult(hypothesis.tokens + end, text, words, heard_language or None, sure)


def run_step(step: Step, runner: Runner) -> Hypothesis:
    """Run one step alone, to its end."""
    answer = None
    while True:
        try:
            work = step.send(answer)  # pyright: ignore[reportArgumentType]
        except StopIteration as stop:
            return stop.value
        match work:
            case StemWork():
                [answer] = runner.stems([work])
            case EncodeWork():
                [answer] = runner.encode([work])
            case ForwardWork(lease=lease):
                if not runner.ledger.grow(lease, lease.num_tokens + work.num_new):
                    raise MemoryError("the pool has no room for this clip")
                [answer] = runner.forward([work])


def reference_decode(
    model: SpeechModel,
    tokenizer: Tokenizer,
    samples: np.ndarray,
    *,
    language: str | None = None,
    context: str = "",
    window_chunks: int = 8,
    max_new_tokens: int,
) -> tuple[list[int], list[float]]:
    """The slow twin of every step: greedy ids (end included) and each one's lead in logits."""
    prompt = PromptIds.of(tokenizer, context)
    tail = prompt.tail(language)
    tokens: list[int] = []
    margins: list[float] = []
    while len(tokens) < max_new_tokens:
        logits = model.forward_clip(
            samples, prompt.head, tail + tokens, window_chunks=window_chunks
        )
        best = torch.topk(logits[-1], 2)
        tokens.append(int(best.indices[0]))
        margins.append(float(best.values[0] - best.values[1]))
        if tokens[-1] in prompt.end_ids:
            break
    return tokens, margins
