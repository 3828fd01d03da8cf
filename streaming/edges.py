"""Where WebSocket frames end in what a peer sends (RFC 6455, section 5.2); lengths only, no I/O.

Nearly all that a server of live audio reads is one binary message in one frame in one packet. The
library's parser takes four generators and four copies for it, a sixth of all that the server does
(`python -m benchmarks.sockets --sockets 1200`: 0.67 of a core with it, 0.56 without).
`whole_message` recognises it by its head; whatever is not exactly that is the library's, which then
has seen every byte between two frames' edges.
"""

# The library's own choice between its C and its Python one.
from websockets.frames import apply_mask  # pyright: ignore[reportPrivateImportUsage]

_BINARY = 0x82  # final and binary, no reserved bit
_MASKED = 0x80


def whole_message(packet: bytes, max_size: int | None) -> bytes | None:
    """The message, if the packet is one masked binary frame with all of one and nothing else."""
    if len(packet) < 6 or packet[0] != _BINARY or not packet[1] & _MASKED:
        return None
    size, begin = packet[1] & 0x7F, 6
    if size == 127:
        return None  # a length of 8 bytes: more than comes in a packet
    if size == 126:
        size, begin = int.from_bytes(packet[2:4], "big"), 8
    if size != len(packet) - begin or (max_size is not None and size > max_size):
        return None
    return apply_mask(packet[begin:], packet[begin - 4 : begin])


class FrameEdges:
    """Follows frames past, to know whether the next byte is the first of one."""

    def __init__(self) -> None:
        self._head = bytearray()  # of a frame whose head has begun
        self._left = 0  # of the payload of a frame

    @property
    def is_at_edge(self) -> bool:
        return not self._head and not self._left

    def follow(self, data: bytes) -> None:
        """The next bytes of the peer, of any number."""
        at = 0
        while at < len(data):
            if self._left:
                passed = min(self._left, len(data) - at)
                self._left -= passed
                at += passed
            else:
                self._head.append(data[at])
                at += 1
                self._end_head()

    def _end_head(self) -> None:
        """Go on to the payload when the head is whole."""
        head = self._head
        if len(head) < 2:
            return
        wide = {126: 2, 127: 8}.get(head[1] & 0x7F, 0)
        if len(head) == 2 + wide + (4 if head[1] & _MASKED else 0):
            self._left = int.from_bytes(head[2 : 2 + wide], "big") if wide else head[1] & 0x7F
            head.clear()
