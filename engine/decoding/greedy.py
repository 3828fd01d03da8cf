"""Two small machines of the greedy decode: the draft being verified, and the loop guard.

Both see token ids only. Neither changes what the model says: the draft saves passes, the guard
stops a decode that repeats itself, at a place that depends on nothing but the tokens.
"""

import math


class Draft:
    """A guess of the whole decode, verified from the front and met again after a difference."""

    def __init__(self, tokens: list[int]) -> None:
        self._tokens = tokens
        self._next = 0  # the draft token the model's next choice is compared with
        self._verifying = bool(tokens)

    def agrees(self, token: int) -> bool:
        """Whether the choice just taken is the draft's, with its own successor already known."""
        if not self._verifying:
            return False
        agreed = self._next < len(self._tokens) and token == self._tokens[self._next]
        if agreed:
            self._next += 1
        else:
            self._verifying = False
        return agreed

    def rejoin(self, tokens: list[int]) -> list[int]:
        """The rest of the draft behind the place where it holds the last two tokens, or nothing.

        The place is searched from the first difference on; the rest is then being verified.
        """
        if len(tokens) < 2:
            return []
        pair = tokens[-2:]
        for end in range(self._next + 2, len(self._tokens)):
            if self._tokens[end - 2 : end] == pair:
                self._next, self._verifying = end, True
                return self._tokens[end:]
        return []


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
