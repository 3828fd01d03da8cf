"""Bytes to samples: the same for any cut of the bytes, and what is refused."""

from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine.audio import AudioDecoder
from hark.engine.types import AudioFormat, BadAudioError, Encoding, OptionError
from tests.engine.models import bursts


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
    return np.concatenate([*samples, decoder.push(b"", last=True)])


@settings(max_examples=40, deadline=None)
@given(
    encoding=st.sampled_from(list(Encoding)),
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


def test_mulaw_is_g711() -> None:
    """Every code, against FFmpeg's decoder."""
    codes = bytes(range(256))
    codec = av.CodecContext.create("pcm_mulaw", "r")
    assert isinstance(codec, av.AudioCodecContext)
    codec.sample_rate, codec.layout = 8000, "mono"
    [frame] = codec.decode(av.Packet(codes))
    ours = AudioDecoder(AudioFormat(Encoding.MULAW)).push(codes) * 32768
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


def test_half_a_sample_at_the_end() -> None:
    decoder = AudioDecoder(AudioFormat())
    decoder.push(b"\x01")
    with pytest.raises(BadAudioError, match="unfinished"):
        decoder.push(b"", last=True)


@pytest.mark.parametrize("rate", [0, 7999, 48_001])
def test_rates_out_of_range(rate: int) -> None:
    with pytest.raises(OptionError, match="8000 to 48000"):
        AudioFormat(sample_rate=rate)
