"""A client there is no room for: it is told why in its own dialect, and the socket is closed.

Some dialects have to hear the client first, to know how to put it.
"""

import asyncio

from starlette.websockets import WebSocket, WebSocketDisconnect

from .effects import Hangup, error_event
from .errors import StreamError
from .frames import frame_of, send_frame
from .protocols.base import Action, Dialect, Say


async def turn_away(
    websocket: WebSocket, dialect: Dialect, error: StreamError, *, patience_s: float
) -> None:
    """Say why, and close; a client that neither speaks nor reads is waited for `patience_s`.

    Raises:
        TimeoutError: the client does not even read the close.
        WebSocketDisconnect: it is gone.
    """
    now = asyncio.get_running_loop().time()
    farewell = Hangup(error.close_code, error.code)
    told = dialect.said("", error_event(error), now)
    actions = [*told, *dialect.ended("", farewell, now)]
    try:
        async with asyncio.timeout(patience_s):
            while not await _perform(websocket, dialect, actions):
                actions = await _hear(websocket, dialect)
    except TimeoutError:
        async with asyncio.timeout(patience_s):
            await websocket.close(farewell.code, farewell.reason)


async def _hear(websocket: WebSocket, dialect: Dialect) -> list[Action]:
    """What the dialect makes of the client's next message."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"])
    now = asyncio.get_running_loop().time()
    try:
        return dialect.received(dialect.read(frame_of(message)), now)
    except StreamError as mistake:
        return dialect.misread(mistake, now)


async def _perform(websocket: WebSocket, dialect: Dialect, actions: list[Action]) -> bool:
    """Say what is to be said; whether that was the end."""
    for action in actions:
        match action:
            case Say(message=message):
                await send_frame(websocket, dialect.encode(message))
            case Hangup(code=code, reason=reason):
                await websocket.close(code, reason)
                return True
            case _:
                pass
    return False
