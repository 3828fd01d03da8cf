"""Audio files as streams of mono samples; knows containers and codecs, no server and no model.

They are read block by block: memory does not grow with the length of the file. Everything FFmpeg
reads is read from this machine's own files; of what strangers send, only formats that hold their
sound themselves, as a playlist would have FFmpeg open other files and addresses.
"""

import stat
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet

from ..types import SAMPLE_RATE, AudioFileError, Encoding, RawAudio
from .codecs.ffmpeg import mix_to_mono
from .mp4 import check_index

BLOCK_S = 0.1
READABLE = "wav, flac, mp3, m4a, ogg, webm and other formats FFmpeg reads"
# By FFmpeg's names. None of these leads to another file or an address.
_SELF_CONTAINED = (
    "aac,ac3,aiff,amr,asf,au,avi,caf,eac3,flac,flv,matroska,webm,mov,mp4,m4a,3gp,mp3,mpeg,mpegts,"
    "ogg,w64,wav,wv"
)
_RAW_FORMATS = {
    Encoding.PCM_S16LE: "s16le",
    Encoding.PCM_F32LE: "f32le",
    Encoding.MULAW: "mulaw",
    Encoding.ALAW: "alaw",
}
_MIN_RATE, _MAX_RATE = 1_000, 768_000  # Hz; soxr's filters grow with the ratio of two rates


@dataclass(slots=True)
class Damage:
    """Packets that could not be decoded and were left out."""

    num_packets: int = 0


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A file with an audio track. Holds nothing open; `duration_s` is None if the file hides it."""

    path: Path
    duration_s: float | None
    damage: Damage = field(default_factory=Damage)

    def blocks(self, sample_rate: int = SAMPLE_RATE) -> Iterator[np.ndarray]:
        """The whole file as float32 arrays [n] of 0.1 s, the last one shorter; mono in -1..1.

        Channels are averaged. `damage` counts the packets that were left out on the way.

        Raises:
            AudioFileError: no sample could be decoded, a sample is NaN or infinite, or there are
                fewer than 1,000 or more than 768,000 samples a second.
        """
        with _opened_path(self.path) as (container, track):
            mono = _mono(str(self.path), container, track, self.damage)
            yield from _even_blocks(_resampled(mono, sample_rate), round(sample_rate * BLOCK_S))


def open_audio(path: Path) -> AudioFile:
    """Look at a file and see that it has an audio track.

    Raises:
        AudioFileError: the file is missing, empty, unreadable, no audio, or has no audio track.
    """
    with _opened_path(path) as (container, track):
        if track.duration is not None and track.time_base is not None:
            return AudioFile(path, float(track.duration * track.time_base))
        if container.duration is not None:
            return AudioFile(path, container.duration / av.time_base)
        return AudioFile(path, None)


def upload_blocks(
    file: BinaryIO, raw: RawAudio | None = None, *, block_s: float = 1.0
) -> Generator[np.ndarray, None, None]:
    """A file from outside, from where it stands, as float32 arrays [n] at 16 kHz; mono in -1..1.

    Blocks are of `block_s` seconds, the last one shorter. Channels are averaged, damaged packets
    left out. The file stays open. `raw` is what it holds if it has no header.

    Raises:
        AudioFileError: it is empty, no audio, leads to other files, announces more than it holds;
            or as `AudioFile.blocks`.
    """
    name = "the file"
    if not file.read(1):
        raise AudioFileError(f"{name} is empty (0 bytes)")
    file.seek(-1, 1)
    if raw is None:
        check_index(file, name)
    with _opened(file, name, raw, formats=_SELF_CONTAINED) as (container, track):
        mono = _mono(name, container, track, Damage())
        yield from _even_blocks(_resampled(mono, SAMPLE_RATE), round(SAMPLE_RATE * block_s))


@contextmanager
def _opened_path(path: Path) -> Iterator[tuple[InputContainer, AudioStream]]:
    if path.is_dir():
        raise AudioFileError(f"{path} is a folder, not an audio file")
    if not path.exists():
        raise AudioFileError(f"{path} does not exist")
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise AudioFileError(f"{path} is no regular file; pipes and devices are not supported")
    if status.st_size == 0:
        raise AudioFileError(f"{path} is empty (0 bytes)")
    with _opened(str(path), str(path)) as opened:
        yield opened


@contextmanager
def _opened(
    source: str | BinaryIO, name: str, raw: RawAudio | None = None, formats: str | None = None
) -> Iterator[tuple[InputContainer, AudioStream]]:
    """`name` is what errors call it; `formats` are those that may be recognised, None for all."""
    options = {} if formats is None else {"format_whitelist": formats}
    if raw is not None:
        layout = {"sample_rate": f"{raw.sample_rate}", "ch_layout": f"{raw.num_channels}C"}
        options = {"format_whitelist": _RAW_FORMATS[raw.encoding], **layout}
    try:
        container = av.open(
            source,
            mode="r",
            format=raw and _RAW_FORMATS[raw.encoding],
            options=options,
            metadata_errors="replace",
        )
    except PermissionError:
        raise AudioFileError(f"{name} cannot be read: permission denied") from None
    except (FFmpegError, OSError, ValueError):
        raise AudioFileError(f"{name} is not an audio file; readable are {READABLE}") from None
    with container:
        if not container.streams.audio:
            held = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
            raise AudioFileError(f"{name} has no audio track (it holds: {held})")
        yield container, container.streams.audio[0]


def _mono(
    name: str, container: InputContainer, track: AudioStream, damage: Damage
) -> Iterator[tuple[int, np.ndarray]]:
    """The decoded frames as (sample rate, float32 [n])."""
    num_samples = 0
    try:
        for packet in container.demux(track):
            for frame in _decoded(packet, damage):
                _check_rate(name, frame.sample_rate)
                samples = mix_to_mono(frame)
                if not np.isfinite(samples).all():
                    at_s = num_samples / frame.sample_rate
                    raise AudioFileError(f"{name} has NaN or infinite samples near {at_s:.1f} s")
                num_samples += len(samples)
                yield frame.sample_rate, samples
    except FFmpegError as error:
        raise AudioFileError(f"{name} cannot be read to its end: {error.strerror}") from None
    if num_samples == 0:
        raise AudioFileError(f"{name} has an audio track without a sample that can be decoded")


def _check_rate(name: str, rate: int) -> None:
    if not _MIN_RATE <= rate <= _MAX_RATE:
        raise AudioFileError(
            f"{name} has {rate} samples a second, allowed are {_MIN_RATE} to {_MAX_RATE}"
        )


def _decoded(packet: Packet, damage: Damage) -> list[AudioFrame]:
    try:
        return [frame for frame in packet.decode() if isinstance(frame, AudioFrame)]
    except FFmpegError:
        damage.num_packets += 1
        return []


def _resampled(mono: Iterable[tuple[int, np.ndarray]], sample_rate: int) -> Iterator[np.ndarray]:
    """The frames at one rate, even where a chained file changes its own."""
    rate_in, resampler = sample_rate, None
    for frame_rate, samples in mono:
        if frame_rate != rate_in:
            if resampler is not None:
                yield resampler.resample_chunk(np.empty(0, np.float32), last=True)
            rate_in = frame_rate
            resampler = None
            if frame_rate != sample_rate:
                resampler = soxr.ResampleStream(frame_rate, sample_rate, 1, dtype="float32")
        yield samples if resampler is None else resampler.resample_chunk(samples)
    if resampler is not None:
        yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def _even_blocks(pieces: Iterable[np.ndarray], block_samples: int) -> Iterator[np.ndarray]:
    """The same samples in blocks [block_samples], the last one shorter."""
    waiting: list[np.ndarray] = []
    num_waiting = 0
    for piece in pieces:
        waiting.append(piece)
        num_waiting += len(piece)
        if num_waiting < block_samples:
            continue
        joined = np.concatenate(waiting)
        num_whole = num_waiting - num_waiting % block_samples
        for start in range(0, num_whole, block_samples):
            yield joined[start : start + block_samples]
        waiting, num_waiting = [joined[num_whole:]], num_waiting - num_whole
    if num_waiting:
        yield np.concatenate(waiting)
