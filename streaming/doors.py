"""Which dialect is spoken behind which path."""

from collections.abc import Mapping
from types import MappingProxyType

from .protocols.base import Door
from .protocols.jitsi.jigasi import JigasiDoor
from .protocols.jitsi.videobridge import BridgeDoor
from .protocols.native import NativeDoor

DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "/v1/stream": NativeDoor(),
        "/transcribe": BridgeDoor(),
        "/streaming-whisper/ws/{meeting}": JigasiDoor(),
        "/ws/{meeting}": JigasiDoor(),
    }
)
"""Path of a WebSocket → the contract behind it. `{name}` stands for anything without a slash."""
