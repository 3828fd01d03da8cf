"""The engine's thread: drains the inbox, ticks, publishes; the one owner of a thread."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from .engine import Engine
from .pulse import Pulse
from .types import EngineLoad, EngineRequest, EngineUpdate, StreamId, WorkCounters

_INTAKE_S = 0.005  # a quarter of a tick of one stream
_CLOSE_S = 10.0  # for the last tick
_IDLE_S = 0.5  # an idle engine still ticks so often, to see that nothing is to do
_log = logging.getLogger(__name__)


class EngineThread:
    """Runs an engine beside the caller. `submit` may be called from any thread and never blocks.

    The inbox is unbounded by itself: the bridge bounds the audio each stream has in flight.
    `publish` is called on the engine's thread, in order per stream. When the engine itself fails
    (not one of its streams) the thread ends and `on_crash` is called once. `pulse` beats with every
    round of its work.
    """

    def __init__(
        self,
        engine: Engine,
        publish: Callable[[StreamId, EngineUpdate], None],
        on_crash: Callable[[BaseException], None],
        pulse: Pulse | None = None,
    ) -> None:
        self._engine, self._publish, self._on_crash = engine, publish, on_crash
        self._pulse = pulse or Pulse()
        self._inbox: queue.SimpleQueue[tuple[EngineRequest, float] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="hark-engine", daemon=True)

    @property
    def model_name(self) -> str:
        return self._engine.model_name

    @property
    def device(self) -> str:
        return self._engine.runner.model.device.type

    @property
    def languages(self) -> tuple[str, ...]:
        return self._engine.limits.languages

    @property
    def unsure_below(self) -> float:
        return self._engine.limits.unsure_below

    @property
    def max_segment_s(self) -> int:
        return self._engine.limits.max_segment_s

    @property
    def max_streams(self) -> int:
        return self._engine.limits.max_streams

    @property
    def counters(self) -> WorkCounters:
        return self._engine.counters

    @property
    def load(self) -> EngineLoad:
        return replace(self._engine.load, silent_s=self._pulse.silent_s)

    def start(self) -> None:
        self._thread.start()

    def submit(self, request: EngineRequest) -> None:
        self._inbox.put((request, time.monotonic()))

    def close(self) -> None:
        """End the thread after the tick it is in; what was submitted before is handled first.

        One that hangs is left to the end of the process.
        """
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join(_CLOSE_S)
            if self._thread.is_alive():
                _log.warning("the engine did not stop and is left to itself")

    def _run(self) -> None:
        try:
            self._pulse.beat()
            while self._take_requests():
                self._pulse.beat()
                for stream, update in self._engine.tick():
                    self._publish(stream, update)
        except Exception as error:  # noqa: BLE001 - whatever it is, the streams must be told
            _log.exception("the engine stopped")
            self._on_crash(error)

    def _take_requests(self) -> bool:
        """Hand over what has arrived, waiting for something when idle; False at the end.

        Bounded in time: a flood of requests must not keep the streams from their steps.
        """
        rest_s = min(self._engine.rest_s, _IDLE_S)
        until = time.monotonic() + _INTAKE_S
        while rest_s or time.monotonic() < until:
            try:
                item = self._inbox.get(block=rest_s > 0, timeout=rest_s)
            except queue.Empty:
                return True
            if item is None:
                return False
            self._engine.handle(*item)
            rest_s = 0.0
        return True
