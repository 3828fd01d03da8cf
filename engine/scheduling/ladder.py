"""How hard it is to keep up, and what is done about it; numbers and the caller's clock, no streams.

A step's *share* is its time from falling due to its hypothesis, as a share of the cadence: above 1
the next step waits for it. `Ladder` stretches everybody's cadence while shares are too large, and
`Capacity` learns how many streams fit. Both move in windows of 0.4 s.

Nothing swings: a rung is left upwards when three windows in a row were too hot (one or two
are when some finals fall together) and downwards only after calm; a rung that was too hot with some
number of streams is not tried again with as many for a while, and each time it fails again for
twice as long: the first time it may have been the machine, which had other things to do. When
streams leave, what they left to be done heats some windows more, which say nothing of those that
stay; then the way down is open, one rung for two calm windows: 5 s for all of them. When the last
one has left, all is as at the start.
"""

from dataclasses import dataclass
from enum import Enum

from .phases import THIRDS

WINDOW_S = 0.4
STRETCHES = (1.0, 1.125, 1.25, 1.625, 2.125, 2.875, 4.0)
"""Small steps first: most excess is small. Eighths: the usual cadence stays a number of frames."""
HOT_SHARE, WARM_SHARE, CALM_SHARE = 0.95, 0.7, 0.5  # of the cadence, by more than `FEW` of steps
FEW = 0.1
GATHER_S = 0.32 / THIRDS
"""Between two starts of steps on a busy engine: a third of the usual cadence, and a frame of 100 ms
has come by the second (`scheduler.starts_at`)."""
LITTLE_BUSY, RATHER_BUSY = 0.3, 0.6  # of the time: steps stop gathering below, begin to above
HARDLY_BUSY = 0.1
FIRST_MEMORY_S, LONGEST_MEMORY_S = 5.0, 40.0
HOT_WINDOWS, CALM_WINDOWS = 3, 2
_AS_MANY = 0.95  # of a number of streams, and what was too much for it is too much again
_SPANS = 5  # windows that are looked back on


class Heat(Enum):
    """How the steps of a window did: `WARM` is as much as may be asked for."""

    CALM = 0
    MILD = 1
    WARM = 2
    HOT = 3


def heat_of(shares: list[float]) -> Heat:
    """The heat of a window's steps. One slow step alone heats nothing."""
    tolerated = max(1.0, FEW * len(shares))
    for heat, limit in (
        (Heat.HOT, HOT_SHARE),
        (Heat.WARM, WARM_SHARE),
        (Heat.MILD, CALM_SHARE),
    ):
        if sum(share > limit for share in shares) > tolerated:
            return heat
    return Heat.CALM


@dataclass(frozen=True, slots=True)
class _Failure:
    """A rung was too hot with so many streams; it is barred to as many for `memory_s`."""

    streams: int
    at: float
    memory_s: float


class Ladder:
    """The stretch of all cadences."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._rung = 0
        self._hot_windows = self._calm_windows = 0
        self._most_streams = 0  # in the hot windows that lie behind, without a break
        self._changed_at = float("-inf")
        self._failures: dict[int, _Failure] = {}  # the last one of each rung

    @property
    def stretch(self) -> float:
        return STRETCHES[self._rung]

    def close_window(self, heat: Heat, num_streams: int, now: float) -> None:
        """Take note of how the last window went with this many streams."""
        if num_streams == 0:
            self._begin()
            return
        self._calm_windows = self._calm_windows + 1 if heat is Heat.CALM else 0
        self._hot_windows = self._hot_windows + 1 if heat is Heat.HOT else 0
        self._most_streams = max(self._most_streams, num_streams) if heat is Heat.HOT else 0
        if self._hot_windows >= HOT_WINDOWS:
            self._note_failure(now)
            has_excess = num_streams >= _AS_MANY * self._most_streams
            # What a rung does shows only in the window after the next.
            if has_excess and now - self._changed_at >= 2 * WINDOW_S:
                self._step_to(min(self._rung + 1, len(STRETCHES) - 1), now)
        elif (
            self._calm_windows >= CALM_WINDOWS
            and self._rung
            and not self._barred(self._rung - 1, num_streams, now)
        ):
            self._step_to(self._rung - 1, now)

    def _step_to(self, rung: int, now: float) -> None:
        self._rung, self._changed_at, self._calm_windows = rung, now, 0

    def _note_failure(self, now: float) -> None:
        last, memory_s = self._failures.get(self._rung), FIRST_MEMORY_S
        if last is not None and now - last.at < 3 * last.memory_s:
            is_another = self._changed_at > last.at  # not the same stay on the rung
            memory_s = min((1 + is_another) * last.memory_s, LONGEST_MEMORY_S)
        self._failures[self._rung] = _Failure(self._most_streams, now, memory_s)

    def _barred(self, rung: int, num_streams: int, now: float) -> bool:
        last = self._failures.get(rung)
        if last is None or num_streams < _AS_MANY * last.streams:
            return False
        return now - last.at < last.memory_s


class Capacity:
    """How many streams fit: a first guess, then corrected by how the streams that came are doing.

    It sinks to what is there as soon as that is enough, and grows by a twentieth in each calm
    window, never far above what has been seen to go well.
    """

    def __init__(self, guess: float) -> None:
        self._first_guess = self._guess = guess
        self.streams = guess

    def close_window(self, heat: Heat, stretch: float, num_streams: int) -> None:
        if num_streams == 0:  # what comes next may be of another kind
            self._guess = self.streams = self._first_guess
        elif stretch > 1.0 and heat is not Heat.CALM:
            self._guess = self.streams = min(self.streams, max(1.0, num_streams / stretch))
        elif heat in (Heat.WARM, Heat.HOT):
            self.streams = min(self.streams, max(1.0, num_streams))
        elif heat is Heat.CALM and stretch == 1.0:
            proven = max(self._guess, 1.25 * num_streams + 4)
            grown = self.streams + max(1.0, self.streams / 20)
            self.streams = max(self.streams, min(proven, grown))


@dataclass(frozen=True, slots=True)
class Span:
    """One window: the share of time that went to live work, and its steps' lateness."""

    busy_s: float
    wall_s: float
    lateness_s: list[float]


class Pressure:
    """Gathers what steps and ticks report, and moves the ladder and the capacity.

    What it says of them may be read from another thread.
    """

    def __init__(self, capacity_guess: float, now: float) -> None:
        self.ladder = Ladder()
        self.capacity = Capacity(capacity_guess)
        self._gathers = False
        self._opened_at = now
        self._shares: list[float] = []
        self._lateness_s: list[float] = []
        self._busy_s = 0.0
        self._spans: tuple[Span, ...] = ()  # replaced, never changed: readers hold one of them

    def note_step(self, *, late_s: float, took_s: float, cadence_s: float) -> None:
        """A live step ended: it began so late, and took so long."""
        late_s = max(0.0, late_s - 2 * self.gather_s)  # gathering is no lateness: it was meant
        self._shares.append((late_s + took_s) / (cadence_s * self.ladder.stretch))
        self._lateness_s.append(late_s)

    def note_busy(self, seconds: float) -> None:
        """Live work kept the engine busy for this long."""
        self._busy_s += seconds

    def update(self, num_streams: int, num_running: int, now: float) -> bool:
        """Close the window if it is over; True when the stretch changed."""
        if now - self._opened_at < WINDOW_S:
            return False
        before = self.ladder.stretch
        if self._shares or not num_running:  # else nothing is known: all steps are on their way
            heat = heat_of(self._shares)
            self.ladder.close_window(heat, num_streams, now)
            self.capacity.close_window(heat, self.ladder.stretch, num_streams)
        span = Span(self._busy_s, now - self._opened_at, self._lateness_s)
        self._spans = (*self._spans, span)[-_SPANS:]
        self._opened_at, self._busy_s = now, 0.0
        self._shares, self._lateness_s = [], []
        if not LITTLE_BUSY <= self.busy_ratio <= RATHER_BUSY:
            self._gathers = self.busy_ratio > RATHER_BUSY
        return self.ladder.stretch != before

    @property
    def is_at_leisure(self) -> bool:
        """Live work leaves nearly all of the time: what is not needed may be done, too."""
        return self.busy_ratio <= HARDLY_BUSY

    @property
    def gather_s(self) -> float:
        """What steps start at multiples of; 0 while there is time enough.

        It is stretched as cadences are, so that all steps of a stream wait as long for each other.
        """
        return GATHER_S * self.ladder.stretch if self._gathers else 0.0

    @property
    def busy_ratio(self) -> float:
        """The share of the last two seconds that went to live work, 0 to 1."""
        spans = self._spans
        wall_s = sum(span.wall_s for span in spans)
        return min(1.0, sum(span.busy_s for span in spans) / wall_s) if wall_s else 0.0

    @property
    def lateness_s(self) -> float:
        """How late nine in ten steps of the last two seconds began at most."""
        late = sorted(late for span in self._spans for late in span.lateness_s)
        return late[int(0.9 * len(late))] if late else 0.0
