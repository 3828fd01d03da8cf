"""What OpenAI's and DashScope's realtime interfaces share: a buffer, commits, and items in order.

Audio is appended; a commit or turn detection makes an item of it; each item is announced once and
completes once, strictly in order, whatever the order in which commits and the engine's segments
come.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from hark.engine.types import Encoding

from ...effects import Hangup, error_event
from ...errors import BadMessageError, BadOptionError, StreamError
from ...events import (
    AudioIn,
    CloseIn,
    ConfigureIn,
    Error,
    Event,
    Final,
    Finalized,
    FinalizeIn,
    Hello,
    Partial,
    SpeechEnded,
    SpeechStarted,
)
from ..base import Action, Drop, Frame, House, LineId, Tell
from ..wire import to_json
from .buffer import InputBuffer
from .items import Item, Items
from .message import Message, read_message
from .settings import Settings
from .tell import Teller

_LINE = ""
_LEAST_COMMIT_MS = 100


S = TypeVar("S", bound=Settings)


class RealtimeMachine(ABC, Generic[S]):
    """One connection. Its clock runs from the first audio, across `clear`."""

    subprotocol: str | None = None
    item_events: Sequence[str] = ("added", "done")
    """Names of the events that announce an item."""

    def __init__(self, house: House, config: S) -> None:
        self.accept_headers: Mapping[str, str] = {}
        self._house = house
        self._tell = Teller(house.new_id)
        self._id = f"sess_{house.new_id()}"
        self._config = self._in_force = config  # the second is the open line's
        self._is_live = False
        self._buffer = InputBuffer()
        self._items = Items()
        self._last_error: Error | None = None

    # --- what differs ---

    @abstractmethod
    def opened(self, now: float) -> list[Action]:
        """The client was let in."""

    @abstractmethod
    def _handlers(self) -> Mapping[str, Callable[[Message], list[Action]]]:
        """Each event of a client, and what it does; handlers may raise StreamError."""

    @abstractmethod
    def _partial(self, item: Item, event: Partial) -> Iterator[Action]:
        """The open segment of an item has new words."""

    @abstractmethod
    def _last_words(self, item: Item, event: Final) -> Iterator[Action]:
        """The open segment of an item is final."""

    @abstractmethod
    def _completed(self, item: Item) -> Action:
        """All of an item is final."""

    def _farewell(self, hangup: Hangup) -> Iterator[Action]:
        """The stream is over, and everything has been said."""
        yield Hangup(hangup.code, hangup.reason if hangup.code != 1000 else "")

    # --- the client ---

    def read(self, frame: Frame) -> Message:
        return read_message(frame)

    def received(self, message: Message, now: float) -> list[Action]:
        handler = self._handlers().get(message.type)
        if handler is None:
            known = ", ".join(self._handlers())
            error = BadMessageError(f"type is {message.type[:60]!a}, allowed are {known}")
            return [self._tell.mistake(error, message.event_id)]
        try:
            return handler(message)
        except StreamError as error:
            return [self._tell.mistake(error, message.event_id)]

    def misread(self, error: StreamError, now: float) -> list[Action]:
        return [self._tell.mistake(error, getattr(error, "event_id", None))]

    def left(self, now: float) -> list[Action]:
        return [Tell(_LINE, CloseIn())] if self._is_live else []

    def _change(self, config: S) -> list[Action]:
        """Put a changed configuration in force; it holds from the next segment on.

        What was appended before turn detection came on is ended here: nothing else would end it.

        Raises:
            BadOptionError: it has what there is not; nothing has changed then.
        """
        languages = self._house.languages
        audio, after = config.audio, config.options(languages)
        if not self._is_live:
            self._config = config
            return []
        if audio != self._in_force.audio:
            raise BadOptionError(
                "the audio format cannot change once audio was appended; clear the buffer first, "
                "when all that was committed is transcribed"
            )
        actions: list[Action] = []
        if after != self._in_force.options(languages):  # the one before it may yet be refused
            changes = {
                name: getattr(after, name) for name in ("language", "context", "endpointing")
            }
            actions.append(Tell(_LINE, ConfigureIn(changes)))
        was_off = self._in_force.turn_detection is None
        if was_off and config.turn_detection is not None and self._buffer.waiting_ms > 0:
            actions = [*self._flush(ends_by_commit=True), *actions]
        self._config = self._in_force = config
        return actions

    def _append(self, message: Message) -> list[Action]:
        if not message.audio:
            return []
        actions: list[Action] = []
        if not self._is_live:
            actions.append(self._begin())
        self._buffer.append(message.audio, self._in_force.audio)
        return [*actions, Tell(_LINE, AudioIn(message.audio))]

    def _begin(self) -> Action:
        self._is_live = True
        self._in_force = self._config
        self._buffer.begin_line()
        options = self._config.options(self._house.languages)
        return Tell(_LINE, Hello(self._config.audio, options))

    def _commit(self, message: Message) -> list[Action]:
        buffered_ms = self._buffer.waiting_ms
        if self._items.growing is None and buffered_ms < _LEAST_COMMIT_MS:
            return [self._tell.empty_commit(_LEAST_COMMIT_MS, buffered_ms, message.event_id)]
        return self._flush(ends_by_commit=self._config.turn_detection is None)

    def _flush(self, *, ends_by_commit: bool) -> list[Action]:
        """End the open item here, or make one of what was appended."""
        self._buffer.use_all()
        flush_id = f"item_{self._house.new_id()}"
        self._items.flush(flush_id, is_clear=False)
        current = self._items.growing
        actions: list[Action] = []
        if current is None and ends_by_commit:
            current = self._items.begin(flush_id, ends_by_commit=True)
        if current is not None:
            current.flush_id = flush_id
            actions += self._announce(current)
        else:
            self._items.commit_nothing(flush_id)
        return [*actions, Tell(_LINE, FinalizeIn(flush_id))]

    def _clear(self, message: Message) -> list[Action]:
        """Forget what was appended and is not committed."""
        cleared = self._tell.say("input_audio_buffer.cleared")
        self._buffer.use_all()
        is_container = self._in_force.audio.encoding is Encoding.CONTAINER
        if self._is_live and self._items.are_awaited and not is_container:
            flush_id = f"clear_{self._house.new_id()}"
            self._items.flush(flush_id, is_clear=True)
            return [cleared, Tell(_LINE, FinalizeIn(flush_id))]
        # A container cannot be joined in its middle: what is committed falls with its stream.
        lost = [
            self._tell.failed(item.id, error_event(BadMessageError("the buffer was cleared")))
            for item in self._items
            if item.is_committed
        ]
        dropped: list[Action] = [Drop(_LINE)] if self._is_live else []
        self._items.clear()
        self._is_live = False
        return [*dropped, *lost, cleared]

    # --- the stream ---

    def said(self, line: LineId, event: Event, now: float) -> list[Action]:
        match event:
            case SpeechStarted():
                return list(self._started(event))
            case Partial():
                return [] if self._is_dropped else list(self._partial(self._items.first, event))
            case SpeechEnded():
                return list(self._stopped(event))
            case Final():
                return list(self._final(event))
            case Finalized():
                return list(self._finalized(event))
            case Error():
                self._last_error = event
                return [] if event.retry else [self._tell.stream_error(event)]
            case _:
                return []

    def ended(self, line: LineId, farewell: Hangup, now: float) -> list[Action]:
        """What can be tried again is told by the close alone: clients reconnect after that."""
        self._is_live = False
        code = 1008 if farewell.code == 1007 else farewell.code
        rest = self._finish_items() if code == 1000 else self._fail_items(code)
        return [*rest, *self._farewell(Hangup(code, farewell.reason))]

    def next_deadline(self) -> float | None:
        return None

    def timed_out(self, now: float) -> list[Action]:
        return []

    def encode(self, message: Mapping[str, Any]) -> Frame:
        return to_json(message)

    @property
    def _is_dropped(self) -> bool:
        """Whether the open segment was cleared away.

        One that turn detection had ended before the clear was not. There is no more than one such,
        as nothing is said of the next before its final.
        """
        is_kept = bool(self._items) and not self._items.first.ends_by_commit
        return self._items.are_dropped and not is_kept

    def _started(self, event: SpeechStarted) -> Iterator[Action]:
        if self._items.are_dropped:
            return
        by_commit = self._in_force.turn_detection is None
        if self._items and self._items.last.ends_by_commit:
            self._items.last.is_open = True
            return  # one more segment of what the client has not ended, or just has
        item = self._items.begin(f"item_{self._house.new_id()}", ends_by_commit=by_commit)
        item.is_open = True
        if not by_commit:
            yield self._tell.say(
                "input_audio_buffer.speech_started",
                audio_start_ms=self._buffer.at(event.start_ms),
                item_id=item.id,
            )

    def _stopped(self, event: SpeechEnded) -> Iterator[Action]:
        if self._is_dropped:
            return
        item = self._items.first
        if item.ends_by_commit or item.is_committed:
            return
        yield self._tell.say(
            "input_audio_buffer.speech_stopped",
            audio_end_ms=self._buffer.at(event.end_ms),
            item_id=item.id,
        )
        yield from self._announce(item)

    def _final(self, event: Final) -> Iterator[Action]:
        if self._is_dropped:
            return
        item = self._items.first
        yield from self._last_words(item, event)
        if item.ends_by_commit:
            return
        self._buffer.use_until(event.end_ms)
        yield from self._announce(item)
        yield self._completed(self._items.complete())

    def _finalized(self, event: Finalized) -> Iterator[Action]:
        self._items.answered(event.id)
        if self._items and self._items.first.flush_id == event.id:
            yield self._completed(self._items.complete())
        elif self._items.was_empty(event.id):
            item = self._items.begin(event.id, ends_by_commit=True)  # nothing was said
            yield from self._announce(item)
            yield self._completed(self._items.complete())

    def _finish_items(self) -> Iterator[Action]:
        """Nobody will commit what is left: the client has gone, or is about to."""
        for item in self._items:
            yield from self._announce(item)
            yield self._completed(item)
        self._items.clear()

    def _fail_items(self, code: int) -> Iterator[Action]:
        """A server that stops has waited: what is heard to its end is complete."""
        for item in self._items:
            if code == 1001 and not item.is_open:
                yield from self._announce(item)
                yield self._completed(item)
            elif self._last_error is not None:
                yield self._tell.failed(item.id, self._last_error)
        self._items.clear()

    def _announce(self, item: Item) -> Iterator[Action]:
        """The item is committed: it is part of the conversation now."""
        if not item.is_committed:
            before = self._items.commit(item)
            yield from self._tell.committed(item.id, before, self.item_events)
