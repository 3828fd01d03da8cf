"""Requests with a file, and finals that were heard in one, for the doors that take files."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from hark.streaming.events import Final
from hark.streaming.protocols.base import Handshake
from hark.streaming.protocols.files import FileRequest, Transcript

from .rig import house

ID = "0123456789abcdef0123456789abcdef"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)


def request(
    fields: Mapping[str, Sequence[str]] | None = None,
    *,
    document: bytes = b"",
    query: Mapping[str, Sequence[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    has_file: bool = True,
) -> FileRequest:
    return FileRequest(
        handshake=Handshake("/", query=query or {}, headers=headers or {}),
        house=house(),
        id=ID,
        arrived_s=1_700_000_000.25,
        fields=fields or {},
        document=document,
        has_file=has_file,
        sha256="00ff",
    )


def final(text: str, start_ms: int = 0, language: str | None = "English", **fields: Any) -> Final:
    """A final of 250 ms a word."""
    words = [
        {
            "text": word,
            "start_ms": start_ms + number * 250,
            "end_ms": start_ms + (number + 1) * 250,
            "confidence": 0.5,
        }
        for number, word in enumerate(text.split())
    ]
    told: dict[str, Any] = {"words": words, "confidence": 0.8, "language_confidence": 0.9} | fields
    return Final(
        start_ms=start_ms,
        end_ms=start_ms + 250 * len(words),
        text=text,
        language=language,
        stable_words_replaced=0,
        queue_ms=0.0,
        compute_ms=0.0,
        **told,
    )


HEARD = Transcript(
    [
        final("Turn left, please.", 1_250),
        final("¿Dónde está?", 3_602_500, language="Spanish", confidence=0.25),
        final("Now & then.", 3_605_000),
    ],
    duration_s=3_606.4,
)
NOTHING = Transcript([], duration_s=2.0)

NOT_IN_TEXT = {"text": "y", "start_ms": 0, "end_ms": 0, "confidence": 0.0}
# What no speech is like: parts of words, blanks of other kinds, words that are not in the text.
STRANGE = Transcript(
    [final("a\u3000b\n\nc"), final("--> &amp;"), final("x", words=[NOT_IN_TEXT])], 0.0
)
SOME_HEARD = st.sampled_from([HEARD, NOTHING, STRANGE])

_TEXTS = st.text(min_size=1, max_size=20).filter(lambda text: text == text.strip())
ANY_HEARD = st.builds(
    lambda texts: Transcript([final(text, 1_000 * n) for n, text in enumerate(texts)], 9.0),
    st.lists(_TEXTS, max_size=4),
)
