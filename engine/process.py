"""The engine in a process of its own, behind the same port as `EngineThread`.

Owns the child process, the pipe to it and one thread for each direction. Knows requests and updates
as things to carry; knows no streams, and needs no torch on the parent's side.

    caller ─ submit ▶ queue ─ writer ▶ pipe ▶ reader (child's main thread) ▶ EngineThread
    publish ◀──────── reader thread ◀ pipe ◀ writer ◀ queue ◀ publish ───────────┘

Whatever has gathered in a queue goes over as one message. Neither queue is bounded by itself: the
bridge bounds the audio each stream has in flight, and the engine says no more than a bounded amount
about each. A child whose parent is gone reads the end of its pipe and ends.
"""

import logging
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from .config import EngineConfig
from .types import (
    Consumed,
    EngineError,
    EngineLoad,
    EngineRequest,
    EngineUpdate,
    Feed,
    StreamId,
    WorkCounters,
)

_MAX_BATCH = 512  # items of one message
_STATUS_EVERY_S = 0.25
_CLOSE_S = 10.0  # for the last tick of an engine that is told to stop
_log = logging.getLogger(__name__)


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
class _Status:
    """The child's numbers as of now."""

    counters: WorkCounters
    load: EngineLoad


@dataclass(frozen=True, slots=True)
class _Crash:
    """The child's last message when its engine failed."""

    reason: str


class EngineProcessError(EngineError):
    """The engine's process ended, or could not be started."""


class EngineProcess:
    """An engine in a child process. `submit` may be called from any thread and never blocks.

    `publish` is called on a thread of this object, in order per stream. `on_crash` is called once
    when the child fails or dies.

    Raises:
        Exception: whatever kept the engine from being loaded in the child.
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
        self._process = context.Process(
            target=run_child, args=(childs_end, config), name="hark-engine", daemon=True
        )
        self._process.start()
        childs_end.close()
        self._closing = False
        self.counters, self.load = WorkCounters(), EngineLoad()
        self._facts = self._read_facts()
        self._writer = _Writer(self._pipe, "hark-engine-out")
        self._reader = threading.Thread(target=self._read, name="hark-engine-in", daemon=True)
        self._reader.start()

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
    def pid(self) -> int | None:
        return self._process.pid

    def submit(self, request: EngineRequest) -> None:
        # A feed as a bare pair: it is pickled several times faster than a dataclass.
        plain = (request.stream, request.payload) if type(request) is Feed else request
        self._writer.put(plain)

    def close(self) -> None:
        """End the child after the tick it is in; what was submitted before is handled first."""
        self._closing = True
        self._writer.close()
        self._process.join(_CLOSE_S)
        if self._process.is_alive():
            _log.warning("the engine's process did not stop and is killed")
            self._process.kill()
            self._process.join()
        self._reader.join()
        self._pipe.close()

    def _read_facts(self) -> EngineFacts:
        try:
            first = pickle.loads(self._pipe.recv_bytes())  # noqa: S301 - our own child wrote it
        except (EOFError, OSError):
            raise self._died() from None
        if isinstance(first, BaseException):
            self._process.join()
            raise first
        return first

    def _read(self) -> None:
        """Carry updates until the child's end of the pipe is closed."""
        crash: BaseException | None = None
        try:
            while True:
                for item in pickle.loads(self._pipe.recv_bytes()):  # noqa: S301 - as above
                    match item:
                        case _Status():
                            self.counters, self.load = item.counters, item.load
                        case _Crash():
                            crash = EngineProcessError(item.reason)
                        case (stream, int() as num_bytes):
                            self._publish(stream, Consumed(num_bytes))
                        case (stream, update):
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


class _Writer:
    """Sends what is put into it from any thread, all that gathered meanwhile in one message.

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

    def close(self) -> None:
        """Send what waits and an end mark, and stop."""
        self._queue.put(None)
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
            while batch[-1] is not None and len(batch) < _MAX_BATCH:
                batch.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        if self._status is not None and self._status_is_due():
            batch.insert(0, self._status())
        if batch:
            self._pipe.send_bytes(pickle.dumps(batch, pickle.HIGHEST_PROTOCOL))
        return not batch or batch[-1] is not None

    _status_at = 0.0

    def _status_is_due(self) -> bool:
        now = time.monotonic()
        if now < self._status_at:
            return False
        self._status_at = now + _STATUS_EVERY_S
        return True


# --- in the child --------------------------------------------------------------------------------


def run_child(pipe: Connection, config: EngineConfig) -> None:
    """The child's whole life: load the engine, say so, and run it until the parent is done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    from .load import load_engine
    from .loop import EngineThread

    try:
        engine = load_engine(config)
    except Exception as error:  # noqa: BLE001 - the parent raises it
        pipe.send_bytes(_pickled(error))
        return
    failed = threading.Event()

    def crashed(error: BaseException) -> None:
        failed.set()
        writer.put(_Crash(f"{type(error).__name__}: {error}"))
        writer.close()
        # The main thread waits for the parent, who has nothing more to say.
        os._exit(1)

    thread = EngineThread(
        engine, lambda stream, update: writer.put(_plain(stream, update)), crashed
    )
    pipe.send_bytes(
        _pickled(
            EngineFacts(
                thread.model_name,
                thread.device,
                thread.languages,
                thread.unsure_below,
                thread.max_segment_s,
                thread.max_streams,
            )
        )
    )
    writer = _Writer(
        pipe, "hark-engine-out", lambda: _Status(replace(thread.counters), thread.load)
    )
    thread.start()
    _obey(pipe, thread.submit)
    thread.close()
    writer.close()


def _obey(pipe: Connection, submit: Callable[[EngineRequest], None]) -> None:
    """Hand over requests until the parent says it is done, or is gone."""
    try:
        while True:
            for item in pickle.loads(pipe.recv_bytes()):  # noqa: S301 - our own parent wrote it
                if item is None:
                    return
                submit(Feed(*item) if type(item) is tuple else item)
    except (EOFError, OSError):
        return


def _plain(stream: StreamId, update: EngineUpdate) -> tuple[StreamId, EngineUpdate | int]:
    return stream, update.num_bytes if type(update) is Consumed else update


def _pickled(first: EngineFacts | Exception) -> bytes:
    """The first message; an error that cannot be carried over goes as its text."""
    try:
        message = pickle.dumps(first)
        pickle.loads(message)  # noqa: S301 - we wrote it
        return message
    except Exception as problem:  # noqa: BLE001 - an exception class may refuse in any way
        return pickle.dumps(EngineProcessError(f"{first} ({type(problem).__name__})"))
