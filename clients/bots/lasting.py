"""A stream that outlives its connections: what no final covers yet is sent again on the next one.

Its times and segments count on over all connections. Knows the SDK and no framework; whether and
when to try again is its user's decision.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Unpack

from hark.streaming.events import Event, Final

from ..errors import ServerUnreachableError
from ..later import later
from ..sdk import ANSWER_TIMEOUT_S, Stream, connect
from ..settings import Changes, Options, changed
from .unheard import FLUSH, Piece, Unheard

DEFAULT_URL = "ws://127.0.0.1:8765"
SEGMENT_LIMIT_S = 30  # the server's default
FINALS_BEHIND_S = 30  # how much later than its last sample a final may come and lose nothing

Receive = Callable[[], Awaitable[Piece | None]]
"""Waits for the next piece of the audio, None when there is no more. Cancelling it loses none."""

OnEvent = Callable[[Event], Awaitable[None]]


class LastingStream:
    """One speaker's stream to the server at `url`, of mono 16-bit audio at `sample_rate` Hz.

    `key` is one of the server's API keys, if it has any.
    """

    def __init__(
        self, url: str, *, key: str | None = None, sample_rate: int, options: Options
    ) -> None:
        self._url, self._key = url, key
        self._sample_rate = sample_rate
        self._options = options
        self._changes = Changes()
        segment_s = options.get("segment_limit_s", SEGMENT_LIMIT_S)
        self._unheard = Unheard(sample_rate, segment_s + FINALS_BEHIND_S)
        self._num_segments = 0
        self._has_ended = False

    @property
    def taken_s(self) -> float:
        """How many seconds of audio have been taken in."""
        return self._unheard.end_s

    def change(self, **changes: Unpack[Changes]) -> None:
        """Change options from the next segment on, on this connection and on all that follow.

        They are sent before the next piece; what the server refuses comes back as an `Error`.
        """
        self._options = changed(self._options, changes)
        self._changes.update(changes)

    async def attempt(
        self, receive: Receive, on_event: OnEvent, *, open_timeout_s: float = ANSWER_TIMEOUT_S
    ) -> None:
        """Open a connection and use it until `receive` gives None and the server has said all.

        The first event is the connection's `Ready`. May be called again after it has failed: then
        it goes on where the finals end.

        Raises:
            HarkError: the server cannot be reached, refuses, or the connection was lost.
        """
        async with AsyncExitStack() as stack:
            self._changes = Changes()
            stream = await self._open(stack, open_timeout_s)
            await on_event(stream.ready)
            both = (
                asyncio.create_task(self._hear(stream, on_event), name="hark events"),
                asyncio.create_task(self._speak(stream, receive), name="hark audio"),
            )
            try:
                await asyncio.gather(*both)
            finally:
                for task in both:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)

    async def _open(self, stack: AsyncExitStack, timeout_s: float) -> Stream:
        try:
            async with asyncio.timeout(timeout_s):
                return await stack.enter_async_context(
                    connect(
                        self._url,
                        key=self._key,
                        encoding="pcm_s16le",
                        sample_rate=self._sample_rate,
                        **self._options,
                    )
                )
        except TimeoutError:
            raise ServerUnreachableError(f"{self._url} does not answer") from None

    async def _hear(self, stream: Stream, on_event: OnEvent) -> None:
        begin_ms, first_segment = self._unheard.begin_ms, self._num_segments
        async for event in stream:
            placed = later(event, begin_ms, segment=first_segment + event.segment)
            if isinstance(placed, Final):
                self._num_segments = placed.segment + 1
                self._unheard.settle(placed.end_ms)
            await on_event(placed)

    async def _speak(self, stream: Stream, receive: Receive) -> None:
        for piece in self._unheard:
            await self._say(stream, piece)
        while not self._has_ended:
            piece = await receive()
            if piece is None:
                self._has_ended = True
            else:
                self._unheard.add(piece)
                await self._say(stream, piece)
        await stream.close()

    async def _say(self, stream: Stream, piece: Piece) -> None:
        if self._changes:
            changes, self._changes = self._changes, Changes()
            await stream.configure(**changes)
        if piece is FLUSH:
            await stream.finalize()  # what comes meanwhile waits, and loses nothing by it
        else:
            await stream.send(piece)
