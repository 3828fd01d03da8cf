"""The two framings of the native protocol, seen from the client; knows no socket.

Docs: docs/protocol.md, "Framing".
"""

import json
from typing import Any, Literal, Protocol, cast
from urllib.parse import urlsplit

import msgpack

from hark.streaming.events import Event, event_from_wire

from .errors import BadAddressError

WireName = Literal["json", "msgpack"]

DEFAULT_PORT = 8765
STREAM_PATH = "/v1/stream"
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class Wire(Protocol):
    """How messages, audio and events lie in WebSocket frames."""

    @property
    def subprotocol(self) -> str: ...

    def message(self, fields: dict[str, Any]) -> str | bytes:
        """The frame for a message that is not audio."""
        ...

    def audio(self, payload: bytes) -> bytes:
        """The frame for the next bytes of the stream."""
        ...

    def event(self, frame: str | bytes) -> Event:
        """The event in a server's frame; ValueError if there is none."""
        ...


class JsonWire:
    """Messages are JSON text frames, audio is raw binary frames."""

    subprotocol = "hark.v1.json"

    def message(self, fields: dict[str, Any]) -> str:
        return json.dumps(fields, ensure_ascii=False)

    def audio(self, payload: bytes) -> bytes:
        return payload

    def event(self, frame: str | bytes) -> Event:
        return event_from_wire(_as_map(json.loads(frame)))


class MsgpackWire:
    """Every frame is binary and holds one msgpack map."""

    subprotocol = "hark.v1.msgpack"

    def message(self, fields: dict[str, Any]) -> bytes:
        return cast(bytes, msgpack.packb(fields))

    def audio(self, payload: bytes) -> bytes:
        return cast(bytes, msgpack.packb({"type": "audio", "data": payload}))

    def event(self, frame: str | bytes) -> Event:
        if isinstance(frame, str):
            raise ValueError("a text frame under the msgpack subprotocol")
        return event_from_wire(_as_map(msgpack.unpackb(frame)))


def make_wire(name: WireName) -> Wire:
    return JsonWire() if name == "json" else MsgpackWire()


def stream_url(address: str) -> str:
    """The WebSocket URL of a server's stream endpoint.

    Accepts http, https, ws and wss URLs and plain `host` or `host:port` (8765 if left out), with
    or without the path `/v1/stream`, also below a path prefix.

    Raises:
        BadAddressError: `address` is none of these.
    """
    full = address if "://" in address else f"ws://{address}"
    try:
        parts = urlsplit(full)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadAddressError(f"{address!r} is no server address: {error}") from None
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not host:
        raise BadAddressError(
            f"{address!r} is no server address; use ws://, wss://, http://, https:// or host:port"
        )
    if "://" not in address and port is None:
        port = DEFAULT_PORT
    path = parts.path.rstrip("/").removesuffix(STREAM_PATH) + STREAM_PATH
    bracketed = f"[{host}]" if ":" in host else host
    netloc = bracketed if port is None else f"{bracketed}:{port}"
    return f"{scheme}://{netloc}{path}"


def _as_map(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"a message is a map, this is a {type(value).__name__}")
    return value
