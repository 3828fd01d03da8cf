"""Recorded hypotheses of the embedded model, and the script that replays them at another speed.

A tape holds what the model made of a recording after every 80 ms, once with the short attention
window and once with the long one: how a transcript grows, changes its mind and settles. A script
lays tapes end to end and says which tokens a hypothesis has after so many seconds of a segment.
Knows token ids and seconds; knows no engine and no audio. Recorded by `record_tapes.py`.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

TAPES = Path(__file__).parent / "data" / "tapes.json"
TOKENS_PER_SECOND = 3.5  # what fluent English is in tokens of the released models
STEP_MS = 80
FIRST_MS = 500  # no step hears less
LONG_WINDOW = 8
_VOWELS = re.compile("[aeiouyáéíóúü]", re.IGNORECASE)

Delta = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Tape:
    """Text tokens (no language tag) after `FIRST_MS` and every `STEP_MS` from there, per window.

    `short` holds those of the window of partials, `long` those of the window of finals; the last
    entry of each is of the whole recording, `duration_s` long.
    """

    name: str
    duration_s: float
    short: list[list[int]]
    long: list[list[int]]

    def at(self, seconds: float, window_chunks: int) -> list[int]:
        """The hypothesis after hearing so much: [] before the first."""
        hypotheses = self.long if window_chunks >= LONG_WINDOW else self.short
        if seconds >= self.duration_s:
            return hypotheses[-1]
        index = int((seconds * 1000 - FIRST_MS) // STEP_MS)
        return hypotheses[min(index, len(hypotheses) - 1)] if index >= 0 else []

    @property
    def final(self) -> list[int]:
        return self.long[-1]


class Script:
    """Tapes end to end, for ever, at the speed that makes `TOKENS_PER_SECOND`."""

    def __init__(self, tapes: Sequence[Tape], *, rate: float = TOKENS_PER_SECOND) -> None:
        seconds = sum(tape.duration_s for tape in tapes)
        self.speed = rate / (sum(len(tape.final) for tape in tapes) / seconds)
        self._tapes = list(tapes)

    def tokens(self, seconds: float, window_chunks: int, *, start: int = 0) -> list[int]:
        """The hypothesis of a segment after so many seconds, its first tape being `start`.

        A pure function, as the engine's own hypotheses are. Tapes heard to their end contribute
        their final text, so only the last one is still changing.
        """
        begin = start % len(self._tapes)
        order = self._tapes[begin:] + self._tapes[:begin]
        tokens: list[int] = []
        left = seconds * self.speed
        while True:
            for tape in order:
                if left < tape.duration_s:
                    return tokens + tape.at(left, window_chunks)
                tokens += tape.final
                left -= tape.duration_s


def load_tapes(
    encode: Callable[[str], list[int]], path: Path = TAPES, *, disguised: bool = False
) -> list[Tape]:
    """The recorded tapes, their texts as token ids of the tokenizer that `encode` belongs to.

    `disguised` texts have no vowels, so that none of their words is one that somebody said.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))

    def ids(text: str) -> list[int]:
        # A space before each text: a tape may stand behind another one.
        return encode(" " + (_VOWELS.sub("x", text) if disguised else text)) if text else []

    return [
        Tape(
            entry["name"],
            entry["duration_s"],
            short=[ids(text) for text in unpack(entry["short"])],
            long=[ids(text) for text in unpack(entry["long"])],
        )
        for entry in stored
    ]


def pack(texts: Sequence[str]) -> list[Delta]:
    """Each text as what it keeps of the one before, in characters, and what comes behind."""
    packed: list[Delta] = []
    before = ""
    for text in texts:
        kept = common_prefix(before, text)
        packed.append((kept, text[kept:]))
        before = text
    return packed


def unpack(deltas: Sequence[Delta]) -> list[str]:
    texts: list[str] = []
    text = ""
    for kept, rest in deltas:
        text = text[:kept] + rest
        texts.append(text)
    return texts


def common_prefix(one: Sequence[object], other: Sequence[object]) -> int:
    """How many entries agree from the front."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
