"""Streams through the engine: order, exactness, sharing and what happens when pages are short."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hark.engine.alignment.aligner import Aligner
from hark.engine.decoding.runner import Choices, ForwardWork
from hark.engine.engine import Engine
from hark.engine.limits import EngineLimits
from hark.engine.model.speech_model import SpeechModel
from hark.engine.offline import run_step
from hark.engine.scheduling import ladder
from hark.engine.scheduling.scheduler import Budget
from hark.engine.streams.output import parse_output
from hark.engine.streams.segment import Segment
from hark.engine.types import (
    SAMPLE_RATE,
    Abort,
    AudioFormat,
    BadAudioError,
    Close,
    Closed,
    Configure,
    Configured,
    Consumed,
    Encoding,
    Endpointing,
    EngineUpdate,
    Failed,
    Feed,
    Final,
    Finalize,
    Finalized,
    Open,
    Opened,
    OptionError,
    Partial,
    Refused,
    SpeechEnded,
    SpeechStarted,
    StreamOptions,
)
from tests.engine.models import bursts, small_runner, tiny_model, tiny_tokenizer
from tests.fakes import ManualClock

TOKENIZER = tiny_tokenizer()
MODEL = tiny_model(TOKENIZER)
FLOATS = AudioFormat(Encoding.PCM_F32LE)
MANUAL = StreamOptions(
    endpointing=Endpointing("manual"), segment_limit_s=5, cadence_ms=640, final_window_s=2
)


def new_engine(
    *,
    page_tokens: int = 1024,
    num_pages: int = 12,
    max_streams: int = 8,
    model: SpeechModel = MODEL,
    aligner: Aligner | None = None,
) -> Engine:
    runner = small_runner(model, page_tokens=page_tokens, num_pages=num_pages)
    limits = EngineLimits(max_streams, 30, 2048, ("English", "Spanish"))
    return Engine(runner, TOKENIZER, limits, model_name="tiny", aligner=aligner)


def drive(engine: Engine, scripts: dict[int, list], seed: int) -> dict[int, list[EngineUpdate]]:
    """Hand every stream its requests in order, streams interleaved at random with ticks."""
    chance = random.Random(seed)
    said: dict[int, list[EngineUpdate]] = {stream: [] for stream in scripts}
    left = {stream: list(script) for stream, script in scripts.items()}
    while any(left.values()) or not engine.idle:
        for stream in chance.sample(sorted(left), len(left)):
            if left[stream] and chance.random() < 0.5:
                engine.handle(left[stream].pop(0))
        for stream, update in engine.tick():
            said[stream].append(update)
    for _ in range(3):
        for stream, update in engine.tick():
            said[stream].append(update)
    return said


def script(stream: int, audio: np.ndarray, cuts: list[float], options: StreamOptions) -> list:
    """Open, audio cut anywhere (inside samples, too), a finalize in the middle, close."""
    data = audio.astype("<f4").tobytes()
    edges = [0, *sorted(int(cut * len(data)) for cut in cuts), len(data)]
    feeds = [Feed(stream, data[a:b]) for a, b in pairwise(edges)]
    half = len(feeds) // 2
    middle = [Finalize(stream, "half")]
    return [Open(stream, FLOATS, options), *feeds[:half], *middle, *feeds[half:], Close(stream)]


def check_order(said: list[EngineUpdate], num_bytes: int) -> list[Final]:
    """One `Final` for each `SpeechStarted`, in order; stable text only grows."""
    assert isinstance(said[0], Opened)
    assert isinstance(said[-1], Closed)
    assert sum(u.num_bytes for u in said if isinstance(u, Consumed)) == num_bytes
    finals: list[Final] = []
    current, stable, ended = None, "", False
    for update in said:
        match update:
            case SpeechStarted():
                assert current is None
                assert update.segment == len(finals)
                current, stable, ended = update, "", False
            case Partial():
                assert current is not None
                assert not ended
                assert update.segment == current.segment
                assert update.stable.startswith(stable)
                stable = update.stable
            case SpeechEnded():
                assert current is not None
                ended = True
            case Final():
                assert current is not None
                assert ended
                assert (update.segment, update.start_sample) == (
                    current.segment,
                    current.start_sample,
                )
                finals.append(update)
                current = None
            case Finalized():
                assert current is None
                assert update.id == "half"
    assert current is None
    return finals


def expected_text(samples: np.ndarray, options: StreamOptions) -> str:
    sequence = new_engine().new_sequence(options.context)
    runner = small_runner(MODEL, page_tokens=2048, num_pages=1)
    sequence._ledger = runner.ledger
    sequence.append(samples)
    step = sequence.recognise(samples.shape[0], window_chunks=options.final_window_s)
    return parse_output(TOKENIZER.decode(run_step(step, runner).tokens, final=True))[1]


@settings(max_examples=6, deadline=None)
@example(seeds=[35433, 32289, 53954], cuts=[0.0, 1.0, 0.27], paging=(512, 2), order=5010)
@given(
    seeds=st.lists(st.integers(0, 2**16), min_size=1, max_size=4, unique=True),
    cuts=st.lists(st.floats(0, 1), min_size=1, max_size=12),
    paging=st.sampled_from([(1024, 12), (64, 22), (512, 2)]),
    order=st.integers(0, 2**16),
)
def test_streams_in_any_company(
    seeds: list[int], cuts: list[float], paging: tuple[int, int], order: int
) -> None:
    """Alone or together, whole or in pieces, with pages to spare or short: the same finals."""
    engine = new_engine(page_tokens=paging[0], num_pages=paging[1])
    clips = {i: bursts(3 + seed % 5, seed=seed) for i, seed in enumerate(seeds)}
    said = drive(engine, {i: script(i, clips[i], cuts, MANUAL) for i in clips}, order)
    for stream, clip in clips.items():
        finals = check_order(said[stream], 4 * clip.shape[0])
        edges = [final.start_sample for final in finals] + [clip.shape[0]]
        assert edges[0] == 0
        assert [final.end_sample for final in finals] == edges[1:]  # no gap, no overlap
        for final in finals:
            part = clip[final.start_sample : final.end_sample]
            assert final.text == expected_text(part, MANUAL)
    assert engine.runner.ledger.num_leases == 0


def test_a_segment_is_cut_where_it_is_quiet() -> None:
    clip = bursts(9.0, seed=1)
    quiet = slice(int(3.1 * SAMPLE_RATE), int(3.3 * SAMPLE_RATE))
    clip[quiet] *= 0.001
    said = drive(new_engine(), {0: script(0, clip, [], MANUAL)}, 0)[0]
    finals = check_order(said, 4 * clip.shape[0])
    assert quiet.start <= finals[0].end_sample <= quiet.stop
    assert finals[1].start_sample == finals[0].end_sample


def test_silence_is_not_decoded() -> None:
    engine = new_engine()
    silence = np.zeros(20 * SAMPLE_RATE, np.float32)
    said = drive(engine, {0: script(0, silence, [0.3, 0.5], StreamOptions())}, 0)[0]
    assert [type(u) for u in said if not isinstance(u, Consumed)] == [Opened, Finalized, Closed]
    assert engine.counters.decoder_tokens == 0
    assert engine.counters.stem_chunks == 0


def test_options_change_from_the_next_segment_on() -> None:
    clip = bursts(4.0, seed=9)
    data = clip.astype("<f4").tobytes()
    requests = [
        Open(0, FLOATS, MANUAL),
        Feed(0, data[: len(data) // 2]),
        Configure(0, {"language": "Spanish"}),
        Finalize(0, "half"),
        Feed(0, data[len(data) // 2 :]),
        Close(0),
    ]
    engine = new_engine(model=tiny_model(TOKENIZER, end_weight=1.0))
    finals = check_order(drive(engine, {0: requests}, 4)[0], len(data))
    assert [final.language == "Spanish" for final in finals] == [False, True]


def test_a_configure_that_cannot_be_served_changes_nothing() -> None:
    engine = new_engine()
    engine.limits = EngineLimits(1, 30, 900, ("English",))
    engine.handle(Open(0, FLOATS, MANUAL))
    engine.handle(Configure(0, {"context": "many words " * 350}))
    engine.handle(Configure(0, {"language": "English"}))  # not poisoned by the one before
    engine.handle(Feed(0, bursts(1.0, seed=1).tobytes()))
    engine.handle(Finalize(0, "half"))
    said = [update for _, update in engine.tick()]
    refused = next(update for update in said if isinstance(update, Refused))
    assert "context" in str(refused.error)
    assert Configured() in said
    assert engine._streams[0].options == MANUAL.with_changes(language="English")


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_finalize_ends_at_the_last_sample_whatever_the_rate(rate: int) -> None:
    data = bursts(2.0, seed=9)[: 2 * rate].repeat(3)[: 2 * rate].astype("<f4").tobytes()
    requests = [
        Open(0, AudioFormat(Encoding.PCM_F32LE, rate), MANUAL),
        Feed(0, data),
        Finalize(0, "half"),
        Feed(0, b"\0\0\0"),  # a sample that never becomes whole costs nothing
        Close(0),
    ]
    said = drive(new_engine(), {0: requests}, 1)[0]
    [final] = check_order(said, len(data) + 3)
    assert (final.start_sample, final.end_sample) == (0, 2 * SAMPLE_RATE)
    assert Finalized("half", 2 * SAMPLE_RATE) in said


def test_one_feed_of_a_minute_does_not_hold_up_a_tick() -> None:
    engine = new_engine()
    engine.handle(Open(0, FLOATS, MANUAL))
    engine.handle(Feed(0, bursts(60.0, seed=1).tobytes()))
    taken = sum(u.num_bytes for _, u in engine.tick() if isinstance(u, Consumed))
    assert taken <= 10 * FLOATS.bytes_per_second
    assert not engine.idle


def test_a_file_sent_at_once_leaves_every_tick_to_who_speaks() -> None:
    """The flood's work runs between the live stream's steps, not before or beside them."""
    clock = ManualClock()
    runner = small_runner(MODEL, page_tokens=1024, num_pages=6)
    limits = EngineLimits(8, 30, 2048, ("English", "Spanish"))
    engine = Engine(runner, TOKENIZER, limits, model_name="tiny", clock=lambda: clock.now)
    engine.handle(Open(0, FLOATS, MANUAL.with_changes(language="English")))  # all is text then
    engine.handle(Open(1, FLOATS, MANUAL))
    engine.handle(Feed(1, bursts(40.0, seed=1).tobytes()))
    speech = bursts(4.0, seed=2).tobytes()
    said: list[tuple[int, EngineUpdate]] = []
    for begin in range(0, len(speech), 6400):
        clock.advance(0.04)
        engine.handle(Feed(0, speech[begin : begin + 6400]))
        for _ in range(6):
            clock.advance(0.01)  # what a tick takes
            said += engine.tick()
    live = [update for stream, update in said if stream == 0 and isinstance(update, Partial)]
    assert live[-1].steps >= 3
    assert max(update.queue_ms for update in live) < 15, "it waits for a tick, not for the flood"
    assert any(isinstance(update, Final) for stream, update in said if stream == 1)
    assert engine.load.stretch == 1.0


def test_who_speaks_waits_for_one_batch_of_a_file_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    runner = small_runner(MODEL, page_tokens=1024, num_pages=6)
    limits = EngineLimits(8, 30, 2048, ("English", "Spanish"))
    engine = Engine(runner, TOKENIZER, limits, model_name="tiny", clock=lambda: clock.now)

    def slow(run: Callable[[list], list]) -> Callable[[list], list]:
        def slowed(works: list) -> list:
            clock.advance(0.01)
            return run(works)

        return slowed

    for name in ("stems", "encode", "forward"):
        monkeypatch.setattr(runner, name, slow(getattr(runner, name)))
    engine.handle(Open(0, FLOATS, MANUAL))
    engine.handle(Feed(0, bursts(20.0, seed=1).tobytes()))
    num_batches: list[int] = []
    while not engine.idle:
        began = clock.now
        engine.tick()
        num_batches.append(round((clock.now - began) / 0.01))
        clock.advance(0.001)
    assert max(num_batches) == 1


@pytest.mark.parametrize(("max_spare", "at_once"), [(2, {2}), (8, {4, 5, 6, 7, 8})])
def test_the_segments_of_a_file_are_decoded_together(
    max_spare: int, at_once: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than the device runs beside live work, with the same words."""
    audio = bursts(60.0, seed=4)
    options = MANUAL.with_changes(partials=False)
    monkeypatch.setattr(Budget, "for_device", lambda kind: Budget(max_spare=max_spare))
    runner = small_runner(MODEL, page_tokens=1024, num_pages=20)
    limits = EngineLimits(8, 30, 2048, ("English", "Spanish"))
    batches: list[int] = []
    forward = runner.forward

    def watched(works: list[ForwardWork]) -> list[Choices]:
        batches.append(len(works))
        return forward(works)

    monkeypatch.setattr(runner, "forward", watched)
    engine = Engine(runner, TOKENIZER, limits, model_name="tiny")
    finals = check_order(drive(engine, {0: script(0, audio, [], options)}, seed=1)[0], audio.nbytes)
    assert max(batches) in at_once
    for final in finals:
        assert final.text == expected_text(audio[final.start_sample : final.end_sample], options)


def test_one_bad_stream_hurts_no_other() -> None:
    clip = bursts(3.0, seed=2)
    bad = clip.copy()
    bad[20_000] = np.nan
    engine = new_engine()
    said = drive(engine, {0: script(0, clip, [0.4], MANUAL), 1: script(1, bad, [0.9], MANUAL)}, 1)
    assert isinstance(said[1][-1], Failed)
    assert isinstance(said[1][-1].error, BadAudioError)
    check_order(said[0], 4 * clip.shape[0])
    assert engine.runner.ledger.num_leases == 0


def test_a_batch_that_fails_takes_only_its_streams_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = new_engine()
    clip = bursts(2.0, seed=2)
    forward, calls = engine.runner.forward, []

    def fail_once(works: list) -> list:
        calls.append(len(works))
        if len(calls) == 1:
            raise RuntimeError("the device is unhappy")
        return forward(works)

    monkeypatch.setattr(engine.runner, "forward", fail_once)
    engine.handle(Open(0, FLOATS, MANUAL))
    engine.handle(Feed(0, clip.tobytes()))
    said = [update for _, update in engine.tick()]
    assert isinstance(said[-1], Failed)
    assert "unhappy" not in str(said[-1].error)  # that is for the log
    check_order(drive(engine, {1: script(1, clip, [0.5], MANUAL)}, 0)[1], 4 * clip.shape[0])
    assert engine.runner.ledger.num_leases == 0


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (StreamOptions(language="Klingon"), "Klingon"),
        (StreamOptions(segment_limit_s=60), "segment_limit_s"),
        (StreamOptions(context="many words " * 350), "context"),
    ],
)
def test_options_the_model_cannot_serve(options: StreamOptions, named: str) -> None:
    engine = new_engine()
    engine.limits = EngineLimits(1, 30, 900, ("English",))
    engine.handle(Open(0, FLOATS, options))
    [(_, failed)] = engine.tick()
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, OptionError)
    assert named in str(failed.error)


def test_full_and_free_again() -> None:
    engine = new_engine(max_streams=1)
    engine.handle(Open(0, FLOATS, MANUAL))
    engine.handle(Open(1, FLOATS, MANUAL))
    refused = [u for stream, u in engine.tick() if stream == 1]
    assert isinstance(refused[0], Failed)
    assert refused[0].error.retry
    engine.handle(Feed(0, bursts(2.0, seed=1).astype("<f4").tobytes()))
    engine.tick()
    engine.handle(Abort(0))
    assert engine.idle
    assert engine.runner.ledger.num_leases == 0
    engine.handle(Open(1, FLOATS, MANUAL))
    assert engine.tick() == [(1, Opened("tiny"))]


def test_steps_wait_for_company_when_the_engine_is_busy_and_finals_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = ManualClock()
    engine = new_engine()
    engine._clock = lambda: clock.now
    monkeypatch.setattr(ladder, "LITTLE_BUSY", 0.0)  # once it gathers it goes on
    monkeypatch.setattr(ladder, "GATHER_S", 0.1)
    engine._pressure._gathers = True
    steps, step = [], Segment.step
    monkeypatch.setattr(Segment, "step", lambda *args: steps.append(1) or step(*args))
    blocks = np.array_split(bursts(6, seed=3), 60)

    def speak_until_a_step_waits() -> None:
        while engine.rest_s in (0.0, math.inf):
            clock.advance(0.1)
            engine.handle(Feed(0, blocks.pop(0).astype("<f4").tobytes()))
            engine.tick()

    engine.handle(Open(0, FLOATS, MANUAL))
    assert engine.rest_s == 0.0, "there is something to say"
    speak_until_a_step_waits()
    assert engine.rest_s <= 0.2
    engine.tick()
    assert steps == []
    clock.advance(engine.rest_s)
    until_idle(engine)
    assert steps == [1]
    assert engine.rest_s == math.inf

    speak_until_a_step_waits()
    engine.handle(Finalize(0, "now"))
    assert any(isinstance(update, Final) for update in until_idle(engine)), "the clock stands still"
    assert steps == [1], "the second is not needed any more"


def test_the_steps_of_those_who_want_partials_are_spread() -> None:
    engine = new_engine()
    final_only = replace(MANUAL, partials=False)
    phases = []
    for stream, options in enumerate((final_only, final_only, MANUAL, MANUAL, MANUAL)):
        engine.handle(Open(stream, FLOATS, options))
        engine.handle(Feed(stream, bursts(1, seed=3)[:3200].astype("<f4").tobytes()))
        engine.tick()
        segment = engine._streams[stream].open
        assert segment is not None
        phases.append(segment.phase)
    assert phases[0] == phases[1] == phases[2], "who wants none takes no place"
    assert len(set(phases[2:])) == 3


def until_idle(engine: Engine) -> list[EngineUpdate]:
    said = []
    while not engine.idle:
        said += [update for _, update in engine.tick()]
    return said
