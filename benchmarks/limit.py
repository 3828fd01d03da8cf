"""The search for the largest number that holds; knows a yes or no for each number, no more."""

from collections.abc import Callable

_PRECISION = 0.03


def find_limit(holds: Callable[[int], bool], first: int, most: int) -> int:
    """The largest count found to hold, up to `most`; 0 when not even one does.

    Doubles from `first` (or halves, where that fails) and then closes in to 3 %. Takes it that
    what fails for a count fails for more.
    """
    good, bad = 0, most + 1
    count = min(first, most)
    while bad - good > max(1, int(_PRECISION * good)):
        if holds(count):
            good = count
        else:
            bad = count
        count = min(2 * good, most) if bad > most and good else (good + bad) // 2
    return good
