"""Which dialect is spoken behind which path."""

from collections.abc import Mapping
from types import MappingProxyType

from .protocols.base import Door
from .protocols.deepgram.door import DeepgramDoor
from .protocols.native import NativeDoor

DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "/v1/listen": DeepgramDoor(),
        "/v1/stream": NativeDoor(),
    }
)
"""Path of a WebSocket → the contract behind it."""
