"""The audio of a Deepgram client: what its bytes are, and which of them are whose.

Knows bytes, not sound: what has to be decoded or mixed is left to the engine.
"""

import struct
from typing import Protocol

from hark.engine.types import AudioFormat, Encoding, OptionError

from ...errors import BadAudioError, BadOptionError
from ..base import Handshake
from .query import flag, whole_number

MAX_CHANNELS = 20
ENCODINGS = {
    "linear16": Encoding.PCM_S16LE,
    "linear32": Encoding.PCM_F32LE,
    "mulaw": Encoding.MULAW,
    "alaw": Encoding.ALAW,
    "opus": Encoding.OPUS,
    "ogg-opus": Encoding.CONTAINER,
    "flac": Encoding.CONTAINER,
}

_MAX_PACKET_BYTES = 0xFFFF
_ITEM = {1: "B", 2: "H", 4: "I"}  # an unsigned number of so many bytes, for memoryview
_ENDLESS = 0xFFFF_FFFF
_WAV = {  # the format's number, and bits a sample
    Encoding.PCM_S16LE: (1, 16),
    Encoding.PCM_F32LE: (3, 32),
    Encoding.ALAW: (6, 8),
    Encoding.MULAW: (7, 8),
}


class Intake(Protocol):
    """Binary messages in, the bytes of each transcribed channel out."""

    @property
    def audio(self) -> AudioFormat:
        """What the bytes of a channel are."""
        ...

    @property
    def num_channels(self) -> int: ...

    def take(self, data: bytes) -> list[bytes]:
        """What is new of each channel, maybe nothing. Raises BadAudioError."""
        ...


def read_intake(handshake: Handshake) -> Intake:
    """How the audio will come. Without an encoding its first bytes say what it is.

    Raises:
        BadOptionError: an encoding that is not known here, or raw audio without its rate.
    """
    name = handshake.first("encoding")
    if not name:
        return Whole(AudioFormat(Encoding.CONTAINER))
    encoding = ENCODINGS.get(name.lower())
    if encoding is None:
        allowed = ", ".join(ENCODINGS)
        raise BadOptionError(
            f"encoding is {name[:40]!a}, allowed are {allowed}, and none for a container"
        )
    if encoding is Encoding.CONTAINER:
        return Whole(AudioFormat(encoding))
    if encoding is Encoding.OPUS:
        return Packets()
    return _raw(handshake, encoding)


def _raw(handshake: Handshake, encoding: Encoding) -> Intake:
    rate = whole_number(handshake, "sample_rate", 8_000, 48_000)
    if rate is None:
        raise BadOptionError("sample_rate is needed where encoding says that the audio is raw")
    try:
        audio = AudioFormat(encoding, rate)
    except OptionError as error:
        raise BadOptionError(str(error)) from None
    num_channels = whole_number(handshake, "channels", 1, MAX_CHANNELS) or 1
    if num_channels == 1:
        return Whole(audio)
    is_split = flag(handshake, "multichannel")
    return Interleaved(audio, num_channels) if is_split else Mixed(audio, num_channels)


class Whole:
    """One channel, its bytes as they come."""

    num_channels = 1

    def __init__(self, audio: AudioFormat) -> None:
        self.audio = audio

    def take(self, data: bytes) -> list[bytes]:
        return [data]


class Interleaved:
    """Samples of several channels in turn. What is not a sample of each waits for the rest."""

    def __init__(self, audio: AudioFormat, num_channels: int) -> None:
        self.audio, self.num_channels = audio, num_channels
        self._sample_bytes = _WAV[audio.encoding][1] // 8
        self._rest = b""

    def take(self, data: bytes) -> list[bytes]:
        data = self._rest + data
        end = len(data) - len(data) % (self._sample_bytes * self.num_channels)
        self._rest = data[end:]
        samples = memoryview(data)[:end].cast(_ITEM[self._sample_bytes])
        return [samples[channel :: self.num_channels].tobytes() for channel in self._channels]

    @property
    def _channels(self) -> range:
        return range(self.num_channels)


class Mixed:
    """Several channels transcribed as one: a WAV header tells the engine to average them."""

    num_channels = 1

    def __init__(self, audio: AudioFormat, num_channels: int) -> None:
        self.audio = AudioFormat(Encoding.CONTAINER)
        self._header = _wav_header(audio, num_channels)

    def take(self, data: bytes) -> list[bytes]:
        header, self._header = self._header, b""
        return [header + data]


class Packets:
    """Bare Opus packets, one a message."""

    num_channels = 1
    audio = AudioFormat(Encoding.OPUS)

    def take(self, data: bytes) -> list[bytes]:
        if len(data) > _MAX_PACKET_BYTES:
            raise BadAudioError(
                f"a message of {len(data)} bytes under encoding=opus, where each is one packet; "
                "for a container leave encoding out"
            )
        return [len(data).to_bytes(2, "big") + data]


def _wav_header(audio: AudioFormat, num_channels: int) -> bytes:
    """The beginning of a WAV file that has no end."""
    number, bits = _WAV[audio.encoding]
    block = num_channels * bits // 8
    rate = audio.sample_rate
    fmt = struct.pack("<HHIIHH", number, num_channels, rate, rate * block, block, bits)
    return struct.pack("<4sI4s4sI", b"RIFF", _ENDLESS, b"WAVE", b"fmt ", len(fmt)) + (
        fmt + struct.pack("<4sI", b"data", _ENDLESS)
    )
