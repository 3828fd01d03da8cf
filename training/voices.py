"""The voices of the corpus and how one of them is drawn for a sentence."""

from __future__ import annotations

import random

from training import espeak, flite
from training.speech import Speech, SynthesisError
from training.wordlists import words

ENGLISH_ACCENTS = {
    "en-us": 5,
    "en": 4,
    "en-gb-x-rp": 2,
    "en-gb-scotland": 1,
    "en-029": 1,
    "en-us-nyc": 1,
    "en-gb-x-gbclan": 1,
    "en-gb-x-gbcwmd": 1,
}
SPANISH_ACCENTS = {"es": 1, "es-419": 1}
VARIANTS = words("""
    m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 Alex Annie Denis Gene Lee linda max Michael steph
    Hugo Marco""")
HELD_OUT_VARIANTS = ("Andy", "Mario", "Diogo")
FLITE_WEIGHTS = {"kal": 3, "kal16": 3, "awb": 4, "rms": 4, "slt": 5}
ESPEAK_SHARE = 0.5


class Voices:
    """Both synthesisers. A voice is named "espeak-en-us+f2" or "flite-slt"."""

    def __init__(self) -> None:
        self.espeak = espeak.Espeak()
        self.flite = flite.Flite()

    def speak(self, sentence: str, voice: str, rng: random.Random) -> Speech:
        """Speak with random prosody, at an RMS of 0.07."""
        engine, _, name = voice.partition("-")
        if engine == "espeak":
            speech = self.espeak.speak(sentence, name, _espeak_prosody(rng))
        else:
            speech = self.flite.speak(sentence, name, _flite_prosody(rng, name))
        level = float((speech.samples**2).mean()) ** 0.5
        if len(speech.samples) < 4000 or level < 1e-4:
            raise SynthesisError(f"{voice} gives no sound for {sentence!r}")
        speech.samples[:] *= 0.07 / level
        return speech


def draw_voice(rng: random.Random, language: str) -> str:
    """A trained voice for ``language``."""
    if language == "English" and rng.random() >= ESPEAK_SHARE:
        return "flite-" + _weighted(rng, FLITE_WEIGHTS)
    accents = ENGLISH_ACCENTS if language == "English" else SPANISH_ACCENTS
    return f"espeak-{_weighted(rng, accents)}+{rng.choice(VARIANTS)}"


def held_out_voice(rng: random.Random) -> str:
    """An English voice whose espeak variant was never trained on."""
    return f"espeak-{rng.choice(['en-us', 'en'])}+{rng.choice(HELD_OUT_VARIANTS)}"


def family(voice: str) -> str:
    """The group a voice is reported under: "espeak-en", "espeak-es", "flite-slt", "human"."""
    engine, _, name = voice.partition("-")
    if engine == "espeak":
        return "espeak-" + name[:2]
    return "human" if engine == "human" else voice


def _weighted(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), weights=list(weights.values()))[0]


def _espeak_prosody(rng: random.Random) -> espeak.Prosody:
    return espeak.Prosody(
        rate=rng.randint(130, 200),
        pitch=rng.randint(30, 70),
        pitch_range=rng.randint(30, 75),
        word_gap=rng.choice([0, 0, 0, 1, 2, 4]),
    )


def _flite_prosody(rng: random.Random, name: str) -> flite.Prosody:
    return flite.Prosody(
        stretch=rng.uniform(0.88, 1.2),
        pitch=rng.uniform(85, 150) if name.startswith("kal") else 0.0,
        shift=rng.uniform(0.93, 1.1),
    )
