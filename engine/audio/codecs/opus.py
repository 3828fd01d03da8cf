"""Opus: packets to mono samples by libopus, lost ones concealed; and the stream of bare packets."""

import numpy as np

from ...types import BadAudioError
from .ffmpeg import Decoder
from .steps import Format, Sound

RATE = 48_000  # Opus decodes to this rate, whatever was encoded
MAX_PACKET_BYTES = 61_440  # 48 frames of 1,275 bytes and what holds them together
_LOST_SAMPLES = 960  # 20 ms
_NO_TOC = 0xF8  # 20 ms of CELT, mono


class OpusDecoder:
    """Decodes one Opus track. What is lost or damaged is concealed and counts as 20 ms.

    With the `OpusHead` of a container (RFC 7845, section 5.1) its pre-skip is left out, its gain
    is applied, and its channels are averaged. Without one, libopus itself mixes to mono and
    nothing is left out.
    """

    def __init__(self, head: bytes = b"") -> None:
        """Raises BadAudioError: `head` is no OpusHead of version 1, or cannot be decoded."""
        if head and (len(head) < 19 or head[:8] != b"OpusHead" or head[8] >> 4 or not head[9]):
            raise BadAudioError("an Opus header that cannot be understood")
        self.pre_skip = int.from_bytes(head[10:12], "little")  # in samples
        self._decoder = Decoder("libopus", header=head, options={"request_sample_fmt": "flt"})
        self._toc = _NO_TOC

    def decode(self, packet: bytes) -> np.ndarray:
        """The samples of a packet at 48 kHz, float32 [n]; an empty packet is a lost one.

        Raises:
            BadAudioError: more bad packets in a row than `ffmpeg.MAX_BAD_IN_A_ROW`.
        """
        sounds = self._decoder.decode(packet) if packet else None
        if sounds is None:
            sounds = self._decoder.attempt(self._stand_in()) or []
        else:
            self._toc = packet[0]
        return np.concatenate([np.empty(0, np.float32), *(sound.samples for sound in sounds)])

    def _stand_in(self) -> bytes:
        """A packet of one frame of 20 ms without a byte, in the mode of the last good packet.

        Such a frame is a lost one (RFC 6716, section 3.2.1): libopus goes on with what it heard
        and fades it out.
        """
        config, channels = self._toc >> 3, self._toc & 0x04
        if config < 12:  # SILK of 10, 20, 40 or 60 ms (RFC 6716, table 2)
            config = config & ~3 | 1
        elif config < 16:  # both, of 10 or 20 ms
            config |= 1
        else:  # CELT of 2.5, 5, 10 or 20 ms
            config |= 3
        return bytes([config << 3 | channels])


def opus_packets() -> Format:
    """Opus packets, each behind its length in two bytes, big-endian; length 0 is a lost packet.

    Raises:
        BadAudioError: `ffmpeg.MAX_BAD_IN_A_ROW` packets and one more are no Opus.
    """
    length = yield 2
    decoder = OpusDecoder()  # not before there is something to decode: silence costs nothing
    while True:
        packet = yield int.from_bytes(length, "big")
        yield Sound(decoder.decode(packet), RATE)
        length = yield 2
