"""Events of a stream that began later than what it is a part of; pure."""

from dataclasses import replace
from typing import TypeVar

from hark.streaming.events import Event, Final

AnyEvent = TypeVar("AnyEvent", bound=Event)


def later(event: AnyEvent, by_ms: int, *, segment: int) -> AnyEvent:
    """An event whose stream began `by_ms` into the whole, where its segment has this number."""
    moved = replace(
        event, segment=segment, start_ms=event.start_ms + by_ms, end_ms=event.end_ms + by_ms
    )
    if not isinstance(moved, Final):
        return moved
    words = [
        word | {"start_ms": word["start_ms"] + by_ms, "end_ms": word["end_ms"] + by_ms}
        for word in moved.words
    ]
    return replace(moved, words=words)
