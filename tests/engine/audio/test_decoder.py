"""Bytes to samples: the same for any cut of the bytes, and what is refused."""

from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine.audio.decoder import AudioDecoder
from hark.engine.types import AudioFormat, BadAudioError, Encoding, OptionError
from tests.engine.models import bursts

SAMPLE_ENCODINGS = [encoding for encoding in Encoding if encoding.sample_bytes]


def encode(samples: np.ndarray, encoding: Encoding) -> bytes:
    if encoding is Encoding.PCM_F32LE:
        return samples.astype("<f4").tobytes()
    pcm = np.round(samples * 32767).astype("<i2")
    if encoding is Encoding.PCM_S16LE:
        return pcm.tobytes()
    return np.random.default_rng(0).integers(0, 256, samples.shape[0], np.uint8).tobytes()


def decode(audio: AudioFormat, parts: list[bytes]) -> np.ndarray:
    decoder = AudioDecoder(audio)
    samples = [decoder.push(part) for part in parts]
    return np.concatenate([*samples, decoder.flush()])


@settings(max_examples=40, deadline=None)
@given(
    encoding=st.sampled_from(SAMPLE_ENCODINGS),
    rate=st.sampled_from([8000, 16000, 22050, 24000, 44100, 48000]),
    cuts=st.lists(st.floats(0, 1), max_size=12),
)
def test_any_cut_gives_the_same_samples(encoding: Encoding, rate: int, cuts: list[float]) -> None:
    audio = AudioFormat(encoding, rate)
    data = encode(bursts(0.7, seed=3), encoding)
    edges = [0, *sorted(int(cut * len(data)) for cut in cuts), len(data)]
    parts = [data[a:b] for a, b in pairwise(edges)]
    whole = decode(audio, [data])
    assert np.array_equal(decode(audio, parts), whole)
    seconds = len(data) / audio.bytes_per_second
    assert abs(whole.shape[0] - seconds * 16_000) <= 1


@pytest.mark.parametrize("encoding", [Encoding.MULAW, Encoding.ALAW])
def test_g711_is_g711(encoding: Encoding) -> None:
    """Every code, against FFmpeg's decoder."""
    codes = bytes(range(256))
    codec = av.CodecContext.create(f"pcm_{encoding}", "r")
    assert isinstance(codec, av.AudioCodecContext)
    codec.sample_rate, codec.layout = 8000, "mono"
    [frame] = codec.decode(av.Packet(codes))
    ours = AudioDecoder(AudioFormat(encoding)).push(codes) * 32768
    assert ours.tolist() == frame.to_ndarray().ravel().tolist()


def test_resampling_keeps_a_tone() -> None:
    time = np.arange(48_000) / 48_000
    tone = (0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    heard = decode(AudioFormat(Encoding.PCM_F32LE, 48_000), [tone.tobytes()])
    spectrum = np.abs(np.fft.rfft(heard[4000:12000] * np.hanning(8000)))
    assert spectrum.argmax() == 500
    assert np.isclose(np.abs(heard[4000:12000]).max(), 0.5, atol=0.01)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_no_samples(bad: float) -> None:
    decoder = AudioDecoder(AudioFormat(Encoding.PCM_F32LE))
    with pytest.raises(BadAudioError, match="finite"):
        decoder.push(np.array([0.0, bad], "<f4").tobytes())


def test_loud_floats_are_clipped() -> None:
    decoder = AudioDecoder(AudioFormat(Encoding.PCM_F32LE))
    assert decoder.push(np.array([7.0, -3.0], "<f4").tobytes()).tolist() == [1.0, -1.0]


def test_half_a_sample_at_the_end_is_no_sample() -> None:
    decoder = AudioDecoder(AudioFormat())
    assert decoder.push(b"\x00\x40\x01").tolist() == [0.5]
    assert decoder.flush().shape == (0,)
    assert decoder.push(b"\x40").tolist() == [0x4001 / 32768]  # it may still be completed


def test_a_flush_gives_all_that_was_pushed() -> None:
    decoder = AudioDecoder(AudioFormat(Encoding.PCM_F32LE, 48_000))
    second = bursts(1.0, seed=1)[:48_000].repeat(3)[:48_000].astype("<f4").tobytes()
    for _ in range(3):
        assert decoder.push(second).shape[0] + decoder.flush().shape[0] == 16_000


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_huge_numbers_are_clipped_before_they_overflow(rate: int) -> None:
    decoder = AudioDecoder(AudioFormat(Encoding.PCM_F32LE, rate))
    huge = np.array([3e38, 3e38, -3e38, -3e38] * 4_000, "<f4").tobytes()
    heard = np.concatenate([decoder.push(huge), decoder.flush()])
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() <= 1.0


@pytest.mark.parametrize("rate", [0, 7999, 48_001])
def test_rates_out_of_range(rate: int) -> None:
    with pytest.raises(OptionError, match="8000 to 48000"):
        AudioFormat(sample_rate=rate)
