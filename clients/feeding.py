"""Getting audio into a stream while its events are read; knows no file format and no device."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator

import numpy as np

from hark.streaming.events import Event

from .sdk import Stream


async def exchange(
    stream: Stream, blocks: AsyncIterable[np.ndarray], on_event: Callable[[Event], None]
) -> None:
    """Send all blocks, close the stream and hand on every event up to the last.

    Raises:
        HarkError: the stream failed. What `blocks` raises comes through, after the finals of what
            was sent before.
    """

    async def send() -> None:
        try:
            async for block in blocks:
                await stream.send(block)
        finally:
            await stream.close()

    sender = asyncio.create_task(send(), name="hark sender")
    try:
        async for event in stream:
            on_event(event)
        await sender
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)  # its end is that of the events


def paced(blocks: Iterable[np.ndarray], sample_rate: int) -> Iterator[np.ndarray]:
    """The same blocks, each no earlier than a microphone would have it complete. Blocks."""
    start = time.monotonic()
    num_samples = 0
    for block in blocks:
        num_samples += len(block)
        time.sleep(max(0.0, start + num_samples / sample_rate - time.monotonic()))
        yield block


async def off_loop(blocks: Iterator[np.ndarray]) -> AsyncIterator[np.ndarray]:
    """The blocks of an iterator that blocks (disk, codec, sleep), fetched in a thread."""
    while (block := await asyncio.to_thread(next, blocks, None)) is not None:
        yield block
