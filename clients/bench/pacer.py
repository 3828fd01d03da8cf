"""Sends the pieces of many streams when they are due, from one task of one event loop."""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from itertools import count

from .speaker import Speaker

_LONGEST_SLEEP_S = 0.01  # how late the end of a hold-up may be noticed
_SENDS_BETWEEN_READS = 32


class Pacer:
    """Keeps the schedule of its speakers until it is cancelled."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ticket = count()  # orders what is due at the same time
        self._due: list[tuple[float, int, Speaker]] = []
        self._waiting: set[Speaker] = set()  # those in the heap

    def consider(self, speaker: Speaker) -> None:
        """Put the speaker's next piece on the schedule, if it can be sent."""
        due = speaker.due()
        if due is not None and speaker not in self._waiting:
            self._waiting.add(speaker)
            heapq.heappush(self._due, (due, next(self._ticket), speaker))

    async def run(self) -> None:
        while True:
            num_sent = 0
            while self._due and self._due[0][0] <= self._clock():
                self._send(heapq.heappop(self._due)[2])
                num_sent += 1
                if num_sent % _SENDS_BETWEEN_READS == 0:
                    await asyncio.sleep(0)  # what has arrived is timed now, not after all sends
            wait_s = self._due[0][0] - self._clock() if self._due else _LONGEST_SLEEP_S
            await asyncio.sleep(min(max(0.0, wait_s), _LONGEST_SLEEP_S))

    def _send(self, speaker: Speaker) -> None:
        self._waiting.discard(speaker)
        if speaker.due() is not None:  # it may be held up, or gone, by now
            speaker.send_next()
            self.consider(speaker)


async def speak_all(
    speakers: Sequence[Speaker], pacer: Pacer, *, at_once: int, patience_s: float
) -> None:
    """Run all speakers to their ends, at most `at_once` of them at a time."""
    turns = asyncio.Semaphore(at_once)

    async def take_turn(speaker: Speaker) -> None:
        async with turns:
            await speaker.run(patience_s)

    async with asyncio.TaskGroup() as group:
        pacing = group.create_task(pacer.run(), name="bench pacer")
        await asyncio.wait([group.create_task(take_turn(speaker)) for speaker in speakers])
        pacing.cancel()
