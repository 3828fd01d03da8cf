"""The queue of unread events: what is coalesced, what is kept, and how it ends."""

import asyncio

import pytest

from hark.clients import ConnectionLostError, UnreadEventsError
from hark.clients.inbox import Inbox
from hark.streaming.events import Event, Final, Partial, SpeechStarted


def partial(text: str, segment: int = 0) -> Partial:
    return Partial(
        segment=segment,
        stable="",
        unstable=text,
        language=None,
        confidence=1.0,
        steps=1,
        queue_ms=0.0,
        compute_ms=0.0,
    )


def final(segment: int = 0) -> Final:
    return Final(
        segment=segment,
        text="",
        language=None,
        confidence=1.0,
        stable_words_replaced=0,
        queue_ms=0.0,
        compute_ms=0.0,
    )


async def drain(inbox: Inbox) -> list[Event]:
    events: list[Event] = []
    while (event := await inbox.get()) is not None:
        events.append(event)
    return events


async def test_only_the_newest_unread_partial_of_a_segment_waits() -> None:
    inbox = Inbox(max_unread=3)
    kept = [SpeechStarted(), partial("c"), final()]
    for event in (kept[0], partial("a"), partial("b"), *kept[1:]):
        inbox.put(event)
    inbox.end(None)
    assert await drain(inbox) == kept


async def test_partials_of_two_segments_both_wait() -> None:
    inbox = Inbox()
    for event in (partial("a", segment=0), partial("b", segment=1)):
        inbox.put(event)
    inbox.end(None)
    assert len(await drain(inbox)) == 2


async def test_one_event_too_many_is_an_error_and_loses_none_before_it() -> None:
    inbox = Inbox(max_unread=2)
    inbox.put(final(0))
    inbox.put(final(1))
    with pytest.raises(UnreadEventsError) as caught:
        inbox.put(final(2))
    inbox.end(caught.value)
    assert [await inbox.get(), await inbox.get()] == [final(0), final(1)]
    with pytest.raises(UnreadEventsError):
        await inbox.get()


async def test_the_end_wakes_the_reader_who_waits() -> None:
    inbox = Inbox()
    reading = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.end(ConnectionLostError("gone"))
    with pytest.raises(ConnectionLostError):
        await reading
