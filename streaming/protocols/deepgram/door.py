"""Deepgram's live endpoint, `/v1/listen`: who is let in, and how the others are told."""

import json
from collections.abc import Mapping
from uuid import UUID, uuid4

from ...errors import StreamError
from ..base import HTTP_STATUS, Denial, Handshake, House, retry_header
from ..wire import header_text
from .intake import read_intake
from .live import Live
from .query import read_wishes

MAX_MESSAGE_BYTES = 20 << 20  # Deepgram states no limit: more than ten minutes at 16 kHz

_ERR_CODES: Mapping[str, str] = {
    "unauthorized": "INVALID_AUTH",
    "bad_option": "INVALID_QUERY_PARAMETER",
    "too_large": "PAYLOAD_TOO_LARGE",
    "slow_sender": "SLOW_UPLOAD",
    "capacity": "SERVICE_UNAVAILABLE",
    "shutting_down": "SERVICE_UNAVAILABLE",
    "internal": "INTERNAL_SERVER_ERROR",
}
_KEY_SUBPROTOCOLS = ("token", "bearer")  # a browser's key is the one behind it


class DeepgramDoor:
    """`/v1/listen` as a WebSocket."""

    max_message_bytes = MAX_MESSAGE_BYTES

    def open(self, handshake: Handshake, house: House) -> Live:
        wishes = read_wishes(handshake, house.languages)
        return Live(
            wishes,
            read_intake(handshake),
            house,
            subprotocol=_subprotocol(handshake),
            request_id=str(UUID(hex=(house.new_id() + house.new_id())[:32], version=4)),
        )

    def deny(self, error: StreamError, handshake: Handshake) -> Denial:
        return deepgram_denial(error, str(uuid4()))  # a request that comes to nothing


def deepgram_denial(error: StreamError, request_id: str) -> Denial:
    """The error's code, text and number in the body, and again in headers."""
    body = {
        "err_code": _ERR_CODES.get(error.code, "BAD_REQUEST"),
        "err_msg": error.message,
        "request_id": request_id,
    }
    headers = {
        "dg-error": header_text(error.message),
        "dg-request-id": request_id,
        **retry_header(error),
    }
    return Denial(HTTP_STATUS.get(error.code, 500), json.dumps(body), headers=headers)


def _subprotocol(handshake: Handshake) -> str | None:
    """A browser gives up where none of those it offers is chosen; never choose the key."""
    first = handshake.subprotocols[0] if handshake.subprotocols else ""
    return first if first.lower() in _KEY_SUBPROTOCOLS else None
