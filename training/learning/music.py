"""Invented music, so that the model learns that music is not speech.

Chords, arpeggios, melodies with vibrato, bass and drums by additive synthesis, 16 kHz samples.
"""

from __future__ import annotations

import numpy as np

from training.mel import SAMPLE_RATE

_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
_PROGRESSIONS = ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 4, 4), (0, 6, 5, 4), (0, 3, 0, 4))
_ALONE_SHARE = 0.35
_PARTS = ("pad", "arpeggio", "melody", "bass", "drums")


def compose(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A random piece, float32 samples with a peak of 1."""
    piece = _Piece(seconds, rng)
    parts = [part for part in _PARTS if rng.random() < 0.6] or ["pad", "melody"]
    if rng.random() < _ALONE_SHARE:  # a lone line is what resembles a voice most
        parts = [("melody", "arpeggio", "bass")[int(rng.integers(3))]]
    for part in parts:
        getattr(piece, part)()
    return (piece.samples / max(1e-6, float(np.abs(piece.samples).max()))).astype(np.float32)


class _Piece:
    """One piece in a key and a tempo; each method adds a part of it to ``samples``."""

    def __init__(self, seconds: float, rng: np.random.Generator) -> None:
        self.rng = rng
        self.samples = np.zeros(int(seconds * SAMPLE_RATE), np.float64)
        self.beat = 60 / rng.uniform(60, 160)
        self.scale = _MAJOR if rng.random() < 0.6 else _MINOR
        self.key = int(rng.integers(40, 52))
        progression = _PROGRESSIONS[int(rng.integers(len(_PROGRESSIONS)))]
        bars = int(seconds / (4 * self.beat)) + 1
        self.chords = [progression[bar % len(progression)] for bar in range(bars)]
        self.timbres = {part: _timbre(rng) for part in _PARTS}

    def pad(self) -> None:
        """Held chords that swell slowly."""
        for bar, root in enumerate(self.chords):
            for step in (0, 2, 4):
                pitch = self.pitch(root + step, 12)
                self.note("pad", 4 * bar, 4.2, pitch, 0.25, attack=self.rng.uniform(0.05, 0.8))

    def arpeggio(self) -> None:
        """Broken chords in eighths or sixteenths."""
        fraction = float(self.rng.choice([0.25, 0.5]))
        for bar, root in enumerate(self.chords):
            for index in range(int(4 / fraction)):
                pitch = self.pitch(root + (0, 2, 4, 7)[index % 4], 12)
                self.note("arpeggio", 4 * bar + index * fraction, fraction * 1.5, pitch, 0.3)

    def melody(self) -> None:
        """A random walk over the scale, with vibrato."""
        degree, beat = int(self.rng.integers(0, 8)), 0.0
        while beat < 4 * len(self.chords):
            length = float(self.rng.choice([0.5, 1.0, 1.0, 2.0]))
            if self.rng.random() < 0.85:
                vibrato = self.rng.uniform(0, 0.012)
                self.note("melody", beat, length, self.pitch(degree, 24), 0.5, vibrato=vibrato)
            degree = int(np.clip(degree + self.rng.integers(-3, 4), -2, 12))
            beat += length

    def bass(self) -> None:
        """Roots on one or two beats."""
        step = int(self.rng.choice([1, 2]))
        for bar, root in enumerate(self.chords):
            for beat in range(0, 4, step):
                self.note("bass", 4 * bar + beat, step * 0.9, self.pitch(root, -12), 0.6)

    def drums(self) -> None:
        """Kick, snare and hi-hat."""
        for half in range(8 * len(self.chords)):
            self.hit(half / 2, 0.03, 6000, 0.15)
            if half % 4 == 0:
                self.note("bass", half / 2, 0.3, 50.0, 0.8)
            if half % 4 == 2:
                self.hit(half / 2, 0.12, 1500, 0.4)

    def pitch(self, degree: int, shift: int) -> float:
        """Frequency in Hz of a scale degree."""
        octave, step = divmod(degree, 7)
        return 440.0 * 2 ** ((self.key + shift + 12 * octave + self.scale[step] - 69) / 12)

    def note(
        self,
        part: str,
        beat: float,
        beats: float,
        pitch: float,
        level: float,
        *,
        attack: float = 0.01,
        vibrato: float = 0.0,
    ) -> None:
        """Add one note in the timbre of ``part``."""
        time = np.arange(int(beats * self.beat * SAMPLE_RATE)) / SAMPLE_RATE
        phase = pitch * (time + vibrato / 35 * np.sin(2 * np.pi * 5.5 * time))
        decay, partials = self.timbres[part]
        envelope = np.minimum(time / attack, 1.0) * np.exp(-time * decay)
        envelope *= np.minimum((len(time) - np.arange(len(time))) / 800, 1.0)
        wave = np.zeros_like(time)
        for harmonic, amplitude in partials:
            if pitch * harmonic < SAMPLE_RATE / 2:
                wave += amplitude * np.sin(2 * np.pi * harmonic * phase)
        self.add(beat, level * envelope * wave)

    def hit(self, beat: float, length: float, corner: float, level: float) -> None:
        """Add a burst of noise above about ``corner`` Hz."""
        time = np.arange(int(4 * length * SAMPLE_RATE)) / SAMPLE_RATE
        burst = self.rng.standard_normal(len(time)) * np.exp(-time / length)
        if corner > 3000:
            burst = np.diff(burst, prepend=0.0)
        self.add(beat, level * burst)

    def add(self, beat: float, wave: np.ndarray) -> None:
        """Mix ``wave`` in at a beat."""
        start = int(beat * self.beat * SAMPLE_RATE)
        kept = wave[: max(0, len(self.samples) - start)]
        self.samples[start : start + len(kept)] += kept


def _timbre(rng: np.random.Generator) -> tuple[float, list[tuple[float, float]]]:
    """(decay per second, partials as (frequency ratio, amplitude)): plucked, blown or bell-like."""
    decay = float(rng.choice([0.2, 1.0, 3.0, 6.0]))
    fall, inharmonic = rng.uniform(0.6, 2.2), rng.choice([0.0, 0.0, 0.01, 0.05])
    odd_only = rng.random() < 0.25
    partials = []
    for number in range(1, 11):
        if not (odd_only and number % 2 == 0):
            partials.append((number * (1 + inharmonic * number), number**-fall))
    return decay, partials
