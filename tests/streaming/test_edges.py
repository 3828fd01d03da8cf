"""Messages that come whole in a packet, beside the library that wrote the frames."""

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from hark.streaming.edges import FrameEdges, whole_message

MAX_SIZE = 70_000
SIZES = st.one_of(st.integers(0, 300), st.sampled_from([125, 126, 127, 65_535, 65_536, MAX_SIZE]))
FRAMES = st.one_of(
    st.builds(
        Frame,
        opcode=st.sampled_from([Opcode.BINARY, Opcode.BINARY, Opcode.TEXT, Opcode.CONT]),
        data=SIZES.map(lambda size: (bytes(range(251)) * 280)[:size]),
        fin=st.booleans(),
    ),
    st.builds(Frame, opcode=st.just(Opcode.PING), data=st.binary(max_size=125)),
)


@given(st.lists(st.tuples(FRAMES, st.booleans()), max_size=8), st.sets(st.integers(0, 2000)))
def test_edges_are_where_frames_end(frames: list[tuple[Frame, bool]], cuts: set[int]) -> None:
    """However the bytes are cut into packets; each message told is one that was sent."""
    sent = [frame.serialize(mask=masked) for frame, masked in frames]
    ends = list(accumulate(len(data) for data in sent))
    stream, edges = b"".join(sent), FrameEdges()
    whole = dict(zip(ends, frames, strict=True))
    inside = {cut for cut in cuts if cut < len(stream)}
    places = sorted({0, len(stream)} | (set(ends) ^ inside))
    for begin, end in pairwise(places):
        packet = stream[begin:end]
        message = whole_message(packet, MAX_SIZE) if edges.is_at_edge else None
        is_one = end in ends and begin == ([0, *ends])[ends.index(end)]
        frame, masked = whole.get(end, (None, False))
        if is_one and frame is not None and frame.opcode is Opcode.BINARY and masked:
            plain = frame.fin and len(frame.data) <= 65_535
            assert message == (bytes(frame.data) if plain else None)
        else:
            assert message is None
        edges.follow(packet)
        assert edges.is_at_edge == (end in ends)


def test_a_message_over_the_limit_is_left_to_the_library() -> None:
    packet = Frame(Opcode.BINARY, b"x" * 101).serialize(mask=True)
    assert whole_message(packet, 101) == b"x" * 101
    assert whole_message(packet, 100) is None


def test_a_packet_that_only_looks_whole() -> None:
    """A length of 8 bytes whose marker, 127, is what follows the shorter head."""
    packet = bytes([0x82, 0x80 | 127]) + bytes(4 + 127)
    assert whole_message(packet, MAX_SIZE) is None
