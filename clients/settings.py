"""What a client may choose for its stream, by the names of docs/protocol.md; opens nothing."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypedDict, cast

from hark.engine.types import Endpointing, Granularity


class Changes(TypedDict, total=False):
    """What may change while a stream is open, from its next segment on."""

    language: str | None
    context: str | list[str]
    endpointing: Endpointing | Mapping[str, Any]  # a mapping may leave out what has a default


class Options(Changes, total=False):
    """What is wanted of the text; what is left out is the server's default."""

    cadence_ms: int
    partial_window_s: int
    final_window_s: int
    segment_limit_s: int
    partials: bool
    granularity: Granularity


class Settings(Options, total=False):
    """The options of a stream, and what its audio is."""

    encoding: str
    sample_rate: int


def changed(options: Options, changes: Changes) -> Options:
    """The options, but for what changes."""
    return cast(Options, {**options, **changes})


def to_wire(settings: Changes | Settings) -> dict[str, Any]:
    """The same as fields of a message."""
    fields = dict(settings)
    endpointing = fields.get("endpointing")
    if isinstance(endpointing, Endpointing):
        fields["endpointing"] = asdict(endpointing)
    return fields
