"""The client library: `from hark.clients import connect`."""

from hark.engine.types import AudioFileError, Endpointing

from .errors import (
    BadAddressError,
    ConnectionLostError,
    HarkError,
    ServerRefusedError,
    ServerUnreachableError,
    StreamFailedError,
    UnreadEventsError,
)
from .sdk import Stream, connect

__all__ = [
    "AudioFileError",
    "BadAddressError",
    "ConnectionLostError",
    "Endpointing",
    "HarkError",
    "ServerRefusedError",
    "ServerUnreachableError",
    "Stream",
    "StreamFailedError",
    "UnreadEventsError",
    "connect",
]
