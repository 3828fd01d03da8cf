"""One stream of a load: says its script on an absolute schedule and keeps what it hears.

A frame is due when its last sample has been spoken, counted from the stream's own begin: a late
frame makes no later one late. What the server holds up is sent as soon as it takes it again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from hark.engine.types import SAMPLE_RATE

from .audio import StreamAudio
from .link import Link, Message
from .script import Script

HUNG_UP = "hung up"
_OPEN = "open"
_CONNECT_S = 10.0
_MAX_RETURNS = 60
_GREETING_S = 1.0  # how long before its begin a stream connects


@dataclass(frozen=True, slots=True)
class Order:
    """One stream to be spoken, for so many `seconds`.

    `begin` is when its first sample is spoken, on `time.monotonic`. Not `paced`, everything is sent
    as fast as the server takes it. Without `finalizes` the server alone decides where segments end.
    At `hang_up_at` the connection is dropped without a word. One that `returns` comes back when
    the server is full, after the time it was told to wait.
    """

    stream: int
    begin: float
    seconds: float
    paced: bool = True
    finalizes: bool = True
    hang_up_at: float | None = None
    returns: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """An order and the words for it."""

    order: Order
    script: Script

    def time_of(self, sample: int) -> float:
        """When a sample of the script has been spoken."""
        return self.order.begin + sample / SAMPLE_RATE


@dataclass(slots=True)
class Account:
    """What became of a call. `outcome` is `bye`, a wire code, or what the client saw itself."""

    heard: list[tuple[float, Message]] = field(default_factory=list)
    outcome: str = _OPEN
    retry_after_s: float | None = None
    ready_at: float | None = None


class Speaker:
    """A call being made. The pacer asks `due` and calls `send_next`."""

    def __init__(
        self,
        call: Call,
        audio: StreamAudio,
        *,
        url: str,
        key: str | None,
        hello: Message,
        frame_samples: int,
        clock: Callable[[], float],
        on_change: Callable[["Speaker"], None],
    ) -> None:
        self.call = call
        self.lags_s: list[float] = []  # of frames the server did not hold up
        self._audio, self._hello, self._clock = audio, hello, clock
        self._url, self._key = url, key
        self._frame_samples = frame_samples
        self._on_change = on_change
        self._begin()

    def _begin(self) -> None:
        """As if nothing had been said yet."""
        self.account = Account()
        self._ended = asyncio.Event()
        self._pieces = self.call.script.pieces(self._frame_samples)
        self._next = next(self._pieces, None)
        self._num_flushes = 0
        self._free_since = 0.0
        self._greeted = False
        self._link = Link(
            self._url,
            key=self._key,
            on_message=self._take,
            on_change=self._changed,
            on_end=self._connection_ended,
        )

    async def run(self, patience_s: float) -> None:
        """Connect, and come back when the connection is over or `patience_s` after its end.

        A stream that is not paced may take as long as it would at the pace of speech.
        """
        await self._speak(patience_s)
        for _ in range(_MAX_RETURNS if self.call.order.returns else 0):
            wait_s = self.account.retry_after_s
            if self.account.ready_at is not None or wait_s is None:
                return
            await asyncio.sleep(wait_s)
            self._begin()
            await self._speak(patience_s)

    async def _speak(self, patience_s: float) -> None:
        order, clock = self.call.order, self._clock
        await asyncio.sleep(order.begin - _GREETING_S - clock())
        try:
            async with asyncio.timeout(_CONNECT_S):
                await self._link.connect()
        except OSError:  # also when it takes too long
            self.account.outcome = "unreachable"
            return
        end = max(clock(), order.begin) + order.seconds + patience_s
        until = end if order.hang_up_at is None else min(end, order.hang_up_at)
        try:
            async with asyncio.timeout(until - clock()):
                await self._ended.wait()
        except TimeoutError:
            self.account.outcome = HUNG_UP if until == order.hang_up_at else "unanswered"
            self._link.abort()

    def due(self) -> float | None:
        """When the next piece is to be sent; None while nothing can be."""
        if self._next is None or not self._greeted or not self._link.ready_to_send:
            return None
        return self.call.time_of(self._next[1]) if self.call.order.paced else self.call.order.begin

    def send_next(self) -> None:
        """Send the piece that is due, and what follows it."""
        assert self._next is not None
        start, end, is_end = self._next
        if self.call.order.paced:
            self.lags_s.append(self._clock() - max(self.call.time_of(end), self._free_since))
        self._link.send_audio(self._audio.read(start, end))
        if is_end and self.call.order.finalizes:
            self._link.send({"type": "finalize", "id": str(self._num_flushes)})
            self._num_flushes += 1
        self._next = next(self._pieces, None)
        if self._next is None:
            self._link.send({"type": "close"})

    # --- the link calls these --------------------------------------------------------------------

    def _changed(self) -> None:
        if not self._greeted and self._link.is_open:
            self._link.send(self._hello)
            self._greeted = True
        self._free_since = self._clock()
        self._on_change(self)

    def _take(self, message: Message) -> None:
        now, account = self._clock(), self.account
        account.heard.append((now, message))
        match message.get("type"):
            case "ready":
                account.ready_at = now
            case "bye" if account.outcome == _OPEN:
                account.outcome = "bye"
            case "error":
                account.outcome = str(message.get("code"))
                account.retry_after_s = message.get("retry_after_s")

    def _connection_ended(self, close_code: int | None) -> None:
        if self.account.outcome == _OPEN:
            self.account.outcome = "lost" if close_code is None else f"closed {close_code}"
        self._ended.set()
