"""Who may start a stream, as a pure policy: load in, verdict out. It sheds nothing itself."""

from dataclasses import dataclass
from enum import StrEnum

from .errors import CAPACITY_RETRY_S, CapacityError, InternalError, ShuttingDownError, StreamError

STUCK_AFTER_S = 60.0  # longer than the longest step of a large model on a slow machine


class Readiness(StrEnum):
    """What `/readyz` says; only `READY` takes streams."""

    LOADING = "loading"
    READY = "ready"
    FULL = "full"
    STUCK = "stuck"
    FAILED = "failed"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Load:
    """What the server carries now. `max_streams` is 0 until the engine has said how many.

    `capacity` is how many streams the engine has time for, by how those that are there are doing;
    None where nothing is measured. `silent_s` is how long ago the engine began a round of work.
    """

    loading: bool
    failed: bool
    draining: bool
    streams: int
    max_streams: int
    capacity: int | None = None
    silent_s: float = 0.0

    @property
    def is_stuck(self) -> bool:
        """Whether the engine hangs in a round of work, or takes too long for any stream."""
        return self.silent_s > STUCK_AFTER_S

    @property
    def headroom(self) -> int:
        """How many streams would be let in now."""
        if self.loading or self.failed or self.draining or self.is_stuck:
            return 0
        fitting = self.max_streams if self.capacity is None else self.capacity
        return max(0, min(self.max_streams, fitting) - self.streams)


def readiness(load: Load) -> Readiness:
    """The one word for a load; a stopping server is draining whatever else it is."""
    if load.draining:
        return Readiness.DRAINING
    if load.failed:
        return Readiness.FAILED
    if load.loading:
        return Readiness.LOADING
    if load.is_stuck:
        return Readiness.STUCK
    if load.headroom == 0:
        return Readiness.FULL
    return Readiness.READY


def refusal(load: Load) -> StreamError | None:
    """Why one more stream is refused, or None when it is welcome."""
    match readiness(load):
        case Readiness.READY:
            return None
        case Readiness.LOADING:
            return CapacityError("the model is still being loaded", CAPACITY_RETRY_S)
        case Readiness.FULL:
            return CapacityError(_fullness(load), CAPACITY_RETRY_S)
        case Readiness.STUCK:
            return CapacityError(
                f"the engine of this server has not moved for {load.silent_s:.0f} s",
                CAPACITY_RETRY_S,
            )
        case Readiness.FAILED:
            return InternalError("the engine of this server has stopped")
        case Readiness.DRAINING:
            return ShuttingDownError("the server is being stopped")


def _fullness(load: Load) -> str:
    if load.streams >= load.max_streams:
        return f"all {load.max_streams} streams of this server are in use"
    return f"this server is busy with {load.streams} streams"
