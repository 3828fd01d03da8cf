"""Speech with pauses of known place, in silence or in noise at a known ratio.

A scene is made of utterances and of silences between them; an utterance is one sentence whose words
have exact times, or a recording whose stretches of voice are found by their level.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.speech import Speech
from hark.clients.bench.clips import load_clips
from hark.engine.audio.files import open_audio
from hark.engine.types import SAMPLE_RATE
from training.evaluation import sounds
from training.language.text import draw
from training.synthesis.speech import SynthesisError
from training.synthesis.voices import Voices, draw_voice

LEVEL = 0.07  # RMS of every utterance
LEAD_S, PAUSES_S = 2.0, (1.4, 2.6)  # of silence before the first utterance, and between two
HESITATIONS_S = (0.3, 1.0)
_BABBLE_VOICES = 7
_RANGE_DB, _GAP_MS = 30.0, 200  # of a recording: voice is this near its peak, gaps are shorter

Span = tuple[int, int]  # first sample, and the one behind the last


@dataclass(frozen=True, slots=True)
class Utterance:
    """float32 samples [n] at 16 kHz; `words` as spans of them, in order, exact or stretches."""

    samples: np.ndarray
    words: list[Span]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """float32 samples [n] at 16 kHz; the words of each utterance as spans of them."""

    samples: np.ndarray
    utterances: list[list[Span]]

    def speech(self, samples: np.ndarray) -> Speech:
        """The scene as an engine hears it, with these samples: its own, or with noise."""
        peak = max(1.0, float(np.abs(samples).max()))
        return Speech((samples * (32767 / peak)).astype(np.int16), frozenset())


def sentences() -> list[Utterance]:
    """The bundled sentences: several synthesised voices, the times of their words exact."""
    return [
        Utterance(
            _levelled(clip.samples.astype(np.float32)),
            [(word.start, word.end) for word in clip.words],
            " ".join(word.text for word in clip.words),
        )
        for clip in load_clips()
    ]


def synthesised(count: int, seed: int) -> list[Utterance]:
    """Fresh English sentences in drawn voices; needs the synthesisers of training/synthesis."""
    chance, voices = random.Random(seed), Voices()
    made: list[Utterance] = []
    while len(made) < count:
        text = draw(chance, "English", test=True).text
        try:
            speech = voices.speak(text, draw_voice(chance, "English"), chance)
        except SynthesisError:
            continue  # the voice cannot say this one
        words = [(int(a * SAMPLE_RATE), int(b * SAMPLE_RATE)) for a, b in speech.words]
        made.append(Utterance(_levelled(speech.samples), words, text))
    return made


def recordings(folder: Path, *, most: int, seconds: float) -> list[Utterance]:
    """The first seconds of at most so many wav files; their words are stretches of voice."""
    found, paths = [], sorted(folder.glob("*.wav"))
    for path in paths[:: -(-len(paths) // most) or 1]:
        samples = np.concatenate(list(open_audio(path).blocks()))[: int(seconds * SAMPLE_RATE)]
        found.append(Utterance(_levelled(samples), _stretches(samples)))
    return found


def with_hesitations(utterances: Sequence[Utterance], seed: int) -> list[Utterance]:
    """The same sentences, each with a silence between two of its words."""
    chance = random.Random(seed)
    return [_hesitating(each, chance) for each in utterances if len(each.words) >= 4]


def compose(
    utterances: Sequence[Utterance], seed: int, pauses_s: tuple[float, float] = PAUSES_S
) -> Scene:
    """All utterances, a silence of random length behind each."""
    chance = random.Random(seed)
    parts, at, places = [_silence(LEAD_S)], int(LEAD_S * SAMPLE_RATE), []
    for utterance in utterances:
        places.append([(at + begin, at + end) for begin, end in utterance.words])
        pause = _silence(chance.uniform(*pauses_s))
        parts += [utterance.samples, pause]
        at += utterance.samples.shape[0] + pause.shape[0]
    return Scene(np.concatenate([*parts, _silence(PAUSES_S[1])]), places)


def in_noise(scene: Scene, kind: str, snr_db: float, seed: int) -> np.ndarray:
    """The scene's samples with noise; the ratio is that of speech inside words to noise."""
    noise = make_noise(kind, scene.samples.shape[0], seed)
    spoken = [scene.samples[a:b] for words in scene.utterances for a, b in words]
    power = float(np.mean(np.concatenate(spoken) ** 2))
    gain = np.sqrt(power / float(np.mean(noise**2)) * 10 ** (-snr_db / 10))
    return (scene.samples + np.float32(gain) * noise).astype(np.float32)


def make_noise(kind: str, num_samples: int, seed: int) -> np.ndarray:
    """Silence, babble (seven of the bundled voices at once), or a sound of the evaluation's.

    Mains hum is 50 Hz and its harmonics. float32 [n], at an RMS of 0.07 but for silence.
    """
    rng = np.random.default_rng(seed)
    if kind == "hum":
        time = np.arange(num_samples) / SAMPLE_RATE
        tones = (np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 9))
        return _levelled(sum(tones, np.zeros(num_samples)).astype(np.float32))
    if kind != "babble":
        return sounds.make(kind, num_samples, rng)
    clips, mixed = sentences(), np.zeros(num_samples, np.float32)
    for _ in range(_BABBLE_VOICES):
        voice = np.concatenate([clips[i].samples for i in rng.permutation(len(clips))])
        mixed += np.roll(np.resize(voice, num_samples), rng.integers(num_samples))
    return _levelled(mixed)


def _hesitating(utterance: Utterance, chance: random.Random) -> Utterance:
    word = chance.randrange(1, len(utterance.words) - 2)
    at = (utterance.words[word][1] + utterance.words[word + 1][0]) // 2
    pause = _silence(chance.uniform(*HESITATIONS_S))
    samples = np.concatenate([utterance.samples[:at], pause, utterance.samples[at:]])
    length = pause.shape[0]
    moved = [(a + length, b + length) for a, b in utterance.words[word + 1 :]]
    return Utterance(samples, utterance.words[: word + 1] + moved, utterance.text)


def _stretches(samples: np.ndarray) -> list[Span]:
    """Where a recording is at most 30 dB under its peak level, gaps under 200 ms closed."""
    hop = SAMPLE_RATE // 100
    frames = samples[: samples.shape[0] // hop * hop].reshape(-1, hop)
    level = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    loud = np.flatnonzero(level > np.percentile(level, 98) - _RANGE_DB)
    breaks = [i for i, (a, b) in enumerate(pairwise(loud)) if (b - a) * 10 > _GAP_MS]
    firsts, lasts = [0, *(i + 1 for i in breaks)], [*breaks, len(loud) - 1]
    return [
        (int(loud[a]) * hop, (int(loud[b]) + 1) * hop) for a, b in zip(firsts, lasts, strict=True)
    ]


def _levelled(samples: np.ndarray) -> np.ndarray:
    return samples * np.float32(LEVEL / np.sqrt(np.mean(samples**2)))


def _silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * SAMPLE_RATE), np.float32)
