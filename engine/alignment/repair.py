"""Slot times made to go forward; knows numbers only.

A forced aligner chooses the time of every slot by itself, so some fall out of order. Those that
fit together best stay; the others are put between them (the rules are those of the official
package qwen-asr 0.0.6).
"""

from collections.abc import Sequence

import numpy as np

_FEW = 2
"""A run of so many wrong times takes its neighbours' values; a longer one is interpolated."""


def repair(times: Sequence[int]) -> list[int]:
    """Times (of any unit, at least 0) made non-decreasing; as many as there were.

    Those of a longest non-decreasing subsequence are kept. Of a run of one or two others, each
    takes the value of the nearer kept neighbour, the left one where both are as near; longer runs
    are spread evenly between their neighbours, rounded down. At either end, where there is only
    one neighbour, all take its value.
    """
    kept = longest_rising(times)
    fixed = list(times)
    for left, right in zip([-1, *kept], [*kept, len(times)], strict=True):
        for slot in range(left + 1, right):
            fixed[slot] = _between(times, left, right, slot)
    return fixed


def longest_rising(times: Sequence[int]) -> list[int]:
    """The indices of a longest non-decreasing subsequence.

    Of several, the one that ends first; and, from its end backwards, the one whose next member
    stands first. O(n²), as the reference: which of several is taken depends on it.
    """
    values = np.asarray(times)
    lengths = np.zeros(len(values), np.int64)  # of the longest that ends at each index
    before: list[int] = []
    for index in range(len(values)):
        reached = np.where(values[:index] <= values[index], lengths[:index], 0)
        best = int(reached.argmax()) if reached.any() else -1
        before.append(best)
        lengths[index] = 1 + (lengths[best] if best >= 0 else 0)
    chain, index = [], int(lengths.argmax()) if len(values) else -1
    while index >= 0:
        chain.append(index)
        index = before[index]
    return chain[::-1]


def _between(times: Sequence[int], left: int, right: int, slot: int) -> int:
    """A time for `slot`, which lies between the kept `left` and `right` (one may be outside)."""
    if left < 0 or right == len(times):
        return times[right if left < 0 else left]
    num_wrong = right - left - 1
    if num_wrong <= _FEW:
        return times[left if slot - left <= right - slot else right]
    # In the reference's order of operations: its rounding decides what is cut off.
    step = (times[right] - times[left]) / (num_wrong + 1)
    return int(times[left] + step * (slot - left))
