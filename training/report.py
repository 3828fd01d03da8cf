"""The evaluation that goes with an exported model: JSON and a markdown table."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training import digits, evaluate, export, voices
from training.evaluate import Score, TestClip

WINDOWS = (8, 1)
_LONG_CLIPS = 12
_DIGIT_STRINGS = 40
_QUIET_CLIPS = 24


@dataclass(frozen=True)
class Sizes:
    """Clips per test set."""

    fresh: int = 100
    per_voice: int = 40


def run(folder: Path, digit_folder: Path, output: Path, *, sizes: Sizes, seed: int) -> dict:
    """Evaluate the model in ``folder`` and write ``eval.json`` and ``eval.md`` to ``output``."""
    model, prompt = export.load(folder)
    begin, results = time.time(), {}
    for name, clips in test_sets(digit_folder, sizes, seed).items():
        results[name] = {}
        for window in WINDOWS:
            answers = evaluate.transcribe(model, prompt, clips, window)
            entry = _summary(evaluate.score(clips, answers)["all"])
            entry["examples"] = _mistakes(clips, answers)
            results[name][f"{window}s"] = entry
        cells = ", ".join(f"{w}: {_headline(r)}" for w, r in results[name].items())
        print(f"{name:28s} {cells}", flush=True)
    report = {"seed": seed, "results": results, "seconds": round(time.time() - begin, 1)}
    output.mkdir(parents=True, exist_ok=True)
    (output / "eval.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    (output / "eval.md").write_text(table(report))
    return report


def test_sets(digit_folder: Path, sizes: Sizes, seed: int) -> dict[str, list[TestClip]]:
    """All test sets: held-out sentences only, synthesised now from ``seed``."""
    engines, rng = voices.Voices(), random.Random(f"eval {seed}")

    def draw(count: int, language: str = "English", pick=lambda: None) -> list[TestClip]:
        return [evaluate.fresh_clip(engines, rng, language, pick()) for _ in range(count)]

    spanish = round(sizes.fresh * 0.15)
    sets = {"fresh sentences": draw(sizes.fresh - spanish) + draw(spanish, "Spanish")}
    for name in voices.FLITE_WEIGHTS:
        sets[f"flite {name}"] = draw(sizes.per_voice, pick=lambda name=name: f"flite-{name}")
    sets["espeak-ng English"] = draw(sizes.per_voice, pick=lambda: _espeak_voice(rng))
    sets["espeak-ng, unseen variants"] = draw(
        sizes.per_voice, pick=lambda: voices.held_out_voice(rng)
    )
    sets["espeak-ng Spanish"] = draw(sizes.per_voice, "Spanish")
    sets["20-28 s, several sentences"] = [_long_clip(engines, rng) for _ in range(_LONG_CLIPS)]
    sets["digits, human recordings"] = _digit_clips(digit_folder, rng)
    sets["silence and noise"] = [_quiet_clip(rng) for _ in range(_QUIET_CLIPS)]
    return sets


def table(report: dict) -> str:
    """Markdown table of a report."""
    lines = [
        "| test set | clips | words | WER, 8 s window | WER, 1 s window | exact clips | language |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, windows in report["results"].items():
        wide, narrow = windows["8s"], windows["1s"]
        if not wide["words"]:
            lines.append(
                f"| {name} | {wide['clips']} | - | - | - | {wide['exact']} / "
                f"{narrow['exact']} | {wide['language_right']} / "
                f"{narrow['language_right']} None |"
            )
            continue
        lines.append(
            f"| {name} | {wide['clips']} | {wide['words']} | {wide['wer']:.1f} % | "
            f"{narrow['wer']:.1f} % | {wide['exact']} / {narrow['exact']} | "
            f"{wide['language_right']} / {narrow['language_right']} |"
        )
    return "\n".join(lines) + "\n"


def _headline(entry: dict) -> str:
    """WER, or the share of clips recognised as holding no speech."""
    if entry["words"]:
        return f"{entry['wer']:.1f} %"
    return f"{entry['language_right']} of {entry['clips']} None"


def _summary(score: Score) -> dict:
    return {
        "wer": round(score.wer, 2) if score.words else None,
        "errors": score.errors,
        "words": score.words,
        "clips": score.clips,
        "exact": score.exact,
        "language_right": score.language_right,
    }


def _mistakes(clips: list[TestClip], answers: list[tuple[str, str]]) -> list[dict]:
    """Up to five wrong clips, to see what goes wrong."""
    return [
        {"voice": clip.voice, "text": clip.text, "output": guess}
        for clip, (_, guess) in zip(clips, answers, strict=True)
        if evaluate.word_errors(clip.text, guess)[0]
    ][:5]


def _espeak_voice(rng: random.Random) -> str:
    while True:
        voice = voices.draw_voice(rng, "English")
        if voice.startswith("espeak"):
            return voice


def _long_clip(engines: voices.Voices, rng: random.Random) -> TestClip:
    """Held-out sentences of one voice, 20-28 s in all."""
    voice = voices.draw_voice(rng, "English")
    clips: list[TestClip] = []
    while True:
        clips.append(evaluate.fresh_clip(engines, rng, "English", voice))
        joined = evaluate.concatenate(clips, rng)
        seconds = len(joined.samples) / 16_000
        if seconds > 28:
            clips = []
        elif seconds > 20:
            return joined


def _digit_clips(folder: Path, rng: random.Random) -> list[TestClip]:
    source = digits.DigitVoices(folder)
    clips = []
    for _ in range(_DIGIT_STRINGS):
        transcript, speaker, speech = source.draw(rng, test=True)
        clips.append(TestClip(transcript, "English", f"human-{speaker}", speech.samples))
    return clips


def _quiet_clip(rng: random.Random) -> TestClip:
    """0.5-8 s of digital silence or of white or low noise."""
    noise = np.random.default_rng(rng.randrange(2**32))
    samples = noise.standard_normal(int(rng.uniform(0.5, 8) * 16_000)).astype(np.float32)
    kind = rng.randrange(3)
    if kind == 1:
        samples = np.convolve(samples, np.ones(16, np.float32) / 16, "same").astype(np.float32)
    level = 0.0 if kind == 0 else 10 ** rng.uniform(-4, -1.5)
    return TestClip("", "None", "quiet", samples * np.float32(level))
