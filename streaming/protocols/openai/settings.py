"""What a realtime session's configuration says, whichever dialect it is written in."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hark.engine.types import AudioFormat, StreamOptions


class Settings(Protocol):
    """A session's configuration; immutable."""

    @property
    def audio(self) -> AudioFormat:
        """The format of what is appended. Raises BadOptionError if there is none such."""
        ...

    @property
    def turn_detection(self) -> Mapping[str, Any] | None:
        """What decides when an item ends; None leaves it to the client's commits."""
        ...

    def options(self, allowed: Sequence[str]) -> StreamOptions:
        """The stream's options. Raises BadOptionError for a language that is not `allowed`."""
        ...
