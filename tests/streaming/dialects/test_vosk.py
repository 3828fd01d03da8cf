"""Vosk's dialect: on the rig, and against its own clients' loop over a real socket."""

import asyncio
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from hark.engine import types as engine
from hark.engine.types import AudioFormat
from hark.streaming.effects import Hangup
from hark.streaming.protocols.base import Handshake
from hark.streaming.protocols.root import MAX_MESSAGE_BYTES, RootDoor
from hark.streaming.protocols.vosk import MAX_UNREAD, plain
from tests.fakes import FakeEngine, words
from tests.streaming.support import Client, fake_engine, serving_ready, until

from .hearing import Hearing
from .rig import Rig, closed, final, opened, partial, started

AUDIO = bytes(3_200)  # 0.2 s at 8 kHz
EOF = {"eof": 1}
RESET = {"reset": 1}
BYE = Hangup(1000, "bye")


def enter(query: str = "") -> Rig:
    return Rig.enter(RootDoor(), Handshake("/", query={"language": [query]} if query else {}))


# --- one reply each ------------------------------------------------------------------------------


def test_a_call() -> None:
    rig = enter()
    assert rig.client({"config": {"sample_rate": 16000.0}}) == []
    assert rig.requests == {}
    assert rig.client(AUDIO) == [{"partial": ""}]
    heard = rig.hear(opened(), started(0, 0), partial(0, 0, 700, "Turn", " on"))
    assert heard == []  # nothing is said unasked
    assert rig.client(AUDIO) == [{"partial": "turn on"}]
    rig.hear(final(0, 0, 800, "Turn on."))
    assert rig.client(AUDIO, AUDIO) == [
        {
            "result": [
                {"conf": 0.9, "end": 0.4, "start": 0.0, "word": "turn"},
                {"conf": 0.9, "end": 0.8, "start": 0.4, "word": "on"},
            ],
            "text": "turn on",
        },
        {"partial": ""},
    ]
    rig.hear(started(1, 900), final(1, 900, 1000, "Yes."))
    assert rig.client(EOF) == []
    hearing = rig.requests[""]
    assert isinstance(hearing[-1], engine.Close)
    assert rig.client(AUDIO) == [] and rig.requests[""] == hearing  # too late to be heard
    [last] = rig.hear(started(2, 1000), final(2, 1000, 1200, "No!"), engine.Closed(19_200))
    assert last["text"] == "yes no"
    assert rig.hangup == BYE


Step = st.one_of(
    st.sampled_from(["audio", "audio", "nothing", "reset", "config"]),
    st.sampled_from(["hear", "hear", "hear and pause"]),
)


@pytest.mark.timeout(600)
@settings(max_examples=1_000, deadline=None)
@given(st.lists(Step, max_size=24), st.sampled_from(["eof", "left"]))
def test_each_audio_message_and_reset_has_one_reply_and_no_word_is_lost(
    steps: list[str], end: str
) -> None:
    rig = enter()
    hearing = Hearing(rig)
    asked: list[str] = []
    replies: list[dict[str, Any]] = []
    for step in steps:
        match step:
            case "hear" | "hear and pause":
                hearing.hear(pause=step != "hear")
            case "config":
                replies += rig.client({"config": {"words": True}})
            case "reset":
                asked.append(step)
                replies += rig.client(RESET)
            case _:
                asked.append(step)
                replies += rig.client(AUDIO if step == "audio" else b"")
        replies += rig.news()
    began = "" in rig.requests
    replies += rig.client(EOF) if end == "eof" else rig.leave()
    hearing.hear_all()
    replies += rig.news()
    if end == "eof" or began:
        asked.append("end")
        assert rig.hangup == BYE
    assert len(replies) == len(asked)
    for reply, what in zip(replies, asked, strict=True):
        assert ("text" in reply) != ("partial" in reply)
        assert "text" in reply or what in ("audio", "nothing")
    said = " ".join(reply["text"] for reply in replies if reply.get("text"))
    assert said == " ".join(plain(text) for text in hearing.finals)
    timed = [word for reply in replies for word in reply.get("result", [])]
    assert [word["word"] for word in timed] == said.split()
    starts = [word["start"] for word in timed]
    assert starts == sorted(starts)


def test_replies_wait_behind_a_reset() -> None:
    rig = enter()
    hearing = Hearing(rig)
    rig.client(AUDIO)
    assert rig.client(RESET, AUDIO, AUDIO, RESET, AUDIO) == []
    for _ in range(3):  # hello, the first word, the first reset
        hearing.hear()
    assert [reply.get("text", "-") for reply in rig.news()] == ["well0", "-", "-"]
    hearing.hear_all()
    assert [reply.get("text", "-") for reply in rig.news()] == ["well1 well2", "-"]


def test_who_never_reads_is_hung_up_on() -> None:
    rig = enter()
    rig.client(AUDIO, RESET, *[b""] * (MAX_UNREAD - 1))
    assert rig.hangup is None
    rig.client(b"")
    assert rig.hangup == Hangup(1008, "slow_reader")


# --- what is asked for ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "audio", "context"),
    [
        ({}, AudioFormat(sample_rate=8_000), ""),
        ({"sample_rate": 16000.0}, AudioFormat(sample_rate=16_000), ""),
        ({"phrase_list": ["oh one", "2", "[unk]"]}, AudioFormat(sample_rate=8_000), "oh one, 2"),
        ({"phrase_list": ["x" * 3_990, "y" * 9]}, AudioFormat(sample_rate=8_000), "x" * 3_990),
        ({"something": "else"}, AudioFormat(sample_rate=8_000), ""),
    ],
)
def test_config(config: dict[str, Any], audio: AudioFormat, context: str) -> None:
    rig = enter()
    rig.client({"config": config}, AUDIO)
    request = rig.requests[""][0]
    assert isinstance(request, engine.Open)
    assert (request.audio, request.options.context) == (audio, context)
    rig.client({"config": {"sample_rate": 44_100}}, AUDIO)  # too late, as with Vosk itself
    assert rig.hangup is None


def test_words_and_alternatives() -> None:
    rig = enter()
    rig.client({"config": {"words": False}}, AUDIO)
    rig.hear(opened(), started(0, 0), final(0, 0, 400, "Yes."))
    assert rig.client(AUDIO) == [{"text": "yes"}]
    rig = enter()
    rig.client({"config": {"max_alternatives": 3}}, AUDIO)
    rig.hear(opened(), started(0, 0), final(0, 0, 400, "Yes."))
    word = {"end": 0.4, "start": 0.0, "word": "yes"}
    alternative = {"confidence": 0.9, "result": [word], "text": "yes"}
    assert rig.client(AUDIO) == [{"alternatives": [alternative]}]


def test_the_language_is_in_the_address() -> None:
    rig = enter("de-DE")
    rig.client(AUDIO)
    request = rig.requests[""][0]
    assert isinstance(request, engine.Open) and request.options.language == "German"


@pytest.mark.parametrize(
    ("frame", "hangup"),
    [
        ("{", Hangup(1007, "bad_message")),
        ("[]", Hangup(1007, "bad_message")),
        ('{"what": 1}', Hangup(1007, "bad_message")),
        ("END_OF_AUDIO", Hangup(1007, "bad_message")),
        ({"config": 7}, Hangup(1007, "bad_message")),
        ({"config": {"sample_rate": "fast"}}, Hangup(1007, "bad_message")),
        ({"config": {"sample_rate": 1e99}}, Hangup(1007, "bad_message")),
        ({"config": {"sample_rate": 4_000}}, Hangup(1007, "bad_option")),
        ('{"config": {"phrase_list": ["\\ud800"]}}', Hangup(1007, "bad_message")),
        ({"config": {"phrase_list": "one"}}, Hangup(1007, "bad_message")),
    ],
)
@pytest.mark.parametrize("before", [[], [AUDIO]])
def test_mistakes_close(frame: Any, hangup: Hangup, before: list[bytes]) -> None:
    rig = enter()
    rig.client(*before)
    rig.client(frame)
    if before and isinstance(frame, dict):
        assert rig.hangup is None
        return
    if before:
        assert not rig.client("{"), "nothing is read any more"
        [last] = rig.hear(opened(), started(0, 0), final(0, 0, 400, "Heard."), closed(400))
        assert last["text"] == "heard"
    assert rig.hangup == hangup


def test_a_stream_that_fails_says_what_it_has_and_closes() -> None:
    rig = enter()
    rig.client(AUDIO)
    rig.hear(opened(), started(0, 0), final(0, 0, 400, "Yes."))
    told = rig.hear(engine.Failed(engine.BadAudioError("no audio")))
    assert [reply["text"] for reply in told] == ["yes"]
    assert rig.hangup == Hangup(1007, "bad_audio")


# --- the text ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't! It's O'Neill\u2019s; well-known.", "don't it's o'neill\u2019s well-known"),
        ("At 10:30, 3.5 % of 1,000 \u2013 or $20?", "at 10:30 3.5 % of 1,000 or $20"),
        ("«¿Qué?» … (Straße)", "qué straße"),
        ("今天天气。很好。", "今天天气 很好"),
        ("'tis the dogs'", "tis the dogs"),
        ("İ. !", "i̇"),
    ],
)
def test_plain_text(text: str, words: str) -> None:
    assert plain(text) == words


@given(st.lists(st.text(max_size=8), max_size=6))
def test_plain_words_are_the_plain_text(parts: list[str]) -> None:
    parts = [" ".join(part.split()) for part in parts]
    joined = plain(" ".join(parts))
    assert joined == " ".join(filter(None, map(plain, parts)))
    assert plain(joined) == joined == joined.strip()
    assert not any(unicodedata.category(c) == "Lu" and c.lower() != c for c in joined)


# --- real sockets --------------------------------------------------------------------------------


async def recognise(client: Client, audio: bytes, chunk: int) -> list[dict[str, Any]]:
    """The loop of vosk-server's own samples: send, wait for the reply, send; then eof."""
    replies: list[dict[str, Any]] = []
    await client.say({"config": {"sample_rate": 16_000}})
    for start in range(0, len(audio), chunk):
        await client.socket.send(audio[start : start + chunk])
        replies.append(await client.hear())
    await client.socket.send('{"eof" : 1}')
    replies.append(await client.hear())
    return replies


async def test_a_sample_client_hears_every_word() -> None:
    async with serving_ready() as running, running.client("/") as client:
        replies = await recognise(client, bytes(96_000), 8_000)
        rest, code = await client.rest()
        assert replies[-1] == {"text": words(30)} and len(replies) == 13
        assert (rest, code) == ([], 1000)


async def test_audio_that_comes_all_at_once_is_answered_all_the_same() -> None:
    async with serving_ready() as running, running.client("/", max_queue=None) as client:
        for _ in range(2_000):  # 20 ms each at 8 kHz, and nothing is read meanwhile
            await client.socket.send(bytes(320))
        await client.say(EOF)
        replies, code = await client.rest()
        assert (len(replies), code) == (2_001, 1000)
        said = [reply["text"] for reply in replies if reply.get("text")]
        assert said == [words(400)]


async def test_a_client_that_goes_without_eof_is_told_the_last_result() -> None:
    async with serving_ready() as running, running.client("/") as client:
        await client.socket.send(bytes(16_000))
        assert await client.hear() == {"partial": ""}
        client.leave()
        assert await client.rest() == ([{"text": words(10)}], 1000)


async def test_a_stopping_server_says_what_was_heard() -> None:
    async with serving_ready() as running, running.client("/") as client:
        await client.socket.send(bytes(16_000))
        assert await client.hear() == {"partial": ""}
        running.server.should_exit = True
        assert await client.rest() == ([{"text": words(10)}], 1001)


async def test_a_full_server_closes_at_the_first_message() -> None:
    async with (
        serving_ready(fake_engine(max_streams=1)) as running,
        running.client("/") as first,
        running.client("/") as second,
    ):
        await second.say({"config": {}})
        assert await second.rest() == ([], 1013)
        assert (await recognise(first, bytes(8_000), 8_000))[-1] == {"text": words(2)}


async def test_a_full_server_does_not_wait_for_ever() -> None:
    async with (
        serving_ready(fake_engine(max_streams=1), hello_timeout_s=0.05) as running,
        running.client("/"),
        running.client("/") as second,
    ):
        assert await second.rest() == ([], 1013)


async def test_an_engine_that_is_full_after_all_closes() -> None:
    async with serving_ready() as running, running.client("/") as client:
        running.engine.max_streams = 0
        await client.socket.send(AUDIO)
        assert await client.rest() == ([], 1013)


async def test_too_large_and_unauthorised() -> None:
    async with serving_ready(api_keys="right") as running:
        with pytest.raises(InvalidStatus) as refused:
            async with running.client("/"):
                pass
        assert refused.value.response.status_code == 401
        with pytest.raises(InvalidStatus) as refused:
            async with running.client("/?token=right&language=tlh"):
                pass
        assert refused.value.response.status_code == 400
        too_large = await running.oversend("/?token=right", MAX_MESSAGE_BYTES + 1)
        assert too_large == (1009, b"too_large")


async def test_an_idle_client_costs_no_stream() -> None:
    async with serving_ready() as running, running.client("/") as client:
        await client.say({"config": {"sample_rate": 16_000}})
        await asyncio.sleep(0.05)
        assert running.engine.submitted == []
        await client.socket.send(AUDIO)
        await until(lambda: isinstance(running.engine, FakeEngine) and running.engine.fed_bytes > 0)
        assert json.loads(await client.socket.recv()) == {"partial": ""}
