"""What every way to send a whole file by HTTP is; no I/O, no clock.

    request ── read ──▶ order: how the file is to be heard ──▶ its finals ── answer ──▶ body

Where an answer comes in pieces, a teller makes them from the finals one by one.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import chain
from typing import Any, Protocol

from hark.engine.types import RawAudio, StreamOptions

from ..errors import StreamError
from ..events import Final
from .base import Denial, Handshake, House
from .wire import with_blanks


class BodyKind(Enum):
    """How a request holds its file."""

    FORM = auto()  # multipart/form-data: fields, and the file among them
    JSON = auto()  # an object that holds it in base64
    FILE = auto()  # the body is the file


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A request as doors see it.

    `id` is a UUID as 32 hexadecimal digits. `arrived_s` is its time of day in seconds since 1970.
    Of a form there are the `fields` that are texts, and `has_file`; of JSON there is the
    `document`; of a file its `sha256` and `has_file`.
    """

    handshake: Handshake
    house: House
    id: str
    arrived_s: float
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    document: bytes = b""
    has_file: bool = False
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in a file: the finals of its segments in order, those without a word left out.

    `duration_s` is the length of its sound.
    """

    finals: Sequence[Final]
    duration_s: float

    @property
    def pieces(self) -> list[str]:
        """The texts of the finals, each with the blank before it; joined they are the `text`."""
        return with_blanks(final.text for final in self.finals)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def languages(self) -> list[str]:
        """The names of the languages of the segments, that of most segments first."""
        named = Counter(final.language for final in self.finals if final.language)
        return [name for name, _ in named.most_common()]

    @property
    def language(self) -> str | None:
        """The language of most segments."""
        return next(iter(self.languages), None)

    def words(self) -> Iterator[dict[str, Any]]:
        """The words of all finals, as `Final` has them."""
        return chain.from_iterable(final.words for final in self.finals)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    body: str
    status: int = 200
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Teller(Protocol):
    """Makes the answer to one request piece by piece, as server-sent events."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of that answer, beside what server-sent events need."""
        ...

    def heard(self, final: Final) -> str:
        """What a final adds, given in order."""
        ...

    def done(self, heard: Transcript) -> str:
        """The end, after all finals."""
        ...

    def failed(self, error: StreamError) -> str:
        """The end, where there is no more to come."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """How a file is to be heard, and what becomes of it.

    `audio` is the file where the request's JSON held it. `raw` is what the file holds if it has
    no header. With a `teller` the answer comes in pieces.
    """

    options: StreamOptions
    answer: Callable[[Transcript], Answer]
    audio: bytes | None = None
    raw: RawAudio | None = None
    teller: Teller | None = None


class FileDoor(Protocol):
    """One HTTP path that takes files, and how it says no."""

    body: BodyKind

    def read(self, request: FileRequest) -> Order:
        """What a request asks for.

        Raises:
            StreamError: it asks for what there is not. Nothing else is ever raised, whatever was
                sent.
        """
        ...

    def deny(self, error: StreamError, request_id: str) -> Denial:
        """The answer to a request that failed."""
        ...
