"""How long a stream may send nothing before its open segment ends; knows no clock.

Of the endpointing options the stall time is the wire's own, so it is kept here and not by the
engine: the one of `hello`, and then of each `configure` as soon as the engine has accepted it.
"""

from collections import deque
from dataclasses import replace

from hark.engine.types import MAX_STALL_MS, Endpointing


def with_stall(endpointing: Endpointing, server_stall_s: float) -> Endpointing:
    """The options with the server's stall time where the client leaves it to the server."""
    if endpointing.stall_ms is not None:
        return endpointing
    stall_ms = max(1, min(round(server_stall_s * 1000), MAX_STALL_MS))
    return replace(endpointing, stall_ms=0 if endpointing.mode == "off" else stall_ms)


class StallTime:
    """The stall time in force, and since when nothing has come."""

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._since: float | None = None
        self._asked: deque[Endpointing | None] = deque()  # of each configure without its answer

    def heard(self, now: float) -> None:
        """Audio has come, and has to be followed by more."""
        self._since = now

    def rest(self) -> None:
        """Nothing is waited for until audio comes again."""
        self._since = None

    def begin_anew(self, now: float) -> None:
        """Where something is waited for: only from now on."""
        if self._since is not None:
            self._since = now

    @property
    def deadline(self) -> float | None:
        """When audio has to have come; None for never."""
        return self._since + self._stall_s if self._since is not None and self._stall_s else None

    def open(self, endpointing: Endpointing) -> None:
        """The options of `hello`, settled."""
        self._take(endpointing)

    def ask(self, endpointing: Endpointing | None) -> None:
        """The settled options of a `configure`, or None where it has none."""
        self._asked.append(endpointing)

    def answered(self, *, accepted: bool) -> None:
        """The engine's answer to the `configure` that has waited longest."""
        endpointing = self._asked.popleft() if self._asked else None
        if accepted and endpointing is not None:
            self._take(endpointing)

    def _take(self, endpointing: Endpointing) -> None:
        if endpointing.stall_ms is not None:
            self._stall_s = endpointing.stall_ms / 1000
