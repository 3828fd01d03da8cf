"""Packets to mono samples by FFmpeg's decoders, through PyAV; knows codecs and no containers."""

from collections.abc import Mapping

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.error import FFmpegError

from ...types import BadAudioError
from .steps import Sound

MAX_BAD_IN_A_ROW = 50
_NAMES = {"libopus": "Opus", "flac": "FLAC", "mp3float": "MP3"}
# Full scale of integer samples, by numpy's name of their type; u8 is centred on 128.
_FULL_SCALE = {"uint8": 2**7, "int16": 2**15, "int32": 2**31, "int64": 2**63}


class Decoder:
    """One of FFmpeg's audio decoders, on the caller's thread. Counts the packets it is given.

    A packet that cannot be decoded is the network's affair and ends nothing; `MAX_BAD_IN_A_ROW` of
    them with not one good between them are no audio.
    """

    def __init__(
        self, codec: str, *, header: bytes = b"", options: Mapping[str, str] | None = None
    ) -> None:
        """`codec` is FFmpeg's name, `header` its extradata.

        Raises BadAudioError: FFmpeg cannot decode what the header announces.
        """
        context = av.CodecContext.create(codec, "r")
        assert isinstance(context, AudioCodecContext)
        self._context = context
        self._name = _NAMES[codec]
        self._num_packets = 0
        self._num_bad = 0  # in a row
        self._last: list[Sound] = []
        context.thread_count = 1
        context.options = dict(options or {})
        if header:
            context.extradata = header
        else:
            context.layout = "mono"  # what libopus mixes to; MP3 frames say it themselves
        try:
            context.open()
        except (FFmpegError, ValueError):
            raise BadAudioError(f"a header of {self._name} that cannot be understood") from None

    def decode(self, packet: bytes) -> list[Sound] | None:
        """The sound in a packet that is not empty, or None where it is a bad one.

        Raises:
            BadAudioError: it is one bad packet too many, or its samples are NaN or infinite.
        """
        self._num_packets += 1
        sounds = self.attempt(packet)
        if sounds is not None:
            self._num_bad = 0
            return sounds
        self._num_bad += 1
        if self._num_bad > MAX_BAD_IN_A_ROW:
            raise BadAudioError(
                f"packet {self._num_packets} is no {self._name}, nor is one of the "
                f"{MAX_BAD_IN_A_ROW} before it"
            )
        return None

    def sound_of(self, packet: bytes) -> list[Sound]:
        """As `decode`; a bad packet is as much silence as the last good one was sound."""
        sounds = self.decode(packet)
        if sounds is None:
            return [Sound(np.zeros_like(each.samples), each.rate) for each in self._last]
        self._last = sounds
        return sounds

    def attempt(self, packet: bytes) -> list[Sound] | None:
        """As `decode`, of what may not be a packet or was not sent: it is not counted."""
        try:
            frames = self._context.decode(av.Packet(packet))
        except FFmpegError:
            return None
        return [Sound(_within_limits(mix_to_mono(each)), each.sample_rate) for each in frames]

    def parse(self, data: bytes) -> list[bytes]:
        """The packets that end in these bytes, which may not be none, of a stream of packets."""
        return [bytes(packet) for packet in self._context.parse(data)]


def mix_to_mono(frame: AudioFrame) -> np.ndarray:
    """The average of a frame's channels, float32 [n]; in ±1 if it holds integers."""
    raw = frame.to_ndarray()  # [channels, n], or [1, n * channels] if interleaved
    if not frame.format.is_planar:
        raw = raw.reshape(-1, frame.layout.nb_channels).T
    full_scale = _FULL_SCALE.get(raw.dtype.name)
    if full_scale is None:
        return raw.mean(axis=0, dtype=np.float32)
    offset = full_scale if raw.dtype == np.uint8 else 0
    # One channel of int16 must come out exactly as sample / 32768; float64 holds int32 exactly.
    return ((raw.mean(axis=0, dtype=np.float64) - offset) / full_scale).astype(np.float32)


def _within_limits(samples: np.ndarray) -> np.ndarray:
    if not np.isfinite(samples).all():
        raise BadAudioError("decoded samples must be finite numbers; got NaN or infinity")
    return samples.clip(-1.0, 1.0)
