"""One WebSocket: two pumps, one timer, and the session machine between them.

Carries frames, effects and updates to where they belong; decides nothing about the stream.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from hark.engine.types import (
    BadAudioError,
    EngineError,
    EngineRequest,
    EngineUpdate,
    Failed,
    Feed,
    Finalize,
    OptionError,
)

from .bridge import StreamLink
from .config import ServerConfig
from .errors import ShuttingDownError, SlowReaderError, StreamError, internal_error
from .events import Event, Finalized
from .metrics import Metrics
from .outbox import Outbox
from .protocols.base import Adapter, Frame
from .session import Effect, Emit, Hangup, Session, Terms, ToEngine, farewell
from .websocket import DIRECT

_log = logging.getLogger(__name__)


class Connection:
    """One client's stream, from its handshake to its close. `name` is the session's id."""

    def __init__(
        self,
        websocket: WebSocket,
        adapter: Adapter,
        *,
        name: str,
        open_link: Callable[[Callable[[EngineUpdate], None]], StreamLink],
        terms: Terms,
        metrics: Metrics,
        config: ServerConfig,
    ) -> None:
        self._websocket = websocket
        self._adapter = adapter
        self._metrics = metrics
        self._send_timeout_s = config.send_timeout_s
        self._log = _SessionLog(_log, {"session": name})
        self._loop = asyncio.get_running_loop()
        self.link = open_link(self._on_update)
        self._session = Session(self.link.stream, name, terms=terms, now=self._loop.time())
        self._outbox = Outbox(config.max_waiting_events)
        self._has_news = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._flushes_asked: deque[float] = deque()  # loop times; as many as the link leaves open
        self._outcome = "gone"

    async def run(self) -> None:
        """Serve the stream until either side has ended it."""
        peer = self._websocket.client
        self._log.info("stream %d from %s", self.link.stream, peer.host if peer else "nowhere")
        self._arm_timer()
        try:
            async with asyncio.TaskGroup() as pumps:
                writer = pumps.create_task(self._write())
                reader = pumps.create_task(self._read())
                writer.add_done_callback(lambda _: reader.cancel())
                reader.add_done_callback(lambda _: writer.cancel())
        finally:
            self._perform(self._session.disconnected())
            self._disarm_timer()
            self._metrics.sessions.labels(self._outcome).inc()
            self._log.info("ended: %s", self._outcome)

    def drain(self) -> None:
        """The server is stopping: let the engine finish what was heard, then hang up."""
        self._step(self._session.drain)

    def cut(self) -> None:
        """The server cannot wait any longer."""
        self._step(lambda: self._session.fail(ShuttingDownError("the server is being stopped")))

    # --- the two pumps ---

    async def _read(self) -> None:
        """Hear the client. Most messages come by `_take`, without a task being woken for each."""
        self._websocket.scope["extensions"][DIRECT](self._take)
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            await self._wait_for_room()
            self._step(partial(self._obey, _frame_of(message)))

    def _take(self, frame: Frame) -> bool:
        """Hear a message at once; False, and it has to wait its turn, while there is no room."""
        if not self.link.has_room:
            return False
        self._step(partial(self._obey, frame))
        return True

    async def _wait_for_room(self) -> None:
        """Leave the socket unread while too much audio waits for the engine."""
        if self.link.has_room:
            return
        self._session.reading_paused()
        self._arm_timer()
        await self.link.room()
        self._session.reading_resumed(self._loop.time())
        self._arm_timer()

    async def _write(self) -> None:
        try:
            while True:
                item = self._outbox.take()
                if item is None:
                    self._has_news.clear()
                    await self._has_news.wait()
                    continue
                if isinstance(item, Hangup):
                    async with asyncio.timeout(self._send_timeout_s):
                        await self._websocket.close(item.code, item.reason)
                    return
                await self._send(item)
        except TimeoutError:
            self._outcome = SlowReaderError.code
        except WebSocketDisconnect:
            pass  # the reader finds out, too; either may be first

    async def _send(self, event: Event) -> None:
        try:
            frame = self._adapter.encode(event)
        except Exception:  # noqa: BLE001 - logged and told; other streams must not suffer
            self._log.exception("a bug ended the stream: %s cannot be encoded", event.type)
            self._outbox.not_sent()
            self._outbox.clear()
            self._give_up(internal_error())
            return
        async with asyncio.timeout(self._send_timeout_s):
            await send_frame(self._websocket, frame)
        self._metrics.count_sent(event)

    # --- into the session ---

    def _obey(self, frame: Frame) -> list[Effect]:
        try:
            command = self._adapter.decode(frame)
        except StreamError as error:
            return self._session.refuse(error)
        return self._session.receive(command, self._loop.time())

    def _on_update(self, update: EngineUpdate) -> None:
        if isinstance(update, Failed):
            self._log_failure(update.error)
        self._step(lambda: self._session.engine_said(update))

    def _log_failure(self, error: EngineError) -> None:
        """What the client sent is the client's affair; all else is ours."""
        if isinstance(error, BadAudioError | OptionError):
            self._log.info("refused: %s", error)
        else:
            self._log.warning("the engine failed the stream: %s", error)

    def _on_timer(self) -> None:
        self._timer = None
        self._step(lambda: self._session.handle_timeout(self._loop.time()))

    def _step(self, effects_of: Callable[[], list[Effect]]) -> None:
        """Put one input to the session; this is the edge where a bug ends one stream, not all."""
        try:
            self._perform(effects_of())
        except Exception:  # noqa: BLE001 - logged and told; other streams must not suffer
            self._log.exception("a bug ended the stream")
            self._give_up(internal_error())
        self._arm_timer()

    # --- out of the session ---

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case ToEngine(request=request):
                    self.link.submit(request)
                    self._note_request(request)
                case Emit(event=event):
                    self._note_event(event)
                    if not self._outbox.put(event):
                        self._give_up(SlowReaderError("too many messages wait to be read"))
                        return
                    self._has_news.set()
                case Hangup():
                    self._outcome = effect.reason
                    self._outbox.hang_up(effect)
                    self._has_news.set()

    def _give_up(self, error: StreamError) -> None:
        """Drop what waits, tell the client why if it ever reads again, and hang up."""
        if self._outbox.is_ending:
            return
        self._outbox.clear()
        self._perform([*self._session.disconnected(), *farewell(error)])

    def _note_request(self, request: EngineRequest) -> None:
        match request:
            case Feed(payload=payload):
                self._metrics.audio_seconds.inc(self.link.seconds_of(payload))
            case Finalize(id=str()):
                self._flushes_asked.append(self._loop.time())
            case _:
                pass

    def _note_event(self, event: Event) -> None:
        if isinstance(event, Finalized):
            asked_at = self._flushes_asked.popleft()
            self._metrics.finalize_seconds.observe(self._loop.time() - asked_at)

    # --- the timer ---

    def _arm_timer(self) -> None:
        """Wake up at the deadline or before it; who wakes up too early finds nothing to do.

        Each message moves the deadline, so a timer that is set is left alone while it can be.
        """
        deadline = self._session.next_deadline()
        if deadline is None or (self._timer is not None and self._timer.when() <= deadline):
            return
        self._disarm_timer()
        self._timer = self._loop.call_at(deadline, self._on_timer)

    def _disarm_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _SessionLog(logging.LoggerAdapter[logging.Logger]):
    """Puts the session's id in front of every line."""

    def process(
        self, msg: str, kwargs: MutableMapping[str, Any]
    ) -> tuple[str, MutableMapping[str, Any]]:
        return f"[{(self.extra or {})['session']}] {msg}", kwargs


async def send_frame(websocket: WebSocket, frame: Frame) -> None:
    """Send a text or a binary message; waits while the client does not read."""
    if isinstance(frame, str):
        await websocket.send_text(frame)
    else:
        await websocket.send_bytes(frame)


def _frame_of(message: MutableMapping[str, Any]) -> Frame:
    text = message.get("text")
    return message["bytes"] if text is None else text
