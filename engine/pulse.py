"""A sign of life of an engine: written by its thread, read by any thread or by a parent process."""

import time
from multiprocessing.sharedctypes import RawValue


class Pulse:
    """How long ago an engine last went round its loop. Goes over to a child while it is spawned."""

    def __init__(self) -> None:
        self._beat_at = RawValue("d", time.monotonic())  # a clock that all processes share

    def beat(self) -> None:
        self._beat_at.value = time.monotonic()

    @property
    def silent_s(self) -> float:
        return time.monotonic() - self._beat_at.value
