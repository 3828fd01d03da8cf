"""Files by HTTP on a real socket, with an engine that computes nothing.

What fields mean and what bodies hold is in `dialects/`; here is how requests begin and end.
"""

import asyncio
import base64
import contextlib
import io
import json
import threading
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from hark.engine.audio.files import upload_blocks
from hark.engine.types import Abort, Feed, Open
from tests.clients.tones import tone, write_audio
from tests.fakes import words
from tests.streaming.support import (
    HELLO,
    Running,
    fake_engine,
    serving,
    serving_ready,
    settled_value,
    until,
)

PATH = "/v1/audio/transcriptions"


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with serving_ready() as running:
        yield running


@contextlib.asynccontextmanager
async def browser(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    url = f"http://{running.address}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        yield client


def wav(seconds: float) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as output:
        output.setparams((1, 2, 16_000, 0, "NONE", ""))
        output.writeframes(bytes(round(seconds * 32_000)))
    return content.getvalue()


async def post(running: Running, content: bytes, **fields: str) -> httpx.Response:
    async with browser(running) as client:
        return await client.post(PATH, files={"file": ("a.wav", content)}, data=fields)


def fault(response: httpx.Response) -> tuple[int, str, str | None]:
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return response.status_code, error["code"], error["param"]


def events(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.headers["content-type"].startswith("text/event-stream")
    return [json.loads(block.removeprefix("data: ")) for block in response.text.split("\n\n")[:-1]]


# --- the way it should go ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", "pcm_s16le"),
        ("a.mp3", "mp3"),
        ("a.m4a", "aac"),
        ("a.webm", "libopus"),
        ("a.ogg", "libopus"),
        ("a.flac", "flac"),
    ],
)
async def test_files_of_every_kind_are_heard_to_their_end(
    running: Running, tmp_path: Path, name: str, codec: str
) -> None:
    path = write_audio(tmp_path / name, tone(rate=48_000, seconds=1.25), rate=48_000, codec=codec)
    async with browser(running) as client:
        form = await client.post(PATH, files={"file": (name, path.read_bytes())})
        body = await client.post("/v1/listen", content=path.read_bytes())
        part = {"type": "input_audio", "input_audio": {"data": b64(path), "format": name[2:]}}
        chat = await client.post("/v1/chat/completions", json=chat_with(part))
    assert form.json()["text"] in (words(12), words(13))  # codecs pad their last frame
    [alternative] = body.json()["results"]["channels"][0]["alternatives"]
    assert alternative["transcript"] == form.json()["text"]
    content = chat.json()["choices"][0]["message"]["content"]
    assert content == "language English<asr_text>" + form.json()["text"]


def b64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def chat_with(part: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [part]}], **fields}


async def test_options_reach_the_engine(running: Running) -> None:
    fields = {"language": "es", "prompt": "Goya", "chunking_strategy": "auto"}
    await post(running, wav(0.5), **fields)
    [options] = [
        request.options for request in running.engine.requests if isinstance(request, Open)
    ]
    assert (options.language, options.context, options.partials) == ("Spanish", "Goya", False)
    assert (options.endpointing.mode, options.endpointing.stall_ms) == ("vad", 0)


@pytest.mark.parametrize("path", [PATH, "/v1/chat/completions"])
async def test_pieces_joined_are_the_whole(path: str) -> None:
    async with serving_ready(fake_engine(segment_words=20)) as running, browser(running) as client:

        async def ask(*, stream: bool) -> httpx.Response:
            if path == PATH:
                fields = {"stream": str(stream).lower()}
                return await client.post(PATH, files={"file": wav(7)}, data=fields)
            url = "data:audio/wav;base64," + base64.b64encode(wav(7)).decode()
            part = {"type": "audio_url", "audio_url": {"url": url}}
            return await client.post(path, json=chat_with(part, stream=stream))

        whole, pieces = await ask(stream=False), await ask(stream=True)
    if path == PATH:
        *deltas, done = events(pieces)
        assert [event["delta"] for event in deltas] == [
            words(20),
            *[" " + words(20)] * 2,
            " " + words(10),
        ]
        assert done["text"] == "".join(event["delta"] for event in deltas) == whole.json()["text"]
        assert done["usage"] == whole.json()["usage"] == {"type": "duration", "seconds": 7}
        return
    *blocks, last, _ = pieces.text.split("\n\n")
    chunks = [json.loads(block.removeprefix("data: "))["choices"][0] for block in blocks]
    content = "".join(chunk["delta"].get("content", "") for chunk in chunks)
    assert content == whole.json()["choices"][0]["message"]["content"]
    assert (len(chunks), chunks[-1]["finish_reason"], last) == (5, "stop", "data: [DONE]")


async def test_a_large_file_is_fed_as_it_is_heard(running: Running) -> None:
    running.engine.hold()
    answer = asyncio.create_task(post(running, wav(60)))

    def fed() -> int:
        return sum(len(r.payload) for r in running.engine.submitted if isinstance(r, Feed))

    assert 0 < await settled_value(fed) < 20 * 64_000
    running.engine.go_on()
    assert (await answer).json()["text"] == words(600)


async def test_models_can_be_listed(running: Running) -> None:
    async with browser(running) as client:
        listed = (await client.get("/v1/models")).json()
        assert [model["id"] for model in listed["data"]] == ["fake"]
        assert (await client.get("/v1/models/fake")).json() == listed["data"][0]
        assert fault(await client.get("/v1/models/whisper/1")) == (404, "model_not_found", "model")


# --- keys ----------------------------------------------------------------------------------------


async def test_each_api_asks_for_a_key_in_its_own_words() -> None:
    async with serving_ready(api_keys="right") as running, browser(running) as client:
        for path in (PATH, "/v1/chat/completions"):
            refused = await client.post(path, headers={"Authorization": "Bearer wrong"})
            assert fault(refused) == (401, "invalid_api_key", None)
        assert fault(await client.get("/v1/models")) == (401, "invalid_api_key", None)
        assert fault(await client.get("/v1/models/fake")) == (401, "invalid_api_key", None)
        refused = await client.post("/v1/listen", headers={"Authorization": "Token wrong"})
        assert (refused.status_code, refused.json()["err_code"]) == (401, "INVALID_AUTH")
        assert refused.json()["request_id"] == refused.headers["dg-request-id"]
        assert "not one of" in refused.headers["dg-error"]
        for path in ("/", "/healthz", "/readyz", "/metrics"):
            assert (await client.get(path)).status_code == 200
        headers = {"Authorization": "Bearer right"}
        heard = await client.post(PATH, headers=headers, files={"file": wav(1)})
        assert heard.json()["text"] == words(10)


# --- what is refused -----------------------------------------------------------------------------


async def test_files_that_are_no_audio(running: Running) -> None:
    for content in (b"", b"Dear diary,\n" * 300, wav(1)[:44], b"#EXTM3U\nfile:///etc/passwd\n"):
        assert fault(await post(running, content)) == (400, "bad_audio", "file")
        assert fault(await post(running, content, stream="true")) == (400, "bad_audio", "file")
    async with browser(running) as client:
        refused = await client.post("/v1/listen", content=b"Dear diary,\n" * 300)
        assert (refused.status_code, refused.json()["err_code"]) == (400, "BAD_REQUEST")
        part = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
        refused = await client.post("/v1/chat/completions", json=chat_with(part))
        assert fault(refused) == (400, "bad_audio", "messages")
    await until(lambda: running.service.load().streams == 0)
    assert await running.serves()


async def test_forms_that_are_none(running: Running) -> None:
    async with browser(running) as client:
        multipart = {"Content-Type": "multipart/form-data; boundary=b"}
        for headers, content in (
            (multipart, b"--b\r\nno header\r\n\r\n"),
            (multipart, b"nonsense"),
            ({"Content-Type": "multipart/form-data"}, b""),
            (multipart, b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--'),
            ({"Content-Type": "application/x-www-form-urlencoded"}, b"file=x"),
            ({}, wav(1)),
        ):
            response = await client.post(PATH, content=content, headers=headers)
            assert fault(response)[:2] == (400, "invalid_request")
        two = [("file", wav(1)), ("file", wav(1))]
        assert fault(await client.post(PATH, files=two))[:2] == (400, "invalid_request")
        assert (await client.post(PATH, files={"file": wav(1)})).json()["text"] == words(10)


@pytest.mark.parametrize("says_how_large", [True, False])
async def test_a_file_that_is_too_large(says_how_large: bool) -> None:
    async def content() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield bytes(1 << 20)

    async with serving_ready(max_upload_mb=2) as running, browser(running) as client:
        body = bytes(5 << 20) if says_how_large else content()
        refused = await client.post("/v1/listen", content=body)
        assert (refused.status_code, refused.json()["err_code"]) == (413, "PAYLOAD_TOO_LARGE")
        if says_how_large:
            refused = await client.post(PATH, files={"file": bytes(5 << 20)})
            assert fault(refused) == (413, "too_large", None)
            refused = await client.post("/v1/chat/completions", content=bytes(5 << 20))
            assert fault(refused) == (413, "too_large", None)
        assert (await client.post(PATH, files={"file": wav(1)})).json()["text"] == words(10)


async def test_a_full_server(running: Running) -> None:
    async with contextlib.AsyncExitStack() as stack, browser(running) as client:
        for _ in range(4):
            other = await stack.enter_async_context(running.client())
            await other.say(HELLO)
            await other.hear()
        refused = await client.post(PATH, files={"file": wav(1)})
        assert fault(refused) == (503, "capacity", None)
        assert refused.headers["retry-after"] == "5"
        refused = await client.post("/v1/listen", content=wav(1))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert (await client.get("/v1/models")).status_code == 200
    await until(lambda: running.service.load().streams == 0)
    assert (await post(running, wav(1))).json()["text"] == words(10)


async def test_a_file_counts_as_a_stream() -> None:
    async with serving_ready(fake_engine(max_streams=1)) as running:
        running.engine.hold()
        answer = asyncio.create_task(post(running, wav(1)))
        await until(lambda: running.service.load().streams == 1)
        async with running.client() as client:
            messages, code = await client.rest()
        assert ([message["code"] for message in messages], code) == (["capacity"], 1013)
        running.engine.go_on()
        assert (await answer).json()["text"] == words(10)
        assert await running.serves()


async def test_while_the_model_is_loading_and_when_it_cannot_be() -> None:
    may_load = threading.Event()

    def start(publish: object, on_crash: object) -> Any:
        may_load.wait()
        raise RuntimeError("no weights")

    async with serving(start) as running, browser(running) as client:
        for _ in range(2):
            for answer in (await post(running, wav(1)), await client.get("/v1/models")):
                status = 500 if running.service.load().failed else 503
                code = "internal" if status == 500 else "capacity"
                assert fault(answer) == (status, code, None)
            may_load.set()
            await running.service.bridge.settled()


# --- clients that go, and clients that dawdle ----------------------------------------------------


@contextlib.asynccontextmanager
async def half_sent(running: Running) -> AsyncIterator[tuple[asyncio.StreamReader, Any]]:
    """A request whose body has begun."""
    reader, writer = await asyncio.open_connection(*running.address.split(":"))
    writer.write(
        f"POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'.encode()
        + bytes(2_000_000)
    )
    try:
        yield reader, writer
    finally:
        writer.close()


async def test_a_client_that_goes_in_mid_upload(running: Running) -> None:
    async with half_sent(running):
        await until(lambda: running.service.load().streams == 1)
    await until(lambda: running.service.load().streams == 0)
    assert running.engine.submitted == []
    assert 'outcome="gone"' in (await running.get("/metrics")).text


async def test_a_client_that_goes_in_mid_answer(running: Running) -> None:
    running.engine.hold()
    answer = asyncio.create_task(post(running, wav(60)))
    await until(lambda: any(isinstance(r, Feed) for r in running.engine.submitted))
    answer.cancel()
    await until(lambda: running.service.load().streams == 0)
    assert any(isinstance(request, Abort) for request in running.engine.submitted)
    running.engine.go_on()
    await until(lambda: running.engine.open_streams == 0)
    assert await running.serves()


async def test_a_client_that_stops_sending() -> None:
    async with serving_ready(send_timeout_s=0.2) as running, half_sent(running) as (reader, _):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408")
        await until(lambda: running.service.load().streams == 0)


async def test_a_client_that_does_not_read_holds_its_file_back_and_is_given_up() -> None:
    heavy = fake_engine(final_suffix="x" * 200_000, segment_words=10)
    async with serving_ready(heavy, send_timeout_s=1.0) as running:
        boundary = b'--b\r\nContent-Disposition: form-data; name="'
        body = boundary + b'stream"\r\n\r\ntrue\r\n' + boundary + b'file"; filename="a"\r\n\r\n'
        body += wav(600) + b"\r\n--b--\r\n"
        _, writer = await asyncio.open_connection(*running.address.split(":"), limit=1)
        writer.write(
            f"POST {PATH} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
            + body
        )
        await until(lambda: running.engine.has_handled(Open))
        await until(lambda: running.service.load().streams == 0)
        assert running.engine.fed_bytes < 300 * 64_000
        writer.transport.abort()
        assert 'outcome="slow_reader"' in (await running.get("/metrics")).text


# --- what goes wrong on our side -----------------------------------------------------------------


async def test_a_decoder_that_stalls_holds_up_nobody(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()

    def stalling(file: Any, raw: Any) -> Iterator[np.ndarray]:
        for number, block in enumerate(upload_blocks(file, raw)):
            if number == 3:
                may_go_on.wait()
            yield block

    monkeypatch.setattr("hark.engine.audio.files.upload_blocks", stalling)
    stalled = [asyncio.create_task(post(running, wav(5))) for _ in range(3)]
    await until(lambda: running.engine.fed_bytes == 3 * 3 * 64_000)
    assert (await post(running, wav(2))).json()["text"] == words(20)
    assert await running.serves()
    stalled[0].cancel()
    await until(lambda: running.service.load().streams == 2)
    may_go_on.set()
    answers = [await each for each in stalled[1:]]
    assert [answer.json()["text"] for answer in answers] == [words(50)] * 2


async def test_the_engine_dies(running: Running) -> None:
    running.engine.hold()
    answer = asyncio.create_task(post(running, wav(60)))
    await until(lambda: any(isinstance(r, Feed) for r in running.engine.submitted))
    running.engine.crash(RuntimeError("boom"))
    running.engine.go_on()
    assert fault(await answer) == (500, "internal", None)
    assert fault(await post(running, wav(1))) == (500, "internal", None)


async def test_a_stream_that_fails_in_mid_answer(tmp_path: Path) -> None:
    samples = tone(seconds=4.0)
    samples[40_000] = np.nan
    content = write_audio(tmp_path / "a.wav", samples, codec="pcm_f32le").read_bytes()
    async with serving_ready(fake_engine(segment_words=10)) as running:
        *deltas, failure = events(await post(running, content, stream="true"))
        assert [event["delta"] for event in deltas] == [words(10), " " + words(10)]
        assert failure["error"]["code"] == "bad_audio"
        assert "NaN" in failure["error"]["message"]
        assert await running.serves()


async def test_a_stopping_server_finishes_the_file_it_hears() -> None:
    async with serving_ready() as running:
        running.engine.hold()
        answer = asyncio.create_task(post(running, wav(60)))
        async with half_sent(running) as (reader, _):
            await until(lambda: any(isinstance(r, Feed) for r in running.engine.submitted))
            running.server.should_exit = True
            head = await reader.readuntil(b"\r\n\r\n")  # nobody can say when it would be there
            assert head.startswith(b"HTTP/1.1 503")
        assert fault(await post(running, wav(1))) == (503, "shutting_down", None)
        running.engine.go_on()
        assert (await answer).json()["text"] == words(600)


async def test_a_stopping_server_does_not_wait_for_ever() -> None:
    async with serving_ready(drain_s=0.2) as running:
        running.engine.hold()
        answer = asyncio.create_task(post(running, wav(60)))
        await until(lambda: any(isinstance(r, Feed) for r in running.engine.submitted))
        running.server.should_exit = True
        assert fault(await answer) == (503, "shutting_down", None)
