"""What every wire dialect offers: frames to commands, events to frames; no I/O, no order."""

from typing import Protocol

from ..events import Command, Event

Frame = str | bytes
"""One WebSocket message: str for a text message, bytes for a binary one."""


class Adapter(Protocol):
    """The translator of one connection."""

    @property
    def subprotocol(self) -> str | None:
        """The WebSocket subprotocol to answer the handshake with, or None for none."""
        ...

    def decode(self, frame: Frame) -> Command:
        """The command in a frame.

        Raises:
            StreamError: the frame is not a message of this dialect. Nothing else is ever raised,
                whatever the bytes are.
        """
        ...

    def encode(self, event: Event) -> Frame:
        """The frame that carries an event."""
        ...
