"""Messages that come whole, beside the library that wrote the frames."""

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from hark.streaming.edges import FrameEdges, message_frame, whole_message

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
    begins = dict(zip([0, *ends], zip(frames, ends, strict=True), strict=False))
    places = sorted({0, len(stream)} | {cut for cut in cuts if cut < len(stream)})
    for begin, end in pairwise(places):
        packet, at = stream[begin:end], 0
        while at < len(packet):
            assert edges.is_at_edge == (begin + at in begins)
            if edges.is_at_edge:
                (frame, masked), last = begins[begin + at]
                is_plain = frame.opcode is Opcode.BINARY and frame.fin and masked
                is_whole = is_plain and last <= end and len(frame.data) <= 65_535
                message = (bytes(frame.data), last - begin) if is_whole else None
                assert whole_message(packet, at, MAX_SIZE) == message
            at = edges.follow(packet, at)
            assert at == len(packet) or begin + at in ends
            assert edges.is_at_edge == (begin + at in ends)


def test_a_message_over_the_limit_is_left_to_the_library() -> None:
    packet = Frame(Opcode.BINARY, b"x" * 101).serialize(mask=True)
    assert whole_message(packet, 0, 101) == (b"x" * 101, len(packet))
    assert whole_message(packet, 0, 100) is None


def test_a_packet_that_only_looks_whole() -> None:
    """A length of 8 bytes whose marker, 127, is what follows the shorter head."""
    packet = bytes([0x82, 0x80 | 127]) + bytes(4 + 127)
    assert whole_message(packet, 0, MAX_SIZE) is None


@given(st.one_of(st.text(), st.binary(), SIZES.map(bytes)))
def test_what_the_server_says_is_framed_as_the_library_would(message: str | bytes) -> None:
    is_text = isinstance(message, str)
    data = message.encode() if is_text else message
    frame = Frame(Opcode.TEXT if is_text else Opcode.BINARY, data)
    assert message_frame(message) == frame.serialize(mask=False)
