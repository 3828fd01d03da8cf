"""The greatest number for which something holds, by doubling, halving and trying again; pure."""

from collections.abc import Callable

Holds = Callable[[int], bool]

RESOLUTION = 0.04
CONFIRMATIONS = 3


def find_limit(
    holds: Holds,
    *,
    start: int,
    ceiling: int,
    resolution: float = RESOLUTION,
    confirmations: int = CONFIRMATIONS,
) -> int:
    """The limit to within `resolution` of itself; 0 if `holds(1)` is false.

    `holds` is taken to be true below some number and false above, with luck at the border: what is
    found has to hold `confirmations` times more, else less is tried.
    """
    good, bad = _bracket(holds, min(start, ceiling), ceiling)
    while bad is not None and bad - good > _grain(good, resolution):
        middle = (good + bad) // 2
        if holds(middle):
            good = middle
        else:
            bad = middle
    step = _grain(good, resolution)
    while good > 0 and not all(holds(good) for _ in range(confirmations)):
        good, step = max(0, good - step), 2 * step
    return good


def _bracket(holds: Holds, start: int, ceiling: int) -> tuple[int, int | None]:
    """(a number that holds, or 0; a greater one that does not, None if the ceiling holds)."""
    number, bad = start, None
    while not holds(number):
        number, bad = number // 2, number
        if number == 0:
            return 0, bad
    while bad is None and number < ceiling:
        doubled = min(2 * number, ceiling)
        if holds(doubled):
            number = doubled
        else:
            bad = doubled
    return number, bad


def _grain(number: int, resolution: float) -> int:
    return max(1, int(number * resolution))
