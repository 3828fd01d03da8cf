"""A script as bytes on the wire: clips encoded once, streams put together as they are sent."""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from hark.engine.types import Encoding

from .clips import Clip
from .script import Script

_SILENCE = {Encoding.PCM_S16LE: b"\0\0", Encoding.PCM_F32LE: b"\0" * 4, Encoding.MULAW: b"\xff"}
ENCODINGS = tuple(_SILENCE)  # those a load can be sent in
_MULAW_BIAS, _MULAW_CLIP = 33, 8_159  # in the 14 bits of G.711


class EncodedClips:
    """The clips in one encoding; shared by all streams of a process."""

    def __init__(self, clips: Sequence[Clip], encoding: Encoding) -> None:
        self.silence = _SILENCE[encoding]  # one sample of it
        self.payloads = [memoryview(encode(clip.samples, encoding)) for clip in clips]


class StreamAudio:
    """The samples of one script, by position."""

    def __init__(self, script: Script, clips: EncodedClips) -> None:
        placed = [each for utterance in script.utterances for each in utterance.placed]
        self._clips = clips
        self._placed = placed
        self._starts = [each.start for each in placed]

    def read(self, start: int, end: int) -> bytes:
        """Samples `start` to `end`, encoded; silence where nobody speaks."""
        width = len(self._clips.silence)
        parts: list[bytes | memoryview] = []
        at = start
        index = max(0, bisect_right(self._starts, start) - 1)
        while at < end and index < len(self._placed):
            begin = self._placed[index].start
            payload = self._clips.payloads[self._placed[index].clip]
            if begin > at:
                quiet_until = min(begin, end)
                parts.append(self._clips.silence * (quiet_until - at))
                at = quiet_until
            taken = payload[(at - begin) * width : (end - begin) * width] if at < end else b""
            parts.append(taken)
            at += len(taken) // width
            index += 1
        parts.append(self._clips.silence * (end - at))
        return b"".join(parts)


def encode(samples: np.ndarray, encoding: Encoding) -> bytes:
    """int16 samples [n] as the bytes of one of `ENCODINGS`."""
    match encoding:
        case Encoding.PCM_S16LE:
            return samples.astype("<i2").tobytes()
        case Encoding.PCM_F32LE:
            return (samples.astype("<f4") / 32768).tobytes()
        case Encoding.MULAW:
            return _mulaw(samples)
        case _:
            raise ValueError(f"no load is sent as {encoding}")


def _mulaw(samples: np.ndarray) -> bytes:
    """G.711: sign, 3 bits of exponent, 4 of mantissa, all inverted."""
    loudness = np.abs(samples.astype(np.int32)) >> 2
    magnitude = np.minimum(loudness, _MULAW_CLIP - _MULAW_BIAS) + _MULAW_BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    mantissa = (magnitude >> (exponent + 1)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    return (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()
