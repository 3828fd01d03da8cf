"""What a session wants done; does none of it.

Dialects close connections by the same `Hangup`.
"""

from dataclasses import dataclass

from hark.engine.types import EngineRequest

from .errors import StreamError
from .events import Error, Event


@dataclass(frozen=True, slots=True)
class ToEngine:
    request: EngineRequest


@dataclass(frozen=True, slots=True)
class Emit:
    event: Event


@dataclass(frozen=True, slots=True)
class Hangup:
    """Close the connection once everything emitted before has been sent."""

    code: int
    reason: str


Effect = ToEngine | Emit | Hangup


def farewell(error: StreamError, segment: int = 0, at_ms: int = 0) -> list[Effect]:
    """The effects that tell a client why its stream ends, and end it."""
    return [Emit(error_event(error, segment, at_ms)), Hangup(error.close_code, error.code)]


def error_event(error: StreamError, segment: int = 0, at_ms: int = 0) -> Error:
    """What a client is told about an error, `at_ms` into its stream."""
    return Error(
        code=error.code,
        message=error.message,
        retry=error.retry,
        retry_after_s=error.retry_after_s,
        segment=segment,
        start_ms=at_ms,
        end_ms=at_ms,
    )
