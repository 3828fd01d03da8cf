"""Files of many kinds as mono samples, and files that are none."""

import io
import os
import wave
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

import av
import numpy as np
import pytest

from hark.engine.audio.files import open_audio, upload_blocks
from hark.engine.types import AudioFileError, Encoding, RawAudio
from tests.clients.tones import tone, write_audio

HZ = 440.0


def whole(path: Path, sample_rate: int = 16_000) -> np.ndarray:
    return np.concatenate(list(open_audio(path).blocks(sample_rate)))


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.wav", "pcm_s16le", 48_000),
        ("a.wav", "pcm_mulaw", 8_000),
        ("a.wav", "pcm_u8", 16_000),
        ("a.wav", "pcm_s24le", 44_100),
        ("a.wav", "pcm_f32le", 22_050),
        ("a.flac", "flac", 44_100),
        ("a.mp3", "mp3", 44_100),
        ("a.m4a", "aac", 48_000),
        ("a.ogg", "libopus", 48_000),
        ("a.webm", "libopus", 48_000),
    ],
)
def test_a_tone_comes_out_of_every_format(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    both = np.stack([tone(rate=rate, hz=HZ, seconds=2.0)] * 2)
    samples = whole(write_audio(tmp_path / name, both, rate=rate, codec=codec))
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(32_000, abs=500)  # codecs pad their last frame
    middle = samples[8_000:24_000]
    spectrum = np.abs(np.fft.rfft(middle))
    assert spectrum.argmax() == HZ
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_16_khz_mono_is_exact(tmp_path: Path) -> None:
    stored = np.array([0, 1, -1, 32_767, -32_768, 12_345], np.int16)
    path = write_audio(tmp_path / "a.wav", stored / np.float32(32_768))
    assert (whole(path) * 32_768).tolist() == stored.tolist()


def test_channels_are_averaged(tmp_path: Path) -> None:
    left = tone()
    path = write_audio(tmp_path / "a.wav", np.stack([left, -left]), codec="pcm_f32le")
    assert np.abs(whole(path)).max() < 1e-6
    path = write_audio(tmp_path / "b.wav", np.stack([left, 0 * left]), codec="pcm_f32le")
    assert np.allclose(whole(path), left / 2, atol=1e-6)


def test_what_lies_above_the_new_band_is_filtered_not_folded(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", tone(rate=48_000, hz=11_000), rate=48_000)
    assert np.abs(whole(path)[1_000:-1_000]).max() < 1e-3


def test_blocks_are_even_and_the_rate_is_the_callers(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", tone(seconds=1.05))
    assert [len(block) for block in open_audio(path).blocks()] == [1_600] * 10 + [800]
    assert [len(block) for block in open_audio(path).blocks(8_000)] == [800] * 10 + [400]


def test_a_file_is_read_as_it_is_needed(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", tone(seconds=60.0))
    blocks = open_audio(path).blocks()
    next(blocks)
    with path.open("r+b") as file:
        file.truncate(200_000)
    assert sum(len(block) for block in blocks) < 120_000


def test_duration_is_known_before_decoding(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.flac", tone(seconds=3.5), codec="flac")
    assert open_audio(path).duration_s == pytest.approx(3.5)


def test_a_damaged_stretch_is_left_out_and_counted(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.mp3", tone(seconds=4.0), codec="mp3")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3_000] = b"\x13\x77" * 1_500
    path.write_bytes(content)
    audio = open_audio(path)
    num_samples = sum(len(block) for block in audio.blocks())
    assert 32_000 < num_samples < 64_000
    assert audio.damage.num_packets > 0


def write_video(path: Path) -> None:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def test_files_that_hold_no_audio(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("Dear diary,\n" * 300)
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(1).bytes(20_000))
    content = write_audio(tmp_path / "whole.wav", tone()).read_bytes()
    (tmp_path / "header.wav").write_bytes(content[: content.index(b"data") + 8])
    write_video(tmp_path / "silent.mp4")
    os.mkfifo(tmp_path / "pipe.wav")
    faults = {
        "missing.wav": "does not exist",
        "empty.wav": "is empty",
        "text.wav": "not an audio file",
        "noise.mp3": "not an audio file",
        "header.wav": "without a sample",
        "silent.mp4": "no audio track .it holds: video",
        ".": "is a folder",
        "pipe.wav": "pipes and devices are not supported",
    }
    for name, fault in faults.items():
        with pytest.raises(AudioFileError, match=fault):
            whole(tmp_path / name)


def test_samples_that_are_no_numbers(tmp_path: Path) -> None:
    samples = tone(seconds=2.0)
    samples[20_000] = np.nan
    path = write_audio(tmp_path / "a.wav", samples, codec="pcm_f32le")
    with pytest.raises(AudioFileError, match=r"NaN or infinite samples near 1\.\d s"):
        whole(path)


# --- files from outside ---------------------------------------------------------------------------


def sent(content: bytes, raw: RawAudio | None = None) -> np.ndarray:
    """An upload, on disk as soon as it is larger than a KiB."""
    with SpooledTemporaryFile(max_size=1024) as file:
        file.write(content)
        file.seek(0)
        return np.concatenate(list(upload_blocks(cast(BinaryIO, file), raw)))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a", "a.ogg", "a.webm"])
def test_an_upload_is_the_same_sound_as_a_file(tmp_path: Path, name: str) -> None:
    codecs = {"wav": "pcm_s16le", "flac": "flac", "mp3": "mp3", "m4a": "aac"}
    codec = codecs.get(name[2:], "libopus")
    path = write_audio(tmp_path / name, tone(rate=48_000, seconds=1.7), rate=48_000, codec=codec)
    assert np.array_equal(sent(path.read_bytes()), whole(path))


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [
        (Encoding.PCM_S16LE, "s16le"),
        (Encoding.PCM_F32LE, "f32le"),
        (Encoding.MULAW, "mulaw"),
        (Encoding.ALAW, "alaw"),
    ],
)
def test_sound_without_a_header(tmp_path: Path, encoding: Encoding, codec: str) -> None:
    both = np.stack([tone(rate=8_000), tone(rate=8_000)])
    path = write_audio(tmp_path / "a.raw", both, rate=8_000, codec=f"pcm_{codec}", container=codec)
    samples = sent(path.read_bytes(), RawAudio(encoding, 8_000, num_channels=2))
    assert len(samples) == pytest.approx(16_000, abs=1_000)
    assert np.abs(samples[2_000:14_000]).max() == pytest.approx(0.5, rel=0.05)


def wav(rate: int) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as output:
        output.setparams((1, 2, rate, 0, "NONE", ""))
        output.writeframes(bytes(2_000))
    return content.getvalue()


def test_uploads_that_are_refused(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "here.wav", tone())
    faults = {
        b"": "is empty",
        b"Dear diary,\n" * 300: "not an audio file",
        # What would make FFmpeg open other files, or listen to the network.
        f"ffconcat version 1.0\nfile '{path}'\n".encode(): "not an audio file",
        f"#EXTM3U\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n".encode(): "not an audio file",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n": "not an audio",
        wav(rate=1): "1 samples a second",
        wav(rate=4_000_000): "4000000 samples a second",
    }
    for content, fault in faults.items():
        with pytest.raises(AudioFileError, match=fault):
            sent(content)
