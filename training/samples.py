"""The clips that are bundled with the project: rendered deterministically, texts held out.

Synthesisers carry noise and phases from one utterance to the next, so every clip is spoken by a
process of its own: a clip stays as it is when another one is exchanged.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import wave
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from training.errors import RecipeError
from training.evaluation.evaluate import TestClip, concatenate, transcribe
from training.language import text
from training.language.tokenizer import Prompt
from training.learning.model import SpeechModel
from training.synthesis import digits, voices

FLITE_LICENCE = "Made with CMU Flite; free use and redistribution (CMU licence)"
ESPEAK_LICENCE = "Made with eSpeak NG, whose licence does not extend to its output"
DIGITS_LICENCE = "CC BY-SA 4.0, Free Spoken Digit Dataset"
_TAIL_SAMPLES = 6400
"""Silence at the end of a clip: evidence that its last sentence is over."""


class SampleError(RecipeError):
    """A sample is not on the held-out side, or the model does not get it right."""


@dataclass(frozen=True)
class Sample:
    """One bundled clip: file name, sentences, language and voice."""

    file: str
    sentences: tuple[str, ...]
    language: str
    voice: str


SAMPLES: tuple[Sample, ...] = (
    Sample(
        "lecture.wav",
        (
            "The captions for the talk about chemistry are ready.",
            "Today we will talk about grammar and speech recognition.",
            "You can read the words while our neighbor speaks quietly.",
            "Are there any questions about biology?",
        ),
        "English",
        "flite-slt",
    ),
    Sample(
        "server.wav",
        (
            "The server answers after four seconds.",
            "The encoder keeps eight seconds of audio.",
        ),
        "English",
        "flite-awb",
    ),
    Sample("alarm.wav", ("Set an alarm for half past three tomorrow.",), "English", "flite-rms"),
    Sample(
        "question.wav",
        ("Does Daniel live in Edinburgh or in Amsterdam?",),
        "English",
        "espeak-en-us+f2",
    ),
    Sample(
        "journey.wav",
        ("We will arrive in Madrid on Wednesday at six in the morning.",),
        "English",
        "espeak-en+m3",
    ),
    Sample(
        "numbers.wav",
        ("The book has one hundred sixty four pages.",),
        "English",
        "flite-slt",
    ),
    Sample(
        "spanish.wav",
        (
            "Nos quedan ocho minutos.",
            "El servidor responde después de setenta y cuatro segundos.",
        ),
        "Spanish",
        "espeak-es+f2",
    ),
    Sample(
        "german.wav",
        (
            "Die Prüfung ist am Sonntag, dem fünfzehnten Oktober.",
            "Wohnt Martin in Berlin oder in Frankfurt?",
        ),
        "German",
        "espeak-de+f2",
    ),
)
DIGIT_SAMPLE = (
    "digits.wav",
    (
        "8_jackson_45.wav",
        "9_jackson_46.wav",
        "4_jackson_47.wav",
        "7_jackson_48.wav",
        "7_jackson_45.wav",
        "0_jackson_49.wav",
    ),
)


def render(output: Path, digit_folder: Path) -> list[TestClip]:
    """Write all samples and ``samples.json`` to ``output``; the clips as they were written."""
    output.mkdir(parents=True, exist_ok=True)
    entries, clips = [], []
    for sample, clip in zip(SAMPLES, speak_all(SAMPLES), strict=True):
        licence = FLITE_LICENCE if sample.voice.startswith("flite") else ESPEAK_LICENCE
        clips.append(_save(output / sample.file, clip))
        entries.append(_entry(sample.file, clip, licence, "synthesised"))
    file, names = DIGIT_SAMPLE
    clips.append(_save(output / file, digit_clip(digit_folder)))
    source = "human recordings joined: " + ", ".join(names)
    entries.append(_entry(file, clips[-1], DIGITS_LICENCE, source))
    (output / "samples.json").write_text(
        json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return clips


def speak_all(samples: Sequence[Sample]) -> list[TestClip]:
    """Each sample as a new process speaks it. Raises SampleError for a training sentence."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=spawn, max_tasks_per_child=1) as pool:
        return list(pool.map(_speak_alone, samples))


def _speak_alone(sample: Sample) -> TestClip:
    return speak(voices.Voices(), sample)


def speak(engines: voices.Voices, sample: Sample) -> TestClip:
    """The sample's sentences, with prosody and pauses seeded by its file name."""
    for sentence in sample.sentences:
        if not text.is_test(sentence):
            raise SampleError(f"{sentence!r} is on the training side of the split")
    rng = random.Random(sample.file)
    clips = [
        TestClip(
            sentence,
            sample.language,
            sample.voice,
            engines.speak(sentence, sample.voice, rng, sample.language).samples,
        )
        for sentence in sample.sentences
    ]
    joined = concatenate(clips, rng)
    return replace(joined, samples=np.pad(joined.samples, (0, _TAIL_SAMPLES)))


def digit_clip(folder: Path) -> TestClip:
    """The digit sample from held-out recordings."""
    file, names = DIGIT_SAMPLE
    transcript = text.digit_sentence([int(name[0]) for name in names])
    if not text.is_test(transcript):
        raise SampleError(f"{transcript!r} is on the training side of the split")
    speech = digits.join([folder / name for name in names], random.Random(file))
    return TestClip(transcript, "English", "human-" + names[0].split("_")[1], speech.samples)


def check(model: SpeechModel, prompt: Prompt, clips: Sequence[TestClip]) -> None:
    """Raise unless the model gets every clip right, word for word, with both windows."""
    for window in (8, 1):
        for clip, answer in zip(clips, transcribe(model, prompt, clips, window), strict=True):
            if answer != (clip.language, clip.text):
                raise SampleError(f"{window} s window: {answer} for {clip.text!r} ({clip.voice})")


def _save(path: Path, clip: TestClip) -> TestClip:
    """Write 16-bit mono wav at 16 kHz; the clip with the samples that are in the file."""
    samples = clip.samples * min(1.0, 0.9 / float(np.abs(clip.samples).max()))
    pcm = (samples * 32767).round().astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(pcm.tobytes())
    return replace(clip, samples=pcm.astype(np.float32) / 32768)


def _entry(file: str, clip: TestClip, licence: str, source: str) -> dict[str, str]:
    """What ``samples.json`` says of a clip."""
    return {
        "file": file,
        "text": clip.text,
        "language": clip.language,
        "voice": clip.voice,
        "licence": licence,
        "source": source,
    }
