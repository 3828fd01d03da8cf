"""Bytes of a stream to float32 samples at 16 kHz; stateful, and the same for any cut of the bytes.

Runs on the engine's side of the thread border: decoding and resampling are computation.
"""

import numpy as np
import soxr

from ..types import SAMPLE_RATE, AudioFormat, BadAudioError, Encoding
from .codecs import pcm
from .codecs.container import container
from .codecs.opus import opus_packets
from .codecs.steps import Format, Reader, Sound

MIN_RATE, MAX_RATE = 4_000, 192_000  # of what a container may hold, in Hz
_FIRST_BITE_BYTES, _MAX_BITE_BYTES = 500, 8_000  # of a coded stream


class AudioDecoder:
    """Decodes and resamples one stream. What is split over two calls is carried over.

    Of no use any more once it has raised.
    """

    def __init__(self, audio: AudioFormat) -> None:
        self._bytes_per_second = audio.bytes_per_second
        self._is_coded = audio.encoding.sample_bytes is None
        self._reader = Reader(_format_of(audio))
        self._rate = SAMPLE_RATE  # of what came last
        self._resampler: soxr.ResampleStream | None = None  # where the rates differ

    @property
    def is_behind(self) -> bool:
        """Bytes that were taken hold more sound, which `take` gives, of no bytes if need be."""
        return self._reader.is_resting

    def push(self, payload: bytes) -> np.ndarray:
        """The samples that are complete now, float32 [n] within ±1.

        Raises:
            BadAudioError: the bytes are not what the format promised; `codecs` says when.
        """
        return self._at_16_khz(self._reader.push(payload))

    def take(self, payload: bytes, num_samples: int) -> tuple[np.ndarray, int]:
        """As `push`, of so many of the first bytes as hold about `num_samples`, at 16 kHz.

        Returns the samples and the number of bytes taken. How many samples coded bytes hold only
        shows when they are decoded. So they are taken in small bites, and larger ones where those
        hold little, and what the last one holds too much comes, too, up to a second; if it holds
        more than that, the decoder `is_behind`.
        """
        if not self._is_coded:
            payload = payload[: self._bytes_per_second * num_samples // SAMPLE_RATE]
            return self.push(payload), len(payload)
        parts, num_heard, num_bytes, size = [np.empty(0, np.float32)], 0, 0, _FIRST_BITE_BYTES
        while num_heard < num_samples and (self.is_behind or num_bytes < len(payload)):
            bite = b"" if self.is_behind else payload[num_bytes : num_bytes + size]
            parts.append(self._at_16_khz(self._reader.take(bite)))
            num_heard += parts[-1].shape[0]
            num_bytes += len(bite)
            if parts[-1].shape[0] < num_samples // 8:
                size = min(2 * size, _MAX_BITE_BYTES)
        return np.concatenate(parts), num_bytes

    def flush(self) -> np.ndarray:
        """What codec and resampler still hold of the complete samples pushed so far.

        The resampler begins anew; a sample, packet or header that is not complete goes on waiting.
        """
        return np.concatenate([self._at_16_khz(self._reader.flush()), self._rest()])

    def _at_16_khz(self, sounds: list[Sound]) -> np.ndarray:
        parts = [np.empty(0, np.float32)]
        for sound in sounds:
            if not sound.samples.shape[0]:
                continue
            if sound.rate != self._rate:
                parts.append(self._rest())
                self._rate = _checked(sound.rate)
            parts.append(self._resampled(sound.samples))
        return np.concatenate(parts)

    def _resampled(self, samples: np.ndarray) -> np.ndarray:
        if self._rate == SAMPLE_RATE:
            return samples
        resampler = self._resampler
        if resampler is None:
            resampler = soxr.ResampleStream(self._rate, SAMPLE_RATE, 1, dtype="float32")
            self._resampler = resampler
        # The filter overshoots a little where the input was at its limits.
        return resampler.resample_chunk(samples).clip(-1.0, 1.0)

    def _rest(self) -> np.ndarray:
        """What the resampler still holds."""
        resampler, self._resampler = self._resampler, None
        if resampler is None:
            return np.empty(0, np.float32)
        return resampler.resample_chunk(np.empty(0, np.float32), last=True).clip(-1.0, 1.0)


def _format_of(audio: AudioFormat) -> Format:
    match audio.encoding:
        case Encoding.OPUS:
            return opus_packets()
        case Encoding.CONTAINER:
            return container()
        case encoding:
            return pcm.pcm(pcm.OF_ENCODING[encoding], audio.sample_rate)


def _checked(rate: int) -> int:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise BadAudioError(f"sample rate is {rate}, allowed are {MIN_RATE} to {MAX_RATE}")
    return rate
