"""From successive hypotheses to stable and unstable text; knows text and time, no tokens.

A unit is a word with the space before it, or one character in scripts written without spaces.
Policies are small pure objects, so that others can be tried against recorded hypotheses.
"""

import re
from dataclasses import dataclass

# Han, kana, Thai, Lao, Khmer and Burmese move by character; everything else by word.
_NO_SPACES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
_MARKS = "\u0300-\u036f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u3001\u3002\uff01\uff0c\uff1f"
_UNIT = re.compile(rf"\s*(?:[{_NO_SPACES}][{_MARKS}]*|[^\s{_NO_SPACES}]+)|\s+$")


# Full stops, question and exclamation marks of the world's scripts (Unicode's Sentence_Terminal).
# Three dots are left out: who trails off has not finished.
_SENTENCE_ENDS = frozenset(
    ".!?\u0589\u061e\u061f\u06d4\u0700\u0701\u0702\u0964\u0965\u104a\u104b\u1362\u1367\u1368\u1803\u1809"
    "\u17d4\u17d5\u203c\u203d\u2047\u2048\u2049\u2e2e\u3002\ufe52\ufe56\ufe57\uff01\uff0e\uff1f\uff61"
)
_CLOSING = "\"'\u00bb\u2019\u201d\u203a\u300d\u300f)]}\uff09\u3011"


def ends_sentence(text: str) -> bool:
    """Whether the text ends in a mark that ends sentences, closing quotes and brackets aside."""
    bare = text.rstrip().rstrip(_CLOSING)
    return bare[-1:] in _SENTENCE_ENDS and not bare.endswith("...")


def split_units(text: str) -> list[str]:
    """Text cut into units whose concatenation is the text again."""
    return _UNIT.findall(text)


@dataclass(slots=True)
class _Unit:
    text: str
    first_seen_ms: float
    sightings: int = 1


class Stabiliser:
    """Holds a unit back until it has been seen twice, over at least `hold_ms` of audio.

    A unit becomes stable when it stands in the last two hypotheses, first appeared when the audio
    was at least `hold_ms` shorter than now, and is not the last unit. What is stable stays: of a
    hypothesis that contradicts it, the part that belongs behind it counts, and the contradiction is
    counted in `conflicts`. (To wait until it is resolved would hold back every later word.)
    """

    name = "hold"

    def __init__(self, hold_ms: float = 250.0) -> None:
        self.hold_ms = hold_ms
        self.conflicts = 0
        self._stable: list[str] = []
        self._seen: list[_Unit] = []

    @property
    def stable(self) -> str:
        return "".join(self._stable)

    def update(self, text: str, audio_ms: float, *, frozen: bool = False) -> tuple[str, str]:
        """Take the hypothesis of the first `audio_ms`; returns (stable, unstable).

        While `frozen`, nothing new becomes stable.
        """
        units = split_units(text)
        if units[: len(self._stable)] != self._stable:
            self.conflicts += 1
            units = self._stable + self._behind_stable(units)
        self._note(units, audio_ms)
        if not frozen:
            self._stable = units[: self._num_settled(len(units) - 1, audio_ms)]
        return self.stable, "".join(units[len(self._stable) :])

    def words_replaced(self, final: str) -> int:
        """How many stable units are not in `final` at their place."""
        stable, final_units = [u.strip() for u in self._stable], split_units(final)
        return min(_prefix_distances(stable, [u.strip() for u in final_units]))

    def _note(self, units: list[str], audio_ms: float) -> None:
        agreed = 0
        for before, unit in zip(self._seen, units, strict=False):
            if before.text != unit:
                break
            before.sightings += 1
            agreed += 1
        del self._seen[agreed:]
        self._seen += [_Unit(unit, audio_ms) for unit in units[agreed:]]

    def _num_settled(self, limit: int, audio_ms: float) -> int:
        count = len(self._stable)
        while count < limit:
            unit = self._seen[count]
            if unit.sightings < 2 or audio_ms - unit.first_seen_ms < self.hold_ms:
                break
            count += 1
        return count

    def _behind_stable(self, units: list[str]) -> list[str]:
        """The part of a contradicting hypothesis that comes after what is stable, by alignment.

        Of equally good places the last: a word that changed must not be said a second time.
        """
        distances = _prefix_distances(self._stable, units)
        best = min(distances)
        return units[max(place for place, each in enumerate(distances) if each == best) :]


def _prefix_distances(wanted: list[str], units: list[str]) -> list[int]:
    """Edit distance of `wanted` to each prefix of `units`: entry j is for `units[:j]`."""
    row = list(range(len(units) + 1))
    for i, want in enumerate(wanted, 1):
        diagonal, row[0] = row[0], i
        for j, unit in enumerate(units, 1):
            cost = min(diagonal + (want != unit), row[j] + 1, row[j - 1] + 1)
            diagonal, row[j] = row[j], cost
    return row
