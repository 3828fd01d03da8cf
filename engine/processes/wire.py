"""What goes over the pipe between a server and its engine's process, and the thread that sends it.

Pickled lists, in both directions. To the child: requests, a feed as a bare (stream, bytes), at the
end None. From the child: first its `EngineFacts`, or the error that kept it from loading; then
(stream, update), an amount consumed as a bare number, a `Status` now and then, and a last `Crash`.
"""

import pickle
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from ..types import EngineError, EngineLoad, WorkCounters

_MAX_BATCH = 512  # items of one message
_STATUS_EVERY_S = 0.25
_SPACING_S = 0.02
"""Between two messages of one writer: each wakes threads on both sides that computing ones have to
make way for. The first after a rest goes at once, and so does what a full one had no room for."""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What never changes about an engine; the child's first message."""

    model_name: str
    device: str
    languages: tuple[str, ...]
    unsure_below: float
    max_segment_s: int
    max_streams: int


@dataclass(frozen=True, slots=True)
class Status:
    """The child's numbers as of now."""

    counters: WorkCounters
    load: EngineLoad


@dataclass(frozen=True, slots=True)
class Crash:
    """The child's last message when its engine failed."""

    reason: str


class EngineProcessError(EngineError):
    """The engine's process ended, or could not be started."""


class Writer:
    """Sends what is put into it from any thread, all that gathers in a while in one message.

    `status`, if there is one, is asked for one more item several times a second.
    """

    def __init__(
        self, pipe: Connection, name: str, status: Callable[[], object] | None = None
    ) -> None:
        self._pipe, self._status = pipe, status
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: object) -> None:
        self._queue.put(item)

    def close(self, patience_s: float | None = None) -> None:
        """Send what waits and an end mark, and stop; wait at most so long for the other side."""
        self._queue.put(None)
        self._thread.join(patience_s)

    def wait(self) -> None:
        """Until it has stopped: once it was closed, or the other side is gone."""
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._send_batch():
                pass
        except OSError:
            pass  # the other side is gone; whoever reads finds out

    def _send_batch(self) -> bool:
        batch: list[Any] = []
        try:
            wait = _STATUS_EVERY_S if self._status is not None else None
            batch.append(self._queue.get(timeout=wait))
            time.sleep(max(0.0, self._sent_at + _SPACING_S - time.monotonic()))
            while batch[-1] is not None and len(batch) < _MAX_BATCH:
                batch.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        if self._status is not None and self._status_is_due():
            batch.insert(0, self._status())
        if batch:
            self._pipe.send_bytes(pickle.dumps(batch, pickle.HIGHEST_PROTOCOL))
            self._sent_at = 0.0 if len(batch) >= _MAX_BATCH else time.monotonic()
        return not batch or batch[-1] is not None

    _sent_at = _status_at = 0.0

    def _status_is_due(self) -> bool:
        now = time.monotonic()
        if now < self._status_at:
            return False
        self._status_at = now + _STATUS_EVERY_S
        return True
