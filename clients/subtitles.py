"""From timed words to subtitle cues that can be read; knows no file format and no event.

The limits are those of broadcast practice (42 characters a line, 1 to 7 seconds a cue, 20
characters a second, two frames between cues: Netflix Timed Text Style Guide, English template).
Where a cue ends and where its line breaks is the cheapest of all ways, by a dynamic programme.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import inf
from typing import NamedTuple

from .line_breaks import Break, break_behind, characters, columns, may_part

LINE_COLUMNS = 42
MIN_CUE_MS = 1_000
MAX_CUE_MS = 7_000
GAP_MS = 80  # two frames at 25 a second
MS_PER_COLUMN = 50  # 20 columns a second

_FRAME_MS = 40  # however crowded the words: a cue of no length is no valid WebVTT
_LINGER_MS = 500  # a shorter gap flickers: the cue stays until the next one
_FOREVER_MS = 1 << 62

# Costs in points. A break behind a sentence costs nothing, so that is where cues end.
_CUE = 4.0  # each cue: short sentences share one
_FULL = 10.0  # two full lines; by the square, so that text is shared out evenly
_BREAK_COSTS = {
    Break.SENTENCE: 0.0,
    Break.CLAUSE: 5.0,
    Break.WORD: 10.0,
    Break.HELD: 15.0,
    Break.PART: 30.0,
}
_LINE_SHARE = 0.3  # a line break costs this much of what the end of a cue costs there
_UNEVEN = 4.0  # lines that differ by a whole line; half of it more if the upper is longer
_TOO_FAST_PER_S = 50.0  # a cue that stays too briefly, by the time it lacks


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word as it is written, with its punctuation and the space before it, if there is one.

    `start_s` and `end_s` are seconds from the start of the recording. No cue goes on behind a word
    that `ends_segment`. In scripts without spaces a word may be a character or several; elsewhere
    what has no space before it belongs to the word before.
    """

    text: str
    start_s: float
    end_s: float
    ends_segment: bool = False


@dataclass(frozen=True, slots=True)
class Cue:
    """What stands on the screen from `start_ms` to `end_ms`: one line or two."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def cues(
    words: Iterable[TimedWord], *, pause_s: float = 0.7, end_s: float | None = None
) -> list[Cue]:
    """Cues that hold exactly the text of `words`, in order; none overlap, none goes over a pause.

    A line break stands for a space, and several spaces are one. A cue starts with its first word
    and stays until its last has been said; longer if it takes longer to read and nobody speaks, but
    not behind `end_s`, the recording's end. A word longer than a line is broken, and one longer
    than 7 s leaves the screen after those. The limits of lines and of 7 s always hold. The time to
    read a cue, 1 s at least, falls short only if between two pauses there is no way to keep it for
    every cue. Words that have no time give cues of a frame each, later than they were said.

    A pause is `pause_s` seconds or more between two words that may part. A time that lies before
    the one before it counts as that one.
    """
    stretches = _stretches(_glyphs(words), round(pause_s * 1000))
    runs = [_Run(pieces, _FOREVER_MS) for pieces in stretches]
    for run, following in pairwise(runs):
        run.until_ms = following.pieces[0].start_ms - GAP_MS
    end_ms = _FOREVER_MS
    if runs and end_s is not None:
        end_ms = runs[-1].until_ms = max(round(end_s * 1000), runs[-1].pieces[-1].end_ms)
    return _timed([shown for run in runs for shown in run.best_cues()], end_ms)


# --- from words to pieces: what is never broken --------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text without a space in it, of at least one column.

    `spaced`: a space stands before it. `opens`: a word begins with it. `follows_end`: a segment
    ended before it.
    """

    text: str
    columns: int
    start_ms: int
    end_ms: int
    spaced: bool
    opens: bool
    follows_end: bool


def _glyphs(words: Iterable[TimedWord]) -> Iterator[_Piece]:
    """The words' characters, each with its share of its word's time."""
    now_ms = 0
    spaced = follows_end = False
    for word in words:
        start_ms = max(now_ms, round(word.start_s * 1000))
        now_ms = max(start_ms, round(word.end_s * 1000))
        glyphs = characters(word.text)
        widths = [0 if text.isspace() else max(1, columns(text)) for text in glyphs]
        opens, num_past, num_columns = True, 0, sum(widths)
        for text, width in zip(glyphs, widths, strict=True):
            if not width:
                spaced = True
                continue
            from_ms = start_ms + (now_ms - start_ms) * num_past // num_columns
            num_past += width
            to_ms = start_ms + (now_ms - start_ms) * num_past // num_columns
            yield _Piece(text, width, from_ms, to_ms, spaced, opens, follows_end)
            spaced = opens = follows_end = False
        follows_end |= word.ends_segment


def _stretches(glyphs: Iterable[_Piece], pause_ms: int) -> list[list[_Piece]]:
    """Pieces by pause: each list begins behind a pause or a segment's end."""
    stretches: list[list[_Piece]] = []
    for piece in _pieces(glyphs):
        last = stretches[-1][-1] if stretches else None
        if last is None or piece.follows_end or piece.start_ms - last.end_ms >= pause_ms:
            stretches.append([])
        stretches[-1].append(piece)
    return stretches


def _pieces(glyphs: Iterable[_Piece]) -> Iterator[_Piece]:
    """Glyphs that stay together as one; one by one where together they are wider than a line."""
    held: list[_Piece] = []
    for glyph in glyphs:
        parted = glyph.spaced or glyph.follows_end
        if parted or (held and may_part(held[-1].text[-1], glyph.text[0])):
            yield from _joined(held)
            held = []
        held.append(glyph)
    yield from _joined(held)


def _joined(held: list[_Piece]) -> list[_Piece]:
    num_columns = sum(piece.columns for piece in held)
    if not held or num_columns > LINE_COLUMNS:
        return held
    text = "".join(piece.text for piece in held)
    return [replace(held[0], text=text, columns=num_columns, end_ms=held[-1].end_ms)]


def _break_cost(left: _Piece, right: _Piece) -> float:
    """What it costs to end a cue between two pieces that could stand in one."""
    inside_word = not right.spaced and not right.opens
    return _BREAK_COSTS[Break.PART if inside_word else break_behind(left.text)]


# --- from pieces to cues -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shown:
    """A cue before its times: when its words are said, how long it takes to read them."""

    lines: tuple[str, ...]
    start_ms: int
    end_ms: int
    needed_ms: int


class _Choice(NamedTuple):
    """One cue there could be: pieces up to `end`, those from `second` on in its second line."""

    second: int
    end: int
    cost: float
    is_too_fast: bool


class _Run:
    """Pieces with no pause between them; after `until_ms` the last may not be on the screen."""

    def __init__(self, pieces: Sequence[_Piece], until_ms: int) -> None:
        self.pieces = pieces
        self.until_ms = until_ms
        # Columns, were all in one line: piece i goes from begins[i] to ends[i + 1].
        widths = [piece.spaced + piece.columns for piece in pieces]
        self._ends = list(accumulate(widths, initial=0))
        self._begins = [at + piece.spaced for at, piece in zip(self._ends, pieces, strict=False)]
        costs = [_break_cost(left, right) for left, right in pairwise(pieces)]
        self._break_costs = [0.0, *costs, 0.0]  # [i]: of a break before piece i

    def best_cues(self) -> list[_Shown]:
        """The cheapest cues. Some are too fast only if there is no way without such."""
        choices = [self._choices(first) for first in range(len(self.pieces))]
        slow = [[choice for choice in some if not choice.is_too_fast] for some in choices]
        cheapest = _cheapest(slow) or _cheapest(choices)
        firsts = [0, *(choice.end for choice in cheapest)]
        return [self._shown(*bounds) for bounds in zip(firsts, cheapest, strict=False)]

    def _choices(self, first: int) -> list[_Choice]:
        """All cues that could begin with a piece; at least the one of nothing else."""
        choices: list[_Choice] = []
        for end in range(first + 1, len(self.pieces) + 1):
            fold = self._fold(first, end)
            spoken_ms = self.pieces[end - 1].end_ms - self.pieces[first].start_ms
            if fold is None or (choices and spoken_ms > MAX_CUE_MS):
                break  # nor does anything longer fit
            cost, second = fold
            missing_ms = self._missing_ms(first, end)
            cost += _CUE + _FULL * (self._width(first, end) / (2 * LINE_COLUMNS)) ** 2
            cost += self._break_costs[end] + _TOO_FAST_PER_S * missing_ms / 1000
            choices.append(_Choice(second, end, cost, missing_ms > 0))
        return choices

    def _fold(self, first: int, end: int) -> tuple[float, int] | None:
        """(cost, first piece of the second line) of the best line break; None if none fits."""
        if self._width(first, end) <= LINE_COLUMNS:
            return 0.0, end
        begin, stop = self._begins[first], self._ends[end]
        best: tuple[float, int] | None = None
        for second in range(bisect_right(self._ends, begin + LINE_COLUMNS) - 1, first, -1):
            upper, lower = self._ends[second] - begin, stop - self._begins[second]
            if lower > LINE_COLUMNS:
                break
            uneven = abs(upper - lower) * (1.5 if upper > lower else 1.0) / LINE_COLUMNS
            cost = _LINE_SHARE * self._break_costs[second] + _UNEVEN * uneven
            if best is None or cost < best[0]:
                best = cost, second
        return best

    def _width(self, first: int, end: int) -> int:
        return self._ends[end] - self._begins[first]

    def _needed_ms(self, first: int, end: int) -> int:
        return max(MIN_CUE_MS, MS_PER_COLUMN * self._width(first, end))

    def _missing_ms(self, first: int, end: int) -> int:
        """How much too early the next cue comes."""
        inside = end < len(self.pieces)
        until_ms = self.pieces[end].start_ms - GAP_MS if inside else self.until_ms
        return max(0, self._needed_ms(first, end) + self.pieces[first].start_ms - until_ms)

    def _shown(self, first: int, choice: _Choice) -> _Shown:
        lines = [self._line(first, choice.second), self._line(choice.second, choice.end)]
        times = self.pieces[first].start_ms, self.pieces[choice.end - 1].end_ms
        return _Shown(tuple(filter(None, lines)), *times, self._needed_ms(first, choice.end))

    def _line(self, first: int, end: int) -> str:
        return "".join(" " * piece.spaced + piece.text for piece in self.pieces[first:end]).lstrip()


def _cheapest(choices: Sequence[Sequence[_Choice]]) -> list[_Choice]:
    """The cues of least cost that hold all pieces, of those that could begin with each.

    Empty if there is no way. From a piece on, the best is its best cue and the best from there on.
    """
    costs = [inf] * len(choices) + [0.0]
    best: list[_Choice | None] = [None] * len(choices)
    for first in reversed(range(len(choices))):
        for choice in choices[first]:
            cost = choice.cost + costs[choice.end]
            if cost < costs[first]:
                costs[first], best[first] = cost, choice
    cheapest: list[_Choice] = []
    while (first := cheapest[-1].end if cheapest else 0) < len(best):
        choice = best[first]
        if choice is None:
            return []
        cheapest.append(choice)
    return cheapest


def _timed(shown: Sequence[_Shown], end_ms: int) -> list[Cue]:
    """Give each cue its time on the screen; the last one's is over at `end_ms`."""
    starts: list[int] = []
    for cue in shown:
        starts.append(max(cue.start_ms, starts[-1] + _FRAME_MS if starts else 0))
    cues: list[Cue] = []
    for cue, start_ms, next_ms in zip(shown, starts, [*starts[1:], None], strict=False):
        until_ms = end_ms if next_ms is None else next_ms - GAP_MS
        stop_ms = max(cue.end_ms, start_ms + cue.needed_ms)
        if next_ms is not None and next_ms - stop_ms < _LINGER_MS:
            stop_ms = until_ms
        stop_ms = min(stop_ms, until_ms, start_ms + MAX_CUE_MS)
        cues.append(Cue(start_ms, max(stop_ms, start_ms + _FRAME_MS), cue.lines))
    return cues
