"""How far the word times of finals are off, on synthesis with exact times, through the engine.

    python -m benchmarks.word_times [--model embedded] [--aligner auto] [--clips 60] [--together 1]

Clips of two fresh sentences are streams of their own, with partials and without (a final that was
never hypothesised has no first sightings to go by); with `--together` so many clips are one stream
that no pause cuts, one segment if the limit of 30 s allows. Finals of which a word is wrong are
left out: their words have no true times. The figure is the *accumulated average shift* of the
Qwen3-ASR report (section 5.3): the mean distance of starts and ends from the true ones.
"""

import argparse
from collections.abc import Sequence
from itertools import chain

import numpy as np

from benchmarks.figures import percentile
from benchmarks.stability import RATE, clips
from hark.engine.config import EngineConfig
from hark.engine.engine import Engine
from hark.engine.load import load_engine
from hark.engine.offline import transcribe
from hark.engine.types import Endpointing, Final, StreamOptions, Word
from training.synthesis.speech import Speech

_BLOCK = RATE // 10
_SILENCE = np.zeros(RATE, np.float32)


def joined(spoken: Sequence[tuple[str, Speech]]) -> tuple[str, Speech]:
    """Clips one behind the other."""
    begins = np.cumsum([0, *(len(speech.samples) for _, speech in spoken)]) / RATE
    words = [
        (a + begin, b + begin)
        for begin, (_, speech) in zip(begins, spoken, strict=False)
        for a, b in speech.words
    ]
    samples = np.concatenate([speech.samples for _, speech in spoken])
    return " ".join(text for text, _ in spoken), Speech(samples, words, [])


def finals(engine: Engine, speech: Speech, options: StreamOptions) -> list[Final]:
    samples = np.concatenate([speech.samples, _SILENCE]).astype(np.float32)
    blocks = (samples[at : at + _BLOCK] for at in range(0, len(samples), _BLOCK))
    said = transcribe(engine, blocks, options)
    return [update for update in said if isinstance(update, Final)]


def shifts_ms(words: Sequence[Word], text: str, speech: Speech) -> list[float]:
    """Found minus true, of every start and end; nothing where the words are not what was said."""
    if [word.text for word in words] != text.split():
        return []
    found = chain.from_iterable((word.start_sample, word.end_sample) for word in words)
    true = chain.from_iterable(speech.words)
    return [1000 * (a / RATE - b) for a, b in zip(found, true, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Word times against exact ones.")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--aligner", default="auto")
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--together", type=int, default=1, metavar="N", help="clips in a segment")
    parser.add_argument("--seed", type=int, default=12)
    args = parser.parse_args()
    spoken = list(clips(args.clips, args.seed))
    endpointing = Endpointing()
    if args.together > 1:
        groups = range(0, len(spoken), args.together)
        spoken = [joined(spoken[at : at + args.together]) for at in groups]
        endpointing = Endpointing("off")
    print("| times | partials | clips | shift ms | p95 | mean, with its sign |")
    print("| --- | --- | --: | --: | --: | --: |")
    for aligner in dict.fromkeys(("none", args.aligner)):
        engine = load_engine(EngineConfig(model=args.model, aligner=aligner))
        for partials in (True, False):
            options = StreamOptions(partials=partials, endpointing=endpointing)
            heard = [finals(engine, speech, options) for _, speech in spoken]
            of_clips = [
                shifts_ms([word for final in said for word in final.words], *clip)
                for said, clip in zip(heard, spoken, strict=True)
            ]
            right = [own for own in of_clips if own]
            signed = list(chain.from_iterable(right))
            sizes = [abs(shift) for shift in signed]
            kinds = ", ".join(sorted({final.times for said in heard for final in said}))
            print(
                f"| {kinds} | {'yes' if partials else 'no'} | {len(right)} of {len(spoken)} "
                f"| {np.mean(sizes):.0f} | {percentile(sizes, 0.95):.0f} | {np.mean(signed):+.0f} |"
            )


if __name__ == "__main__":
    main()
