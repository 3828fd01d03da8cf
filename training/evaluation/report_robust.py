"""How noise, lines and rooms change the error rate, and what is written where nobody speaks."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np

from hark.engine.types import Final, Partial, SpeechStarted, StreamOptions
from training.evaluation import measure, rooms, scoring, sounds, testsets
from training.evaluation.evaluate import TestClip
from training.evaluation.exam import Exam
from training.language import text
from training.synthesis import effects
from training.synthesis.speech import SAMPLE_RATE

SNRS_DB = (20, 10)
_NOISES = {
    "white": ("white noise",),
    "coloured": ("pink noise", "brown noise", "fan", "rain"),
    "music": ("chords", "melody", "band"),
}
_BABBLE_VOICES = 4
_LOUDEST_DB, _SOFTEST_DB = 0.0, -45.0
"""Levels of sounds without speech, relative to that of speech."""


def noise(exam: Exam) -> dict:
    """The same in-domain clips clean, with noise, through a telephone and in a room."""
    rng = exam.rng("noise")
    clips = [testsets.mixed_clip(exam.engines, rng) for _ in range(exam.sizes.noise_clips)]
    babble = _babble(exam, rng)
    clean = measure.in_both_windows(clips, exam.answers)
    errors = {name: measure.errors_of(clips, clean[name]) for name in measure.WINDOWS}
    rows = {"clean": {w: asdict(scoring.rate(*errors[w])) for w in measure.WINDOWS}}
    for name, disturb in _conditions(rng, babble).items():
        disturbed = [replace(clip, samples=disturb(clip.samples)) for clip in clips]
        row = rows[name] = {}
        for window, answers in measure.in_both_windows(disturbed, exam.answers).items():
            clean_errors, words = errors[window]
            these, _ = measure.errors_of(clips, answers)
            row[window] = asdict(scoring.rate(these, words))
            row[f"{window} minus clean"] = asdict(scoring.difference(these, clean_errors, words))
    return {"rows": rows}


def quiet(exam: Exam) -> dict:
    """Words written where there is no speech: whole clips, and the engine with voice activity."""
    rows = {kind: _quiet_row(exam, kind) for kind in sounds.KINDS}
    keys = ("minutes", "words 8 s", "words 1 s", "stream minutes", "segments", "stream words")
    rows["all"] = {key: round(sum(row[key] for row in rows.values()), 2) for key in keys}
    return {"rows": rows}


def _conditions(
    rng: random.Random, babble: np.ndarray
) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """What can happen to the samples of a clip, by name."""
    noise_rng = np.random.default_rng(rng.randrange(2**32))

    def under(kinds: tuple[str, ...], snr_db: float) -> Callable[[np.ndarray], np.ndarray]:
        def disturb(samples: np.ndarray) -> np.ndarray:
            sound = sounds.make(rng.choice(kinds), len(samples), noise_rng)
            return sounds.mix(samples, sound, snr_db)

        return disturb

    def under_babble(snr_db: float) -> Callable[[np.ndarray], np.ndarray]:
        def disturb(samples: np.ndarray) -> np.ndarray:
            begin = rng.randrange(len(babble))
            return sounds.mix(samples, np.roll(babble, -begin)[: len(samples)], snr_db)

        return disturb

    conditions = {}
    for snr_db in SNRS_DB:
        for name, kinds in _NOISES.items():
            conditions[f"{name}, {snr_db} dB"] = under(kinds, snr_db)
        conditions[f"babble, {snr_db} dB"] = under_babble(snr_db)
    for kind in ("telephone", "room"):
        conditions[kind] = lambda samples, kind=kind: effects.apply(samples, rng, kind)
    conditions["another room"] = lambda samples: rooms.reverberate(samples, rng)
    return conditions


def _babble(exam: Exam, rng: random.Random) -> np.ndarray:
    """Half a minute of several people at once."""
    length = 32 * SAMPLE_RATE
    mixed = np.zeros(length, np.float32)
    for _ in range(_BABBLE_VOICES):
        clip = testsets.joined_clip(exam.engines, rng, 24, 32)
        mixed += np.resize(clip.samples, length)
    return mixed


def _quiet_row(exam: Exam, kind: str) -> dict:
    rng = exam.rng(f"quiet {kind}")
    noise_rng = np.random.default_rng(rng.randrange(2**32))
    clips = [
        TestClip("", "None", kind, _sound(kind, rng.uniform(10, 28), rng, noise_rng))
        for _ in range(round(exam.sizes.quiet_minutes * 60 / 19 / len(sounds.KINDS)) or 1)
    ]
    row: dict = {"minutes": round(sum(clip.seconds for clip in clips) / 60, 2)}
    for window, answers in measure.in_both_windows(clips, exam.answers).items():
        written = [answer for _, answer in answers if answer]
        row[f"words {window}"] = sum(len(text.normalise(answer).split()) for answer in written)
        row[f"examples {window}"] = written[:3]
    seconds = exam.sizes.quiet_stream_minutes * 60 / len(sounds.KINDS)
    return row | _quiet_stream(exam, _sound(kind, seconds, rng, noise_rng))


def _quiet_stream(exam: Exam, samples: np.ndarray) -> dict:
    """A sound as a stream: how often the voice activity took it for speech, and what came of it."""
    updates = exam.hear(samples, StreamOptions())
    texts = [update.text for update in updates if isinstance(update, Final)]
    texts += [u.stable + u.unstable for u in updates if isinstance(u, Partial)]
    return {
        "stream minutes": round(len(samples) / SAMPLE_RATE / 60, 2),
        "segments": sum(isinstance(update, SpeechStarted) for update in updates),
        "stream words": sum(len(text.normalise(one).split()) for one in texts),
    }


def _sound(
    kind: str, seconds: float, rng: random.Random, noise_rng: np.random.Generator
) -> np.ndarray:
    gain = 10 ** (rng.uniform(_SOFTEST_DB, _LOUDEST_DB) / 20)
    return sounds.make(kind, int(seconds * SAMPLE_RATE), noise_rng) * np.float32(gain)
