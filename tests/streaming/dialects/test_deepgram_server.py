"""Deepgram's live protocol over real sockets, around an engine that hears ten words a second."""

import asyncio
import json
import struct
from uuid import UUID

import pytest
from websockets.exceptions import InvalidStatus

from hark.streaming.protocols.deepgram import live
from hark.streaming.protocols.deepgram.door import MAX_MESSAGE_BYTES
from tests.fakes import words
from tests.streaming.dialects.deepgram_client import transcript, transcripts
from tests.streaming.support import SECOND, Running, fake_engine, serving_ready, until

RAW = "/v1/listen?encoding=linear16&sample_rate=16000"


async def test_words_come_and_the_server_closes_behind_the_metadata() -> None:
    async with (
        serving_ready(api_keys="k-1") as running,
        running.client(
            f"{RAW}&interim_results=true&diarize=true", headers={"Authorization": "Token k-1"}
        ) as client,
    ):
        response = client.socket.response
        assert response is not None
        assert response.headers["dg-warning"] == "ignored: diarize"
        await client.socket.send(SECOND)
        await client.say({"type": "Finalize"})
        while not (told := await client.hear())["is_final"]:
            pass
        assert (transcript(told), told["from_finalize"]) == (words(10), True)
        await client.socket.send(SECOND)
        await client.say({"type": "CloseStream"})
        messages, code = await client.rest()
        assert (transcripts(messages), code) == ([words(10)], 1000)
        assert (messages[-1]["type"], messages[-1]["duration"]) == ("Metadata", 2.0)
        request_id = response.headers["dg-request-id"]
        assert {messages[-1]["request_id"], told["metadata"]["request_id"]} == {request_id}
        assert str(UUID(request_id)) == request_id


async def test_two_channels_are_two_streams() -> None:
    async with (
        serving_ready() as running,
        running.client(f"{RAW}&channels=2&multichannel=true") as client,
    ):
        await client.socket.send(2 * SECOND)
        await client.say({"type": "CloseStream"})
        messages, code = await client.rest()
        finals = {tuple(each["channel_index"]): transcript(each) for each in messages[:-1]}
        assert (finals, code) == ({(0, 2): words(10), (1, 2): words(10)}, 1000)


async def test_who_sends_a_close_frame_hears_the_last_word_before_it_is_answered() -> None:
    async with serving_ready() as running, running.client(RAW) as client:
        await client.socket.send(SECOND)
        closing = asyncio.create_task(client.socket.close())
        messages, _ = await client.rest()
        await closing
        assert transcripts(messages) == [words(10)]
        assert messages[-1]["type"] == "Metadata"


async def test_an_idle_client_has_no_stream_and_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "PATIENCE_S", 0.3)
    async with serving_ready() as running, running.client(RAW) as client:
        await client.say({"type": "KeepAlive"})
        messages, code = await client.rest()
        assert [message["type"] for message in messages] == ["Error", "Metadata"]
        assert (code, client.socket.close_reason) == (1011, "NET-0000")
        assert running.engine.requests == []


async def test_a_key_is_needed_and_a_browser_s_is_never_shown_back() -> None:
    async with serving_ready(api_keys="k-1") as running:
        body = await refused(running, RAW, 401)
        assert body["err_code"] == "INVALID_AUTH"
        async with running.client(RAW, subprotocols=["token", "k-1"]) as client:
            assert client.socket.subprotocol == "token"


async def test_a_full_server_says_when_to_come_back() -> None:
    async with serving_ready(fake_engine(max_streams=2)) as running:
        stereo = f"{RAW}&channels=2&multichannel=true"
        async with running.client(RAW), running.client(stereo) as late:
            body = await refused(running, RAW, 503)
            assert body["err_code"] == "SERVICE_UNAVAILABLE"
            await late.socket.send(SECOND)  # there is room for one of its two channels
            messages, code = await late.rest()
            assert [message["type"] for message in messages] == ["Error", "Metadata"]
            assert code == 1013
        await until(lambda: running.engine.open_streams == 0)


async def test_what_is_wrong_is_said_before_the_upgrade_or_behind_it() -> None:
    async with serving_ready() as running:
        body = await refused(running, f"{RAW}&language=tlh", 400)
        assert "English (en)" in body["err_msg"]
        async with running.client(RAW) as client:
            await client.socket.send("{")
            assert (await client.hear())["variant"] == "SchemaError"
            header = struct.pack("!BBQ4x", 0x82, 0x80 | 127, MAX_MESSAGE_BYTES + 1)
            client.socket.transport.write(header)  # of a binary message, masked with zeros
            _, code = await client.rest()
            assert code == 1009


async def refused(running: Running, path: str, status: int) -> dict[str, str]:
    """The body of a refusal, whose headers say the same."""
    with pytest.raises(InvalidStatus) as caught:
        async with running.client(path):
            pass
    response = caught.value.response
    body = json.loads(response.body or b"")
    assert response.status_code == status
    assert response.headers["dg-error"] == body["err_msg"]
    assert response.headers["dg-request-id"] == body["request_id"]
    assert ("Retry-After" in response.headers) is (status == 503)
    return body
