"""Whether an MP4 file's index can be true; knows its boxes (ISO 14496-12) and nothing of sound.

FFmpeg makes room for all samples that an index announces, some 30 bytes each, before it reads one.
An index can announce millions in a few bytes: as many samples of one size, or of default sizes.
But a sample is at least a byte, so a file holds no more of them than it has bytes.
"""

from collections.abc import Iterator
from typing import BinaryIO

from ..types import AudioFileError

_HOLD_BOXES = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"}
_FIRST_BOXES = {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot"}
_MAX_BOXES = 1_000_000  # two hours of fragments of 10 ms have fewer


def check_index(file: BinaryIO, name: str) -> None:
    """See that an MP4 file, from where it stands, announces no more than it holds.

    Files of other formats pass. The file stands where it stood. `name` is what errors call it.

    Raises:
        AudioFileError: there are more samples in its index than bytes in it, the index is
            compressed, or it has more than a million boxes.
    """
    begin = file.tell()
    end = file.seek(0, 2)
    try:
        file.seek(begin + 4)
        if file.read(4) in _FIRST_BOXES:
            _check(file, begin, end, name)
    finally:
        file.seek(begin)


def _check(file: BinaryIO, begin: int, end: int, name: str) -> None:
    num_samples = 0
    for number, kind in enumerate(_boxes(file, begin, end)):
        if number > _MAX_BOXES:
            raise AudioFileError(f"{name} has over {_MAX_BOXES} boxes")
        match kind:
            case b"cmov":
                raise AudioFileError(f"{name} has a compressed index, which is not read")
            case b"stsz" | b"stz2":
                num_samples += int.from_bytes(file.read(8)[4:], "big")
            case b"trun":
                num_samples += int.from_bytes(file.read(4), "big")
        if num_samples > end - begin:
            raise AudioFileError(f"{name} announces more samples than it has bytes")


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[bytes]:
    """The kinds of all boxes; at each, the file stands behind its version and flags."""
    ends = [end]
    at = begin
    while ends:
        if at + 8 > ends[-1]:
            at = ends.pop()
            continue
        file.seek(at)
        head = file.read(16)
        size, kind, content = int.from_bytes(head[:4], "big"), head[4:8], at + 8
        if size == 1:
            size, content = int.from_bytes(head[8:16], "big"), at + 16
        behind = ends[-1] if size == 0 else min(at + max(size, 8), ends[-1])
        file.seek(content + 4)
        yield kind
        if kind in _HOLD_BOXES and content < behind:
            ends.append(behind)
            at = content
        else:
            at = behind
