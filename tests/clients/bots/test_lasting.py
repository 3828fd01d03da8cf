"""A stream over several connections, to a server that hears one word per 100 ms."""

import asyncio
from collections.abc import AsyncIterator
from typing import Unpack

import pytest

from hark.clients import HarkError, ServerRefusedError, ServerUnreachableError
from hark.clients.bots.lasting import LastingStream
from hark.clients.bots.unheard import FLUSH, Piece
from hark.clients.settings import Options
from hark.engine.types import Configure
from hark.streaming.events import Event, Final, Partial, Ready, SpeechStarted

from ...fakes import words
from ...sdks.gateway import Gateway, gateway_to
from ...streaming.support import Running, serving_ready, until

TENTH = bytes(3_200)  # of 16 kHz 16-bit audio


@pytest.fixture
async def server() -> AsyncIterator[Running]:
    async with serving_ready() as running:
        yield running


@pytest.fixture
async def line(server: Running) -> AsyncIterator[Gateway]:
    async with gateway_to(server.address) as gateway:
        yield gateway


class Talk:
    """A stream, what is said on it and what was heard."""

    def __init__(self, address: str, **options: Unpack[Options]) -> None:
        self.stream = LastingStream(address, sample_rate=16_000, options=options)
        self.said: asyncio.Queue[Piece | None] = asyncio.Queue()
        self.events: list[Event] = []

    def say(self, *pieces: Piece | None) -> None:
        for piece in pieces:
            self.said.put_nowait(piece)

    async def attempt(self) -> None:
        await self.stream.attempt(self.said.get, self._take)

    async def _take(self, event: Event) -> None:
        self.events.append(event)

    def heard(self, kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in self.events)

    @property
    def finals(self) -> list[tuple[int, int, int, str]]:
        finals = [event for event in self.events if isinstance(event, Final)]
        return [(final.segment, final.start_ms, final.end_ms, final.text) for final in finals]


async def test_a_lost_connection_loses_no_word_and_doubles_none(line: Gateway) -> None:
    talk = Talk(line.address)
    talk.say(*[TENTH] * 10, FLUSH, *[TENTH] * 5)
    first = asyncio.create_task(talk.attempt())
    await until(lambda: talk.finals != [] and isinstance(talk.events[-1], Partial))
    line.drop()
    with pytest.raises(HarkError) as lost:
        await first
    assert lost.value.retry
    talk.say(*[TENTH] * 2, FLUSH, TENTH, None)
    await talk.attempt()
    assert talk.finals == [
        (0, 0, 1_000, words(10)),
        (1, 1_000, 1_700, words(7)),
        (2, 1_700, 1_800, words(1)),
    ]
    assert talk.heard(Ready) == 2
    starts = [event.start_ms for event in talk.events if isinstance(event, SpeechStarted)]
    assert starts == [0, 1_000, 1_000, 1_700]


async def test_a_connection_lost_after_the_last_word_is_said_again(
    line: Gateway, server: Running
) -> None:
    talk = Talk(line.address)
    server.engine.hold()
    talk.say(*[TENTH] * 3, None)
    first = asyncio.create_task(talk.attempt())
    await until(lambda: talk.said.empty())
    line.drop()
    with pytest.raises(HarkError):
        await first
    server.engine.go_on()
    await talk.attempt()
    assert talk.finals == [(0, 0, 300, words(3))]


async def test_changes_hold_for_this_connection_and_the_next(
    line: Gateway, server: Running
) -> None:
    talk = Talk(line.address, language="en", context="kept")
    first = asyncio.create_task(talk.attempt())
    await until(lambda: talk.heard(Ready) == 1)
    talk.stream.change(language="es")
    talk.say(TENTH)
    await until(lambda: server.engine.has_handled(Configure))
    line.drop()
    with pytest.raises(HarkError):
        await first
    talk.say(None)
    await talk.attempt()
    [_, again] = [event for event in talk.events if isinstance(event, Ready)]
    assert (again.options["language"], again.options["context"]) == ("Spanish", "kept")
    changes = [r.changes for r in server.engine.requests if isinstance(r, Configure)]
    assert changes == [{"language": "Spanish"}]


async def test_refusals_and_absence_are_said_at_once(unused_tcp_port: int, server: Running) -> None:
    with pytest.raises(ServerRefusedError, match="cadence_ms"):
        await Talk(server.address, cadence_ms=1).attempt()
    with pytest.raises(ServerUnreachableError):
        await Talk(f"127.0.0.1:{unused_tcp_port}").attempt()
