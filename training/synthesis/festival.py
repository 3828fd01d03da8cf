"""Speech from festival: its own English voices, and recorded diphone speakers of any nation.

The diphone speakers have no text analysis here. espeak-ng says which phones to speak, so one
speaker speaks every language, with an accent.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from training.synthesis.diphones import SPEAKERS, Inventory
from training.synthesis.festival_process import FestivalProcess
from training.synthesis.intonation import Prosody, score
from training.synthesis.speech import MissingSynthesiserError, Speech, SynthesisError, resample

_VOICES = Path("/usr/share/festival/voices")
NATIVE = {
    "kal": ("kal_diphone", "english/kal_diphone", "festvox-kallpc16k"),
    "ked": ("ked_diphone", "english/ked_diphone", "festvox-kdlpc16k"),
    "slt": ("cmu_us_slt_arctic_hts", "us/cmu_us_slt_arctic_hts", "festvox-us-slt-hts"),
}
"""English voices with festival's own text analysis: name, folder and Debian package."""
TRAINED = ("kal", "slt")
"""Those that must be installed to build a corpus; the other one is for evaluation."""


class Festival:
    """All of festival's voices, in one process that is started when first needed."""

    def __init__(self) -> None:
        self._process = FestivalProcess()
        self._inventories = {name: Inventory(speaker) for name, speaker in SPEAKERS.items()}
        for voice in TRAINED:
            _native(voice)

    def speak_text(self, text: str, voice: str, prosody: Prosody) -> Speech:
        """Speak English ``text`` with one of ``NATIVE``."""
        name = _native(voice)
        stretch = prosody.stretch * prosody.shift
        pitch = prosody.pitch / prosody.shift
        lines, pcm, rate = self._process.speak(
            f"(voice_{name}) (hark_prosody {stretch:.3f} {pitch:.1f} "
            f"{pitch * prosody.pitch_range:.1f}) "
            f'(hark_text (Utterance Text {_quote(text)}) "{self._process.wave_path}")'
        )
        words = [(a / prosody.shift, b / prosody.shift) for a, b in _token_spans(lines)]
        if len(words) != len(text.split()):
            raise SynthesisError(f"festival reads {text!r} as {len(words)} words")
        fields = [line.split() for line in lines if line.startswith("segment")]
        phones = [
            ("_" if label == "pau" else label, float(end) / prosody.shift)
            for _, label, end in fields
        ]
        return Speech(resample(pcm, rate * prosody.shift), words, phones)

    def speak_phones(
        self,
        source: Speech,
        language: str,
        speaker: str,
        prosody: Prosody,
        rng: random.Random,
        *,
        question: bool,
    ) -> Speech:
        """Speak the phones that espeak-ng gave ``source`` with one of ``SPEAKERS``."""
        inventory, wave = self._inventories[speaker], self._process.wave_path
        plan = score(source, prosody, rng, question=question)
        segments = _segments(inventory.pronounce(plan.phones, language), plan.pitch)
        _, pcm, rate = self._process.speak(
            f'(hark_diphones "{speaker}" (Utterance Segments {segments}) "{wave}")',
            f'(hark_load_diphones "{speaker}" "{SPEAKERS[speaker].path}" "{inventory.silence}")',
        )
        shift = prosody.shift
        ends = np.cumsum([seconds for _, seconds in plan.phones]) / shift
        phones = [(label, end) for (label, _), end in zip(plan.phones, ends.tolist(), strict=True)]
        words = [(start / shift, end / shift) for start, end in plan.words]
        return Speech(resample(pcm, rate * shift), words, phones)

    def close(self) -> None:
        """End the process."""
        self._process.close()


def _native(voice: str) -> str:
    """Festival's name of one of ``NATIVE``, if its package is installed."""
    name, folder, package = NATIVE[voice]
    if not (_VOICES / folder).is_dir():
        raise MissingSynthesiserError(
            f"festival has no voice {name}; install it with: apt-get install {package}"
        )
    return name


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _token_spans(lines: list[str]) -> list[tuple[float, float]]:
    """(start, end) of each written word that is spoken; punctuation has no end time."""
    spans: list[list[float]] = []
    for line in lines:
        kind, *numbers = line.split()
        if kind == "token":
            spans.append([])
        elif kind == "word" and float(numbers[1]) > 0.0:
            spans[-1] += [float(number) for number in numbers]
    return [(min(span), max(span)) for span in spans if span]


def _segments(phones: list[tuple[str, float]], pitch: list[tuple[float, float]]) -> str:
    """Scheme's list of (phone seconds (offset hertz) ...)."""
    items, begin, position = [], 0.0, 0
    for phone, seconds in phones:
        targets = ""
        while position < len(pitch) and pitch[position][0] < begin + seconds:
            at, hertz = pitch[position]
            targets += f" ({max(0.0, at - begin):.3f} {hertz:.1f})"
            position += 1
        items.append(f'("{phone}" {seconds:.4f}{targets})')
        begin += seconds
    return f"({' '.join(items)})"
