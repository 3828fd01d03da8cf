"""What an MP4 file announces is not believed."""

import io
import struct
from itertools import pairwise

import av
import numpy as np
import pytest

from hark.engine.audio.files import upload_blocks
from hark.engine.audio.mp4 import check_index
from hark.engine.types import AudioFileError
from tests.engine.recordings import speech

MANY = 80_000_000


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def nested(*kinds: bytes, content: bytes) -> bytes:
    for kind in reversed(kinds):
        content = box(kind, content)
    return content


def file_of(content: bytes) -> bytes:
    return box(b"ftyp", b"isom\0\0\0\1isom") + content + box(b"mdat", bytes(1000))


def index(*tables: bytes) -> bytes:
    return nested(b"moov", b"trak", b"mdia", b"minf", b"stbl", content=b"".join(tables))


def encoded(**options: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options=options) as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        samples = speech(16_000, 1).reshape(1, -1).astype(np.float32)
        for begin, end in pairwise([*range(0, samples.shape[1], 1024), samples.shape[1]]):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[:, begin:end]), format="fltp", layout="mono"
            )
            frame.sample_rate = 16_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize("options", [{}, {"movflags": "empty_moov"}, {"movflags": "frag_keyframe"}])
def test_true_files_are_heard(options: dict[str, str]) -> None:
    assert sum(map(len, upload_blocks(io.BytesIO(encoded(**options))))) > 16_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (index(box(b"stsz", struct.pack(">III", 0, 1, MANY))), "more samples than it has bytes"),
        (index(box(b"stsz", struct.pack(">III", 0, 0, MANY))), "more samples than it has bytes"),
        (index(box(b"stz2", struct.pack(">III", 0, 4, MANY))), "more samples than it has bytes"),
        (
            index(box(b"stsz", struct.pack(">III", 0, 1, 900))) * 2,
            "more samples than it has bytes",
        ),
        (
            nested(b"moof", b"traf", content=box(b"trun", struct.pack(">II", 0, MANY))),
            "more samples than it has bytes",
        ),
        (box(b"moov", box(b"cmov", bytes(8))), "compressed index"),
    ],
)
def test_a_false_index_is_refused_before_room_is_made_for_it(content: bytes, said: str) -> None:
    with pytest.raises(AudioFileError, match=said):
        list(upload_blocks(io.BytesIO(file_of(content))))


@pytest.mark.parametrize("size", [0, 1, 7, 2**31])
def test_boxes_of_any_size_come_to_an_end(size: int) -> None:
    data = file_of(struct.pack(">I4s", size, b"moov") + bytes(40))
    file = io.BytesIO(b"before" + data)
    file.seek(6)
    check_index(file, "it")
    assert file.tell() == 6
