"""Where the event loop and the engine's thread meet: plain messages both ways, nothing awaited.

Owns the engine from its start to its end. Knows streams by their numbers and counts the bytes
each has waiting; knows no sockets and no wire format.

Requests go over by `EnginePort.submit`. Updates come back on the engine's thread and are carried
to the event loop in batches, one wake-up for all that gathered meanwhile. Neither queue needs a
limit of its own: a stream's reader stops at `HIGH_WATER_S` of audio or `MAX_UNANSWERED` flushes
and changes that wait to be heard, and the engine says no more than a bounded amount about each.
"""

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from hark.engine.types import (
    Configure,
    Configured,
    Consumed,
    EngineError,
    EngineLoad,
    EngineRequest,
    EngineUpdate,
    Failed,
    Feed,
    Finalize,
    Finalized,
    Open,
    Refused,
    StreamId,
    WorkCounters,
)

_log = logging.getLogger(__name__)

HIGH_WATER_S = 10  # more audio than this waiting: stop reading the socket
LOW_WATER_S = 5  # less than this waiting: read on
MAX_UNANSWERED = 64  # flushes and changes of one stream that wait for their answer

Publish = Callable[[StreamId, EngineUpdate], None]
OnCrash = Callable[[BaseException], None]


class EnginePort(Protocol):
    """The engine as the server sees it: it takes requests and answers through `Publish`."""

    @property
    def model_name(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def languages(self) -> tuple[str, ...]: ...
    @property
    def unsure_below(self) -> float: ...
    @property
    def max_segment_s(self) -> int: ...
    @property
    def max_streams(self) -> int: ...
    @property
    def counters(self) -> WorkCounters: ...
    @property
    def load(self) -> EngineLoad: ...

    def submit(self, request: EngineRequest) -> None:
        """Take a request; callable from any thread, never blocks."""
        ...

    def close(self) -> None:
        """Stop the engine's thread; returns when it has stopped."""
        ...


StartEngine = Callable[[Publish, OnCrash], EnginePort]
"""Loads and starts an engine. Called on a thread of its own, since it may take minutes."""


class BridgeStatus(StrEnum):
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


class StreamLink:
    """One stream's end of the bridge, and its back-pressure; used on the event loop only."""

    def __init__(
        self, stream: StreamId, port: EnginePort, on_update: Callable[[EngineUpdate], None]
    ) -> None:
        self.stream = stream
        self._port = port
        self._on_update = on_update
        self._bytes_per_second = 0
        self.waiting_bytes = 0
        self._unanswered = 0
        self.has_room = True
        """Whether the stream's socket should be read."""
        self._room = asyncio.Event()  # the same, for those who wait
        self._room.set()

    def submit(self, request: EngineRequest) -> None:
        match request:
            case Feed(payload=payload):
                self.waiting_bytes += len(payload)
            case Open(audio=audio):
                self._bytes_per_second = audio.bytes_per_second
            case Finalize(id=str()) | Configure():
                self._unanswered += 1
            case _:
                pass
        self._port.submit(request)
        if self.has_room and self._is_above(HIGH_WATER_S, MAX_UNANSWERED):
            self.has_room = False
            self._room.clear()

    def deliver(self, update: EngineUpdate) -> None:
        """Take an update the engine sent to this stream."""
        match update:
            case Consumed(num_bytes=num_bytes):
                self.waiting_bytes -= num_bytes
            case Finalized() | Configured() | Refused():
                self._unanswered -= 1
            case _:
                pass
        if not self.has_room and not self._is_above(LOW_WATER_S, MAX_UNANSWERED // 2):
            self.release()
        self._on_update(update)

    async def room(self) -> None:
        """Wait until the engine has caught up, or the stream is over."""
        await self._room.wait()

    def release(self) -> None:
        """Nobody need wait for the stream; it may be over."""
        self.has_room = True
        self._room.set()

    def seconds_of(self, payload: bytes) -> float:
        """How much audio the bytes hold; of coded audio, by its nominal rate."""
        return len(payload) / self._bytes_per_second

    def _is_above(self, limit_s: int, num_unanswered: int) -> bool:
        too_many_bytes = self.waiting_bytes > limit_s * self._bytes_per_second
        return too_many_bytes or self._unanswered > num_unanswered


class Bridge:
    """Starts the engine, hands out stream numbers, and carries updates to their streams."""

    def __init__(self) -> None:
        self.status = BridgeStatus.LOADING
        self.port: EnginePort | None = None
        self.failure: BaseException | None = None
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._settled = asyncio.Event()
        self._links: dict[StreamId, StreamLink] = {}
        self._next_stream = itertools.count()  # a number is never used again
        self._lock = threading.Lock()  # guards the two below
        self._arrived: list[tuple[StreamId, EngineUpdate]] = []
        self._wakeup_due = False

    def start(self, start_engine: StartEngine) -> None:
        """Load the engine on a thread of its own; `status` says how far it is."""
        self._loop = asyncio.get_running_loop()
        # A daemon: a download that takes minutes must not hold up Ctrl-C.
        threading.Thread(
            target=self._load, args=(start_engine,), name="hark-load", daemon=True
        ).start()

    async def settled(self) -> None:
        """Wait until the engine runs or could not be started."""
        await self._settled.wait()

    async def close(self) -> None:
        """Stop the engine; streams still open are told nothing more."""
        self._links.clear()
        if self.port is not None:
            await asyncio.to_thread(self.port.close)
            self._is_closed = True

    @property
    def has_ended(self) -> bool:
        """Whether no engine is left on a thread: not one being loaded, nor one that came late."""
        return self._is_closed or self.failure is not None

    def open(self, on_update: Callable[[EngineUpdate], None]) -> StreamLink:
        """A link for one more stream. The engine hears of it by the stream's `Open`."""
        assert self.port is not None, "admission lets nobody in before the engine runs"
        link = StreamLink(next(self._next_stream), self.port, on_update)
        self._links[link.stream] = link
        return link

    def release(self, link: StreamLink) -> None:
        """Forget a stream; what the engine still says about it is dropped."""
        self._links.pop(link.stream, None)
        link.release()

    @property
    def num_waiting_bytes(self) -> int:
        """Audio bytes of all streams that the engine has not taken in yet."""
        return sum(link.waiting_bytes for link in self._links.values())

    # --- on other threads ---

    def publish(self, stream: StreamId, update: EngineUpdate) -> None:
        """Carry an update over; the engine calls this on its own thread."""
        with self._lock:
            self._arrived.append((stream, update))
            if self._wakeup_due:
                return
            self._wakeup_due = True
        self._call_on_loop(self._deliver_arrived)

    def crashed(self, error: BaseException) -> None:
        """The engine is dead; it calls this on its own thread as its last act."""
        self._call_on_loop(self._fail, error)

    def _load(self, start_engine: StartEngine) -> None:
        try:
            port = start_engine(self.publish, self.crashed)
        except Exception as error:  # noqa: BLE001 - this thread's edge: whoever waits raises it
            self._call_on_loop(self._fail, error)
            return
        if not self._call_on_loop(self._loaded, port):
            port.close()

    def _call_on_loop(self, callback: Callable[..., None], *args: object) -> bool:
        """Run a callback on the event loop; False when the loop is gone and nobody cares."""
        assert self._loop is not None, "start comes first"
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            return False
        return True

    # --- back on the event loop ---

    def _loaded(self, port: EnginePort) -> None:
        self.port = port
        if self.status is BridgeStatus.LOADING:
            self.status = BridgeStatus.READY
        self._settled.set()

    def _fail(self, error: BaseException) -> None:
        if self.status is BridgeStatus.READY:  # before that, whoever waits for it says so
            _log.error("the engine stopped: %s", error)
        self.status = BridgeStatus.FAILED
        self.failure = error
        self._settled.set()
        for link in list(self._links.values()):
            link.deliver(Failed(EngineError("the engine stopped")))

    def _deliver_arrived(self) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, []
            self._wakeup_due = False
        for stream, update in arrived:
            link = self._links.get(stream)
            if link is not None:
                link.deliver(update)
