"""Samples to log-mel frames, of a whole clip or of a growing one; knows no tokens and no model.

The front end is Whisper's extractor with 128 bins: frames of 400 samples every 160, centred, with
reflection at both ends; Slaney mel scale and area norm; log10 clamped to 8 below the loudest bin of
the whole clip. That clamp is not causal, so frames are kept unclamped ("raw") and are clamped when
they are used. `log_mel` is the slow twin of `SegmentFeatures`.
"""

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import FRAME_SAMPLES, MIN_CLIP_SAMPLES, SAMPLE_RATE

FFT_SAMPLES = 400
HALF_FFT = FFT_SAMPLES // 2
MEL_BINS = 128
LOG_FLOOR = 1e-10
DYNAMIC_RANGE = 8.0  # log10 units kept below the peak: 80 dB


def log_mel(samples: Tensor) -> Tensor:
    """Raw log10 mel of a whole clip: float32 samples [N], N > 200, to [N // 160, 128]."""
    return _mel_frames(samples, 0, samples.shape[0] // FRAME_SAMPLES)


def normalise(raw: Tensor, peak: float) -> Tensor:
    """Raw frames clamped to 80 dB below `peak` (log10) and scaled as the encoder expects."""
    return (raw.clamp_min(peak - DYNAMIC_RANGE) + 4.0) / 4.0


def pad_clip(samples: np.ndarray) -> np.ndarray:
    """A clip of at least 0.5 s: shorter ones end in zeros, which count as audio."""
    missing = MIN_CLIP_SAMPLES - samples.shape[0]
    return np.pad(samples, (0, missing)) if missing > 0 else samples


class SegmentFeatures:
    """The raw log-mel of a segment that is still growing; equals `log_mel` of all its samples.

    Frame t sees samples 160t - 200 to 160t + 199, so it is final once 160t + 200 samples are
    there. At most one frame, the last, is provisional (it sees the reflection of the end) and is
    computed again at the next call.
    """

    def __init__(self) -> None:
        self._raw = torch.empty(0, MEL_BINS)  # [capacity, M]
        self._final_peak = float("-inf")
        self.num_frames = 0
        self.num_final = 0
        self.peak = float("-inf")

    @property
    def raw(self) -> Tensor:
        """All frames, [T, M]; a view that the next `hear` may move."""
        return self._raw[: self.num_frames]

    def hear(self, samples: Tensor) -> None:
        """Take in the segment's samples [N] from its start; under 0.5 s they are padded.

        N grows from call to call, or shrinks, when the segment is cut.
        """
        heard = samples.shape[0]
        samples = F.pad(samples, (0, max(0, MIN_CLIP_SAMPLES - heard)))
        total = samples.shape[0] // FRAME_SAMPLES
        final = max(0, min(total, (heard - 40) // FRAME_SAMPLES))
        if final < self.num_final:  # the clip was cut: frames at its new end see a reflection now
            self.num_final = final
            self._final_peak = self._raw[:final].max().item() if final else float("-inf")
        fresh = _mel_frames(samples, self.num_final, total)  # [T - final, M]
        self._reserve(total)
        self._raw[self.num_final : total] = fresh
        newly_final = fresh[: final - self.num_final]
        if newly_final.shape[0]:
            self._final_peak = max(self._final_peak, newly_final.max().item())
        provisional = fresh[final - self.num_final :]
        self.peak = max([self._final_peak, *provisional.amax(dim=1).tolist()])
        self.num_frames = total
        self.num_final = final

    def _reserve(self, frames: int) -> None:
        if frames <= self._raw.shape[0]:
            return
        grown = torch.empty(max(frames, 2 * self._raw.shape[0], 100), MEL_BINS)
        grown[: self.num_frames] = self._raw[: self.num_frames]
        self._raw = grown


def _mel_frames(samples: Tensor, first: int, last: int) -> Tensor:
    """Frames `first` to `last` (exclusive) of the clip `samples`: [last - first, M]."""
    total = samples.shape[0]
    begin = FRAME_SAMPLES * first - HALF_FFT
    end = FRAME_SAMPLES * (last - 1) + HALF_FFT
    piece = samples[max(begin, 0) : min(end, total)]
    if begin < 0:
        piece = torch.cat([samples[1 : 1 - begin].flip(0), piece])
    if end > total:
        piece = torch.cat([piece, samples[total - 1 - (end - total) : total - 1].flip(0)])
    if piece.shape[0] < FFT_SAMPLES:
        return torch.empty(0, MEL_BINS)
    frames = piece.unfold(0, FFT_SAMPLES, FRAME_SAMPLES)  # [T, 400]
    spectrum = torch.fft.rfft(frames * _window())  # [T, 201]
    power = (spectrum * spectrum.conj()).real  # several times faster than abs().square()
    return (power @ _mel_matrix()).clamp_min(LOG_FLOOR).log10()  # [T, M]


@lru_cache(maxsize=1)
def _window() -> Tensor:
    return torch.hann_window(FFT_SAMPLES, periodic=True)


@lru_cache(maxsize=1)
def _mel_matrix() -> Tensor:
    """Triangles in Hz, equally spaced on Slaney's mel scale, each of area 1: [201, 128]."""
    edges_hz = _mel_to_hz(np.linspace(0.0, _hz_to_mel(SAMPLE_RATE / 2), MEL_BINS + 2))
    bins_hz = np.arange(FFT_SAMPLES // 2 + 1) * (SAMPLE_RATE / FFT_SAMPLES)
    low, centre, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz[:, None] - low) / (centre - low)
    falling = (high - bins_hz[:, None]) / (high - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return torch.from_numpy(triangles * (2.0 / (high - low))).float()


_LINEAR_HZ_PER_MEL = 200.0 / 3
_LOG_START_HZ = 1000.0
_LOG_START_MEL = _LOG_START_HZ / _LINEAR_HZ_PER_MEL
_MELS_PER_LOG = 27.0 / np.log(6.4)


def _hz_to_mel(hz: float) -> float:
    if hz < _LOG_START_HZ:
        return hz / _LINEAR_HZ_PER_MEL
    return float(_LOG_START_MEL + np.log(hz / _LOG_START_HZ) * _MELS_PER_LOG)


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    logarithmic = _LOG_START_HZ * np.exp((mel - _LOG_START_MEL) / _MELS_PER_LOG)
    return np.where(mel < _LOG_START_MEL, mel * _LINEAR_HZ_PER_MEL, logarithmic)
