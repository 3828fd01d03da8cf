"""Frames of dialects as messages of a WebSocket, both ways."""

from collections.abc import Mapping
from typing import Any

from starlette.websockets import WebSocket

from .protocols.base import Frame


async def send_frame(websocket: WebSocket, frame: Frame) -> None:
    """Send a text or a binary message; waits while the client does not read."""
    if isinstance(frame, str):
        await websocket.send_text(frame)
    else:
        await websocket.send_bytes(frame)


def frame_of(message: Mapping[str, Any]) -> Frame:
    """The frame in a message that `receive` gave and that is no disconnect."""
    text = message.get("text")
    return message["bytes"] if text is None else text
