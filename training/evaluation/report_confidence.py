"""Whether the model knows that it guesses: confidence on its own domain and on human speech."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from hark.engine.offline import decode_clip
from hark.engine.types import Final, StreamOptions
from training.evaluation import measure, scoring, sounds, testsets
from training.evaluation.evaluate import TestClip
from training.evaluation.exam import EvaluationError, Exam
from training.language import text
from training.synthesis import digits, voices
from training.synthesis.speech import SAMPLE_RATE, resample

_PIECE_S = (4.0, 12.0)
_TAIL_S = 1.0


def confidence(exam: Exam) -> dict:
    """The engine's confidence (mean token probability) of in-domain clips and of human speech.

    The threshold is the one that tells the two apart with the fewest errors, both sides counting
    alike; below it a text is called a guess.
    """
    own = _own_clips(exam)
    sets = {"in domain": own, "people": _human_pieces(exam), **_harder_clips(exam, own)}
    sure = {name: _confidences(exam, some) for name, some in sets.items()}
    threshold = best_threshold(sure["in domain"], sure["people"])
    return {
        "area": asdict(scoring.area_under_curve(sure["in domain"], sure["people"])),
        "threshold": threshold,
        "people": len(sure["people"]),
        "rows": {
            name: {
                "median": round(float(np.median(values)), 3),
                "called guesses": asdict(
                    scoring.rate([int(v < threshold) for v in values], [1] * len(values))
                ),
            }
            for name, values in sure.items()
            if values
        },
    }


def human_speech(exam: Exam) -> dict:
    """Free speech of people, streamed through the engine: its errors as they are."""
    assert exam.inputs.speech is not None
    clips, answers = [], []
    for path, transcript in transcripts(exam.inputs.speech).items():
        samples = np.pad(read_wav(path), (0, int(_TAIL_S * SAMPLE_RATE)))
        updates = exam.hear(samples, StreamOptions(partials=False))
        finals = [update.text for update in updates if isinstance(update, Final)]
        clips.append(TestClip(transcript, "English", path.stem, samples))
        answers.append(("", " ".join(finals)))
    shortest = sorted(range(len(clips)), key=lambda i: len(clips[i].samples))[:2]
    return {
        "recordings": len(clips),
        "WER": measure.word_error_rate(clips, answers),
        "examples": [{"said": clips[i].text, "heard": answers[i][1]} for i in shortest],
    }


def best_threshold(high: Sequence[float], low: Sequence[float]) -> float:
    """Between two measured values, where the fewest of both sides are on the wrong side.

    0 where one side is empty.
    """
    if not high or not low:
        return 0.0
    values = np.unique([*high, *low])
    places = np.concatenate([values[:1], (values[:-1] + values[1:]) / 2])
    wrong = [np.mean(np.asarray(high) < p) + np.mean(np.asarray(low) >= p) for p in places]
    return round(float(places[int(np.argmin(wrong))]), 3)


def transcripts(folder: Path) -> dict[Path, str]:
    """What is said in each wav file: from ``transcripts.tsv``, else from a .txt beside it.

    Raises:
        EvaluationError: there is no recording with a transcript.
    """
    said: dict[Path, str] = {}
    table = folder / "transcripts.tsv"
    for line in table.read_text("utf-8").splitlines() if table.exists() else ():
        name, _, words = line.partition("\t")
        said[folder / name] = words
    for path in folder.glob("*.txt"):
        said[path.with_suffix(".wav")] = path.read_text("utf-8").strip()
    found = {path: words for path, words in sorted(said.items()) if path.exists()}
    if not found:
        raise EvaluationError(
            f"{folder} has no wav file with a transcript: put the words into transcripts.tsv "
            "(name, tab, words) or into a .txt file of the same name, or leave --speech out"
        )
    return found


def read_wav(path: Path) -> np.ndarray:
    """A 16-bit wav file as float32 mono at 16 kHz, at the level of the synthetic speech."""
    with wave.open(str(path)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)
        mono = pcm.reshape(-1, file.getnchannels()).mean(1) / 32768
        samples = resample(mono, file.getframerate())
    return samples * np.float32(sounds.RMS / max(1e-6, float(np.sqrt(np.mean(samples**2)))))


def _own_clips(exam: Exam) -> list[np.ndarray]:
    """Grammar sentences in trained voices."""
    rng = exam.rng("confidence")
    return [
        testsets.joined_clip(exam.engines, rng, *_PIECE_S).samples
        for _ in range(exam.sizes.confidence_clips)
    ]


def _harder_clips(exam: Exam, own: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
    """What the model should still be surer of than of people: noise, a new voice, digits."""
    rng = exam.rng("harder")
    noise, count = np.random.default_rng(rng.randrange(2**32)), len(own) // 4 + 1
    noisy = [
        sounds.mix(samples, sounds.make("pink noise", len(samples), noise), 10)
        for samples in own[:count]
    ]
    left_out = [
        testsets.joined_clip(exam.engines, rng, *_PIECE_S, "English", voices.LEFT_OUT)
        for _ in range(count)
    ]
    strings = testsets.digit_clips(
        exam.inputs.digits, digits.HELD_OUT_SPEAKER, count, rng, trained=False
    )
    return {
        "in domain, 10 dB pink noise": noisy,
        voices.LEFT_OUT: [clip.samples for clip in left_out],
        "digits by a new speaker": [clip.samples for clip in strings],
    }


def _human_pieces(exam: Exam) -> list[np.ndarray]:
    assert exam.inputs.speech is not None
    return [
        piece
        for path in transcripts(exam.inputs.speech)
        for piece in testsets.pieces_at_pauses(read_wav(path), *_PIECE_S)
    ]


def _confidences(exam: Exam, clips: Sequence[np.ndarray]) -> list[float]:
    """Of clips in which the model hears words: where it writes nothing, there is no guess."""
    results = [decode_clip(exam.engine, samples) for samples in clips]
    return [one.confidence for one in results if text.normalise(one.text)]
