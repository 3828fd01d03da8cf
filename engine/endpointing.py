"""Where speech starts and pauses, on fixed 20 ms frames of the sample clock.

The decision is a function of the samples alone: not of the size of network frames, nor of time.
"""

from collections import deque

import numpy as np
import webrtcvad

from .types import SAMPLE_RATE

VAD_FRAME_SAMPLES = 320  # 20 ms
PAD_SAMPLES = SAMPLE_RATE * 300 // 1000  # audio kept before the first voiced frame
_AGGRESSIVENESS = 2  # of 0 to 3: 2 lets soft consonants through and rejects steady noise
_START_WINDOW, _START_VOICED = 8, 5  # frames: speech starts when 5 of 8 are voiced


class VoiceActivity:
    """Whether someone speaks, frame by frame."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(_AGGRESSIVENESS)
        self._recent: deque[bool] = deque(maxlen=_START_WINDOW)
        self.in_speech = False
        self.silent_frames = 0  # since speech was last heard

    def hear(self, frame: np.ndarray) -> None:
        """The next frame, float32 [320]."""
        pcm = (frame * 32767.0).astype("<i2").tobytes()
        self._recent.append(self._vad.is_speech(pcm, SAMPLE_RATE))
        if self.in_speech:
            self.silent_frames = 0 if self._recent[-1] else self.silent_frames + 1
        elif sum(self._recent) >= _START_VOICED:
            self.in_speech, self.silent_frames = True, 0

    @property
    def maybe_speech(self) -> bool:
        """Some voice was heard just now, though not enough to call it speech."""
        return sum(self._recent) >= 2

    @property
    def onset_frames(self) -> int:
        """How many frames ago the voice heard lately began, the present frame included."""
        recent = list(self._recent)
        return len(recent) - recent.index(True) if True in recent else 0

    def stop(self) -> None:
        """Speech is over; what comes next has to be heard anew."""
        self._recent.clear()
        self.in_speech, self.silent_frames = False, 0


def quietest_cut(samples: np.ndarray, *, box_samples: int = 1600) -> int:
    """Where to cut with the least harm: inside the quietest 100 ms, at the smallest sample."""
    loudness = np.convolve(np.abs(samples), np.ones(box_samples), mode="valid")
    begin = int(loudness.argmin())
    return begin + int(np.abs(samples[begin : begin + box_samples]).argmin())
