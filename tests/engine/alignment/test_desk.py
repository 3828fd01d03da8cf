"""Finals by way of the aligner: the times it finds alone, and nothing lost when it cannot."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest

from hark.engine.alignment.aligner import Aligner, Utterance
from hark.engine.alignment.desk import AlignmentDesk, Ticket, with_length
from hark.engine.alignment.splitting import punctuated
from hark.engine.alignment.word_times import WordTime
from hark.engine.engine import Engine
from hark.engine.streams.segment import Segment
from hark.engine.types import (
    SAMPLE_RATE,
    Abort,
    AudioFormat,
    Close,
    Closed,
    Encoding,
    Endpointing,
    EngineUpdate,
    Failed,
    Feed,
    Final,
    Finalize,
    Open,
    StreamId,
    StreamOptions,
)
from tests.engine.alignment.test_aligner import tiny_aligner
from tests.engine.models import bursts
from tests.engine.test_engine import TOKENIZER, new_engine

FLOATS = AudioFormat(Encoding.PCM_F32LE)
OPTIONS = StreamOptions(language="English", endpointing=Endpointing("manual"), segment_limit_s=5)
CLIPS = {stream: bursts(2.0 + stream, seed=stream) for stream in range(3)}


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return tiny_aligner(TOKENIZER)


def run(engine: Engine) -> dict[StreamId, list[EngineUpdate]]:
    """Every clip as a stream of two segments, all at once."""
    for stream, samples in CLIPS.items():
        engine.handle(Open(stream, FLOATS, OPTIONS))
        half = samples.shape[0] // 2
        engine.handle(Feed(stream, samples[:half].tobytes()))
        engine.handle(Finalize(stream))
        engine.handle(Feed(stream, samples[half:].tobytes()))
        engine.handle(Close(stream))
    said: dict[StreamId, list[EngineUpdate]] = {stream: [] for stream in CLIPS}
    while not engine.idle:
        for stream, update in engine.tick():
            said[stream].append(update)
    return said


def finals(updates: list[EngineUpdate]) -> list[Final]:
    """Without what they cost and how sure they are, to the last digit."""
    said = [update for update in updates if isinstance(update, Final)]
    return [_rounded(final) for final in said]


def _rounded(final: Final) -> Final:
    words = tuple(replace(word, confidence=round(word.confidence, 4)) for word in final.words)
    sure, of_language = round(final.confidence, 4), round(final.language_confidence, 4)
    return replace(
        final,
        queue_ms=0.0,
        compute_ms=0.0,
        words=words,
        confidence=sure,
        language_confidence=of_language,
    )


def on_clock(final: Final, found: list[WordTime]) -> list[tuple[int, int]]:
    """The times of words in their segment, as samples of the stream."""
    length = final.end_sample - final.start_sample
    times = [
        (min(round(w.start_s * SAMPLE_RATE), length), min(round(w.end_s * SAMPLE_RATE), length))
        for w in found
    ]
    begin = final.start_sample
    return [(begin + start, begin + end) for start, end in with_length(times, length)]


def test_a_final_has_the_times_of_its_own_clip_and_text(aligner: Aligner) -> None:
    plain, timed = run(new_engine()), run(new_engine(aligner=aligner))
    num_words = 0
    for stream, samples in CLIPS.items():
        assert isinstance(timed[stream][-1], Closed)
        for estimated, final in zip(finals(plain[stream]), finals(timed[stream]), strict=True):
            own = samples[final.start_sample : final.end_sample]
            [found] = aligner.align([Utterance(own, final.text, "English")])
            if not found:
                assert final == estimated
                continue
            assert replace(final, words=(), times="estimated") == replace(estimated, words=())
            assert final.times == "aligned"
            spans = punctuated(final.text, [(w.begin_char, w.end_char) for w in found])
            assert [w.text for w in final.words] == [final.text[a:b] for a, b in spans]
            assert [(w.start_sample, w.end_sample) for w in final.words] == on_clock(final, found)
            for word, alone in zip(final.words, found, strict=True):
                assert word.start_sample <= word.end_sample <= final.end_sample
                length = final.end_sample - final.start_sample
                if alone.start_s < min(alone.end_s, length / SAMPLE_RATE):
                    begin = final.start_sample + min(alone.start_s * SAMPLE_RATE, length)
                    assert word.start_sample == pytest.approx(begin, abs=1)
            num_words += len(found)
    assert num_words > 6


def test_an_aligner_that_fails_leaves_estimated_times(
    aligner: Aligner, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain = run(new_engine())

    def fail(*_: object) -> None:
        raise RuntimeError("the device is gone")

    monkeypatch.setattr(aligner, "passes", fail)
    assert {k: finals(v) for k, v in run(new_engine(aligner=aligner)).items()} == {
        k: finals(v) for k, v in plain.items()
    }
    assert "keep estimated times" in caplog.text


def test_times_that_cannot_be_used_leave_estimated_ones(
    aligner: Aligner, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run(new_engine())

    def fail(*_: object) -> None:
        raise ValueError("spans of another text")

    monkeypatch.setattr(Segment, "retimed", fail)
    timed = run(new_engine(aligner=aligner))
    assert {k: finals(v) for k, v in timed.items()} == {k: finals(v) for k, v in plain.items()}


def test_a_final_that_fails_is_its_own_stream_s_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run(new_engine())
    final_done = Segment.final_done

    def fail_once(segment: Segment, *arguments: Any) -> Final:
        monkeypatch.setattr(Segment, "final_done", final_done)
        raise IndexError("no such word")

    monkeypatch.setattr(Segment, "final_done", fail_once)
    said = run(new_engine())
    failed = [stream for stream, updates in said.items() if isinstance(updates[-1], Failed)]
    assert len(failed) == 1
    for stream in said.keys() - set(failed):
        assert finals(said[stream]) == finals(plain[stream])


def test_streams_that_end_take_their_finals_from_the_desk(
    aligner: Aligner, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = new_engine(aligner=aligner)
    engine.handle(Open(1, FLOATS, OPTIONS))
    half = CLIPS[1].shape[0] // 2
    engine.handle(Feed(1, CLIPS[1][:half].tobytes()))
    engine.handle(Close(1))
    desk = engine._desk  # to stop between the decode and the aligner
    assert desk is not None
    monkeypatch.setattr(desk, "run", lambda **_: [])
    while not len(desk):
        engine.tick()
    assert not engine.idle
    engine.handle(Abort(1))
    engine.tick()
    assert len(desk) == 0
    assert engine.idle


def test_finals_in_pieces_take_a_tick_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    num_passes: list[int] = []
    run_desk = AlignmentDesk.run

    def note(desk: AlignmentDesk, *, is_hurried: bool = False) -> list[Ticket]:
        assert not is_hurried
        num_passes[-1] += len(desk) > 0
        return run_desk(desk, is_hurried=is_hurried)

    monkeypatch.setattr(AlignmentDesk, "run", note)
    for reach_s in (None, 1):
        num_passes.append(0)
        aligner = tiny_aligner(TOKENIZER, reach_s=reach_s)
        said = run(new_engine(aligner=aligner))
        for stream, samples in CLIPS.items():
            for final in finals(said[stream]):
                own = samples[final.start_sample : final.end_sample]
                [found] = aligner.align([Utterance(own, final.text, "English")])
                if found:
                    times = [(w.start_sample, w.end_sample) for w in final.words]
                    assert times == on_clock(final, found)
    assert num_passes[1] > num_passes[0]


def test_a_stream_that_goes_in_mid_final_is_forgotten(
    aligner: Aligner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def passes(
        utterances: list[Utterance], **_: bool
    ) -> Generator[None, None, list[list[WordTime]]]:
        yield
        return [[] for _ in utterances]

    monkeypatch.setattr(aligner, "passes", passes)
    engine = new_engine(aligner=aligner)
    desk = engine._desk
    assert desk is not None

    def begin() -> None:
        engine.handle(Open(1, FLOATS, OPTIONS))
        engine.handle(Feed(1, CLIPS[1][: CLIPS[1].shape[0] // 2].tobytes()))
        engine.handle(Close(1))

    begin()
    while desk._passes is None:
        assert not engine.idle
        engine.tick()
    engine.handle(Abort(1))
    assert len(desk) == 0
    begin()
    said = []
    while not engine.idle:
        said += engine.tick()
    assert [update.segment for _, update in said if isinstance(update, Final)] == [0]


@pytest.mark.parametrize(
    ("found", "given"),
    [
        ([(0, 2), (2, 2), (3, 4)], [(0, 2), (2, 3), (3, 4)]),  # the room behind it
        ([(0, 1), (3, 3), (3, 4)], [(0, 1), (2, 3), (3, 4)]),  # before it
        ([(0, 1), (1, 1), (1, 4)], [(0, 1), (1, 1), (1, 4)]),  # none
        ([(1, 1), (1, 1), (5, 5)], [(0, 1), (1, 2), (4, 5)]),
        ([(2, 2), (2, 2), (2, 2)], [(1, 2), (2, 2), (2, 3)]),
    ],
)
def test_words_of_no_length_get_a_step_where_there_is_room(
    found: list[tuple[int, int]], given: list[tuple[int, int]]
) -> None:
    def in_samples(times: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(1280 * start, 1280 * end) for start, end in times]

    assert with_length(in_samples(found), 1280 * 5) == in_samples(given)


def test_words_lie_in_their_segment() -> None:
    for updates in run(new_engine()).values():
        for final in finals(updates):
            times = [t for word in final.words for t in (word.start_sample, word.end_sample)]
            assert times == sorted(times)
            assert all(final.start_sample <= t <= final.end_sample for t in times)
            assert all(0 <= word.confidence <= 1 for word in final.words)
