"""What the network hears: one who speaks with pauses, and what else there is to be heard.

Everything is mixed sample by sample, because voices that talk at once interfere.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from training.language import text
from training.learning import music, noises
from training.synthesis import effects
from training.synthesis.speech import SAMPLE_RATE, SynthesisError
from training.synthesis.voices import Voices, draw_voice

FRAME = 320
SECONDS = 12
COUNT = SECONDS * SAMPLE_RATE
RMS = 0.07
"""Level of everyone who speaks, and of what else there is at a ratio of 0 dB."""
LANGUAGES = {"English": 0.5, "Spanish": 0.25, "German": 0.25}
BACKGROUNDS = {"babble": 0.60, "steady": 0.12, "hum": 0.05, "knocks": 0.05, "music": 0.10, "": 0.08}
NOBODY_SHARE = 0.12
"""Share of mixtures in which nobody near speaks."""
RATIOS_DB = (-1.0, 22.0)
BABBLE_VOICES = (3, 12)
SPREAD_DB = 3.0
"""How much louder or softer than the others a voice or a sentence may be."""
GAINS_DB = (-25.0, 5.0)
HOLES_SHARE = 0.08
"""Share of mixtures with pieces of digital silence: lost packets, or a mute."""
_SILENT_DB = -35.0  # under the RMS: in a word, but not to be heard

Generator = np.random.Generator


@dataclass(frozen=True)
class Clip:
    """float16 samples at an RMS of 0.07, and the words as spans of them."""

    samples: np.ndarray
    words: list[tuple[int, int]]


def speak(count: int, seed: int) -> list[Clip]:
    """So many training sentences, each by another voice, some through a room or a line."""
    chance, engines, clips = random.Random(f"foreground {seed}"), Voices(), []
    while len(clips) < count:
        language = chance.choices(list(LANGUAGES), list(LANGUAGES.values()))[0]
        sentence, voice = text.draw_training(chance, language).text, draw_voice(chance, language)
        try:
            speech = engines.speak(sentence, voice, chance, language)
        except SynthesisError:
            continue  # the voice cannot say this one
        kind = effects.draw(chance)
        samples = effects.apply(speech.samples, chance, kind) if kind else speech.samples
        words = [(int(a * SAMPLE_RATE), int(b * SAMPLE_RATE)) for a, b in speech.words]
        clips.append(Clip(samples.astype(np.float16), words))
    return clips


def mix(clips: list[Clip], rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """A mixture: float32 samples [192,000], and which of its frames are voiced, bool [600]."""
    near, voiced = _nobody() if rng.random() < NOBODY_SHARE else _speaker(clips, rng)
    kind = str(rng.choice(list(BACKGROUNDS), p=list(BACKGROUNDS.values())))
    mixed = near
    if kind:
        sound = _background(kind, clips, rng)
        level = RMS / max(1e-9, float(np.sqrt(np.mean(sound**2))))
        mixed = near + sound * np.float32(level * _gain(-rng.uniform(*RATIOS_DB)))
    if rng.random() < HOLES_SHARE:
        mixed, voiced = _with_holes(mixed, voiced, rng)
    return np.clip(mixed * _gain(rng.uniform(*GAINS_DB)), -1.0, 1.0), voiced


def _nobody() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(COUNT, np.float32), np.zeros(COUNT // FRAME, bool)


def _speaker(clips: list[Clip], rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sentences of several speakers, short and long pauses between them."""
    samples, voiced = _nobody()
    at = int(rng.uniform(0, 3) * SAMPLE_RATE)
    while at < COUNT:
        clip = clips[int(rng.integers(len(clips)))]
        sentence = clip.samples[: COUNT - at].astype(np.float32) * _spread(rng)
        samples[at : at + len(sentence)] = sentence
        for begin, end in clip.words:
            voiced[(at + begin) // FRAME : (at + end) // FRAME] = True
        pause = rng.uniform(0.05, 0.4) if rng.random() < 0.5 else rng.uniform(1.0, 3.5)
        at += len(clip.samples) + int(pause * SAMPLE_RATE)
    power = np.mean(samples.reshape(-1, FRAME) ** 2, axis=1)
    return samples, voiced & (power > (RMS * _gain(_SILENT_DB)) ** 2)


def _background(kind: str, clips: list[Clip], rng: Generator) -> np.ndarray:
    """float32 [192,000] at any level."""
    if kind == "babble":
        voices = int(rng.integers(BABBLE_VOICES[0], BABBLE_VOICES[1] + 1))
        return sum((_talker(clips, rng) for _ in range(voices)), np.zeros(COUNT, np.float32))
    if kind == "steady":
        return _steady(rng)
    if kind == "hum":
        return _hum(rng)
    if kind == "knocks":
        return np.resize(noises.impulses(rng), COUNT).astype(np.float32)
    return music.compose(SECONDS, rng)[:COUNT]


def _talker(clips: list[Clip], rng: Generator) -> np.ndarray:
    """Someone behind who talks without a pause."""
    samples, at = np.zeros(COUNT, np.float32), -int(rng.uniform(0, 3) * SAMPLE_RATE)
    gain = _spread(rng)
    while at < COUNT:
        sentence = clips[int(rng.integers(len(clips)))].samples
        heard = sentence[max(0, -at) : COUNT - at]
        begin = max(0, at)
        samples[begin : begin + len(heard)] = heard * gain
        at += len(sentence)
    return samples


def _steady(rng: Generator) -> np.ndarray:
    """Noise with a random slope and a smooth random colour, which may wander in its level."""
    frequency = np.maximum(np.fft.rfftfreq(COUNT, 1 / SAMPLE_RATE), 30.0)
    place = np.log(frequency / 30.0) / np.log(8000.0 / 30.0)
    waves = sum(rng.normal(0, 0.6) * np.cos(np.pi * k * place) for k in range(1, 6))
    response = np.exp(waves - rng.uniform(-0.5, 3.5) * place)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(COUNT)) * response, COUNT)
    knots = rng.standard_normal(SECONDS + 1) * rng.uniform(0.0, 0.3)
    wander = np.exp(np.interp(np.arange(COUNT) / SAMPLE_RATE, np.arange(SECONDS + 1), knots))
    return (noise * wander).astype(np.float32)


def _hum(rng: Generator) -> np.ndarray:
    """A tone and its harmonics that hold, over some hiss."""
    time = np.arange(COUNT) / SAMPLE_RATE
    pitch = rng.choice([50.0, 60.0, 100.0, rng.uniform(40, 300)])
    fall, sound = rng.uniform(0.3, 1.5), rng.standard_normal(COUNT) * 10 ** rng.uniform(-3, -1)
    for harmonic in range(1, int(rng.integers(4, 30))):
        phase = 2 * np.pi * (pitch * harmonic * time + rng.random())
        sound = sound + np.sin(phase) * rng.uniform(0.2, 1.0) / harmonic**fall
    return sound.astype(np.float32)


def _with_holes(
    samples: np.ndarray, voiced: np.ndarray, rng: Generator
) -> tuple[np.ndarray, np.ndarray]:
    samples, voiced = samples.copy(), voiced.copy()
    for _ in range(int(rng.integers(1, 8))):
        begin, length = int(rng.integers(COUNT // FRAME)), int(rng.integers(1, 30))
        samples[begin * FRAME : (begin + length) * FRAME] = 0.0
        voiced[begin : begin + length] = False
    return samples, voiced


def _spread(rng: Generator) -> np.float32:
    return _gain(rng.uniform(-SPREAD_DB, SPREAD_DB))


def _gain(decibels: float) -> np.float32:
    return np.float32(10 ** (decibels / 20))
