"""Packets of one source in the order in which they were sent; knows no clock and no audio."""

from dataclasses import dataclass

MAX_HELD = 3  # packets behind a missing one; with one more it is given up
MAX_WAIT_S = 0.06
MAX_LATE = 100  # a number further back is of a source that counts anew (RFC 3550, MAX_MISORDER)

_NUMBERS = 1 << 16  # RTP counts in 16 bits; a bridge may count on


@dataclass(frozen=True, slots=True)
class Packet:
    """A source's packets with one RTP sequence number, and its timestamp in 48 kHz ticks."""

    number: int
    ticks: int
    opus: tuple[bytes, ...]


class ReorderBuffer:
    """Holds back what came too early, until what is missing has come or was waited for.

    What comes twice, or after it was given up, is dropped.
    """

    def __init__(self) -> None:
        self._next: int | None = None  # the number that is due
        self._held: dict[int, Packet] = {}
        self._deadline: float | None = None

    @property
    def deadline(self) -> float | None:
        """When `timed_out` has something to give; None while nothing is held."""
        return self._deadline

    def push(self, packet: Packet, now: float) -> list[Packet]:
        """The packets that are due now that this one is there."""
        number = packet.number % _NUMBERS
        if self._next is None:
            self._next = number
        ahead = self._ahead(number)
        if ahead < -MAX_LATE:
            ready = self.flush()
            self._next = number
            return [*ready, *self.push(packet, now)]
        if ahead < 0:
            return []
        self._held.setdefault(number, packet)
        ready = self._take_due()
        if len(self._held) > MAX_HELD:
            ready += self._give_up()
        self._arm(now, has_moved=bool(ready))
        return ready

    def timed_out(self, now: float) -> list[Packet]:
        """The packets behind one that was waited for long enough."""
        if self._deadline is None or now < self._deadline:
            return []
        ready = self._give_up()
        self._arm(now, has_moved=True)
        return ready

    def flush(self) -> list[Packet]:
        """All that is held: nothing more comes."""
        ready: list[Packet] = []
        while self._held:
            ready += self._give_up()
        self._deadline = None
        return ready

    def _take_due(self) -> list[Packet]:
        """Packets without a hole before or between them."""
        ready: list[Packet] = []
        while self._next is not None and self._next in self._held:
            ready.append(self._held.pop(self._next))
            self._next = (self._next + 1) % _NUMBERS
        return ready

    def _give_up(self) -> list[Packet]:
        """Go on behind the hole that all that is held stands behind."""
        self._next = min(self._held, key=self._ahead)
        return self._take_due()

    def _arm(self, now: float, *, has_moved: bool) -> None:
        """Wait for the hole that is first now from now on; go on waiting for an old one."""
        if not self._held:
            self._deadline = None
        elif has_moved or self._deadline is None:
            self._deadline = now + MAX_WAIT_S

    def _ahead(self, number: int) -> int:
        """How far a number is ahead of the one that is due, -32,768 to 32,767."""
        assert self._next is not None, "the first packet says where counting begins"
        half = _NUMBERS // 2
        return (number - self._next + half) % _NUMBERS - half
