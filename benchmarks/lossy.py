"""What a format costs in words: fresh sentences as 16 kHz PCM, resampled, in G.711 and in Opus.

    python -m benchmarks.lossy [--model embedded] [--sentences 60] [--json FILE]

Held-out sentences in three languages by synthesised voices, each a stream of its own with the
default endpointing, heard as the dialects hear it: the formats are decoded by the engine. Every
format carries the same clips, so the differences are paired; their intervals are of 95 %, by a
bootstrap over the clips.
"""

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hark.engine.config import EngineConfig
from hark.engine.engine import Engine
from hark.engine.load import load_engine
from hark.engine.types import Close, Failed, Feed, Final, Open, StreamOptions
from tests.streaming.dialects.formats import FORMATS, PCM, TELEPHONE_BAND, Sound
from training.evaluation.scoring import word_errors
from training.language.text import LANGUAGES, draw
from training.synthesis.speech import SynthesisError
from training.synthesis.voices import Voices, draw_voice

_MARGIN = 800  # samples of silence before and behind a sentence
_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Clip:
    """A sentence and its samples, int16 [n] at 16 kHz."""

    text: str
    samples: np.ndarray


def clips(per_language: int, seed: int) -> Iterator[Clip]:
    chance, voices = random.Random(seed), Voices()
    for language in LANGUAGES:
        left = per_language
        while left:
            text = draw(chance, language, test=True).text
            voice = draw_voice(chance, language)
            try:
                speech = voices.speak(text, voice, chance, language)
            except SynthesisError:
                continue  # the voice cannot say this one
            silence = np.zeros(_MARGIN, np.float32)
            padded = np.concatenate([silence, speech.samples, silence])
            yield Clip(text, (padded * 32_768).round().clip(-32_768, 32_767).astype(np.int16))
            left -= 1


def hear(engine: Engine, sound: Sound) -> str:
    """The finals of a stream of these bytes.

    Raises:
        EngineError: the engine failed the stream.
    """
    engine.handle(Open(0, sound.format, StreamOptions(partials=False)))
    engine.handle(Feed(0, sound.payload))
    engine.handle(Close(0))
    texts: list[str] = []
    while not engine.idle:
        for _, update in engine.tick():
            if isinstance(update, Failed):
                raise update.error
            if isinstance(update, Final):
                texts.append(update.text)
    return " ".join(texts)


def difference(errors: np.ndarray, base: np.ndarray, totals: np.ndarray) -> tuple[float, ...]:
    """In points of WER, and the ends of its interval; all int [clips]."""
    chance = np.random.default_rng(1)
    picks = chance.integers(0, len(totals), (_RESAMPLES, len(totals)))
    drawn = 100 * (errors - base)[picks].sum(1) / totals[picks].sum(1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return 100 * float((errors - base).sum() / totals.sum()), float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a format costs in words.")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--sentences", type=int, default=60, help="of each language")
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    spoken = list(clips(args.sentences, args.seed))
    engine = load_engine(EngineConfig(model=args.model))
    totals = np.array([word_errors(clip.text, "")[1] for clip in spoken])
    print(f"{len(spoken)} clips, {totals.sum()} words; differences in points of WER")
    print("| format | WER % | to 16 kHz PCM | to the telephone band |")
    print("| --- | --: | --: | --: |")
    errors: dict[str, np.ndarray] = {}
    rows: list[dict[str, object]] = []
    for name, make in FORMATS.items():
        heard = [hear(engine, make(clip.samples)) for clip in spoken]
        errors[name] = np.array(
            [word_errors(c.text, text)[0] for c, text in zip(spoken, heard, strict=True)]
        )
        row: dict[str, object] = {"format": name}
        row["wer"] = 100 * float(errors[name].sum() / totals.sum())
        cells = [f"{row['wer']:.1f}"]
        for base in (PCM, TELEPHONE_BAND):
            if base in errors and base != name:
                points, low, high = difference(errors[name], errors[base], totals)
                row[f"to {base}"] = [points, low, high]
                cells.append(f"{points:+.1f} ({low:+.1f} to {high:+.1f})")
            else:
                cells.append("")
        rows.append(row)
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    if args.json:
        figures = {"clips": len(spoken), "words": int(totals.sum()), "rows": rows}
        args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
