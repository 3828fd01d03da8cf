"""The voices of the corpus and how one of them is drawn for a sentence.

Every language is spoken by the same kinds of voices, so that a voice does not give the language
away. A voice is named "espeak-en-us+f2" (language and variant), "flite-slt" or
"festival-czech-ph".
"""

from __future__ import annotations

import random
from collections.abc import Mapping

import numpy as np

from training.language.spoken import spoken
from training.language.wordlists import words
from training.synthesis import diphone_tables, espeak, festival, flite, intonation
from training.synthesis.diphones import SPEAKERS
from training.synthesis.speech import SAMPLE_RATE, Speech, SynthesisError

ESPEAK_ACCENTS = {
    "English": {
        "en-us": 5,
        "en": 4,
        "en-gb-x-rp": 2,
        "en-gb-scotland": 1,
        "en-029": 1,
        "en-us-nyc": 1,
        "en-gb-x-gbclan": 1,
        "en-gb-x-gbcwmd": 1,
    },
    "Spanish": {"es": 1, "es-419": 1},
    "German": {"de": 1},
}
VARIANTS = words("""
    m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 Alex Alicia Andrea Annie Denis Gene Gene2 Henrique
    Hugo Jacky Lee Marco Michael Mike adam anika antonio aunty belinda benjamin boris caleb david
    ed edward edward2 grandma grandpa gustave iven iven2 iven3 iven4 john kaukovalta linda marcelo
    max michel miguel norbert pablo paul pedro quincy rob robert sandro shelby steph steph2 steph3
    travis victor zac""")
HELD_OUT_VARIANTS = ("Andy", "Mario", "Diogo")
FLITE_WEIGHTS = {
    "English": {"kal": 3, "kal16": 3, "awb": 4, "rms": 4, "slt": 5},
    "Spanish": {"awb": 1, "rms": 1, "slt": 1},
    "German": {"awb": 1, "rms": 1, "slt": 1},
}
FESTIVAL_WEIGHTS = {
    "English": {"kal": 5, "slt": 3, **{name: 2 for name in SPEAKERS if name != "kal"}},
    "Spanish": dict.fromkeys(SPEAKERS, 1),
    "German": dict.fromkeys(SPEAKERS, 1),
}
SHARES = {
    "English": {"espeak": 0.40, "flite": 0.33, "festival": 0.27},
    "Spanish": {"espeak": 0.50, "flite": 0.14, "festival": 0.36},
    "German": {"espeak": 0.50, "flite": 0.14, "festival": 0.36},
}
FOREIGN_ACCENTS = {
    "English": {"en-us": 2, "en": 1},
    "Spanish": {"es": 1, "es-419": 1},
    "German": {"de": 1},
}
"""Languages of espeak-ng that tell the voices without that language what to say."""
LEFT_OUT = "festival-ked"
"""An English speaker never trained on: the measure for a synthesiser the model does not know."""
_NATIVE_PITCH = {"kal": 105.0, "slt": 180.0}


def recipe() -> list[object]:
    """Everything here that determines the corpus, for its fingerprint."""
    return [
        ESPEAK_ACCENTS,
        VARIANTS,
        FLITE_WEIGHTS,
        FESTIVAL_WEIGHTS,
        SHARES,
        FOREIGN_ACCENTS,
        diphone_tables.SOUNDS,
        diphone_tables.OWN_SOUNDS,
        [speaker.table for speaker in SPEAKERS.values()],
    ]


class Voices:
    """All synthesisers."""

    def __init__(self) -> None:
        self.espeak = espeak.Espeak()
        self.flite = flite.Flite()
        self.festival = festival.Festival()

    def speak(
        self, sentence: str, voice: str, rng: random.Random, language: str = "English"
    ) -> Speech:
        """Speak with random prosody, at an RMS of 0.07."""
        sentence = spoken(sentence, language)
        engine, _, name = voice.partition("-")
        if engine == "espeak":
            speech = self.espeak.speak(sentence, name, _espeak_prosody(rng))
        elif engine == "flite":
            speech = self._flite(sentence, name, rng, language)
        else:
            speech = self._festival(sentence, name, rng, language)
        level = float((speech.samples**2).mean()) ** 0.5
        if len(speech.samples) < 4000 or level < 1e-4:
            raise SynthesisError(f"{voice} gives no sound for {sentence!r}")
        samples = speech.samples * np.float32(0.07 / level)
        return Speech(samples, speech.words, _to_the_end(speech.phones, len(samples)))

    def _flite(self, sentence: str, name: str, rng: random.Random, language: str) -> Speech:
        prosody = _flite_prosody(rng, name)
        if language == "English":
            return self.flite.speak(sentence, name, prosody)
        return self.flite.speak_phones(
            self._source(sentence, rng, language), language, name, prosody
        )

    def _source(self, sentence: str, rng: random.Random, language: str) -> Speech:
        """The sentence by espeak-ng, for the phones that another voice is to speak."""
        accent = _weighted(rng, FOREIGN_ACCENTS[language])
        return self.espeak.speak(sentence, accent, espeak.Prosody(rate=rng.randint(140, 200)))

    def _festival(self, sentence: str, name: str, rng: random.Random, language: str) -> Speech:
        if language == "English" and name in festival.NATIVE:
            own = f"festival-{name}" == LEFT_OUT
            prosody = _own_prosody(rng) if own else _festival_prosody(rng, _NATIVE_PITCH[name])
            return self.festival.speak_text(sentence, name, prosody)
        if name not in SPEAKERS:
            raise SynthesisError(f"festival-{name} does not speak {language}")
        return self.festival.speak_phones(
            self._source(sentence, rng, language),
            language,
            name,
            _festival_prosody(rng, SPEAKERS[name].pitch),
            rng,
            question=sentence.endswith("?"),
        )


def draw_voice(rng: random.Random, language: str) -> str:
    """A trained voice for ``language``."""
    engine = _weighted(rng, SHARES[language])
    if engine == "flite":
        return "flite-" + _weighted(rng, FLITE_WEIGHTS[language])
    if engine == "festival":
        return "festival-" + _weighted(rng, FESTIVAL_WEIGHTS[language])
    return f"espeak-{_weighted(rng, ESPEAK_ACCENTS[language])}+{rng.choice(VARIANTS)}"


def held_out_voice(rng: random.Random) -> str:
    """An English voice whose espeak variant was never trained on."""
    return f"espeak-{rng.choice(['en-us', 'en'])}+{rng.choice(HELD_OUT_VARIANTS)}"


def family(voice: str) -> str:
    """The group a voice is reported under: "espeak-en", "flite-slt", "festival-it-lp", "human"."""
    engine, _, name = voice.partition("-")
    if engine == "espeak":
        return "espeak-" + name[:2]
    return "human" if engine == "human" else voice


def _to_the_end(phones: list[tuple[str, float]], samples: int) -> list[tuple[str, float]]:
    """The last phone, a silence, lasts as long as the sound; engines differ by some ms."""
    end = samples / SAMPLE_RATE
    return [*((label, min(until, end)) for label, until in phones[:-1]), (phones[-1][0], end)]


def _weighted(rng: random.Random, weights: Mapping[str, float]) -> str:
    return rng.choices(list(weights), weights=list(weights.values()))[0]


def _espeak_prosody(rng: random.Random) -> espeak.Prosody:
    return espeak.Prosody(
        rate=rng.randint(115, 215),
        pitch=rng.randint(20, 80),
        pitch_range=rng.randint(25, 80),
        word_gap=rng.choice([0, 0, 0, 1, 2, 4]),
    )


def _flite_prosody(rng: random.Random, name: str) -> flite.Prosody:
    return flite.Prosody(
        stretch=rng.uniform(0.85, 1.25),
        pitch=rng.uniform(80, 170) if name.startswith("kal") else 0.0,
        pitch_factor=1.0 if name.startswith("kal") else rng.uniform(0.75, 1.35),
        shift=rng.uniform(0.85, 1.18),
    )


def _own_prosody(rng: random.Random) -> intonation.Prosody:
    """The left-out speaker as recorded: only tempo and pitch vary, and little."""
    return intonation.Prosody(
        stretch=rng.uniform(0.9, 1.15), pitch=rng.uniform(95, 120), pitch_range=0.13
    )


def _festival_prosody(rng: random.Random, natural_pitch: float) -> intonation.Prosody:
    """Pitch within a fifth or so of the speaker's own, moved with the vocal tract length."""
    shift = rng.uniform(0.85, 1.18)
    return intonation.Prosody(
        stretch=rng.uniform(0.85, 1.25),
        pitch=natural_pitch * shift * rng.uniform(0.75, 1.4),
        pitch_range=rng.uniform(0.06, 0.3),
        shift=shift,
    )
