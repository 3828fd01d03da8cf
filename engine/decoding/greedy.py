"""Two small machines of the greedy decode: the draft being verified, and the loop guard.

Both see token ids only. Neither changes what the model says: the draft saves passes, the guard
stops a decode that repeats itself, at a place that depends on nothing but the tokens.
"""

import math

from .habits import Habits


class Draft:
    """A guess of the whole decode, verified from the front and met again after a difference.

    Where it is of no help the decode itself is: its last three tokens may have stood in it before,
    as in lists and in texts that repeat themselves, and what followed them then is the next guess
    (prompt lookup decoding, Saxena 2023). Guesses that hold get longer, one that fails ends that.
    Where they have not, `habits` of other texts are asked.
    """

    GRAM = 3
    SHORTEST_GUESS, LONGEST_GUESS = 4, 32

    def __init__(self, tokens: list[int], habits: Habits | None = None) -> None:
        self._tokens, self._habits = tokens, habits
        self._met = 0  # what of the draft is behind
        self._guess, self._next = tokens, 0  # what is verified; the guess for the next choice
        self._verifying = bool(tokens)
        self._reach = self.SHORTEST_GUESS
        self._grams: dict[tuple[int, ...], int] = {}  # of the decode: where each ended last
        self._num_grams = 0

    def agrees(self, token: int) -> bool:
        """Whether the choice just taken was guessed, with its own successor known already."""
        if not self._verifying:
            return False
        agreed = self._next < len(self._guess) and token == self._guess[self._next]
        if agreed:
            self._next += 1
        else:
            self._verifying = False
        if self._guess is self._tokens:
            self._met = self._next
        return agreed

    def go_on(self, tokens: list[int]) -> list[int]:
        """What may follow the decode so far; from here on it is being verified."""
        if self._guess is not self._tokens:
            held = 0 < len(self._guess) == self._next
            self._reach = min(2 * self._reach, self.LONGEST_GUESS) if held else self.SHORTEST_GUESS
        self._guess, self._next = self._rejoin(tokens)
        if self._guess is not self._tokens:
            self._guess, self._next = self._look_up(tokens), 0
        self._verifying = self._next < len(self._guess)
        return self._guess[self._next :]

    def _rejoin(self, tokens: list[int]) -> tuple[list[int], int]:
        """The draft and the place behind which it holds the last two tokens, if it does.

        The place is searched from the first difference on.
        """
        pair = tokens[-2:]
        for end in range(self._met + 2, len(self._tokens)):
            if self._tokens[end - 2 : end] == pair:
                self._met = end
                return self._tokens, end
        return [], 0

    def _look_up(self, tokens: list[int]) -> list[int]:
        """What followed the last tokens when they stood in the decode before, or nothing."""
        while self._num_grams + self.GRAM < len(tokens):
            end = self._num_grams + self.GRAM
            self._grams[tuple(tokens[end - self.GRAM : end])] = end
            self._num_grams += 1
        begin = self._grams.get(tuple(tokens[-self.GRAM :]), len(tokens))
        if begin < len(tokens) or self._habits is None:
            return tokens[begin : begin + self._reach]
        return self._habits.follow(tokens)


class LoopGuard:
    """Notices when the tail of a decode is one unit of tokens again and again.

    A unit of up to 16 tokens counts as a loop when its copies fill 32 tokens and are at least 6:
    "no no no no" may be speech, 32 times "no" is not. The official package cleans up loops of 20
    copies after decoding; stopping inside the decode keeps a loop from using up the budget.
    """

    MAX_UNIT = 16
    MIN_COPIES = 6
    MIN_TOKENS = 32

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._runs: dict[int, int] = {}  # per unit: how many tokens repeat the unit before

    def push(self, token: int) -> int | None:
        """Take the next token; the length to cut the decode to (one copy) when it is a loop."""
        recent = self._tokens[: -self.MAX_UNIT - 1 : -1]  # the last one first
        self._tokens.append(token)
        if token not in recent:  # as good as always: no unit goes on
            self._runs = {}
            return None
        total = len(self._tokens)
        again = [unit for unit, before in enumerate(recent, 1) if before == token]
        self._runs = {unit: self._runs.get(unit, 0) + 1 for unit in again}
        for unit, run in self._runs.items():
            copies = max(self.MIN_COPIES, math.ceil(self.MIN_TOKENS / unit))
            if run >= unit * (copies - 1):
                return total - unit * (copies - 1)
        return None
