"""Bare Opus packets: what FFmpeg hears in them, what is lost, and what is no Opus."""

import struct
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine.audio.codecs.ffmpeg import MAX_BAD_IN_A_ROW
from hark.engine.audio.codecs.opus import opus_packets as opus_format
from hark.engine.audio.codecs.steps import Reader
from hark.engine.audio.decoder import AudioDecoder
from hark.engine.types import AudioFormat, BadAudioError, Encoding
from tests.engine.recordings import libopus, opus_packets, recording

OPUS = AudioFormat(Encoding.OPUS)
LOST = b"\0\0"
BAD = b"\x03"  # announces a number of frames and does not say it


def framed(packets: list[bytes]) -> bytes:
    return b"".join(struct.pack(">H", len(packet)) + packet for packet in packets)


def packets_of(name: str) -> list[bytes]:
    return opus_packets(recording(name).data)[1]


def at_48_khz(data: bytes) -> np.ndarray:
    """What the packets hold, before it is resampled."""
    return np.concatenate([sound.samples for sound in Reader(opus_format()).push(data)])


@pytest.mark.parametrize("name", ["mono.ogg", "stereo.ogg", "mediarecorder.webm"])
def test_packets_sound_as_in_libopus(name: str) -> None:
    """Mixed to mono by libopus, nothing skipped: CELT and hybrid, mono and stereo."""
    packets = packets_of(name)
    decoder = libopus()
    frames = [frame for each in packets for frame in decoder.decode(av.Packet(each))]
    wanted = np.concatenate([frame.to_ndarray().ravel() for frame in frames])
    assert np.array_equal(at_48_khz(framed(packets)), wanted.clip(-1, 1))
    assert np.abs(wanted).max() > 0.1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12), st.data())
def test_any_cut_gives_the_same_samples(cuts: list[float], data: st.DataObject) -> None:
    packets = packets_of("stereo.ogg")
    lost = data.draw(st.sets(st.integers(0, len(packets) - 1)))
    stream = framed([b"" if index in lost else each for index, each in enumerate(packets)])
    edges = [0, *sorted(int(cut * len(stream)) for cut in cuts), len(stream)]
    decoder, parted = AudioDecoder(OPUS), AudioDecoder(OPUS)
    whole = np.concatenate([decoder.push(stream), decoder.flush()])
    parts = [parted.push(stream[a:b]) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate([*parts, parted.flush()]), whole)
    assert whole.shape[0] == len(packets) * 320


def test_what_is_lost_is_concealed() -> None:
    """20 ms in the middle of a tone: it goes on, where silence would be a hole."""
    seconds = np.arange(48_000) / 48_000
    tone = (0.5 * np.sin(2 * np.pi * 300 * seconds)).astype(np.float32)
    packets = encoded(tone)
    whole = at_48_khz(framed(packets))
    for missing in (b"", BAD):  # not there, or not Opus: it is the same
        holed = at_48_khz(framed([*packets[:25], missing, *packets[26:]]))
        assert holed.shape == whole.shape
        assert np.array_equal(holed[: 25 * 960], whole[: 25 * 960])
        assert np.abs(holed - whole)[25 * 960 : 26 * 960].max() < 0.2
        assert np.abs(holed - whole)[-10 * 960 :].max() < 0.01


def test_nothing_but_losses_is_silence() -> None:
    heard = AudioDecoder(OPUS).push(LOST * 500)
    assert abs(heard.shape[0] - 10 * 16_000) < 500  # the resampler holds some
    assert not heard.any()


def test_many_bad_packets_in_a_row_end_the_stream() -> None:
    good = packets_of("mono.ogg")[:1]
    bad = [BAD] * MAX_BAD_IN_A_ROW
    heard = at_48_khz(framed([*bad, *good, *bad, b"", b"", *good]))
    assert heard.shape[0] == 960 * (2 * MAX_BAD_IN_A_ROW + 4)
    with pytest.raises(BadAudioError, match="packet 103 is no Opus, nor is one of the 50"):
        at_48_khz(framed([*good, *bad, *good, *bad, b"", b"\x01\x02\x03\x04"]))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2000))
def test_noise_ends_in_sound_or_in_bad_audio(noise: bytes) -> None:
    try:
        heard = AudioDecoder(OPUS).push(noise)
    except BadAudioError:
        return
    assert np.isfinite(heard).all()
    assert np.abs(heard).max(initial=0.0) <= 1.0


def test_a_bite_of_a_coded_stream_is_about_what_was_asked_for() -> None:
    """However many bytes a second are: packets of no byte at all, and 24 kbit/s."""
    for stream in (LOST * 5000, framed(packets_of("mono.ogg")) * 60):
        decoder = AudioDecoder(OPUS)
        samples, num_bytes = decoder.take(stream, 16_000)
        assert 16_000 <= samples.shape[0] <= 6 * 16_000
        rest, num_more = decoder.take(stream[num_bytes:], len(stream) * 1000)
        assert num_bytes + num_more == len(stream)
        whole = AudioDecoder(OPUS).push(stream)
        assert np.array_equal(np.concatenate([samples, rest]), whole)


def encoded(samples: np.ndarray) -> list[bytes]:
    """Opus packets of 20 ms, of samples at 48 kHz."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "flt"
    packets: list[bytes] = []
    for start in range(0, len(samples), 960):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + 960], "flt", "mono")
        frame.sample_rate = 48_000
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets
