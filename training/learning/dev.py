"""The development clips of a run: a few held-out sentences per kind, scored as it goes on."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import torch

from training.evaluation import evaluate
from training.evaluation.evaluate import DrawSentence, TestClip
from training.evaluation.scoring import word_errors
from training.language import text
from training.language.tokenizer import Prompt
from training.learning.model import SpeechModel
from training.synthesis import voices
from training.synthesis.speech import MissingSynthesiserError

WINDOWS = (8, 1)
_NOISE_DB = 10.0


@dataclass(frozen=True)
class _Cell:
    """One column of the progress line; without ``voice`` trained voices are drawn."""

    name: str
    clips: int
    language: str
    draw: DrawSentence = text.draw
    voice: str | None = None
    is_noisy: bool = False


_CELLS = (
    _Cell("en", 8, "English"),
    _Cell("es", 8, "Spanish"),
    _Cell("de", 8, "German"),
    _Cell("open", 6, "English", draw=text.draw_open),
    _Cell("ked", 12, "English", voice="festival-ked"),
    _Cell("noisy", 6, "English", is_noisy=True),
)


class DevClips:
    """The same 48 clips for every run with this seed; none in a voice that is not installed."""

    def __init__(self, seed: int) -> None:
        self.missing: list[str] = []
        self._clips: dict[str, list[TestClip]] = {}
        try:
            engines = voices.Voices()
        except MissingSynthesiserError as error:
            self.missing.append(f"no development clips: {error}")
            return
        for cell in _CELLS:
            try:
                self._clips[cell.name] = _cell_clips(engines, cell, seed)
            except MissingSynthesiserError as error:
                self.missing.append(f"no development clips of {cell.name}: {error}")

    def report(self, model: SpeechModel, prompt: Prompt) -> list[str]:
        """Lines with the word error rates in percent, and one answer to look at."""
        lines, example = [], ""
        model = _on_cpu(model)
        for window in WINDOWS:
            rates = []
            for name, clips in self._clips.items():
                answers = evaluate.transcribe(model, prompt, clips, window)
                rates.append(f"{name} {_error_rate(clips, answers):.1f}")
                example = example or f"  e.g. {answers[0][1]!r} for {clips[0].text!r}"
            lines.append(f"dev WER, {window} s window: {', '.join(rates)}")
        return [*lines, example] if self._clips else []


def _error_rate(clips: list[TestClip], answers: list[tuple[str, str]]) -> float:
    """Word error rate in percent."""
    counts = [word_errors(c.text, guess) for c, (_, guess) in zip(clips, answers, strict=True)]
    return 100 * sum(wrong for wrong, _ in counts) / sum(total for _, total in counts)


def _cell_clips(engines: voices.Voices, cell: _Cell, seed: int) -> list[TestClip]:
    rng = random.Random(f"dev {seed} {cell.name}")
    clips = [
        evaluate.fresh_clip(engines, rng, cell.language, cell.voice, cell.draw)
        for _ in range(cell.clips)
    ]
    return [_noisy(clip, rng) for clip in clips] if cell.is_noisy else clips


def _noisy(clip: TestClip, rng: random.Random) -> TestClip:
    """With white noise 10 dB below the mean power."""
    noise = np.random.default_rng(rng.getrandbits(64)).standard_normal(len(clip.samples))
    level = np.sqrt(np.mean(clip.samples**2)) * 10 ** (-_NOISE_DB / 20)
    return replace(clip, samples=(clip.samples + level * noise).astype(np.float32))


def _on_cpu(model: SpeechModel) -> SpeechModel:
    """A copy for decoding, so that compiled layers see the shapes of training only."""
    plain = SpeechModel(model.size).to(torch.bfloat16)
    plain.load_state_dict(model.state_dict())
    return plain.eval()
