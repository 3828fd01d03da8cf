"""Bodies of requests, whatever bytes they are and however they are cut."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.streaming.body import Body, BodyReader
from hark.streaming.errors import SlowSenderError, StreamError
from hark.streaming.protocols.files import BodyKind

MAX_BYTES = 3 << 20


def read(
    kind: BodyKind,
    pieces: Sequence[bytes],
    content_type: bytes = b"multipart/form-data; boundary=b",
) -> Body:
    """The body, its file read and every file closed, as whoever keeps them does."""

    class App:
        """What Starlette looks for in a scope."""

    scope: dict[str, Any] = {"type": "http", "headers": [(b"content-type", content_type)]}
    scope["app"] = App()
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    kept: list[BinaryIO] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def run() -> Body:
        reader = BodyReader(scope, receive, max_bytes=MAX_BYTES, patience_s=5.0)
        return await reader.read(kind, kept.append)

    try:
        body = asyncio.run(run())
        if body.file is not None:
            body.document = body.file.read()
        return body
    finally:
        for file in kept:
            file.close()


def part(name: str, content: bytes, filename: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + content + b"\r\n"


FILE = bytes(range(256))
WHOLE = part("model", b"m") + part("file", FILE, "a.wav") + part("model", b"n") + b"--b--"


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(1, len(WHOLE) - 1), max_size=6))
def test_a_form_may_be_cut_anywhere(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(WHOLE)]
    body = read(BodyKind.FORM, [WHOLE[begin:end] for begin, end in pairwise(edges)])
    assert (body.fields, body.document) == ({"model": ["m", "n"]}, FILE)


def test_a_large_file_is_whole() -> None:
    content = bytes(range(256)) * 10_000  # more than stays in memory
    assert read(BodyKind.FORM, [part("file", content, "a"), b"--b--"]).document == content
    assert read(BodyKind.FILE, [content[:70_000], content[70_000:]]).document == content


def test_fields_stay_small_and_few() -> None:
    for content in (part("prompt", bytes(70_000)), part("a", b"") * 300, part("f", b"", "x") * 2):
        with pytest.raises(StreamError, match="the form cannot be read"):
            read(BodyKind.FORM, [content, b"--b--"])


PIECES = st.lists(
    st.binary(max_size=30)
    | st.sampled_from(
        [
            *(b"--b", b"\r\n", b"--b--", b"\r\n\r\n", b"Content-Disposition: form-data; name=x"),
            *(part("file", b"x", "a"), part("file", b"y"), part("\u00fc", b"\xff\xfe", "\u00fc")),
        ]
    ),
    max_size=8,
)
KINDS = st.sampled_from(
    [
        *(b"multipart/form-data; boundary=b", b"multipart/form-data; boundary=b; charset=zlib"),
        *(
            b"multipart/form-data",
            b"application/x-www-form-urlencoded",
            b"",
            b"\xff; boundary=\xff",
        ),
        b"multipart/form-data; boundary=" + b"b" * 300,
    ]
)


# Starlette lets go of a file that a form had begun and not ended; it closes when it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(600)
@settings(max_examples=2_500, deadline=None)
@given(st.sampled_from(BodyKind), PIECES, KINDS)
def test_any_bytes_are_a_body_or_refused(
    kind: BodyKind, pieces: list[bytes], content_type: bytes
) -> None:
    try:
        body = read(kind, pieces, content_type)
    except StreamError as error:
        assert kind is BodyKind.FORM
        assert error.code == "bad_message"
        return
    if kind is not BodyKind.FORM:
        assert body.document == b"".join(pieces)


async def test_a_body_that_drips_is_given_up_however_patient_the_pieces() -> None:
    pieces = iter([bytes(1 << 20)])

    async def receive() -> Any:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": next(pieces, b"x"), "more_body": True}

    reader = BodyReader(
        {"type": "http", "headers": []}, receive, max_bytes=MAX_BYTES, patience_s=0.1
    )
    kept: list[BinaryIO] = []
    with pytest.raises(SlowSenderError, match="under 1000 bytes a second"):
        await reader.read(BodyKind.FILE, kept.append)
    for file in kept:
        file.close()
