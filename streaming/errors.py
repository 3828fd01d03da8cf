"""Every error a client can be told about; knows codes and whose fault it is, no sockets.

    StreamError
    ├── CallerError         what the client sent is wrong; sending it again cannot help
    │   ├── BadMessageError   bad_message    1007
    │   ├── BadOptionError    bad_option     1007
    │   ├── OutOfOrderError   out_of_order   1002
    │   ├── BadAudioError     bad_audio      1007
    │   ├── TooLargeError     too_large      1009   a request's body: HTTP 413
    │   └── UnauthorizedError unauthorized   1008   before there is a stream: HTTP 401
    ├── PeerError           the client sent right things, but not in time
    │   ├── HelloTimeoutError hello_timeout  1008
    │   ├── SlowReaderError   slow_reader    1008
    │   └── SlowSenderError   slow_sender    1008   a file that stops coming: HTTP 408
    ├── CapacityError       capacity       1013   full: the same request can succeed later
    └── ServerError         our fault
        ├── InternalError     internal       1011
        └── ShuttingDownError shutting_down  1001

A WebSocket message that is too large is refused below this layer, by the WebSocket protocol.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from hark.engine import types as engine

CAPACITY_RETRY_S = 5.0
MAX_MESSAGE_CHARACTERS = 1000  # a message may quote what the client sent, which may be long


class StreamError(Exception):
    """A refusal or a failure, as it goes over the wire.

    `code` is the wire code, `close_code` the WebSocket close code if the error ends the stream,
    `retry` whether the same request can succeed later. `retry_after_s` is a hint in seconds.
    """

    code: ClassVar[str]
    close_code: ClassVar[int]
    retry: ClassVar[bool] = False

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message[:MAX_MESSAGE_CHARACTERS]
        self.retry_after_s = retry_after_s


class CallerError(StreamError):
    """What the client sent is wrong."""


class BadMessageError(CallerError):
    """Not a message of the protocol: its form, a field's name or a field's type is wrong."""

    code = "bad_message"
    close_code = 1007


class BadOptionError(CallerError):
    """A value is out of range or unknown; the message names the field and what is allowed."""

    code = "bad_option"
    close_code = 1007


class OutOfOrderError(CallerError):
    """A message that may not come now."""

    code = "out_of_order"
    close_code = 1002


class BadAudioError(CallerError):
    """The audio is not what its format promised."""

    code = "bad_audio"
    close_code = 1007


class TooLargeError(CallerError):
    """A request's body is larger than this server takes."""

    code = "too_large"
    close_code = 1009


class UnauthorizedError(CallerError):
    """No key, or none that this server knows."""

    code = "unauthorized"
    close_code = 1008


class PeerError(StreamError):
    """The client did not act in time."""

    retry = True


class HelloTimeoutError(PeerError):
    code = "hello_timeout"
    close_code = 1008


class SlowReaderError(PeerError):
    code = "slow_reader"
    close_code = 1008


class SlowSenderError(PeerError):
    """A file on its way stopped coming."""

    code = "slow_sender"
    close_code = 1008


class CapacityError(StreamError):
    """No room for one more stream now."""

    code = "capacity"
    close_code = 1013
    retry = True


class ServerError(StreamError):
    """Not the client's doing; a new connection can succeed."""

    retry = True


class InternalError(ServerError):
    code = "internal"
    close_code = 1011


class ShuttingDownError(ServerError):
    code = "shutting_down"
    close_code = 1001


def from_engine(error: engine.EngineError) -> StreamError:
    """The wire error for what the engine reports.

    Anything but the caller's fault or a full engine is `InternalError`, and its text stays in the
    server's log.
    """
    match error:
        case engine.OptionError():
            return BadOptionError(str(error))
        case engine.BadAudioError():
            return BadAudioError(str(error))
        case engine.CapacityError():
            return CapacityError(str(error), CAPACITY_RETRY_S)
        case _:
            return InternalError(
                "the server failed; its log has the details under this session's id"
            )


_TOLD: Mapping[str, type[StreamError]] = MappingProxyType(
    {
        cls.code: cls
        for cls in (
            *(BadMessageError, BadOptionError, OutOfOrderError, BadAudioError, TooLargeError),
            *(UnauthorizedError, HelloTimeoutError, SlowReaderError, SlowSenderError),
            *(CapacityError, InternalError, ShuttingDownError),
        )
    }
)


def told(code: str, message: str, retry_after_s: float | None = None) -> StreamError:
    """The error that a client was told about with this code."""
    return _TOLD[code](message, retry_after_s)


def internal_error() -> InternalError:
    """What a client is told about a bug: where to look, and nothing of our insides."""
    return InternalError("the server failed; its log has the details under this session's id")
