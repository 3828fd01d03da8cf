"""What a word's wait before it becomes stable buys: delay against words taken back.

    python -m benchmarks.stability [--model embedded] [--sentences 60] [--windows 1 2 4 8]

Records the hypotheses of a stream for fresh synthesised sentences, one stream per attention
window, and replays them through the stabiliser with several holding times. Everything is counted
on the audio's own clock, so the figures depend on the model and the policy, not on the machine.
"""

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.figures import percentile
from hark.engine.config import EngineConfig
from hark.engine.engine import Engine
from hark.engine.load import load_engine
from hark.engine.offline import run_step
from hark.engine.streams.hypothesis import Stabiliser, split_units
from hark.engine.streams.output import parse_output, split_hypothesis
from training.language.text import draw
from training.synthesis.speech import Speech, SynthesisError
from training.synthesis.voices import Voices, draw_voice

RATE = 16_000
CADENCE = RATE * 320 // 1000
HOLDS_MS = (0, 250, 400, 600, 900)


@dataclass(frozen=True, slots=True)
class Recording:
    """The hypotheses of one clip as (audio ms, text), its final, and its words' ends in ms."""

    hypotheses: list[tuple[float, str]]
    final: str
    word_ends_ms: list[float]


def clips(count: int, seed: int) -> Iterator[tuple[str, Speech]]:
    """Texts of two sentences, so that there is a middle and an end, and their speech."""
    chance, voices = random.Random(seed), Voices()
    while count:
        text = " ".join(draw(chance, "English", test=True).text for _ in range(2))
        try:
            yield text, voices.speak(text, draw_voice(chance, "English"), chance)
        except SynthesisError:
            continue  # the voice cannot say this one
        count -= 1


def record(engine: Engine, speech: Speech, window: int) -> Recording:
    sequence = engine.new_sequence("")
    sequence.append(np.ascontiguousarray(speech.samples, np.float32))
    total, draft, hypotheses = sequence.num_samples, [], []
    for heard in range(2 * CADENCE + 40, total, CADENCE):
        step = sequence.recognise(heard, window_chunks=window, draft=draft)
        draft = run_step(step, engine.runner).tokens
        text = split_hypothesis(draft, engine.tokenizer)[1].strip()
        hypotheses.append((heard * 1000 / RATE, text))
    last = run_step(sequence.recognise(total, window_chunks=8, draft=draft), engine.runner)
    sequence.release()
    final = parse_output(engine.tokenizer.decode(last.tokens, final=True))[1]
    return Recording(hypotheses, final, [1000 * end for _, end in speech.words])


def revisions(recording: Recording) -> int:
    """Words shown and changed later, stable or not (the numerator of UPWR)."""
    changed, before = 0, []
    for _, text in recording.hypotheses:
        units = split_units(text)
        changed += sum(a != b for a, b in zip(before, units, strict=False))
        changed += max(0, len(before) - len(units))
        before = units
    return changed


def judge(recordings: list[Recording], hold_ms: float) -> tuple[float, float, float, float]:
    """(median delay, p95 delay in ms, conflicts and words replaced per 100 stable words)."""
    delays: list[float] = []
    conflicts = replaced = stable_words = 0
    for recording in recordings:
        stabiliser, shown = Stabiliser(hold_ms), 0
        for audio_ms, text in recording.hypotheses:
            stable, _ = stabiliser.update(text, audio_ms)
            words = len(split_units(stable))
            ends = recording.word_ends_ms[shown:words]
            delays += [audio_ms - end for end in ends]
            shown = words
        conflicts += stabiliser.conflicts
        replaced += stabiliser.words_replaced(recording.final)
        stable_words += shown
    share = 100 / max(1, stable_words)
    return percentile(delays, 0.5), percentile(delays, 0.95), conflicts * share, replaced * share


def main() -> None:
    parser = argparse.ArgumentParser(description="Delay of stable words against words taken back.")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--sentences", type=int, default=60)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--windows", type=int, nargs="+", default=[1, 2, 4, 8])
    args = parser.parse_args()
    engine = load_engine(EngineConfig(model=args.model))
    spoken = [speech for _, speech in clips(args.sentences, args.seed)]
    print(f"{len(spoken)} clips of two sentences, cadence 320 ms; delays in ms of audio")
    print("| window s | revisions a word | hold ms | delay p50 | p95 | conflicts % | replaced % |")
    print("| --: | --: | --: | --: | --: | --: | --: |")
    for window in args.windows:
        recordings = [record(engine, speech, window) for speech in spoken]
        words = sum(len(split_units(r.final)) for r in recordings)
        rate = sum(map(revisions, recordings)) / max(1, words)
        for hold in HOLDS_MS:
            middle, late, conflicts, replaced = judge(recordings, hold)
            print(
                f"| {window} | {rate:.2f} | {hold} | {middle:.0f} | {late:.0f} "
                f"| {conflicts:.1f} | {replaced:.1f} |"
            )


if __name__ == "__main__":
    main()
