"""Whether a 20 ms frame holds a voice: a function of the stream's samples up to there, of no text.

webrtcvad decides where it is quiet. Near the level of speech it takes noise, hum and babble for a
voice, so where there is a noise floor a network decides that was trained in noise (foreground.py).
"""

import math
from collections import deque
from functools import cached_property

import numpy as np
import webrtcvad
from numpy.polynomial.legendre import legvander

from ..types import SAMPLE_RATE
from .foreground import FRAME_SAMPLES, Foreground

VAD_FRAME_SAMPLES = FRAME_SAMPLES  # 20 ms
_AGGRESSIVENESS = 2  # of 0 to 3: 2 lets soft consonants through and rejects steady noise

_SILENT_DB = -70.0  # of full scale: softer is no voice, even where webrtcvad hears it ring on,
_RING_FRAMES = 10  # which in digital silence it may do for more than a second
_LOUD_RANGE_DB = 30.0  # under the peak: what is softer is the ring of a voice

_QUIET_DB = -60.0  # under a noise floor this low webrtcvad decides alone
_LIKELY, _BEGINS = 0.5, 0.7  # that somebody near speaks; and so surely that a segment begins
_GOES_ON, _GOES_ON_FRAMES, _HANGOVER_FRAMES = 0.3, 2, 2  # so likely that one does, so many in a row
_GOES_ON_NEAR_BABBLE = 0.87  # the voices behind go on in pauses: the nearer, the surer it must be
_FAR_BABBLE_DB, _NEAR_BABBLE_DB = 30.0, 22.0  # the floor under the peak
_BABBLE_SWING_DB = 1.0  # the swing of several voices at once; of steady noise it is under 1 dB
_NOISY_LAG_FRAMES = 5
_SETTLING_FRAMES = 125  # until the network knows what it hears: who speaks at once is heard
_DROP_DB = 10.0  # of the floor within half a second: the noise has stopped

_HOLE_DB, _HOLE_FRAMES = -100.0, 50  # what a microphone never does: a mute, or lost packets
_SLOW_DEGREE = 4  # of the polynomial that fits what is slower than a voice: some 100 Hz and less


class VoiceDetector:
    """Hears every frame of one stream, in order."""

    def __init__(self) -> None:
        self._levels = Levels()
        self._silent_frames = 0  # in a row, up to now
        self._rings = False  # webrtcvad still hears the voice that has ended
        self._foreground: Foreground | None = None  # while it has been noisy of late
        self._likelihood = 0.0  # of a voice in the last frame
        self._near_frames = self._hangover = 0  # in a row; and those that still count as voiced

    @cached_property
    def _vad(self) -> webrtcvad.Vad:
        """Made with the first frame: until then a stream costs next to nothing."""
        return webrtcvad.Vad(_AGGRESSIVENESS)

    def hear(self, frame: np.ndarray, *, in_speech: bool) -> bool:
        """Whether the next frame, float32 [320], is voiced.

        `in_speech`: somebody speaks already. What keeps a pause in noise from being one is a voice,
        not a click or somebody else's word: a frame counts then when it is not the only one, and so
        do the few behind it.
        """
        pcm = (frame * 32767.0).astype("<i2").tobytes()
        voiced = self._vad.is_speech(pcm, SAMPLE_RATE)
        self._levels.hear(frame)
        self._silent_frames = self._silent_frames + 1 if self._levels.db < _SILENT_DB else 0
        is_silent = self._silent_frames >= _RING_FRAMES
        self._rings = voiced and is_silent and (in_speech or self._rings)
        self._likelihood = self._likelihood_in_noise(frame)
        if self.is_noisy:
            return self._is_near(in_speech)
        return voiced and not self._rings

    @property
    def is_loud(self) -> bool:
        """The last frame was as loud as a voice, not as its ring or as the noise behind it."""
        if self.is_noisy:
            return self._likelihood > _LIKELY
        return self._levels.db > self._levels.peak_db - _LOUD_RANGE_DB

    @property
    def is_noisy(self) -> bool:
        """There is a noise floor that a voice has to be told from, and the network knows it."""
        network = self._foreground
        knows = network is not None and network.num_frames >= _SETTLING_FRAMES
        return knows and self._levels.floor_db >= _QUIET_DB

    @property
    def lag_frames(self) -> int:
        """How much later than here a word that begins softly may be noticed: in noise, much."""
        return _NOISY_LAG_FRAMES if self.is_noisy else 0

    def _likelihood_in_noise(self, frame: np.ndarray) -> float:
        """Of somebody near who speaks; anew behind quiet, a mute, or noise that has stopped."""
        levels, is_mute = self._levels, self._silent_frames >= _RING_FRAMES
        if is_mute or levels.late_floor_db < _QUIET_DB or levels.drop_db > _DROP_DB:
            self._foreground = None
            return 0.0
        if self._foreground is None:
            self._foreground = Foreground()
        return self._foreground.hear(frame)

    def _is_near(self, in_speech: bool) -> bool:
        """Whether somebody near speaks in the last frame, or has just ended a word."""
        if not in_speech:
            self._near_frames = self._hangover = 0
            return self._likelihood > _BEGINS
        goes_on = self._likelihood > self._least_likelihood()
        self._near_frames = self._near_frames + 1 if goes_on else 0
        if self._near_frames >= _GOES_ON_FRAMES:
            self._hangover = _HANGOVER_FRAMES
            return True
        is_held = self._hangover > 0
        self._hangover = max(0, self._hangover - 1)
        return is_held

    def _least_likelihood(self) -> float:
        """Of a voice that goes on."""
        levels = self._levels
        if levels.usual_swing_db <= _BABBLE_SWING_DB:
            return _GOES_ON
        range_db = levels.peak_db - levels.floor_db
        nearness = (_FAR_BABBLE_DB - range_db) / (_FAR_BABBLE_DB - _NEAR_BABBLE_DB)
        return _GOES_ON + (_GOES_ON_NEAR_BABBLE - _GOES_ON) * min(1.0, max(0.0, nearness))


class Levels:
    """How loud a stream is and has been in the last 8 s, in dB of full scale.

    `floor_db` is the lowest power over 100 ms: between words a voice leaves the noise alone that
    long (minimum statistics: Martin, "Noise power spectral density estimation based on optimal
    smoothing and minimum statistics", 2001). `swing_db` is how much higher the lowest power over
    240 ms is: hardly at all for hiss and hum, some dB for babble; it is seldom above
    `usual_swing_db`. `late_floor_db` is that of the last 2 s alone, `drop_db` how far the floor has
    fallen in this half second. `peak_db` is the highest power over 100 ms, `db` that of the last
    frame.

    An offset of the microphone, rumble and the mains' 50 Hz are no sound here: a floor under them
    would hide who speaks softly, though nobody has trouble hearing that voice. What a polynomial
    can follow through a frame is taken out of it: 20 Hz 60 dB, 50 Hz 23, 80 Hz 8, 120 Hz 1.

    Digital silence counts from its second second on: shorter holes say nothing about the noise.
    """

    _SHORT_FRAMES, _LONG_FRAMES = 5, 12
    _BLOCK_FRAMES, _NUM_BLOCKS, _NUM_LATE_BLOCKS = 25, 16, 4

    def __init__(self) -> None:
        self.num_frames = self._hole_frames = 0
        self.db = self.floor_db = self.peak_db = -120.0
        self.swing_db = self.usual_swing_db = self.drop_db = 0.0
        self.late_floor_db = self._late_before_db = -120.0
        self._powers: deque[float] = deque(maxlen=self._SHORT_FRAMES)
        self._long_powers: deque[float] = deque(maxlen=self._LONG_FRAMES)
        self._blocks: deque[_Block] = deque(maxlen=self._NUM_BLOCKS)
        self._swings: deque[float] = deque(maxlen=self._NUM_BLOCKS)
        self._block = self._before = _NO_BLOCK

    def hear(self, frame: np.ndarray) -> None:
        """The next frame, float32 [320]."""
        slow = _SLOW @ frame
        power = max(0.0, float(frame @ frame) - float(slow @ slow)) / frame.shape[0]
        self.db = _to_db(power)
        self._hole_frames = self._hole_frames + 1 if self.db < _HOLE_DB else 0
        if 0 < self._hole_frames <= _HOLE_FRAMES:
            return
        self.num_frames += 1
        self._powers.append(power)
        self._long_powers.append(power)
        short_db = _to_db(sum(self._powers) / len(self._powers))
        long_db = _to_db(sum(self._long_powers) / len(self._long_powers))
        if self.num_frames % self._BLOCK_FRAMES == 1:
            self._begin_block()
        self._block = _joined(self._block, (short_db, long_db, short_db))
        self.floor_db, long_floor_db, self.peak_db = _joined(self._before, self._block)
        self.swing_db = max(0.0, long_floor_db - self.floor_db)
        self.late_floor_db = min(self._late_before_db, self._block[0])
        is_first = math.isinf(self._before[0])
        self.drop_db = 0.0 if is_first else max(0.0, self._before[0] - self._block[0])

    def _begin_block(self) -> None:
        self._blocks.append(self._block)
        self._block = self._before = _NO_BLOCK
        for block in self._blocks:
            self._before = _joined(self._before, block)
        self._late_before_db = min(
            block[0] for block in list(self._blocks)[-self._NUM_LATE_BLOCKS :]
        )
        self._swings.append(self.swing_db)
        self.usual_swing_db = sorted(self._swings)[len(self._swings) * 3 // 4]


def _orthonormal_polynomials(degree: int) -> np.ndarray:
    """Up to this degree, over one frame: float32 [degree + 1, 320]."""
    basis, _ = np.linalg.qr(legvander(np.linspace(-1.0, 1.0, VAD_FRAME_SAMPLES), degree))
    return np.ascontiguousarray(basis.T, np.float32)


_SLOW = _orthonormal_polynomials(_SLOW_DEGREE)

_Block = tuple[float, float, float]  # lowest power over 100 and 240 ms, highest over 100 ms, in dB
_NO_BLOCK: _Block = (math.inf, math.inf, -math.inf)


def _joined(one: _Block, other: _Block) -> _Block:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2])


def _to_db(power: float) -> float:
    return 10.0 * math.log10(power + 1e-12)
