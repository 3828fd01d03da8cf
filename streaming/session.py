"""One stream as a machine without I/O: commands, engine updates and time in, effects out.

Knows the order of things (hello first, one final for each segment's start, bye last) and the
hello and stall timers. Knows no socket, no clock, no frame format and no metrics.

    AWAITING_HELLO ── Hello ──▶ LIVE ── CloseIn ──▶ CLOSING ── Closed ──▶ ENDED (bye, 1000)
          │                      │
          │                      └──── drain() ───▶ DRAINING ─ Closed ──▶ ENDED (1001)
          └── timeout, any other command ─────────────────────────────▶ ENDED (error)

From every state a failure or the client's leaving leads to ENDED, where all input is ignored.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from hark.engine import types as engine
from hark.engine.types import AudioFormat, StreamId, StreamOptions

from . import events
from .effects import Effect, Emit, Hangup, ToEngine, error_event, farewell
from .errors import (
    BadOptionError,
    HelloTimeoutError,
    OutOfOrderError,
    ShuttingDownError,
    StreamError,
    from_engine,
)
from .events import (
    AudioIn,
    CloseIn,
    Command,
    ConfigureIn,
    Event,
    FinalizeIn,
    Hello,
    event_of,
    to_ms,
)
from .stall import StallTime
from .terms import Terms

_MAX_HELD = 8  # errors that wait for `ready`; a client that makes more of them knows already


class State(Enum):
    AWAITING_HELLO = auto()
    LIVE = auto()  # audio may come
    CLOSING = auto()  # the client said close; the engine finishes
    DRAINING = auto()  # the server is stopping; the engine finishes
    ENDED = auto()


NEXT_STATE: Mapping[tuple[State, type[Command]], State] = MappingProxyType(
    {
        (State.AWAITING_HELLO, Hello): State.LIVE,
        (State.LIVE, AudioIn): State.LIVE,
        (State.LIVE, ConfigureIn): State.LIVE,
        (State.LIVE, FinalizeIn): State.LIVE,
        (State.LIVE, CloseIn): State.CLOSING,
        # A client cannot know that the server is stopping: what it still sends is not an error.
        (State.DRAINING, AudioIn): State.DRAINING,
        (State.DRAINING, ConfigureIn): State.DRAINING,
        (State.DRAINING, FinalizeIn): State.DRAINING,
        (State.DRAINING, CloseIn): State.DRAINING,
    }
)
"""Where each command leads; a pair that is not here is `out_of_order`."""


class Session:
    """The machine of one stream. `name` is the id that logs and `ready` show."""

    def __init__(self, stream: StreamId, name: str, *, terms: Terms, now: float) -> None:
        self._stream = stream
        self._name = name
        self._terms = terms
        self._state = State.AWAITING_HELLO
        self._audio = AudioFormat()
        self._options = StreamOptions()
        self._wants_receipts = False
        self._waiting_bytes = 0  # told the engine, and not taken in yet; kept for receipts
        self._hello_by: float | None = now + terms.hello_timeout_s
        self._reading_paused = False
        self._stall = StallTime(terms.stall_s)
        self._before_ready: list[Effect] | None = []  # nothing is said before `ready`
        self._segment = 0  # the open segment, or the next one
        self._heard_ms = 0

    @property
    def state(self) -> State:
        return self._state

    @property
    def wants_receipts(self) -> bool:
        """Whether it is to hear of each `Consumed`; to others it says nothing."""
        return self._wants_receipts

    # --- input: the client ---

    def receive(self, command: Command, now: float) -> list[Effect]:
        """Obey a command, or say why not. Before `hello` a refusal ends the stream."""
        if type(command) is AudioIn and self._state is State.LIVE:  # by far the most frequent
            return self._hear(command.payload, now)
        if self._state is State.ENDED:
            return []
        next_state = NEXT_STATE.get((self._state, type(command)))
        if next_state is None:
            return self.refuse(self._out_of_order(command))
        if next_state is State.DRAINING:
            return []
        try:
            effects = self._obey(command, now)
        except engine.OptionError as error:
            return self.refuse(BadOptionError(str(error)))
        self._state = next_state
        return effects

    def refuse(self, error: StreamError) -> list[Effect]:
        """A message that was not understood or may not come now."""
        if self._state is State.AWAITING_HELLO:
            return self.fail(error)
        if self._state is State.ENDED:
            return []
        told: list[Effect] = [self._emit_error(error)]
        if self._before_ready is None:
            return told
        self._before_ready += told[: _MAX_HELD - len(self._before_ready)]
        return []

    def reading_paused(self) -> None:
        """The server stopped reading the socket: from here on silence is its own doing."""
        self._reading_paused = True

    def reading_resumed(self, now: float) -> None:
        """The server reads again: the stall timer starts anew."""
        self._reading_paused = False
        self._stall.begin_anew(now)

    def disconnected(self) -> list[Effect]:
        """The client is gone; whatever was not said is dropped."""
        return self._end([])

    # --- input: time ---

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, if nothing else happens before."""
        if self._reading_paused:
            return None
        return self._stall.deadline if self._hello_by is None else self._hello_by

    def handle_timeout(self, now: float) -> list[Effect]:
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return []
        if self._state is State.AWAITING_HELLO:
            limit_s = self._terms.hello_timeout_s
            return self.fail(HelloTimeoutError(f"no hello came within {limit_s:g} s"))
        self._stall.rest()
        return [ToEngine(engine.Finalize(self._stream))]

    # --- input: the server ---

    def drain(self) -> list[Effect]:
        """The server is stopping: finish what was heard, then say so."""
        if self._state is State.AWAITING_HELLO:
            return self.fail(_shutting_down())
        if self._state is not State.LIVE:
            return []
        self._state = State.DRAINING
        self._stall.rest()
        return [ToEngine(engine.Close(self._stream))]

    def fail(self, error: StreamError) -> list[Effect]:
        """End the stream now, whatever the engine still has of it."""
        return self._end(farewell(error, self._segment, self._heard_ms))

    # --- input: the engine ---

    def engine_said(self, update: engine.EngineUpdate) -> list[Effect]:
        """What an update of the engine means to the client. Only `Configured` moves a deadline."""
        if self._state is State.ENDED:
            return []
        match update:
            case engine.Consumed():
                return self._consumed(update)
            case engine.Configured():
                self._stall.answered(accepted=True)
                return [Emit(events.Configured())] if self._wants_receipts else []
            case engine.Closed():
                return self._closed(update)
            case engine.Failed():
                self._rest()
                return farewell(from_engine(update.error), self._segment, self._heard_ms)
            case engine.Refused():
                self._stall.answered(accepted=False)
                return self.refuse(from_engine(update.error))
            case engine.Opened():
                held, self._before_ready = self._before_ready or [], None
                return [Emit(self._ready(update)), *held]
            case engine.Finalized():
                at_ms = to_ms(update.at_sample)
                return self._say(
                    events.Finalized(
                        id=update.id, segment=self._segment, start_ms=at_ms, end_ms=at_ms
                    )
                )
            case _:
                event = event_of(update)
                assert event is not None
                self._segment = update.segment + isinstance(update, engine.Final)
                return self._say(event)

    def _consumed(self, update: engine.Consumed) -> list[Effect]:
        if not self._wants_receipts:
            return []
        self._waiting_bytes -= update.num_bytes
        at_ms = to_ms(update.at_sample)
        return [Emit(events.Heard(start_ms=at_ms, end_ms=at_ms, waiting_bytes=self._waiting_bytes))]

    def _say(self, event: Event) -> list[Effect]:
        self._heard_ms = max(self._heard_ms, event.end_ms)
        return [Emit(event)]

    def _ready(self, update: engine.Opened) -> events.Ready:
        return events.Ready(
            session=self._name,
            model=update.model,
            languages=list(self._terms.languages),
            max_segment_s=self._terms.max_segment_s,
            unsure_below=self._terms.unsure_below,
            options=events.options_to_wire(self._audio, self._options),
        )

    # --- obeying commands ---

    def _obey(self, command: Command, now: float) -> list[Effect]:
        match command:
            case AudioIn(payload=payload):
                return self._hear(payload, now)
            case Hello():
                return self._open(command)
            case ConfigureIn(changes=changes):
                settled = self._terms.settle(StreamOptions().with_changes(**changes))
                changes = {name: getattr(settled, name) for name in changes}
                self._stall.ask(settled.endpointing if "endpointing" in changes else None)
                return [ToEngine(engine.Configure(self._stream, changes))]
            case FinalizeIn():
                self._stall.rest()
                return [ToEngine(engine.Finalize(self._stream, command.id))]
            case CloseIn():
                self._stall.rest()
                return [ToEngine(engine.Close(self._stream))]

    def _hear(self, payload: bytes, now: float) -> list[Effect]:
        if not payload:
            return []
        self._stall.heard(now)
        if self._wants_receipts:
            self._waiting_bytes += len(payload)
        return [ToEngine(engine.Feed(self._stream, payload))]

    def _open(self, hello: Hello) -> list[Effect]:
        self._audio, self._wants_receipts = hello.audio, hello.receipts
        self._options = self._terms.settle(hello.options)
        self._stall.open(self._options.endpointing)
        self._hello_by = None
        return [ToEngine(engine.Open(self._stream, self._audio, self._options))]

    def _out_of_order(self, command: Command) -> OutOfOrderError:
        if self._state is State.AWAITING_HELLO:
            return OutOfOrderError("the first message must be hello")
        if isinstance(command, Hello):
            return OutOfOrderError(
                "hello came already; configure changes language, context or endpointing"
            )
        return OutOfOrderError("nothing may follow close")

    # --- endings ---

    def _closed(self, update: engine.Closed) -> list[Effect]:
        assert self._state in (State.CLOSING, State.DRAINING), "closed without being asked to"
        drained = self._state is State.DRAINING
        self._rest()
        end_ms = to_ms(update.end_sample)
        if drained:
            return farewell(_shutting_down(), self._segment, end_ms)
        return [Emit(events.Bye(segment=self._segment, end_ms=end_ms)), Hangup(1000, "bye")]

    def _end(self, last_words: list[Effect]) -> list[Effect]:
        before = self._state
        self._rest()
        match before:
            case State.ENDED:
                return []
            case State.AWAITING_HELLO:
                return last_words
            case _:
                return [ToEngine(engine.Abort(self._stream)), *last_words]

    def _rest(self) -> None:
        self._state = State.ENDED
        self._hello_by = None
        self._stall.rest()

    def _emit_error(self, error: StreamError) -> Emit:
        return Emit(error_event(error, self._segment, self._heard_ms))


def _shutting_down() -> ShuttingDownError:
    return ShuttingDownError("the server is being stopped")
