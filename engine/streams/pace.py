"""Whether a stream sends faster than people speak; knows seconds of audio and the caller's clock.

A leaky bucket: audio fills it, and it drains a little faster than real time. A microphone's bucket
stays almost empty. A file sent at once fills it, and what overflows is work that can wait: nobody
hears that audio yet. A client that caught up after a break drains its burst within some seconds
and then counts as live again.
"""

SLACK_S = 2.0  # of audio at once that still is live: a break of the network, a late page
DRAIN = 1.25  # seconds of audio a second


class Pace:
    """How far one stream is ahead of a speaker, in seconds of audio."""

    def __init__(self, now: float) -> None:
        self._level_s = 0.0
        self._at = now

    def hear(self, seconds: float, now: float) -> None:
        """Audio of this length was taken in."""
        self._level_s = self._level(now) + seconds
        self._at = now

    def is_ahead(self, now: float) -> bool:
        return self._level(now) > SLACK_S

    def _level(self, now: float) -> float:
        return max(0.0, self._level_s - DRAIN * (now - self._at))
