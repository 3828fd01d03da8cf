"""Several engines, each in a process of its own, behind one port.

A small model's matrices are too small for many threads to share: two engines with a thread each do
half as much again as one with two (measured, docs/performance.md), and on many cores it is the only
way to use them. A stream lives in one engine from its `Open` to its last update; it goes to the one
that has the fewest. Owns the engines; knows streams by their numbers, and nothing of their audio.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, replace
from pathlib import Path

from .config import EngineConfig
from .process import EngineProcess
from .types import (
    Abort,
    Closed,
    EngineLoad,
    EngineRequest,
    EngineUpdate,
    Failed,
    Open,
    StreamId,
    WorkCounters,
)

_STREAMS_AN_ENGINE = 16  # what one core does with ease


def pick_num_engines(config: EngineConfig, *, num_cores: int, has_gpu: bool) -> int:
    """How many engines serve `config.max_streams` best: more than one only on a CPU.

    Larger models than the embedded one are held back by memory, which engines would share.
    """
    if config.model != "embedded" or config.device not in ("auto", "cpu"):
        return 1
    if config.device == "auto" and has_gpu:
        return 1
    return max(1, min(num_cores, -(-config.max_streams // _STREAMS_AN_ENGINE)))


def machine() -> tuple[int, bool]:
    """(cores this process may use, whether an NVIDIA driver is there), asked without torch."""
    allowed = getattr(os, "sched_getaffinity", None)  # on Linux; containers may allow fewer
    num_cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    return num_cores, Path("/dev/nvidiactl").exists()


class EngineFleet:
    """`num_engines` of one configuration. `submit` may be called from any thread, never blocks.

    `publish` is called on threads of the engines, in order per stream. `on_crash` is called once,
    when the first engine fails: a server that lost a part of its streams is not a healthy one.

    Raises:
        Exception: whatever kept an engine from being loaded; none is left running.
    """

    def __init__(
        self,
        config: EngineConfig,
        num_engines: int,
        publish: Callable[[StreamId, EngineUpdate], None],
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self._publish, self._on_crash = publish, on_crash
        self._lock = threading.Lock()  # guards the three below
        self._homes: dict[StreamId, int] = {}
        self._num_streams = [0] * num_engines
        self._has_crashed = False
        threads = config.threads or max(1, machine()[0] // num_engines)
        share = replace(config, max_streams=-(-config.max_streams // num_engines), threads=threads)
        self._engines = _start_all(
            num_engines, lambda: EngineProcess(share, self._hear, self._crash)
        )
        self.max_streams = config.max_streams

    @property
    def model_name(self) -> str:
        return self._engines[0].model_name

    @property
    def device(self) -> str:
        return self._engines[0].device

    @property
    def languages(self) -> tuple[str, ...]:
        return self._engines[0].languages

    @property
    def unsure_below(self) -> float:
        return self._engines[0].unsure_below

    @property
    def max_segment_s(self) -> int:
        return self._engines[0].max_segment_s

    @property
    def counters(self) -> WorkCounters:
        """The work of all engines."""
        columns = zip(*(astuple(engine.counters) for engine in self._engines), strict=True)
        return WorkCounters(*map(sum, columns))

    @property
    def load(self) -> EngineLoad:
        """The mean of how busy they are, the worst of how late, the sum of what fits."""
        loads = [engine.load for engine in self._engines]
        capacities = [load.capacity for load in loads if load.capacity is not None]
        all_known = len(capacities) == len(loads)
        return EngineLoad(
            sum(load.busy_ratio for load in loads) / len(loads),
            max(load.lateness_s for load in loads),
            max(load.stretch for load in loads),
            min(self.max_streams, sum(capacities)) if all_known else None,
        )

    def submit(self, request: EngineRequest) -> None:
        with self._lock:
            if isinstance(request, Open):
                home = self._num_streams.index(min(self._num_streams))
                self._homes[request.stream] = home
                self._num_streams[home] += 1
            else:
                home = self._homes.get(request.stream, -1)
            if isinstance(request, Abort):
                self._forget(request.stream)
        if home >= 0:  # else the request crossed the stream's last update
            self._engines[home].submit(request)

    def close(self) -> None:
        """End all engines after the tick they are in."""
        with ThreadPoolExecutor(len(self._engines)) as pool:
            for _ in pool.map(EngineProcess.close, self._engines):
                pass

    def _hear(self, stream: StreamId, update: EngineUpdate) -> None:
        if isinstance(update, Closed | Failed):
            with self._lock:
                self._forget(stream)
        self._publish(stream, update)

    def _crash(self, error: BaseException) -> None:
        with self._lock:
            is_first, self._has_crashed = not self._has_crashed, True
        if is_first:
            self._on_crash(error)

    def _forget(self, stream: StreamId) -> None:
        home = self._homes.pop(stream, None)
        if home is not None:
            self._num_streams[home] -= 1


def _start_all(count: int, start: Callable[[], EngineProcess]) -> list[EngineProcess]:
    """All of them at once; if one cannot start the others end, and its error is raised."""
    with ThreadPoolExecutor(count) as pool:
        starting: list[Future[EngineProcess]] = [pool.submit(start) for _ in range(count)]
    errors = [error for each in starting if (error := each.exception()) is not None]
    if errors:
        for each in starting:
            if each.exception() is None:
                each.result().close()
        raise errors[0]
    return [each.result() for each in starting]
