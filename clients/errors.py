"""The errors a client meets and how they are told apart; does not know how they come about.

HarkError                      code, retry, retry_after_s
├── BadAddressError            the URL is none of the accepted forms
├── BadKeyError                the key holds what no key can
├── ServerUnreachableError     nobody answers there, or it is no Hark server
├── ServerRefusedError         the server said no to the connection or to its options
├── StreamFailedError          the server ended an open stream with an error
├── ConnectionLostError        the connection broke while the stream was open
└── UnreadEventsError          too many events wait for a reader
UsageError                     command-line arguments that do not go together
"""

from typing import Self

from hark.streaming.events import Error


class HarkError(Exception):
    """Something about a stream went wrong.

    `code` is stable, a wire code where the server gave one. `retry` says whether the same request
    can succeed later, `retry_after_s` when, if the server said so.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        retry: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry = retry
        self.retry_after_s = retry_after_s


class BadAddressError(HarkError):
    """The server's URL cannot be understood."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="bad_address")


class BadKeyError(HarkError):
    """The API key cannot be sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="bad_key")


class ServerUnreachableError(HarkError):
    """Nobody answers at the address, or what answers is no Hark server."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="unreachable", retry=True)


class _SaidByServerError(HarkError):
    """An error in the server's own words."""

    @classmethod
    def from_event(cls, event: Error) -> Self:
        return cls(
            event.message, code=event.code, retry=event.retry, retry_after_s=event.retry_after_s
        )


class ServerRefusedError(_SaidByServerError):
    """The server said no before the stream was open."""


class StreamFailedError(_SaidByServerError):
    """The server ended the open stream with an error."""


class ConnectionLostError(HarkError):
    """The connection ended while the stream was open; what was not said yet is lost."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="connection_lost", retry=True)


class UnreadEventsError(HarkError):
    """The user of the stream does not read its events."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="unread_events")


class UsageError(Exception):
    """Command-line arguments that do not go together."""
