"""One stream of a connection: its session, its link to the engine, and what is measured of it.

Carries commands in and updates back; decides nothing and knows no socket.
"""

import logging
from collections import deque
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol, TypeVarTuple

from hark.engine.types import (
    BadAudioError,
    Configured,
    Consumed,
    EngineError,
    EngineRequest,
    EngineUpdate,
    Failed,
    Feed,
    Finalize,
    OptionError,
)

from .bridge import StreamLink
from .effects import Effect, Emit, Hangup, ToEngine, farewell
from .errors import StreamError, internal_error
from .events import Command, Event, Finalized, Receipt
from .metrics import Metrics
from .session import Session
from .terms import Terms

_log = logging.getLogger(__name__)

_What = TypeVarTuple("_What")

OpenLink = Callable[[Callable[[EngineUpdate], None]], StreamLink]


class Listener(Protocol):
    """Who has a line. It is told of events in order; nothing comes after `line_ended`.

    `line_waits`: the line's deadline has moved by itself.
    """

    def line_said(self, line: "Line", event: Event) -> None: ...
    def line_waits(self, line: "Line") -> None: ...
    def line_ended(self, line: "Line", farewell: Hangup) -> None: ...


class Line:
    """A stream from its `Hello` to its end. `name` is what logs and `ready` call it."""

    def __init__(
        self,
        name: str,
        listener: Listener,
        *,
        open_link: OpenLink,
        terms: Terms,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self._listener = listener
        self._metrics = metrics
        self._clock = clock
        self._log = SessionLog(_log, {"session": name})
        self.link = open_link(self._on_update)
        self._session = Session(self.link.stream, name, terms=terms, now=clock())
        self._flushes_asked: deque[float] = deque()  # as many as the link leaves open
        self.has_ended = False

    # --- in: whoever has the line ---

    def tell(self, command: Command) -> None:
        """Obey a command, or say why not."""
        self._step(self._session.receive, command, self._clock())

    def refuse(self, error: StreamError) -> None:
        """Something came for the line that was not understood."""
        self._step(self._session.refuse, error)

    def drain(self) -> None:
        """Let the engine finish what was heard, then end."""
        self._step(self._session.drain)

    def fail(self, error: StreamError) -> None:
        """End now, and say why."""
        self._step(self._session.fail, error)

    def forget(self) -> None:
        """End without a word; the engine drops what it has."""
        self.has_ended = True
        self._perform(self._session.disconnected())

    def reading_paused(self) -> None:
        """The socket is not read: from here on silence is the server's own doing."""
        self._session.reading_paused()

    def reading_resumed(self) -> None:
        self._session.reading_resumed(self._clock())

    # --- in: time ---

    def next_deadline(self) -> float | None:
        return self._session.next_deadline()

    def timed_out(self) -> None:
        self._step(self._session.handle_timeout, self._clock())

    # --- in: the engine ---

    def _on_update(self, update: EngineUpdate) -> None:
        if type(update) is Consumed and not self._session.wants_receipts:
            return  # as many as there are messages, and all the link had to know
        if isinstance(update, Failed):
            self._log_failure(update.error)
        self._step(self._session.engine_said, update)
        if isinstance(update, Configured) and not self.has_ended:
            self._listener.line_waits(self)

    def _log_failure(self, error: EngineError) -> None:
        """What the client sent is the client's affair; all else is ours."""
        if isinstance(error, BadAudioError | OptionError):
            self._log.info("refused: %s", error)
        else:
            self._log.warning("the engine failed the stream: %s", error)

    # --- out ---

    def _step(self, effects_of: Callable[[*_What], list[Effect]], *what: *_What) -> None:
        """Put one input to the session; this is the edge where a bug ends one stream, not all."""
        if self.has_ended:
            return
        try:
            self._perform(effects_of(*what))
        except Exception:  # noqa: BLE001 - logged and told; other streams must not suffer
            self._log.exception("a bug ended the stream")
            self._perform([*self._session.disconnected(), *farewell(internal_error())])

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case ToEngine(request=request):
                    self.link.submit(request)
                    self._note_request(request)
                case Emit(event=event) if not self.has_ended:  # it may end by the one before
                    self._note_event(event)
                    self._listener.line_said(self, event)
                case Hangup() if not self.has_ended:
                    self.has_ended = True
                    self._listener.line_ended(self, effect)

    def _note_request(self, request: EngineRequest) -> None:
        match request:
            case Feed(payload=payload):
                self._metrics.audio_seconds.value += self.link.seconds_of(payload)
            case Finalize(id=str()):
                self._flushes_asked.append(self._clock())
            case _:
                pass

    def _note_event(self, event: Event) -> None:
        if isinstance(event, Receipt):
            return
        self._metrics.count_said(event)
        if isinstance(event, Finalized):
            self._metrics.finalize_seconds.observe(self._clock() - self._flushes_asked.popleft())


class SessionLog(logging.LoggerAdapter[logging.Logger]):
    """Puts the session's id in front of every line."""

    def process(
        self, msg: str, kwargs: MutableMapping[str, Any]
    ) -> tuple[str, MutableMapping[str, Any]]:
        return f"[{(self.extra or {})['session']}] {msg}", kwargs
