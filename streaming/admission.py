"""Who may start a stream, as a pure policy: load in, verdict out. It sheds nothing itself."""

from dataclasses import dataclass
from enum import StrEnum

from .errors import CAPACITY_RETRY_S, CapacityError, InternalError, ShuttingDownError, StreamError


class Readiness(StrEnum):
    """What `/readyz` says; only `READY` takes streams."""

    LOADING = "loading"
    READY = "ready"
    FULL = "full"
    FAILED = "failed"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Load:
    """What the server carries now. `max_streams` is 0 until the engine has said how many."""

    loading: bool
    failed: bool
    draining: bool
    streams: int
    max_streams: int


def readiness(load: Load) -> Readiness:
    """The one word for a load; a stopping server is draining whatever else it is."""
    if load.draining:
        return Readiness.DRAINING
    if load.failed:
        return Readiness.FAILED
    if load.loading:
        return Readiness.LOADING
    if load.streams >= load.max_streams:
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
            return CapacityError(
                f"all {load.max_streams} streams of this server are in use", CAPACITY_RETRY_S
            )
        case Readiness.FAILED:
            return InternalError("the engine of this server has stopped")
        case Readiness.DRAINING:
            return ShuttingDownError("the server is being stopped")
