"""Which stretch of a clip an aligner hears next, and with which of its words; knows numbers only.

A small aligner counts time from where the audio begins, and the further it counts the less it is to
be relied on: the one that ships is off by 40 ms in the first three seconds, by 0.2 s after ten and
by 1 s after 25. So a clip longer than its *reach* is taken in pieces: what is placed within the
reach of a piece's beginning is kept, and the next piece begins shortly before, with the words that
were kept last to hold on to. Which words a piece has further on was said by the first hearing, of
the whole clip; those near its end need not be right, as they are not kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Times = tuple[int, int]
"""Start and end of a word in milliseconds."""

_ALONE = 1.5  # times the reach: what is no longer than that is heard at once
_PIECE = 2  # times the reach: how long a piece is
_BACK_MS = 2_000  # of what is placed is heard again
_MARGIN_MS = 200  # to a piece's end, where a word may be cut


@dataclass(frozen=True, slots=True)
class Piece:
    """Seconds `begin_s` to `end_s` (exclusive) of a clip, and the words to look for in it."""

    begin_s: int
    end_s: int
    words: range


class Placement:
    """Where the words of one clip are, found piece by piece.

    `piece` is the next to be heard, None when all words have their `times`, which may fall back by
    a little where two pieces meet.
    """

    def __init__(self, num_words: int, clip_s: int, reach_s: int | None) -> None:
        """`clip_s` is the clip's length, rounded up; without a reach it is one piece."""
        self.times: list[Times] = []
        self.piece: Piece | None = Piece(0, clip_s, range(num_words))
        self._num_words, self._clip_s = num_words, clip_s
        self._reach_s = clip_s if reach_s is None else reach_s
        self._guess: Sequence[Times] = ()

    def take(self, found: Sequence[Times]) -> None:
        """The times of the piece's words, from its beginning."""
        piece = self.piece
        assert piece is not None
        begin_ms = 1000 * piece.begin_s
        times = [(begin_ms + start, begin_ms + end) for start, end in found]
        self._guess = self._guess or times
        fresh = times[len(self.times) - piece.words.start :]
        is_last = piece.end_s == self._clip_s and self._is_short(piece)
        self.times += fresh if is_last else fresh[: self._num_kept(piece, fresh)]
        self.piece = self._after(piece) if len(self.times) < self._num_words else None

    def _is_short(self, piece: Piece) -> bool:
        return piece.end_s - piece.begin_s <= _ALONE * self._reach_s

    def _num_kept(self, piece: Piece, times: Sequence[Times]) -> int:
        """Of the words within reach, those before the longest pause in the reach's second half."""
        limit_ms = 1000 * (piece.begin_s + self._reach_s)
        within = next((k for k, (_, end) in enumerate(times) if end > limit_ms), len(times))
        last = min(within, len(times) - 1)
        cuts = range(max(1, within // 2), last + 1)
        return max(cuts, key=lambda cut: times[cut][0] - times[cut - 1][1], default=1)

    def _after(self, piece: Piece) -> Piece:
        """The next piece: from shortly before the end of what is placed, its words included."""
        placed = len(self.times)
        last_end_ms = self.times[-1][1]
        begin_s = max(piece.begin_s + 1, (last_end_ms - _BACK_MS) // 1000)
        begin_s = min(begin_s, self._clip_s - 1)
        end_s = min(self._clip_s, begin_s + _PIECE * self._reach_s)
        first = placed
        while first and self.times[first - 1][0] >= 1000 * begin_s:
            first -= 1
        stop = self._num_words
        if end_s < self._clip_s:  # the first hearing drifts; from here on it has drifted no further
            drift_ms = last_end_ms - self._guess[placed - 1][1]
            limit_ms = 1000 * end_s - _MARGIN_MS - drift_ms
            later = range(placed + 1, self._num_words)
            stop = next((k for k in later if self._guess[k][1] > limit_ms), self._num_words)
        return Piece(begin_s, end_s, range(first, stop))
