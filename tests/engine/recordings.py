"""Recordings of a bundled sample in every container, and what FFmpeg's demuxers hear in them."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import soxr

from hark.clients.samples import SAMPLES_FOLDER
from hark.engine.audio.codecs.ffmpeg import mix_to_mono
from hark.engine.audio.files import open_audio
from hark.engine.types import SAMPLE_RATE
from tests.clients.tones import write_audio

MEDIA_RECORDER = Path(__file__).parents[1] / "data" / "audio" / "mediarecorder.webm"
OPUS_RATE = 48_000
TRACKS_ID, CLUSTER_ID = b"\x16\x54\xae\x6b", b"\x1f\x43\xb6\x75"


@dataclass(frozen=True, slots=True)
class Recording:
    """A file, and its samples at 16 kHz, float32 [n], as FFmpeg demuxes and decodes the whole."""

    data: bytes
    samples: np.ndarray


# By name: codec, container, rate, channels.
_MADE = {
    "16-bit.wav": ("pcm_s16le", "wav", 48_000, 2),
    "8-bit.wav": ("pcm_u8", "wav", 16_000, 1),
    "24-bit.wav": ("pcm_s24le", "wav", 22_050, 2),
    "32-bit.wav": ("pcm_s32le", "wav", 96_000, 1),
    "float.wav": ("pcm_f32le", "wav", 44_100, 2),
    "double.wav": ("pcm_f64le", "wav", 16_000, 1),
    "mulaw.wav": ("pcm_mulaw", "wav", 8_000, 1),
    "alaw.wav": ("pcm_alaw", "wav", 8_000, 2),
    "mono.ogg": ("libopus", "ogg", 48_000, 1),
    "stereo.ogg": ("libopus", "ogg", 48_000, 2),
    "mono.webm": ("libopus", "webm", 48_000, 1),
    "stereo.mkv": ("libopus", "matroska", 48_000, 2),
    "mono.flac": ("flac", "flac", 16_000, 1),
    "stereo.flac": ("flac", "flac", 44_100, 2),
    "mono.mp3": ("libmp3lame", "mp3", 16_000, 1),
    "stereo.mp3": ("libmp3lame", "mp3", 44_100, 2),
}
NAMES = (
    *_MADE,
    *("endless.wav", "endless too.wav", "endless.webm", "laced.webm"),
    *("tagged.mp3", "radio.mp3", "mediarecorder.webm"),
)


@lru_cache
def recording(name: str) -> Recording:
    """One of `NAMES`: made by FFmpeg, changed to what live streams look like, or a browser's."""
    match name:
        case "mediarecorder.webm":  # Chromium 156, hearing clients/samples/question.wav
            data = MEDIA_RECORDER.read_bytes()
        case "endless.wav":
            data = _with_length(recording("16-bit.wav").data, 0xFFFF_FFFF)
        case "endless too.wav":
            data = _with_length(recording("mulaw.wav").data, 0)
        case "endless.webm":
            data = _without_size(recording("mono.webm").data, CLUSTER_ID)
        case "laced.webm":
            data = laced_webm(recording("mono.webm").data)
        case "radio.mp3":  # joined behind the frame that tells of the file
            data = recording("mono.mp3").data
            data = data[data.index(b"\xff\xf3", data.index(b"Info")) :]
        case "tagged.mp3":  # by 40 * 128 bytes, in which frames seem to begin
            tag = b"ID3\x04\0\0\0\0\x28\0" + b"\xff\xfb\x54\xc0" * 1280
            data = tag + recording("radio.mp3").data
        case _:
            data = _made(*_MADE[name])
    return Recording(data, _heard_by_ffmpeg(data))


def opus_packets(file: bytes) -> tuple[bytes, list[bytes]]:
    """The OpusHead of a file and its packets, by FFmpeg's demuxer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(file)
        with av.open(str(path)) as container:
            track = container.streams.audio[0]
            packets = [bytes(packet) for packet in container.demux(track) if packet.size]
            return track.codec_context.extradata or b"", packets


def libopus(head: bytes = b"") -> av.AudioCodecContext:
    """A decoder to compare with: FFmpeg's own differs from the reference where there is SILK."""
    context = av.CodecContext.create("libopus", "r")
    assert isinstance(context, av.AudioCodecContext)
    context.options = {"request_sample_fmt": "flt"}
    if head:
        context.extradata = head
    else:
        context.layout = "mono"
    return context


def element(name: bytes, content: bytes) -> bytes:
    """An EBML element whose size takes eight bytes."""
    return name + (1 << 56 | len(content)).to_bytes(8, "big") + content


def content_of(webm: bytes, name: bytes) -> bytes:
    """What is in the last element of this name; an index in front may name it, too."""
    at = webm.rindex(name) + len(name)
    length = 9 - webm[at].bit_length()
    size = int.from_bytes(webm[at : at + length], "big") & (1 << 7 * length) - 1
    return webm[at + length : at + length + size]


def laced_webm(file: bytes) -> bytes:
    """The packets of a WebM file, three to a block, laced in all ways in turn."""
    _, packets = opus_packets(file)
    blocks: list[bytes] = []
    for start in range(0, len(packets) - 3, 3):
        some = packets[start : start + 3]
        lacing = start // 3 % 4
        if lacing == 2:
            some = some[:1] * 3  # which must be of one size
        blocks.append(_block(some, lacing))
    return file[: file.index(CLUSTER_ID)] + element(CLUSTER_ID, b"".join(blocks))


def _block(packets: Sequence[bytes], lacing: int) -> bytes:
    """A SimpleBlock of track 1; `lacing` 0 none (a block each), 1 Xiph, 2 of one size, 3 EBML."""
    if lacing == 0:
        return b"".join(element(b"\xa3", b"\x81\0\0\x80" + packet) for packet in packets)
    sizes = [len(packet) for packet in packets[:-1]]
    laces = b""
    if lacing == 1:
        laces = b"".join(b"\xff" * (size // 255) + bytes([size % 255]) for size in sizes)
    if lacing == 3:
        steps = [after - before for before, after in pairwise(sizes)]
        codes = [0x4000 | sizes[0], *(0x4000 | step + 0x1FFF for step in steps)]
        laces = b"".join(code.to_bytes(2, "big") for code in codes)
    head = b"\x81\0\0" + bytes([0x80 | lacing << 1, len(packets) - 1])
    return element(b"\xa3", head + laces + b"".join(packets))


def _made(codec: str, container: str, rate: int, num_channels: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        write_audio(path, speech(rate, num_channels), rate=rate, codec=codec, container=container)
        return path.read_bytes()


def speech(rate: int, num_channels: int) -> np.ndarray:
    """A second of speech, float32 [channels, n]; the second channel is weaker and later."""
    mono = np.concatenate(list(open_audio(SAMPLES_FOLDER / "question.wav").blocks(rate)))
    mono = mono[rate // 2 : rate * 3 // 2]
    return np.stack([mono, 0.5 * np.roll(mono, rate // 10)][:num_channels])


def _with_length(wav: bytes, length: int) -> bytes:
    """A WAV file that gives its data another length."""
    at = wav.index(b"data") + 4
    return wav[:at] + length.to_bytes(4, "little") + wav[at + 4 :]


def _without_size(webm: bytes, name: bytes) -> bytes:
    """A WebM file whose elements of this name do not know their size."""
    at = webm.index(name) + len(name)
    length = 9 - webm[at].bit_length()
    return webm[:at] + ((1 << 7 * length + 1) - 1).to_bytes(length, "big") + webm[at + length :]


def _heard_by_ffmpeg(file: bytes) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(file)
        with av.open(str(path)) as container:
            track = container.streams.audio[0]
            if track.codec_context.name != "opus":
                return np.concatenate(list(open_audio(path).blocks(SAMPLE_RATE)))
            decoder = libopus(track.codec_context.extradata or b"")
            packets = [packet for packet in container.demux(track) if packet.size]
            frames = [frame for packet in packets for frame in decoder.decode(packet)]
    whole = np.concatenate([mix_to_mono(frame) for frame in frames])
    resampler = soxr.ResampleStream(OPUS_RATE, SAMPLE_RATE, 1, dtype="float32")
    return resampler.resample_chunk(whole, last=True)
