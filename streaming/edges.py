"""Heads of WebSocket frames (RFC 6455, section 5.2), where the library's way costs much; no I/O.

Nearly all that a server of live audio reads are binary messages of one frame, one in a packet, or
several when it is late. The library's parser takes four generators and four copies for each: with
it 1,200 sockets of `benchmarks.sockets` once took 0.67 of a core, without 0.56. `whole_message`
recognises one by its head; whatever is not exactly that is the library's, which then has seen every
byte between two frames' edges. `message_frame` is for what the server says.
"""

# The library's own choice between its C and its Python one.
from websockets.frames import apply_mask  # pyright: ignore[reportPrivateImportUsage]

_BINARY, _TEXT = 0x82, 0x81  # final, no reserved bit
_MASKED = 0x80


def whole_message(data: bytes, at: int, max_size: int | None) -> tuple[bytes, int] | None:
    """The message at `at` and where it ends, if all of it is there, in one masked binary frame."""
    if len(data) < at + 6 or data[at] != _BINARY or not data[at + 1] & _MASKED:
        return None
    size, begin = data[at + 1] & 0x7F, at + 6
    if size == 127:
        return None  # a length of 8 bytes: more than comes in a packet
    if size == 126:
        size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 8
    end = begin + size
    if end > len(data) or (max_size is not None and size > max_size):
        return None
    return apply_mask(data[begin:end], data[begin - 4 : begin]), end


def message_frame(message: str | bytes) -> bytes:
    """The whole message in one frame, as servers send it: not masked."""
    kind, data = (_TEXT, message.encode()) if isinstance(message, str) else (_BINARY, message)
    size = len(data)
    if size < 126:
        return bytes((kind, size)) + data
    if size < 1 << 16:
        return bytes((kind, 126)) + size.to_bytes(2, "big") + data
    return bytes((kind, 127)) + size.to_bytes(8, "big") + data


class FrameEdges:
    """Follows frames past, to know whether the next byte is the first of one."""

    def __init__(self) -> None:
        self._head = bytearray()  # of a frame whose head has begun
        self._left = 0  # of the payload of a frame

    @property
    def is_at_edge(self) -> bool:
        return not self._head and not self._left

    def follow(self, data: bytes, at: int) -> int:
        """Go on from `at` to the end of the frame, or of the data; where that is."""
        while at < len(data):
            if self._left:
                passed = min(self._left, len(data) - at)
                self._left -= passed
                at += passed
            else:
                self._head.append(data[at])
                at += 1
                self._end_head()
            if self.is_at_edge:
                break
        return at

    def _end_head(self) -> None:
        """Go on to the payload when the head is whole."""
        head = self._head
        if len(head) < 2:
            return
        wide = {126: 2, 127: 8}.get(head[1] & 0x7F, 0)
        if len(head) == 2 + wide + (4 if head[1] & _MASKED else 0):
            self._left = int.from_bytes(head[2 : 2 + wide], "big") if wide else head[1] & 0x7F
            head.clear()
