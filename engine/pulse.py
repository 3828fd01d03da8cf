"""A sign of life of an engine: written by its thread, read by any thread or by a parent process."""

import time
from multiprocessing.sharedctypes import RawValue
from types import SimpleNamespace


class Pulse:
    """How long ago an engine last went round its loop.

    A `shared` one goes over to a child process while it is spawned, and is the same one there.
    """

    def __init__(self, *, shared: bool = False) -> None:
        now = time.monotonic()  # a clock that all processes share
        self._beat_at = RawValue("d", now) if shared else SimpleNamespace(value=now)

    def beat(self) -> None:
        self._beat_at.value = time.monotonic()

    @property
    def silent_s(self) -> float:
        return time.monotonic() - self._beat_at.value
