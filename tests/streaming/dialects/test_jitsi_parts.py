"""What Jitsi's ways stand on: order and length of packets, and when what they hold was said."""

import io

import av
import numpy as np
import pytest
from av.audio.codeccontext import AudioCodecContext
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.streaming.errors import BadMessageError
from hark.streaming.protocols.jitsi.opus import LOST, framed, packet_ms, page_packets
from hark.streaming.protocols.jitsi.reorder import MAX_WAIT_S, Packet, ReorderBuffer
from hark.streaming.protocols.jitsi.timeline import MAX_ANCHORS, BridgeClock, Timeline
from tests.fakes import opus_packets
from tests.streaming.dialects.jitsi import SILENT, encode_opus

NOISE = np.random.default_rng(5).integers(-4_000, 4_000, 16_000).astype(np.int16)


def packet(number: int) -> Packet:
    return Packet(number, number * 960, (SILENT,))


# --- order ----------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(
    first=st.integers(0, 1 << 17) | st.integers(65_500, 65_540),
    delays=st.lists(st.floats(0, 3.5), max_size=80),
    lost=st.sets(st.integers(1, 80)),
    twice=st.sets(st.integers(0, 80)),
    is_raw=st.booleans(),
)
def test_what_was_overtaken_by_three_comes_in_order_once(
    first: int, delays: list[float], lost: set[int], twice: set[int], is_raw: bool
) -> None:
    """Whether numbers go on or begin anew at 65,536."""
    keys = {index: index + delay for index, delay in enumerate(delays, 1) if index not in lost}
    order = [0, *sorted(keys, key=keys.__getitem__)]
    sent = [first + index for index in order for _ in range(1 + (index in twice))]
    buffer, came = ReorderBuffer(), []
    for number in sent:
        came += buffer.push(packet(number % 65_536 if is_raw else number), 0.0)
    waited = buffer.deadline is not None
    rest = buffer.flush()
    assert bool(rest) == waited
    assert buffer.deadline is None
    survivors = [first + index for index in sorted(order)]
    assert [each.number for each in came + rest] == (
        [number % 65_536 for number in survivors] if is_raw else survivors
    )


def test_a_hole_is_waited_for_and_then_given_up() -> None:
    buffer = ReorderBuffer()
    assert buffer.push(packet(7), 1.0) == [packet(7)]
    assert buffer.push(packet(9), 1.0) == []
    assert buffer.deadline == 1.0 + MAX_WAIT_S
    assert buffer.push(packet(10), 1.04) == []
    assert buffer.deadline == 1.0 + MAX_WAIT_S  # the hole's time, not the newest packet's
    assert buffer.timed_out(1.05) == []
    assert buffer.timed_out(1.06) == [packet(9), packet(10)]
    assert buffer.push(packet(8), 1.07) == []
    assert (buffer.deadline, buffer.timed_out(9.0)) == (None, [])
    assert buffer.push(packet(11), 1.08) == [packet(11)]


def test_numbers_that_begin_anew_are_no_late_packets() -> None:
    buffer = ReorderBuffer()
    buffer.push(packet(5_000), 0.0)
    buffer.push(packet(5_002), 0.0)
    assert buffer.push(packet(3), 0.0) == [packet(5_002), packet(3)]
    assert buffer.push(packet(4), 0.0) == [packet(4)]


# --- packets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("application", ["voip", "audio", "lowdelay"])
@pytest.mark.parametrize("frame_ms", [2.5, 5, 10, 20, 40, 60])
def test_a_packet_is_as_long_as_its_decoder_says(frame_ms: float, application: str) -> None:
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.layout = "mono"
    packets = encode_opus(NOISE, frame_ms=frame_ms, application=application)
    for each in packets:
        heard = sum(frame.samples for frame in decoder.decode(av.Packet(each)))
        assert packet_ms(each) * 48 == heard
    assert len(packets) >= 1000 / frame_ms


@pytest.mark.parametrize("garbage", [b"", b"\xfb", b"\xfb\x00", b"\x1b\x3f"])
def test_what_no_decoder_understands_counts_as_lost(garbage: bytes) -> None:
    assert packet_ms(garbage) == 20


def test_packets_are_framed_as_the_engine_takes_them() -> None:
    packets = [SILENT, bytes(300), b"\x01"]
    assert opus_packets(LOST * 2 + framed(packets)) == [b"", b"", *packets]


def test_the_pages_of_a_real_ogg_stream_hold_its_packets() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="ogg", options={"page_duration": "60000"}) as output:
        stream = output.add_stream("libopus", 16_000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(NOISE[None], "s16", "mono")
        frame.sample_rate = 16_000
        for each in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(each)
    data = file.getvalue()
    with av.open(io.BytesIO(data), "r") as recording:
        expected = [bytes(each) for each in recording.demux() if each.size]
    pages = [b"OggS" + part for part in data.split(b"OggS")[1:]]
    assert len(pages) > 10
    assert [each for page in pages for each in page_packets(page)] == expected


@pytest.mark.parametrize("payload", [b"", b"OggS", b"OggS\1" + bytes(40), b"Ogg!" + bytes(40)])
def test_no_page_is_no_page(payload: bytes) -> None:
    with pytest.raises(BadMessageError, match="not an Ogg page"):
        page_packets(payload)


def test_a_page_that_was_cut_off_is_none() -> None:
    page = b"OggS\0" + bytes(21) + b"\x02\xff\x05" + bytes(260)
    assert page_packets(page) == [bytes(260)]
    with pytest.raises(BadMessageError, match="cut off"):
        page_packets(page[:-1])


# --- time -----------------------------------------------------------------------------------------


def test_a_segment_is_of_the_run_that_its_voice_is_in() -> None:
    timeline = Timeline()
    timeline.anchor(0, 5_000)
    timeline.anchor(1_000, 60_000)
    assert timeline.begin_of(200) == 5_200
    assert timeline.begin_of(700) == 59_700  # with 300 ms of padding before the voice
    assert timeline.begin_of(1_500) == 60_500
    assert timeline.expected(2_000) == 61_000


def test_runs_nobody_asks_about_are_forgotten() -> None:
    timeline = Timeline()
    for run in range(1_000):
        timeline.anchor(run * 1_000, run * 10_000)
    assert timeline.begin_of(999_000) == 9_990_000
    assert len(timeline._anchors) <= MAX_ANCHORS


def test_the_bridge_s_clock_is_common_and_may_be_set_anew() -> None:
    clock = BridgeClock()
    assert clock.time_ms(48_000, 10_000.0) == 10_000
    assert clock.time_ms(96_000, 12_345.0) == 11_000  # late, and said in time all the same
    assert clock.time_ms(48 * 7_200_000, 13_000.0) == 13_000
    assert clock.time_ms(48 * 7_201_000, 15_000.0) == 14_000


@pytest.mark.parametrize("bits", [32, 40])
def test_a_bridge_s_clock_goes_on_where_its_32_bits_begin_anew(bits: int) -> None:
    clock, begin = BridgeClock(), (1 << 32) - 48_000
    assert clock.time_ms(begin, 10_000.0) == 10_000
    for late_ms in range(0, 3_000, 20):
        ticks = (begin + 48 * late_ms) % (1 << bits)
        assert clock.time_ms(ticks, 10_000.0 + late_ms + late_ms % 70) == 10_000 + late_ms
