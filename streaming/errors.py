"""Every error a client can be told about; knows codes and whose fault it is, no sockets.

    StreamError
    ├── CallerError       what the client sent is wrong; sending it again cannot help
    │   ├── BadMessage      bad_message    1007
    │   ├── BadOption       bad_option     1007
    │   ├── OutOfOrder      out_of_order   1002
    │   └── BadAudio        bad_audio      1007
    ├── PeerError         the client sent right things, but not in time
    │   ├── HelloTimeout    hello_timeout  1008
    │   └── SlowReader      slow_reader    1008
    ├── Capacity          capacity       1013   full: the same request can succeed later
    └── ServerError       our fault
        ├── Internal        internal       1011
        └── ShuttingDown    shutting_down  1001

A message over 1 MiB (close code 1009) is refused below this layer, by the WebSocket protocol.
"""

from typing import ClassVar

from hark.engine.types import BadAudioError, CapacityError, EngineError, OptionError

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


class BadMessage(CallerError):
    """Not a message of the protocol: its form, a field's name or a field's type is wrong."""

    code = "bad_message"
    close_code = 1007


class BadOption(CallerError):
    """A value is out of range or unknown; the message names the field and what is allowed."""

    code = "bad_option"
    close_code = 1007


class OutOfOrder(CallerError):
    """A message that may not come now."""

    code = "out_of_order"
    close_code = 1002


class BadAudio(CallerError):
    """The audio is not what its format promised."""

    code = "bad_audio"
    close_code = 1007


class PeerError(StreamError):
    """The client did not act in time."""

    retry = True


class HelloTimeout(PeerError):
    code = "hello_timeout"
    close_code = 1008


class SlowReader(PeerError):
    code = "slow_reader"
    close_code = 1008


class Capacity(StreamError):
    """No room for one more stream now."""

    code = "capacity"
    close_code = 1013
    retry = True


class ServerError(StreamError):
    """Not the client's doing; a new connection can succeed."""

    retry = True


class Internal(ServerError):
    code = "internal"
    close_code = 1011


class ShuttingDown(ServerError):
    code = "shutting_down"
    close_code = 1001


def from_engine(error: EngineError) -> StreamError:
    """The wire error for what the engine reports.

    Anything but the caller's fault or a full engine is `Internal`, and its text stays in the
    server's log.
    """
    match error:
        case OptionError():
            return BadOption(str(error))
        case BadAudioError():
            return BadAudio(str(error))
        case CapacityError():
            return Capacity(str(error), CAPACITY_RETRY_S)
        case _:
            return Internal("the server failed; its log has the details under this session's id")
