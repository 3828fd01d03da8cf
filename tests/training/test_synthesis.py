"""Every synthesiser speaks, with times that fit the sound; effects leave times alone."""

import random
from pathlib import Path

import numpy as np
import pytest

from training.synthesis import diphones, effects, festival, voices
from training.synthesis.phones import IGNORE, phone_class
from training.synthesis.speech import MissingSynthesiserError, Speech

_SENTENCES = {
    "English": "Turn on the light in the kitchen, please. Which one do you like?",
    "Spanish": "Quiero dos kilos de manzanas, por favor. El perro y el niño duermen.",
    "German": "Ich möchte zwei schöne Brötchen, bitte. Das Mädchen kommt früh nach Hause.",
}
_VOICES = [
    *(("English", f"flite-{name}") for name in voices.FLITE_WEIGHTS["English"]),
    ("English", "festival-ked"),
    ("English", "festival-slt"),
    ("English", "espeak-en-us+f2"),
    ("Spanish", "espeak-es+iven"),
    ("German", "espeak-de+m3"),
    ("Spanish", "flite-slt"),
    ("German", "flite-awb"),
    *((language, f"festival-{name}") for name in diphones.SPEAKERS for language in _SENTENCES),
]


@pytest.fixture(scope="module")
def engines() -> voices.Voices:
    return voices.Voices()


@pytest.mark.parametrize(("language", "voice"), _VOICES)
def test_times_fit_the_sound(engines: voices.Voices, language: str, voice: str) -> None:
    sentence = _SENTENCES[language]
    speech = engines.speak(sentence, voice, random.Random(4), language)
    assert len(speech.words) == len(sentence.split())
    assert all(start < end for start, end in speech.words)
    assert [start for start, _ in speech.words] == sorted(start for start, _ in speech.words)
    ends = [end for _, end in speech.phones]
    assert ends == sorted(ends)
    assert ends[-1] == len(speech.samples) / 16_000
    assert not [label for label, _ in speech.phones if phone_class(label) == IGNORE]
    assert float(np.sqrt(np.mean(speech.samples**2))) == pytest.approx(0.07, rel=1e-3)
    pauses, vowels = _levels(speech)
    assert pauses < vowels / 5


def _levels(speech: Speech) -> tuple[float, float]:
    """Median level in the middle of the silences, and of everything else."""
    levels: tuple[list[float], list[float]] = ([], [])
    begin = 0.0
    for label, end in speech.phones:
        middle, reach = (begin + end) / 2, (end - begin) / 4
        piece = speech.samples[int((middle - reach) * 16_000) : int((middle + reach) * 16_000)]
        if len(piece) > 100:
            levels[phone_class(label) != phone_class("_")].append(float(np.std(piece)))
        begin = end
    return float(np.median(levels[0])), float(np.median(levels[1]))


def test_every_drawn_voice_is_known_and_the_left_out_one_is_not_drawn() -> None:
    rng = random.Random(1)
    for language in _SENTENCES:
        drawn = {voices.draw_voice(rng, language) for _ in range(4000)}
        assert voices.LEFT_OUT not in drawn
        assert not [v for v in drawn if v.endswith(voices.HELD_OUT_VARIANTS)]
        spoken = {v.removeprefix("festival-") for v in drawn if v.startswith("festival-")}
        assert set(diphones.SPEAKERS) <= spoken
    assert voices.held_out_voice(rng).endswith(voices.HELD_OUT_VARIANTS)


def test_families_group_variants_but_not_speakers() -> None:
    assert voices.family("espeak-en-gb-x-rp+f2") == "espeak-en"
    assert voices.family("festival-it-lp") == "festival-it-lp"
    assert voices.family("human-theo") == "human"


def test_a_missing_voice_names_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(diphones, "_VOICES", tmp_path)
    with pytest.raises(MissingSynthesiserError, match="apt-get install festvox-"):
        festival.Festival()
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingSynthesiserError, match="apt-get install festival"):
        festival.Festival()


def test_festival_is_started_again_after_it_died(engines: voices.Voices) -> None:
    rng = random.Random(3)
    before = engines.speak("Good morning.", "festival-kal", random.Random(3))
    engines.festival.close()
    after = engines.speak("Good morning.", "festival-kal", rng)
    assert np.array_equal(before.samples, after.samples)


@pytest.mark.parametrize("kind", sorted(effects.WEIGHTS))
def test_an_effect_keeps_length_level_and_alignment(kind: str) -> None:
    noise = np.random.default_rng(2)
    samples = np.zeros(16_001, np.float32)
    samples[6000:9000] = noise.standard_normal(3000)
    changed = effects.apply(samples, random.Random(5), kind)
    assert changed.dtype == np.float32
    assert changed.shape == samples.shape
    assert np.std(changed) == pytest.approx(np.std(samples), rel=0.01)
    assert not np.array_equal(changed, samples)
    energy = np.cumsum(changed.astype(np.float64) ** 2)
    start = int(np.searchsorted(energy, 0.02 * energy[-1]))
    assert abs(start - 6000) < 400


def test_effects_are_drawn_for_a_fifth_of_the_clips() -> None:
    rng = random.Random(8)
    drawn = [effects.draw(rng) for _ in range(4000)]
    assert 0.17 < sum(kind is not None for kind in drawn) / 4000 < 0.23
    assert set(drawn) == {None, *effects.WEIGHTS}
