"""When what a stream has heard was said: positions of its clock as times of day; knows no clock."""

from collections import deque

MAX_ANCHORS = 64
MAX_SKEW_MS = 3_600_000  # of a bridge's clock; more, and it has been set anew
TICKS_PER_MS = 48  # of the RTP clock of Opus (RFC 7587, section 4.1)
_WRAP_MS = (1 << 32) / TICKS_PER_MS  # RTP counts in 32 bits; a bridge may count on
LEAD_MS = 320  # a segment may begin this long before its voice: `pad_before_ms`, and a frame


class Timeline:
    """A stream that holes were cut out of: each run of it begins at an anchor.

    Positions are milliseconds of the stream's clock, times of day are milliseconds since 1970.
    Of more than `MAX_ANCHORS` runs that nobody has asked about the oldest are forgotten.
    """

    def __init__(self) -> None:
        self._anchors: deque[tuple[float, float]] = deque(maxlen=MAX_ANCHORS)

    def anchor(self, position_ms: float, time_ms: float) -> None:
        """What is heard from this position on was said from this time on."""
        self._anchors.append((position_ms, time_ms))

    def expected(self, position_ms: float) -> float | None:
        """The time of a position if no hole follows; None before the first anchor."""
        if not self._anchors:
            return None
        begin_ms, time_ms = self._anchors[-1]
        return time_ms + position_ms - begin_ms

    def begin_of(self, segment_ms: float) -> int:
        """When a segment that begins at this position was begun, in whole milliseconds.

        Its voice may be in the run behind the one that its padding is in. Segments are asked about
        in order.
        """
        while len(self._anchors) > 1 and self._anchors[1][0] <= segment_ms + LEAD_MS:
            self._anchors.popleft()
        begin_ms, time_ms = self._anchors[0]
        return round(time_ms + segment_ms - begin_ms)


class BridgeClock:
    """The 48 kHz clock of a bridge's timestamps, as times of day in milliseconds."""

    def __init__(self) -> None:
        self._offset_ms: float | None = None

    def time_ms(self, ticks: int, now_ms: float) -> float:
        """When a packet was said that comes at `now_ms`: what comes first was said just now."""
        media_ms = ticks / TICKS_PER_MS
        if self._offset_ms is None:
            self._offset_ms = now_ms - media_ms
        early_ms = shorter_way(media_ms + self._offset_ms - now_ms)
        if abs(early_ms) > MAX_SKEW_MS:
            self._offset_ms, early_ms = now_ms - media_ms, 0.0
        return now_ms + early_ms


def shorter_way(difference_ms: float) -> float:
    """The difference of two of a bridge's times, which begin anew after a day."""
    return (difference_ms + _WRAP_MS / 2) % _WRAP_MS - _WRAP_MS / 2
