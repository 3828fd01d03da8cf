"""Several engines, each in a process of its own, behind one port.

A small model's matrices are too small for many threads to share: two engines with a thread each do
more than one with two (docs/performance.md), and on many cores it is the only way to use them. A
stream lives in one engine from its `Open` to its last update; it goes to the one that has the most
room. Owns the engines; knows streams by their numbers, and nothing of their audio.
"""

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path

from ..config import EngineConfig
from ..host import pick_threads
from ..types import (
    Abort,
    Closed,
    ConfigError,
    EngineLoad,
    EngineRequest,
    EngineUpdate,
    Failed,
    Open,
    StreamId,
    WorkCounters,
)
from .process import EngineProcess

_STREAMS_AN_ENGINE = 16  # what one core does with ease
_SILENT_S = 5.0  # that long without a round of work: it may hang
_MOST_A_CORE = 4  # more engines only wait for each other, each with a model of its own
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # NVIDIA; any under WSL; AMD


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
    """(cores this process may use, whether there may be a GPU), asked without torch."""
    allowed = getattr(os, "sched_getaffinity", None)  # on Linux
    num_cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    is_known = sys.platform in ("linux", "darwin")
    has_gpu = not is_known or any(Path(device).exists() for device in _GPU_DEVICES)
    return min(num_cores, _quota(Path("/sys/fs/cgroup/cpu.max")) or num_cores), has_gpu


def _quota(path: Path) -> int | None:
    """Cores' worth of time that a container may use, None where it is not bounded."""
    try:
        quota, period = path.read_text().split()
        return max(1, -(-int(quota) // int(period)))
    except (OSError, ValueError):  # no such file, or "max"
        return None


def share_of(config: EngineConfig, num_engines: int, num_cores: int) -> EngineConfig:
    """What one of several engines gets: its part of streams, of memory and of the cores."""
    return replace(
        config,
        max_streams=-(-config.max_streams // num_engines),
        kv_memory_mb=-(-config.kv_memory_mb // num_engines),
        threads=pick_threads(
            config.threads,
            by_default=max(1, num_cores // num_engines),
            small_model=config.model == "embedded",
        ),
    )


class EngineFleet:
    """`num_engines` of one configuration. `submit` may be called from any thread, never blocks.

    `publish` is called on threads of the engines, in order per stream. `on_crash` is called once,
    when the first engine fails: a server that lost a part of its streams is not a healthy one.
    The streams of the others are given up then, too.

    Raises:
        ConfigError: there are too many for the cores, or they might share a GPU and nobody said
            how much of its memory is for them.
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
        num_cores, has_gpu = machine()
        if num_engines > num_cores * _MOST_A_CORE:
            raise ConfigError(
                f"engines is {num_engines}, allowed are at most {num_cores * _MOST_A_CORE}, "
                f"{_MOST_A_CORE} a core"
            )
        if config.device != "cpu" and has_gpu and not config.kv_memory_mb:
            raise ConfigError(
                f"engines is {num_engines}, which on a GPU needs kv_memory_mb: what all of them "
                "may take for attention caches; or say --device cpu"
            )
        self._share = share_of(config, num_engines, num_cores)
        self._engines = [
            EngineProcess(self._share, self._hear, self._crash) for _ in range(num_engines)
        ]
        self._wait()
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
        """The mean of how busy they are, the worst of how late and silent, the sum of what fits."""
        loads = [engine.load for engine in self._engines]
        capacities = [load.capacity for load in loads if load.capacity is not None]
        all_known = len(capacities) == len(loads)
        return EngineLoad(
            sum(load.busy_ratio for load in loads) / len(loads),
            max(load.lateness_s for load in loads),
            max(load.stretch for load in loads),
            min(self.max_streams, sum(capacities)) if all_known else None,
            max(load.silent_s for load in loads),
        )

    def submit(self, request: EngineRequest) -> None:
        with self._lock:
            if isinstance(request, Open):
                home = self._roomiest()
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
        closing = [threading.Thread(target=engine.close) for engine in self._engines]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()

    def _wait(self) -> None:
        """Until all are loaded; if one cannot be, the others end."""
        for index, engine in enumerate(self._engines):
            try:
                engine.wait()
            except BaseException:
                for loaded in self._engines[:index]:
                    loaded.close()
                for loading in self._engines[index + 1 :]:
                    loading.kill()
                raise

    def _roomiest(self) -> int:
        """The engine with the most room by its own measure, of those that may take one more."""

        def room(home: int) -> tuple[bool, bool, int]:
            most, count = self._share.max_streams, self._num_streams[home]
            load = self._engines[home].load
            room = (most if load.capacity is None else load.capacity) - count
            return count < most, load.silent_s < _SILENT_S, room

        return max(range(len(self._engines)), key=room)

    def _hear(self, stream: StreamId, update: EngineUpdate) -> None:
        if isinstance(update, Closed | Failed):
            with self._lock:
                self._forget(stream)
        self._publish(stream, update)

    def _crash(self, error: BaseException) -> None:
        with self._lock:
            is_first, self._has_crashed = not self._has_crashed, True
            streams = list(self._homes)
        if is_first:
            for stream in streams:
                self.submit(Abort(stream))
            self._on_crash(error)

    def _forget(self, stream: StreamId) -> None:
        home = self._homes.pop(stream, None)
        if home is not None:
            self._num_streams[home] -= 1
