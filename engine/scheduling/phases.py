"""Where in their cadence the steps of a segment fall, so that those of all spread evenly.

Steps of a busy engine start together three times a cadence (`ladder.GATHER_S`), each stream's
always with the same third: one third with more streams than there is time for would always be late,
while the others wait.
"""

from collections import Counter
from collections.abc import Iterable

THIRDS = 3
_SHARES = (0.45, 0.6, 0.75, 0.3)  # of a third: jitter of frames is felt at its ends
_PLACES = [(third, (third + share) / THIRDS) for share in _SHARES for third in range(THIRDS)]


def free_phase(taken: Iterable[float]) -> float:
    """The phase of a new segment, 0 to 1 of a cadence, beside those of the open ones."""
    places = Counter(taken)
    thirds = Counter(int(phase * THIRDS) for phase in places.elements())
    return min(_PLACES, key=lambda place: (thirds[place[0]], places[place[1]]))[1]
