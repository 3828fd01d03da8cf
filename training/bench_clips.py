"""The clips `hark bench` speaks: held-out sentences with the time each word ends, as FLAC.

A few voices say several sentences each. Only what the model gets right is kept, every sentence
alone and all of a voice in one go: an error that a load test counts is then the load's.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from hark.engine.config import EngineConfig
from hark.engine.engine import Engine
from hark.engine.load import load_engine
from hark.engine.offline import decode_clip
from training.errors import RecipeError
from training.language import text
from training.samples import ESPEAK_LICENCE, FLITE_LICENCE
from training.synthesis import voices
from training.synthesis.speech import SAMPLE_RATE, Speech, SynthesisError

LICENCES = {"espeak": ESPEAK_LICENCE, "flite": FLITE_LICENCE}
"""Only synthesisers whose output may be passed on with no conditions."""
VOICES = {"English": 4, "Spanish": 2}
"""How many voices speak each language."""
CLIPS_PER_VOICE = 7
MANIFEST = "clips.json"

_SHORTEST_S, _LONGEST_S = 2.2, 4.5
_LEAD_S, _TAIL_S = 0.05, 0.10
"""Sound kept before the first word and after the last."""
_FULL_SCALE = 0.9
_ATTEMPTS_PER_CLIP = 8
_ATTEMPTS_PER_VOICE = 40
_WINDOWS_S = (8, 1)
_GAP_S = 0.15
_ORDERS = 4


class BenchClipsError(RecipeError):
    """The clips cannot be made; the message says what to do."""


@dataclass(frozen=True)
class BenchClip:
    """One sentence: int16 samples [n] at 16 kHz, and (start, end) in seconds of each word."""

    sentence: text.Sentence
    voice: str
    samples: np.ndarray
    words: list[tuple[float, float]]

    def entry(self, file: str) -> dict[str, object]:
        """What the manifest says about it; word times in milliseconds."""
        spoken = self.sentence.text.split()
        return {
            "file": file,
            "text": self.sentence.text,
            "language": self.sentence.language,
            "voice": self.voice,
            "licence": LICENCES[_synthesiser(self.voice)],
            "words": [
                [word, round(1000 * start), round(1000 * end)]
                for word, (start, end) in zip(spoken, self.words, strict=True)
            ],
        }


def render(
    engines: voices.Voices,
    output: Path,
    *,
    model: str = "embedded",
    voices_of: Mapping[str, int] = VOICES,
    seed: int = 0,
) -> list[dict[str, object]]:
    """Write the clips and their manifest to ``output``; returns the manifest's entries.

    Raises:
        BenchClipsError: ``model`` gets too few sentences right.
    """
    clips = draw(engines, load_engine(EngineConfig(model=model)), voices_of, seed)
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("*.flac"):
        old.unlink()
    entries = []
    for number, clip in enumerate(clips):
        file = f"{clip.sentence.language.lower()}-{number:02}.flac"
        write_flac(output / file, clip.samples)
        entries.append(clip.entry(file))
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    (output / MANIFEST).write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return entries


def draw(
    engines: voices.Voices, engine: Engine, voices_of: Mapping[str, int], seed: int
) -> list[BenchClip]:
    """Clips that ``engine`` hears right, voice after voice; no sentence and no voice twice."""
    rng = random.Random(seed)
    kept: list[BenchClip] = []
    for language, count in voices_of.items():
        speakers: set[str] = set()
        for _ in range(_ATTEMPTS_PER_VOICE * count):
            if len(speakers) == count:
                break
            voice = voices.draw_voice(rng, language)
            if voice not in speakers and _synthesiser(voice) in LICENCES:
                known = {clip.sentence.text for clip in kept}
                clips = _clips_of(voice, language, engines, engine, rng, known)
                speakers.update({clip.voice for clip in clips})
                kept += clips
        if len(speakers) < count:
            raise BenchClipsError(
                f"the model hears {len(speakers)} of {count} {language} voices right; "
                f"train it further, or ask for fewer voices"
            )
    return kept


def _clips_of(
    voice: str,
    language: str,
    engines: voices.Voices,
    engine: Engine,
    rng: random.Random,
    known: set[str],
) -> list[BenchClip]:
    """Clips of one voice; none if the model does not hear enough of them right."""
    clips: dict[str, BenchClip] = {}
    for _ in range(_ATTEMPTS_PER_CLIP * CLIPS_PER_VOICE):
        clip = speak(engines, rng, language, voice)
        if clip is not None and clip.sentence.text not in known and is_heard_right(engine, [clip]):
            clips[clip.sentence.text] = clip
        if len(clips) == CLIPS_PER_VOICE:
            return _if_heard_in_any_order(engine, list(clips.values()), rng)
    return []


def _if_heard_in_any_order(
    engine: Engine, clips: list[BenchClip], rng: random.Random
) -> list[BenchClip]:
    orders = (rng.sample(clips, len(clips)) for _ in range(_ORDERS))
    return clips if all(is_heard_right(engine, order) for order in orders) else []


def speak(
    engines: voices.Voices, rng: random.Random, language: str, voice: str
) -> BenchClip | None:
    """One held-out sentence; None if it cannot be spoken, or is too short or too long.

    A voice always speaks at the same pace and pitch.
    """
    sentence = text.draw(rng, language, test=True)
    try:
        speech = engines.speak(sentence.text, voice, random.Random(voice), language)
    except SynthesisError:
        return None
    samples, words = _trim(speech)
    if not _SHORTEST_S <= len(samples) / SAMPLE_RATE <= _LONGEST_S:
        return None
    return BenchClip(sentence, voice, samples, words)


def is_heard_right(engine: Engine, clips: Sequence[BenchClip]) -> bool:
    """Whether the model writes exactly what is said when the clips follow each other."""
    gap = np.zeros(int(_GAP_S * SAMPLE_RATE), np.int16)
    samples = np.concatenate([part for clip in clips for part in (clip.samples, gap)])[: -len(gap)]
    samples = samples.astype(np.float32) / 32768
    wanted = clips[0].sentence.language, " ".join(clip.sentence.text for clip in clips)
    for window_s in _WINDOWS_S:
        heard = decode_clip(engine, samples, window_s=window_s)
        if (heard.language, heard.text) != wanted:
            return False
    return True


def write_flac(path: Path, samples: np.ndarray) -> None:
    """Lossless mono FLAC of int16 samples [n] at 16 kHz."""
    with av.open(str(path), "w", format="flac") as container:
        track = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono")
        assert isinstance(track, av.AudioStream)
        block = track.codec_context.frame_size or 4608
        for start in range(0, len(samples), block):
            frame = av.AudioFrame.from_ndarray(
                samples[None, start : start + block], format="s16", layout="mono"
            )
            frame.rate, frame.pts = SAMPLE_RATE, start
            frame.time_base = Fraction(1, SAMPLE_RATE)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))


def _trim(speech: Speech) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """int16 samples without the silence around the words, and the words' times in them."""
    begin = max(0, int((speech.words[0][0] - _LEAD_S) * SAMPLE_RATE))
    end = int((speech.words[-1][1] + _TAIL_S) * SAMPLE_RATE)
    samples = speech.samples[begin:end]
    samples = samples * min(1.0, _FULL_SCALE / float(np.abs(samples).max()))
    shift = begin / SAMPLE_RATE
    last = len(samples) / SAMPLE_RATE
    words = [(start - shift, min(until - shift, last)) for start, until in speech.words]
    return (samples * 32767).round().astype(np.int16), words


def _synthesiser(voice: str) -> str:
    return voice.partition("-")[0]
