"""Which dialect is spoken behind which path."""

from collections.abc import Mapping
from types import MappingProxyType

from .protocols.base import Door
from .protocols.dashscope import DashScopeDoor
from .protocols.deepgram.door import DeepgramDoor
from .protocols.jitsi.jigasi import JigasiDoor
from .protocols.jitsi.videobridge import BridgeDoor
from .protocols.native import NativeDoor
from .protocols.openai.door import RealtimeDoor
from .protocols.root import RootDoor

DOORS: Mapping[str, Door] = MappingProxyType(
    {
        "/": RootDoor(),
        "/v1/listen": DeepgramDoor(),
        "/v1/stream": NativeDoor(),
        "/v1/realtime": RealtimeDoor(),
        "/api-ws/v1/realtime": DashScopeDoor(),
        "/transcribe": BridgeDoor(),
        "/streaming-whisper/ws/{meeting}": JigasiDoor(),
        "/ws/{meeting}": JigasiDoor(),
    }
)
"""Path of a WebSocket → the contract behind it. `{name}` stands for anything without a slash."""
