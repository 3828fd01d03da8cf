"""Coded audio through the engine: all of it is heard and acknowledged, and none holds up a tick."""

import io

import av
import numpy as np
import pytest

from hark.engine.audio.decoder import AudioDecoder
from hark.engine.types import (
    AudioFormat,
    BadAudioError,
    Close,
    Closed,
    Consumed,
    Encoding,
    Failed,
    Feed,
    Final,
    Finalize,
    Finalized,
    Open,
    StreamOptions,
)
from tests.engine.audio.test_opus import LOST, framed, packets_of
from tests.engine.recordings import recording
from tests.engine.test_engine import MANUAL, check_order, drive, new_engine

OPUS, CONTAINER = AudioFormat(Encoding.OPUS), AudioFormat(Encoding.CONTAINER)
SILENCE_S = 900
FILES = ("16-bit.wav", "mono.ogg", "mediarecorder.webm", "stereo.flac", "mono.mp3")


def stream(name: str) -> tuple[AudioFormat, bytes]:
    match name:
        case "packets":
            return OPUS, framed(packets_of("mono.ogg"))
        case "a minute of losses":
            return OPUS, LOST * 3000
        case "a minute of WAV":
            return CONTAINER, recording("endless too.wav").data + bytes(8_000 * 60)
        case _:
            return CONTAINER, recording(name).data


def silent_flac() -> bytes:
    """A quarter of an hour in 170 kB: a block of silence is the number of its samples."""
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 16_000 * SILENCE_S), np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = 16_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return file.getvalue()


def test_a_few_bytes_that_hold_much_come_a_second_at_a_time() -> None:
    data = silent_flac()
    assert len(data) < 200 * SILENCE_S
    decoder, num_bytes, taken = AudioDecoder(CONTAINER), 0, []
    while num_bytes < len(data) or decoder.is_behind:
        samples, num_taken = decoder.take(data[num_bytes:], 16_000)
        num_bytes += num_taken
        taken.append(len(samples))
    assert max(taken) < 3 * 16_000
    assert sum(taken) + len(decoder.flush()) == 16_000 * SILENCE_S

    engine = new_engine()
    engine.handle(Open(0, CONTAINER, StreamOptions()))
    engine.handle(Feed(0, data))
    engine.handle(Close(0))
    heard, said = 0, []
    while not any(isinstance(update, Closed) for update in said):
        said = [update for _, update in engine.tick()]
        clock = max((u.at_sample for u in said if isinstance(u, Consumed)), default=heard)
        assert clock - heard <= 30 * 16_000, "a tick"
        heard = clock
    assert said[-1] == Closed(16_000 * SILENCE_S)


@pytest.mark.parametrize("name", ["packets", *FILES])
def test_what_was_sent_before_a_finalize_is_heard_before_it(name: str) -> None:
    audio, data = stream(name)
    half = len(data) // 2
    decoder = AudioDecoder(audio)
    heard = [
        decoder.push(data[:half]).shape[0] + decoder.flush().shape[0],
        decoder.push(data[half:]).shape[0] + decoder.flush().shape[0],
    ]
    requests = [
        Open(0, audio, MANUAL),
        *(Feed(0, data[at : min(at + 3000, half)]) for at in range(0, half, 3000)),
        Finalize(0, "half"),
        Feed(0, data[half:]),
        Close(0),
    ]
    said = drive(new_engine(), {0: requests}, 5)[0]
    finals = check_order(said, len(data))
    assert Finalized("half", heard[0]) in said
    assert said[-1] == Closed(sum(heard))
    assert (finals[0].start_sample, finals[-1].end_sample) == (0, sum(heard))


@pytest.mark.parametrize(
    ("name", "bytes_per_second"), [("a minute of losses", 100), ("a minute of WAV", 8_000)]
)
def test_a_minute_at_once_does_not_hold_up_a_tick(name: str, bytes_per_second: int) -> None:
    """It counts as what it holds, not as its bytes: soon it is ahead of any speaker."""
    audio, data = stream(name)
    engine = new_engine()
    engine.handle(Open(0, audio, MANUAL))
    engine.handle(Feed(0, data))
    taken = sum(u.num_bytes for _, u in engine.tick() if isinstance(u, Consumed))
    assert 0 < taken <= 15 * bytes_per_second
    assert not engine.idle


def test_what_came_before_bad_audio_is_final_before_the_stream_fails() -> None:
    audio = AudioFormat(Encoding.PCM_F32LE)
    good = np.random.default_rng(3).normal(0, 0.1, 32_000).astype("<f4").tobytes()
    bad = np.full(16_000, np.nan, "<f4").tobytes()
    whole = drive(new_engine(), {0: [Open(0, audio, MANUAL), Feed(0, good), Close(0)]}, 2)[0]
    requests = [Open(0, audio, MANUAL), Feed(0, good + bad), Feed(0, good), Close(0)]
    said = drive(new_engine(), {0: requests}, 2)[0]
    assert isinstance(said[-1], Failed)
    assert isinstance(said[-1].error, BadAudioError)
    finals = [[u for u in each if isinstance(u, Final)] for each in (whole, said)]
    assert [final.text for final in finals[0]] == [final.text for final in finals[1]] != []


def test_a_stream_of_no_known_format_fails_alone() -> None:
    requests = {
        0: [Open(0, CONTAINER, MANUAL), Feed(0, b"%PDF-1.7"), Close(0)],
        1: [Open(1, CONTAINER, MANUAL), Feed(1, recording("mono.ogg").data), Close(1)],
    }
    said = drive(new_engine(), requests, 2)
    assert isinstance(said[0][-1], Failed)
    assert isinstance(said[0][-1].error, BadAudioError)
    check_order(said[1], len(recording("mono.ogg").data))
