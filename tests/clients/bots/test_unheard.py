"""What is kept of a stream, against the whole stream in one piece."""

from hypothesis import given
from hypothesis import strategies as st

from hark.clients.bots.unheard import FLUSH, Piece, Unheard

RATE = 1_000  # a sample is a millisecond
KEEP_S = 1


@st.composite
def actions(draw: st.DrawFn) -> list[Piece | int]:
    """Pieces to add, and how far to settle, in hundredths of the stream so far."""
    sample_and_count = st.tuples(st.binary(min_size=2, max_size=2), st.integers(0, 400))
    audio = sample_and_count.map(lambda drawn: drawn[0] * drawn[1])
    return draw(st.lists(audio | st.just(FLUSH) | st.integers(0, 100), max_size=30))


@given(actions())
def test_what_is_kept_is_the_end_of_the_stream(steps: list[Piece | int]) -> None:
    unheard = Unheard(RATE, KEEP_S)
    stream, marks, begin_ms = b"", [], 0
    for step in steps:
        length_ms = len(stream) // 2
        if isinstance(step, int):
            dropped_to_ms = length_ms * step // 100
            unheard.settle(dropped_to_ms)
        else:
            stream += step if isinstance(step, bytes) else b""
            marks += [length_ms] if step is FLUSH else []
            dropped_to_ms = len(stream) // 2 - KEEP_S * 1_000
            unheard.add(step)
        marks = [at_ms for at_ms in marks if at_ms > dropped_to_ms]
        begin_ms = max(begin_ms, dropped_to_ms)
        assert unheard.begin_ms == begin_ms
        assert unheard.end_s == len(stream) / 2 / RATE
        assert contents(unheard) == (stream[begin_ms * 2 :], marks)


def contents(unheard: Unheard) -> tuple[bytes, list[int]]:
    """The audio that is kept, and where its marks are."""
    audio, marks = b"", []
    for piece in unheard:
        if isinstance(piece, bytes):
            audio += piece
        else:
            marks.append(unheard.begin_ms + len(audio) // 2)
    return audio, marks
