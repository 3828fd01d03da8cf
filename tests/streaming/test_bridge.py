"""The bridge: who hears which update, on which thread, and when a socket should rest."""

import asyncio
import threading

from hark.engine.types import (
    AudioFormat,
    Closed,
    Configure,
    Configured,
    Consumed,
    EngineUpdate,
    Failed,
    Feed,
    Finalize,
    Finalized,
    Open,
    OptionError,
    Refused,
    SpeechStarted,
    StreamId,
    StreamOptions,
)
from hark.streaming.bridge import (
    HIGH_WATER_S,
    LOW_WATER_S,
    MAX_UNANSWERED,
    Bridge,
    BridgeStatus,
    OnCrash,
    Publish,
    StreamLink,
)
from tests.fakes import FakeEngine
from tests.streaming.support import until

FORMAT = AudioFormat()


async def started() -> Bridge:
    bridge = Bridge()
    bridge.start(FakeEngine)
    await bridge.settled()
    assert bridge.status is BridgeStatus.READY
    return bridge


async def test_an_engine_that_comes_after_the_close_has_not_ended() -> None:
    bridge, may_load = Bridge(), threading.Event()

    def load_slowly(publish: Publish, on_crash: OnCrash) -> FakeEngine:
        may_load.wait()
        return FakeEngine(publish, on_crash)

    bridge.start(load_slowly)
    await bridge.close()
    assert not bridge.has_ended, "it is being loaded"
    may_load.set()
    await bridge.settled()
    assert bridge.status is BridgeStatus.READY
    assert not bridge.has_ended, "nobody has closed it"
    await bridge.close()
    assert bridge.has_ended


async def test_updates_arrive_in_order_on_the_loop_and_only_at_their_stream() -> None:
    bridge = await started()
    heard: dict[str, list[EngineUpdate]] = {"one": [], "other": []}
    threads: set[int] = set()

    def listen(name: str) -> StreamLink:
        def hear(update: EngineUpdate) -> None:
            threads.add(threading.get_ident())
            heard[name].append(update)

        return bridge.open(hear)

    one, other = listen("one"), listen("other")
    numbers = range(1000)

    def publish(stream: StreamId) -> None:
        for number in numbers:
            bridge.publish(stream, SpeechStarted(number, stream))

    publishers = [threading.Thread(target=publish, args=(link.stream,)) for link in (one, other)]
    for publisher in publishers:
        publisher.start()
    await until(lambda: len(heard["one"]) == len(heard["other"]) == len(numbers))
    assert heard["one"] == [SpeechStarted(number, one.stream) for number in numbers]
    assert heard["other"] == [SpeechStarted(number, other.stream) for number in numbers]
    assert threads == {threading.get_ident()}
    await bridge.close()


async def test_what_is_said_about_a_released_stream_reaches_nobody() -> None:
    bridge = await started()
    old_heard: list[EngineUpdate] = []
    new_heard: list[EngineUpdate] = []
    old = bridge.open(old_heard.append)
    bridge.release(old)
    new = bridge.open(new_heard.append)
    assert new.stream != old.stream
    bridge.publish(old.stream, Closed(1))
    bridge.publish(new.stream, Closed(2))
    await until(lambda: bool(new_heard))
    assert (old_heard, new_heard) == ([], [Closed(2)])
    await bridge.close()


async def test_a_socket_rests_above_the_high_water_mark_until_below_the_low_one() -> None:
    link = await waiting_link()
    second = bytes(FORMAT.bytes_per_second)
    for _ in range(HIGH_WATER_S):
        link.submit(Feed(link.stream, second))
    assert link.has_room
    link.submit(Feed(link.stream, b"\0"))
    assert not link.has_room
    waiter = asyncio.create_task(link.room())
    for _ in range(HIGH_WATER_S - LOW_WATER_S):
        link.deliver(Consumed(len(second), 0))
        assert not link.has_room
    link.deliver(Consumed(1, 0))
    assert link.has_room
    await waiter
    assert link.waiting_bytes == LOW_WATER_S * len(second)


async def test_a_socket_rests_while_too_many_flushes_wait() -> None:
    link = await waiting_link()
    for number in range(MAX_UNANSWERED):
        link.submit(Finalize(link.stream, str(number)))
    link.submit(Finalize(link.stream))  # the stall timer's own: nobody answers it
    assert link.has_room
    link.submit(Finalize(link.stream, "one more"))
    assert not link.has_room
    for _ in range(MAX_UNANSWERED // 2):
        assert not link.has_room
        link.deliver(Finalized("", 0))
    link.deliver(Finalized("", 0))
    assert link.has_room


async def waiting_link() -> StreamLink:
    """The link of an open stream whose engine never hears anything."""
    engine = FakeEngine(lambda stream, update: None, lambda error: None)
    engine.close()
    link = StreamLink(1, engine, lambda update: None)
    link.submit(Open(1, FORMAT, StreamOptions()))
    return link


async def test_a_socket_rests_while_too_many_changes_wait() -> None:
    link = await waiting_link()
    for _ in range(MAX_UNANSWERED + 1):
        assert link.has_room
        link.submit(Configure(link.stream, {"context": "x"}))
    assert not link.has_room
    for _ in range(MAX_UNANSWERED // 2):
        link.deliver(Configured())
    link.deliver(Refused(OptionError("too long")))
    assert link.has_room


async def test_a_crash_fails_every_stream() -> None:
    bridge = await started()
    heard: list[EngineUpdate] = []
    bridge.open(heard.append)
    bridge.open(heard.append)
    error = RuntimeError("broken")
    bridge.crashed(error)
    await until(lambda: len(heard) == 2)
    assert all(isinstance(update, Failed) for update in heard)
    assert (bridge.status, bridge.failure) == (BridgeStatus.FAILED, error)
    await bridge.close()


async def test_an_engine_that_outlives_its_loop_is_closed() -> None:
    closed = threading.Event()
    may_finish = threading.Event()

    class Late(FakeEngine):
        def close(self) -> None:
            super().close()
            closed.set()

    def start(publish: Publish, on_crash: OnCrash) -> FakeEngine:
        may_finish.wait()
        return Late(publish, on_crash)

    async def start_and_leave() -> None:
        Bridge().start(start)

    await asyncio.to_thread(asyncio.run, start_and_leave())
    may_finish.set()
    await until(closed.is_set)
