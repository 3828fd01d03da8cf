"""The engine in a process of its own, behind the same port as `EngineThread`.

Owns the child process, the pipe to it and one thread for each direction. Knows requests and updates
as things to carry; knows no streams, and needs no torch on the parent's side.

    caller ─ submit ▶ queue ─ writer ▶ pipe ▶ reader (child's main thread) ▶ EngineThread
    publish ◀──────── reader thread ◀ pipe ◀ writer ◀ queue ◀ publish ───────────┘

Whatever gathers in a queue within 20 ms goes over as one message, or as several where it is much.
Neither queue is bounded by
itself: the bridge bounds the audio each stream has in flight, and the engine says no more than a
bounded amount about each. A child whose parent is gone reads the end of its pipe and ends.
"""

import atexit
import logging
import multiprocessing
import pickle
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Self

from ..config import EngineConfig
from ..pulse import Pulse
from ..types import (
    Consumed,
    EngineLoad,
    EngineRequest,
    EngineUpdate,
    Feed,
    StreamId,
    WorkCounters,
)
from .child import run_child
from .wire import Crash, EngineFacts, EngineProcessError, Status, Writer

_CLOSE_S = 10.0  # for the last tick of an engine that is told to stop
_log = logging.getLogger(__name__)


def kill_children() -> None:
    """End the processes of all engines at once, for a program that leaves without its farewells."""
    for child in multiprocessing.active_children():
        child.kill()


class EngineProcess:
    """An engine in a child process. `submit` may be called from any thread and never blocks.

    The constructor starts the child and returns; `wait` until it is loaded before anything else.
    `publish` is called on a thread of this object, in order per stream. `on_crash` is called once
    when the child fails or dies.
    """

    def __init__(
        self,
        config: EngineConfig,
        publish: Callable[[StreamId, EngineUpdate], None],
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self._publish, self._on_crash = publish, on_crash
        context = multiprocessing.get_context("spawn")
        self._pipe, childs_end = context.Pipe()
        self._pulse = Pulse(context.RawValue("d"))  # pyright: ignore[reportArgumentType]
        self._process = context.Process(
            target=run_child,
            args=(childs_end, config, self._pulse),
            name="hark-engine",
            daemon=True,
        )
        self._process.start()
        childs_end.close()
        # Whatever ends this program must not wait for a child that is loading.
        atexit.register(self._process.kill)
        self._closing = False
        self.counters, self._load = WorkCounters(), EngineLoad()

    def wait(self) -> Self:
        """Return when the engine is loaded; this may take minutes.

        Raises:
            Exception: whatever kept the engine from being loaded; the child is gone.
        """
        try:
            self._facts = self._read_facts()
        except BaseException:
            self.kill()
            raise
        self._writer = Writer(self._pipe, "hark-engine-out")
        self._reader = threading.Thread(target=self._read, name="hark-engine-in", daemon=True)
        self._reader.start()
        return self

    @property
    def model_name(self) -> str:
        return self._facts.model_name

    @property
    def device(self) -> str:
        return self._facts.device

    @property
    def languages(self) -> tuple[str, ...]:
        return self._facts.languages

    @property
    def unsure_below(self) -> float:
        return self._facts.unsure_below

    @property
    def max_segment_s(self) -> int:
        return self._facts.max_segment_s

    @property
    def max_streams(self) -> int:
        return self._facts.max_streams

    @property
    def load(self) -> EngineLoad:
        """As the child last said, but for its silence: a child that hangs says nothing of it."""
        return replace(self._load, silent_s=self._pulse.silent_s)

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def submit(self, request: EngineRequest) -> None:
        # A feed as a bare pair: it is pickled several times faster than a dataclass.
        plain = (request.stream, request.payload) if type(request) is Feed else request
        self._writer.put(plain)

    def close(self) -> None:
        """End the child after the tick it is in; what was submitted before is handled first."""
        self._closing = True
        until = time.monotonic() + _CLOSE_S
        self._writer.close(_CLOSE_S)  # a child that hangs reads nothing
        self._process.join(max(0.0, until - time.monotonic()))
        if self._process.is_alive():
            _log.warning("the engine's process did not stop and is killed")
            self._process.kill()
            self._process.join()
        self._writer.wait()  # it may be writing to the child that was killed
        self._reader.join()
        self._pipe.close()
        atexit.unregister(self._process.kill)

    def kill(self) -> None:
        """End a child that is not loaded yet."""
        self._process.kill()
        self._process.join()
        self._pipe.close()
        atexit.unregister(self._process.kill)

    def _read_facts(self) -> EngineFacts:
        try:
            first = pickle.loads(self._pipe.recv_bytes())  # noqa: S301 - our own child wrote it
        except (EOFError, OSError):
            raise self._died() from None
        if isinstance(first, BaseException):
            raise first
        return first

    def _read(self) -> None:
        """Carry updates until the child's end of the pipe is closed."""
        crash: BaseException | None = None
        try:
            while True:
                for item in pickle.loads(self._pipe.recv_bytes()):  # noqa: S301 - as above
                    match item:
                        case Status():
                            self.counters, self._load = item.counters, item.load
                        case Crash():
                            crash = EngineProcessError(item.reason)
                        case (stream, int() as num_bytes, at_sample):
                            self._publish(stream, Consumed(num_bytes, at_sample))
                        case (stream, update, _):
                            self._publish(stream, update)
        except (EOFError, OSError):
            pass
        if not self._closing:
            self._on_crash(crash or self._died())

    def _died(self) -> EngineProcessError:
        self._process.join(1.0)
        return EngineProcessError(
            f"the engine's process ended with exit code {self._process.exitcode}"
        )
