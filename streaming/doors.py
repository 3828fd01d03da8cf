"""Which dialect is spoken behind which path."""

from collections.abc import Mapping
from types import MappingProxyType

from .protocols.base import Door
from .protocols.native import NativeDoor
from .protocols.root import RootDoor

DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "/": RootDoor(),
        "/v1/stream": NativeDoor(),
    }
)
"""Path of a WebSocket → the contract behind it."""
