"""What usually follows: a small memory of token triples, to guess the next tokens of any decode by.

Learned from finals, asked by steps. A guess is verified like a draft, so it saves passes of one
token and never changes what the model says. Within a word the rest of it is often the only one
there is; beyond it phrases repeat.
"""

from array import array
from collections.abc import Sequence

_SLOTS = 1 << 15  # entries; a new triple takes the place of a weaker one that falls on the same
_SUREST = 7


class Habits:
    """Of two tokens, the one that followed last, and how often it did so in a row.

    Takes a fixed 0.6 MB, whatever it learns.
    """

    LONGEST_GUESS = 4

    def __init__(self) -> None:
        self._pairs = array("q", [-1]) * _SLOTS
        self._followers = array("q", [0]) * _SLOTS
        self._strengths = array("b", [0]) * _SLOTS

    def learn(self, tokens: Sequence[int]) -> None:
        """Take note of a text that will not change any more."""
        for first, second, follower in zip(tokens, tokens[1:], tokens[2:], strict=False):
            pair, slot = _place(first, second)
            strength = self._strengths[slot]
            if self._pairs[slot] == pair and self._followers[slot] == follower:
                self._strengths[slot] = min(strength + 1, _SUREST)
            elif strength > 1:
                self._strengths[slot] = strength - 1
            else:
                self._pairs[slot], self._followers[slot] = pair, follower
                self._strengths[slot] = 1

    def follow(self, tokens: Sequence[int]) -> list[int]:
        """What will follow these tokens, if anything is known of them: up to `LONGEST_GUESS`."""
        guess: list[int] = []
        if len(tokens) < 2:
            return guess
        first, second = tokens[-2:]
        while len(guess) < self.LONGEST_GUESS:
            pair, slot = _place(first, second)
            if self._pairs[slot] != pair:
                break
            first, second = second, self._followers[slot]
            guess.append(second)
        return guess


def _place(first: int, second: int) -> tuple[int, int]:
    """Two token ids as one number, and the slot they are kept in."""
    return first << 32 | second, hash((first, second)) % _SLOTS
