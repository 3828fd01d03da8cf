"""What every wire dialect is: a machine between one socket and its streams; no I/O, no clock.

    frame ── read ──▶ message ── received ──▶ actions ──▶ commands to streams, messages to say
    event of a stream ──────────── said ────▶ actions
    time ───────────────────── timed_out ───▶ actions

A connection carries one stream or many; each is a *line* with a name of the dialect's choice. A
line begins with its `Hello` and ends with the session's farewell. `now` is in seconds of the
event loop's clock.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..effects import Hangup
from ..errors import BadOptionError, StreamError
from ..events import Command, Event

Frame = str | bytes
"""One WebSocket message: str for a text message, bytes for a binary one."""

LineId = str
"""A stream's name on its connection; "" is the only one, or stands for the connection itself."""


# --- what a dialect wants done --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin a line without its `Hello`, which has to come within the server's patience."""

    line: LineId


@dataclass(frozen=True, slots=True)
class Tell:
    """A command to a line. `Hello` begins a line that is not there; all else is then dropped."""

    line: LineId
    command: Command


@dataclass(frozen=True, slots=True)
class Refuse:
    """What came for a line was not understood: its session decides what becomes of it."""

    line: LineId
    error: StreamError


@dataclass(frozen=True, slots=True)
class Drop:
    """Forget a line and what it has heard; nothing more is said of it."""

    line: LineId


@dataclass(frozen=True, slots=True)
class Say:
    """A message to the client, turned into a frame by `encode` when its turn has come.

    It takes the place of a message that still waits and has the same `replaces`.
    """

    message: Any
    replaces: Hashable | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """Nothing is to be done but to wait: something is still to be said to a client that left."""


Action = Begin | Tell | Refuse | Drop | Say | Stay | Hangup


# --- what a dialect is given ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Handshake:
    """How a client asks to be let in. Header names are lower case."""

    path: str
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    subprotocols: Sequence[str] = ()

    def first(self, name: str, default: str | None = None) -> str | None:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default


@dataclass(frozen=True, slots=True)
class House:
    """What dialects tell their clients of the server. Times of day are `epoch` + `now`.

    `new_id` makes an id that is never used again, hexadecimal, of 24 characters.
    """

    model: str
    languages: tuple[str, ...]
    max_segment_s: int
    unsure_below: float
    epoch: float
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Denial:
    """An HTTP answer instead of a WebSocket, or of a result."""

    status: int
    body: str
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


HTTP_STATUS: Mapping[str, int] = {
    "unauthorized": 401,
    "bad_message": 400,
    "bad_option": 400,
    "bad_audio": 400,
    "out_of_order": 400,
    "slow_sender": 408,
    "too_large": 413,
    "capacity": 503,
    "shutting_down": 503,
    "internal": 500,
}
"""The HTTP status of each error that can come before a stream does."""


def retry_header(error: StreamError) -> dict[str, str]:
    """`Retry-After`, where trying again can help and it is known when."""
    return {} if error.retry_after_s is None else {"Retry-After": f"{error.retry_after_s:.0f}"}


# --- what a dialect is ----------------------------------------------------------------------------


class Dialect(Protocol):
    """The machine of one connection."""

    @property
    def subprotocol(self) -> str | None:
        """The WebSocket subprotocol to answer the handshake with, or None for none."""
        ...

    @property
    def accept_headers(self) -> Mapping[str, str]:
        """Further headers of that answer."""
        ...

    def opened(self, now: float) -> list[Action]:
        """The client was let in."""
        ...

    def read(self, frame: Frame) -> Any:
        """The message in a frame. Knows no state: large frames are read on another thread.

        Raises:
            StreamError: the frame is not a message of this dialect. Nothing else is ever raised,
                whatever the bytes are.
        """
        ...

    def received(self, message: Any, now: float) -> list[Action]:
        """What `read` made of a frame."""
        ...

    def misread(self, error: StreamError, now: float) -> list[Action]:
        """`read` refused a frame."""
        ...

    def said(self, line: LineId, event: Event, now: float) -> list[Action]:
        """A line's session has something to tell."""
        ...

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        """A line is over. `farewell` is how a connection of this line alone would be closed."""
        ...

    def left(self, now: float) -> list[Action]:
        """The client sends nothing more. Where this returns nothing, it is not waited for.

        Otherwise the connection stays until the dialect hangs up, for some seconds at most.
        """
        ...

    def next_deadline(self) -> float | None:
        """When `timed_out` wants to be called, if nothing else happens before."""
        ...

    def timed_out(self, now: float) -> list[Action]:
        """The deadline has come, or nearly; who is called too early returns nothing."""
        ...

    def encode(self, message: Any) -> Frame:
        """The frame of a message, called once for each in the order in which they leave."""
        ...


class Door(Protocol):
    """One WebSocket path: what may come in by it, and how it says no.

    `max_message_bytes` bounds a client's message.
    """

    max_message_bytes: int

    def open(self, handshake: Handshake, house: House) -> Dialect:
        """The dialect of a client.

        Raises:
            StreamError: the handshake asks for what there is not.
        """
        ...

    def deny(self, error: StreamError, handshake: Handshake) -> Denial | None:
        """How a client is turned away; None lets it in to be told by `said` and `ended`."""
        ...


def truth(name: str, text: str) -> bool:
    """A query parameter that is true or false.

    Raises:
        BadOptionError: it is neither.
    """
    match text.lower():
        case "true" | "1" | "":
            return True
        case "false" | "0":
            return False
        case _:
            raise BadOptionError(f"{name} is {text[:40]!a}, allowed are true and false")
