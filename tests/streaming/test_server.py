"""The server on a real socket, with an engine that computes nothing.

Every row of "Errors and close codes" in docs/protocol.md is here; after each, the server still
serves somebody else.
"""

import asyncio
import contextlib
import math
import struct
import threading
from collections.abc import AsyncIterator
from typing import Any

import msgpack
import pytest
from websockets.exceptions import InvalidStatus

from hark.engine.types import Abort, CheckpointError, Close, Configure, EngineLoad, Finalize
from hark.streaming.bridge import EnginePort, OnCrash, Publish
from tests.fakes import FakeEngine, words
from tests.streaming.support import (
    HELLO,
    SECOND,
    Client,
    Running,
    fake_engine,
    pack,
    serving,
    serving_ready,
    settled_value,
    until,
)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with serving_ready() as running:
        yield running


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]


# --- the way it should go ------------------------------------------------------------------------


async def test_a_stream_from_hello_to_bye(running: Running) -> None:
    async with running.client() as client:
        await client.say({**HELLO, "language": "en"})
        ready = await client.hear()
        for _ in range(4):
            await client.socket.send(SECOND[:8000])
        await client.say({"type": "finalize", "id": "f1"})
        messages = [await client.hear()]
        while messages[-1]["type"] != "finalized":
            messages.append(await client.hear())
        await client.say({"type": "close"})
        rest, code = await client.rest()
    assert (ready["type"], ready["model"]) == ("ready", "fake")
    assert ready["options"]["language"] == "English"
    assert [kind for kind in kinds(messages) if kind != "partial"] == [
        *("speech_started", "speech_ended", "final", "finalized"),
    ]
    assert messages[-2]["text"] == words(10)
    assert (messages[-1]["id"], messages[-1]["segment"]) == ("f1", 1)
    assert kinds(rest) == ["bye"]
    assert code == 1000
    numbers = [message["seq"] for message in [ready, *messages, *rest]]
    assert numbers == list(range(len(numbers)))


async def test_the_same_in_msgpack(running: Running) -> None:
    async with running.client(subprotocols=["hark.v9", "hark.v1.msgpack"]) as client:
        socket = client.socket
        assert socket.subprotocol == "hark.v1.msgpack"
        for message in (HELLO, {"type": "audio", "data": SECOND}, {"type": "close"}):
            await socket.send(pack(message))
        heard = [msgpack.unpackb(frame) async for frame in socket if isinstance(frame, bytes)]
        assert socket.close_code == 1000
    assert kinds(heard)[0] == "ready"
    assert heard[-2]["text"] == words(10)
    assert kinds(heard)[-1] == "bye"


async def test_frames_of_every_size_make_one_stream(running: Running) -> None:
    async with running.client() as client:
        await client.say(HELLO)
        sizes = (0, 1, 2, 3, 0, 31_994)
        for size in sizes:
            await client.socket.send(bytes(size))
        await client.say({"type": "close"})
        messages, code = await client.rest()
    assert (messages[-2]["text"], code) == (words(10), 1000)


async def test_configure_reaches_the_engine(running: Running) -> None:
    async with running.client() as client:
        await client.say(HELLO)
        await client.say({"type": "configure", "language": "es", "context": "Goya"})
        await client.say({"type": "close"})
        await client.rest()
    changes = [r.changes for r in running.engine.requests if isinstance(r, Configure)]
    assert changes == [{"language": "Spanish", "context": "Goya"}]


async def test_a_silent_wire_ends_the_segment_once() -> None:
    async with serving_ready(stall_s=0.05) as running, running.client() as client:
        await client.say(HELLO)
        await client.socket.send(SECOND)
        final = await client.hear_until("final")
        assert final["text"] == words(10)
        await client.say({"type": "close"})
        messages, _ = await client.rest()
        assert kinds(messages) == ["bye"]
        stalls = [r for r in running.engine.requests if isinstance(r, Finalize)]
        assert [stall.id for stall in stalls] == [None]


async def test_streams_do_not_mix(running: Running) -> None:
    async def caption(seconds: int) -> str:
        async with running.client() as client:
            await client.say(HELLO)
            for _ in range(seconds):
                await client.socket.send(SECOND)
            await client.say({"type": "close"})
            messages, _ = await client.rest()
        return messages[-2]["text"]

    lengths = (1, 2, 3, 4)
    texts = await asyncio.gather(*(caption(seconds) for seconds in lengths))
    assert texts == [words(10 * seconds) for seconds in lengths]


# --- what clients do wrong -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "code", "close_code"),
    [
        ("{", "bad_message", 1007),
        ("[]", "bad_message", 1007),
        ("", "bad_message", 1007),
        ("{}", "bad_message", 1007),
        ('{"type": "hullo"}', "bad_message", 1007),
        ('{"type": "hello", "rate": 1}', "bad_message", 1007),
        ('{"type": "hello", "encoding": "mp3"}', "bad_option", 1007),
        ('{"type": "hello", "sample_rate": 7999}', "bad_option", 1007),
        ('{"type": "hello", "language": "Klingon"}', "bad_option", 1007),
        (b"", "out_of_order", 1002),
        (b"\0\0", "out_of_order", 1002),
        ('{"type": "close"}', "out_of_order", 1002),
    ],
)
async def test_a_wrong_start_ends_the_stream(
    running: Running, frame: str | bytes, code: str, close_code: int
) -> None:
    async with running.client() as client:
        await client.socket.send(frame)
        messages, got_close_code = await client.rest()
    assert [message["code"] for message in messages] == [code]
    assert got_close_code == close_code
    assert await running.serves()


async def test_a_mistake_after_hello_ends_nothing(running: Running) -> None:
    mistakes = [
        ("}", "bad_message"),
        ('{"type": "finalize"}', "bad_message"),
        ('{"type": "configure", "language": "Klingon"}', "bad_option"),
        ('{"type": "hello"}', "out_of_order"),
    ]
    async with running.client() as client:
        await client.say(HELLO)
        await client.hear()
        for frame, code in mistakes:
            await client.socket.send(frame)
            assert (await client.hear())["code"] == code
        await client.say({"type": "close"})
        assert await client.rest() == ([{**NOTHING_HEARD, "seq": 1 + len(mistakes)}], 1000)


NOTHING_HEARD = {"type": "bye", "segment": 0, "start_ms": 0, "end_ms": 0}


async def test_text_that_is_not_utf8(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    async with running.client() as client:
        await client.socket.send(b"\xff\xfe", text=True)
        assert await client.rest() == ([], 1007)
    assert await running.serves()
    assert "Traceback" not in caplog.text


async def test_no_hello() -> None:
    async with serving_ready(hello_timeout_s=0.05) as running:
        async with running.client() as client:
            messages, code = await client.rest()
        assert [message["code"] for message in messages] == ["hello_timeout"]
        assert code == 1008
        assert await running.serves()


@pytest.mark.parametrize("sample", [math.nan, math.inf, -math.inf])
async def test_audio_that_is_not_numbers(
    running: Running, sample: float, caplog: pytest.LogCaptureFixture
) -> None:
    async with running.client() as client:
        await client.say({**HELLO, "encoding": "pcm_f32le"})
        await client.socket.send(struct.pack("<3f", 0.0, sample, 0.0))
        messages, code = await client.rest()
    assert kinds(messages) == ["ready", "error"]
    assert messages[-1]["code"] == "bad_audio"
    assert code == 1007
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []
    assert await running.serves()


async def test_a_frame_of_100_megabytes_is_refused_and_the_reason_arrives(
    running: Running,
) -> None:
    assert await running.oversend("/v1/stream", 100 << 20) == (1009, b"too_large")
    assert await running.serves()


async def test_a_client_that_offers_only_unknown_subprotocols(running: Running) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with running.client(subprotocols=["hark.v9"]):
            pass
    assert caught.value.response.status_code == 400
    assert b"hark.v1.json, hark.v1.msgpack" in caught.value.response.body
    assert await running.serves()


# --- clients that vanish, hurry or do not listen -------------------------------------------------


async def test_a_client_that_vanishes(running: Running) -> None:
    async with running.client() as client:
        await client.say(HELLO)
        await client.hear()
        await client.socket.send(SECOND)
        client.socket.transport.abort()
    await until(lambda: running.engine.has_handled(Abort))
    await until(lambda: running.service.load().streams == 0)
    assert running.engine.open_streams == 0
    assert await running.serves()


async def test_a_client_that_hurries_is_slowed_down_not_refused() -> None:
    """600 s of audio at once: the server takes 10 s of it and stops reading the socket."""
    num_frames, frame = 600, SECOND
    sent = 0

    async def hurry(client: Client) -> None:
        nonlocal sent
        for _ in range(num_frames):
            await client.socket.send(frame)
            sent += len(frame)
        await client.say({"type": "close"})

    async with serving_ready(stall_s=0.3) as running, running.client() as client:
        engine = running.engine
        engine.hold()
        await client.say(HELLO)
        hurrying = asyncio.create_task(hurry(client))
        assert await settled_value(lambda: sent) < num_frames * len(frame)
        assert running.service.bridge.num_waiting_bytes == 11 * len(frame)
        assert not any(isinstance(request, Finalize) for request in engine.submitted)
        assert (await running.get("/healthz")).status_code == 200
        engine.go_on()
        messages, code = await client.rest()
        await hurrying
    assert engine.fed_bytes == num_frames * len(frame)
    assert (messages[-1]["type"], messages[-1]["end_ms"]) == ("bye", num_frames * 1000)
    assert code == 1000


async def test_a_throttled_client_is_not_dropped_for_its_late_pong() -> None:
    async with serving_ready(ping_interval_s=0.1) as running, running.client() as client:
        running.engine.hold()
        await client.say(HELLO)
        for _ in range(30):
            await client.socket.send(SECOND)
        await asyncio.sleep(0.5)  # several pings go unanswered: their pongs wait behind the audio
        running.engine.go_on()
        await client.say({"type": "close"})
        messages, code = await client.rest()
        assert (messages[-2]["text"], code) == (words(300), 1000)


async def test_a_peer_that_answers_no_ping_is_dropped() -> None:
    async with serving_ready(ping_interval_s=0.05) as running:
        _, writer = await asyncio.open_connection(*running.address.split(":"))
        writer.write(
            b"GET /v1/stream HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        await until(lambda: running.service.load().streams == 1)
        await until(lambda: running.service.load().streams == 0)
        writer.close()
        assert "gone" in (await running.get("/metrics")).text


async def test_a_client_that_does_not_read_is_given_up() -> None:
    heavy = fake_engine(final_suffix="x" * 100_000)
    async with serving_ready(heavy, max_waiting_events=20) as running:
        async with running.client(max_queue=1) as client:
            await client.say(HELLO)
            for number in range(400):
                await client.socket.send(SECOND[: 32 * 100])
                await client.say({"type": "finalize", "id": str(number)})
            await until(lambda: running.engine.has_handled(Abort))
            messages, code = await client.rest()
        assert messages[-1]["code"] == "slow_reader"
        assert messages[-1]["retry"] is True
        assert code == 1008
        running.engine.final_suffix = ""
        assert await running.serves()


async def test_a_client_that_never_reads_again_is_dropped() -> None:
    heavy = fake_engine(final_suffix="x" * 100_000)
    async with serving_ready(heavy, max_waiting_events=20, send_timeout_s=0.2) as running:
        async with running.client(max_queue=1) as client:
            await client.say(HELLO)
            for number in range(400):
                await client.socket.send(SECOND[: 32 * 100])
                await client.say({"type": "finalize", "id": str(number)})
            await until(lambda: running.service.load().streams == 0)
            running.engine.final_suffix = ""
            assert await running.serves()
            client.socket.transport.abort()
        assert 'outcome="slow_reader"' in (await running.get("/metrics")).text


# --- full, loading, broken, stopping -------------------------------------------------------------


async def test_one_stream_too_many(running: Running) -> None:
    async with contextlib.AsyncExitStack() as stack:
        others = [await stack.enter_async_context(running.client()) for _ in range(4)]
        for client in others:
            await client.say(HELLO)
            await client.hear()
        ready = await running.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"status": "full", "headroom": 0})
        async with running.client() as client:
            messages, code = await client.rest()
        assert [(m["code"], m["retry"], m["retry_after_s"]) for m in messages] == [
            ("capacity", True, 5.0)
        ]
        assert (messages[0]["seq"], code) == (0, 1013)
    await until(lambda: running.service.load().streams == 0)
    assert await running.serves()


async def test_no_time_for_one_more_stream(running: Running) -> None:
    running.engine.load = EngineLoad(capacity=1)
    async with running.client() as client:
        await client.say(HELLO)
        await client.hear()
        assert (await running.get("/readyz")).json() == {"status": "full", "headroom": 0}
        async with running.client() as other:
            messages, code = await other.rest()
        assert [(m["code"], m["retry_after_s"]) for m in messages] == [("capacity", 5.0)]
        assert code == 1013
    await until(lambda: running.service.load().streams == 0)
    assert await running.serves()


async def test_an_engine_that_hangs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hark.streaming.service._WATCH_S", 0.02)
    async with serving_ready() as running:
        running.engine.load = EngineLoad(silent_s=75.0)
        await until(lambda: "has not moved for 75 s" in caplog.text)
        ready = await running.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"status": "stuck", "headroom": 0})
        async with running.client() as client:
            messages, code = await client.rest()
        assert [(m["code"], m["retry_after_s"]) for m in messages] == [("capacity", 5.0)]
        assert ("75 s" in messages[0]["message"], code) == (True, 1013)
        running.engine.load = EngineLoad()
        await until(lambda: "moves again" in caplog.text)
        assert await running.serves()


async def test_while_the_model_is_loading() -> None:
    may_load = threading.Event()

    def start(publish: Publish, on_crash: OnCrash) -> EnginePort:
        may_load.wait()
        return FakeEngine(publish, on_crash)

    async with serving(start) as running:
        ready = await running.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"status": "loading", "headroom": 0})
        assert (await running.get("/healthz")).json() == {"status": "ok"}
        async with running.client() as client:
            messages, code = await client.rest()
        assert [(m["code"], m["retry"]) for m in messages] == [("capacity", True)]
        assert code == 1013
        may_load.set()
        await running.service.bridge.settled()
        assert await running.serves()


async def test_a_model_that_cannot_be_loaded() -> None:
    def start(publish: Publish, on_crash: OnCrash) -> EnginePort:
        raise CheckpointError("no config.json in /nowhere")

    async with serving(start) as running:
        await running.service.bridge.settled()
        assert (await running.get("/readyz")).json() == {"status": "failed", "headroom": 0}
        assert isinstance(running.service.bridge.failure, CheckpointError)


async def test_the_engine_dies(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    async with running.client() as one, running.client() as other:
        for client in (one, other):
            await client.say(HELLO)
            await client.hear()
        running.engine.crash(RuntimeError("a secret of ours"))
        await until(lambda: "a secret of ours" in caplog.text)  # in the log, where it belongs
        for client in (one, other):
            messages, code = await client.rest()
            assert [message["code"] for message in messages] == ["internal"]
            assert "secret" not in messages[0]["message"]
            assert code == 1011
    ready = await running.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "failed", "headroom": 0})
    async with running.client() as client:
        messages, code = await client.rest()
    assert ([message["code"] for message in messages], code) == (["internal"], 1011)


async def test_stopping_lets_streams_finish() -> None:
    async with serving_ready() as running:
        async with running.client() as talking, running.client() as silent:
            await talking.say(HELLO)
            await talking.socket.send(SECOND)
            await talking.hear_until("partial")
            running.engine.hold()
            running.server.should_exit = True
            await until(lambda: running.service.load().draining)
            assert (await running.get("/readyz")).json() == {"status": "draining", "headroom": 0}
            async with running.client() as late:
                messages, code = await late.rest()
                assert ([m["code"] for m in messages], code) == (["shutting_down"], 1001)
            running.engine.go_on()
            messages, code = await talking.rest()
            assert kinds(messages) == ["speech_ended", "final", "error"]
            assert messages[1]["text"] == words(10)
            assert (messages[2]["code"], messages[2]["retry"]) == ("shutting_down", True)
            assert code == 1001
            messages, code = await silent.rest()
            assert ([m["code"] for m in messages], code) == (["shutting_down"], 1001)
        assert any(isinstance(request, Close) for request in running.engine.requests)


async def test_stopping_does_not_wait_for_ever() -> None:
    async with serving_ready(drain_s=0.1) as running, running.client() as client:
        await client.say(HELLO)
        await client.hear()
        running.engine.hold()
        await client.socket.send(SECOND)
        running.server.should_exit = True
        messages, code = await client.rest()
        assert ([m["code"] for m in messages], code) == (["shutting_down"], 1001)
        running.engine.go_on()


async def ask_for_finals(running: Running, client: Client, count: int) -> None:
    """Say so many short utterances and read no answer; returns when all have been heard."""
    await client.say(HELLO)
    for number in range(count):
        await client.socket.send(SECOND[: 32 * 100])
        await client.say({"type": "finalize", "id": str(number)})
    await until(lambda: not running.service.bridge.num_waiting_bytes)


async def test_stopping_does_not_wait_for_who_does_not_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not even as long as such a client is waited for otherwise."""
    heavy = fake_engine(final_suffix="x" * 100_000)
    async with serving_ready(heavy, drain_s=0.1) as running, running.client(max_queue=1) as client:
        await ask_for_finals(running, client, 200)
        running.server.should_exit = True
        await until(lambda: not running.server.server_state.connections)
        client.socket.transport.abort()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_cut_ends_in_order_who_was_slow_once() -> None:
    heavy = fake_engine(final_suffix="x" * 100_000)
    patient = serving_ready(heavy, drain_s=0.1, send_timeout_s=30.0, max_waiting_events=1000)
    async with patient as running, running.client(max_queue=1) as client:
        await ask_for_finals(running, client, 200)
        while (await client.hear_until("finalized"))["id"] != "199":
            pass
        [guest] = running.service._guests
        guest.cut()
        messages, code = await client.rest()
        assert ([m["code"] for m in messages], code) == (["shutting_down"], 1001)


@pytest.mark.parametrize("goes_by", ["a close frame", "closing its side"])
async def test_who_has_said_close_is_told_all_whatever_it_says_then(
    running: Running, goes_by: str
) -> None:
    async with running.client() as client:
        await client.say(HELLO)
        await client.socket.send(SECOND)
        await client.say({"type": "close"})
        if goes_by == "a close frame":
            client.leave()
        else:
            client.socket.transport.write_eof()
        messages, _ = await client.rest()
    assert kinds(messages)[-2:] == ["final", "bye"]
    assert messages[-2]["text"] == words(10)


# --- HTTP ----------------------------------------------------------------------------------------


async def test_readyz_says_what_is_served(running: Running) -> None:
    async with running.client() as client:
        await client.say(HELLO)
        await client.hear()
        ready = await running.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "model": "fake",
        "streams": 1,
        "max_streams": 4,
        "headroom": 3,
    }


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/static/captions.js", "text/javascript; charset=utf-8"),
        ("/static/worklet.js", "text/javascript; charset=utf-8"),
        ("/static/captions.css", "text/css; charset=utf-8"),
    ],
)
async def test_the_page_and_its_parts(running: Running, path: str, kind: str) -> None:
    answer = await running.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.content


@pytest.mark.parametrize(
    "name", ["__init__.py", "py.typed", "nothing.js", "..%2Fpyproject.toml", "a" * 3_000 + ".js"]
)
async def test_nothing_else_of_the_package_is_served(running: Running, name: str) -> None:
    assert (await running.get(f"/static/{name}")).status_code == 404


@pytest.mark.parametrize("path", ["/v1/stream", "/v1/listen", "/ws/meeting-7"])
async def test_a_path_of_websockets_says_so(running: Running, path: str) -> None:
    answer = await running.get(path)
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    assert await running.serves()


async def test_metrics_count_what_happened(running: Running) -> None:
    assert await running.serves()
    running.engine.counters.decode_steps = 7
    running.engine.load = EngineLoad(0.5, 0.25, 2.0, 3, 1.5)
    text = (await running.get("/metrics")).text
    for line in (
        'hark_sessions_total{outcome="bye"} 1.0',
        "hark_audio_seconds_total 1.0",
        'hark_events_total{type="final"} 1.0',
        "hark_step_compute_seconds_count 2.0",
        'hark_engine_work_total{kind="decode_steps"} 7.0',
        "hark_engine_busy_ratio 0.5",
        "hark_step_lateness_seconds 0.25",
        "hark_engine_silence_seconds 1.5",
        "hark_cadence_stretch 2.0",
        "hark_headroom_streams 3.0",
    ):
        assert line in text
