"""WhisperLive's dialect: on the rig, as its own client would take it, and over a real socket."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from hark.engine import types as engine
from hark.engine.types import AudioFormat, Encoding, Endpointing, StreamOptions
from hark.streaming.effects import Hangup
from hark.streaming.protocols.base import Handshake
from hark.streaming.protocols.root import MAX_MESSAGE_BYTES, RootDoor
from hark.streaming.protocols.whisper_live import KNOWN_FIELDS
from tests.fakes import words
from tests.streaming.support import Client, fake_engine, serving_ready, until

from .hearing import Hearing
from .rig import Rig, closed, final, opened, partial, started

AUDIO = bytes(16_384)  # 4096 float samples, as its client sends them
END = b"END_OF_AUDIO"
UID = "6d0c"
READY = {"uid": UID, "message": "SERVER_READY", "backend": "faster_whisper"}
BYE = Hangup(1000, "bye")


def hello(**options: Any) -> dict[str, Any]:
    return {"uid": UID, "language": "en", "task": "transcribe", "model": "small", **options}


def enter(**options: Any) -> Rig:
    rig = Rig.enter(RootDoor(), Handshake("/"))
    assert rig.client(hello(**options))[0] == READY
    return rig


def segment(start: str, end: str, text: str, completed: bool) -> dict[str, Any]:
    return {"start": start, "end": end, "text": text, "completed": completed}


# --- segments ------------------------------------------------------------------------------------


def test_a_talk() -> None:
    rig = enter(language=None)
    assert rig.requests == {}
    assert rig.client(AUDIO) == []
    rig.hear(opened(), started(0, 0))
    language = {"uid": UID, "language": "en", "language_prob": 0.9}
    opening = segment("0.000", "0.700", " Turn on", False)
    assert rig.hear(partial(0, 0, 400, "", "Tur")) == []  # its language may still be another
    heard = rig.hear(partial(0, 0, 700, "Turn", " on"))
    assert heard == [language, {"uid": UID, "segments": [opening]}]
    first = segment("0.000", "0.800", " Turn on.", True)
    heard = rig.hear(final(0, 0, 800, "Turn on."))
    assert heard == [
        {"uid": UID, "segments": [first | {"completed": False}]},
        {"uid": UID, "segments": [first]},
    ]
    heard = rig.hear(started(1, 900), partial(1, 900, 1234, "", "Yes"))
    assert heard == [{"uid": UID, "segments": [first, segment("0.900", "1.234", " Yes", False)]}]
    assert rig.client(END) == [] and rig.hangup is None
    assert rig.client(AUDIO) == [] and isinstance(rig.last_request(), engine.Close)
    heard = rig.hear(final(1, 900, 1300, "Yes!"), engine.Closed(20_800))
    assert heard[-1] == {"uid": UID, "segments": [first, segment("0.900", "1.300", " Yes!", True)]}
    assert rig.hangup == BYE


@dataclass
class OwnClient:
    """What WhisperLive's own client keeps of what it is told: `transcript` and `last_segment`."""

    transcript: list[dict[str, Any]] = field(default_factory=list)
    last_segment: dict[str, Any] | None = None

    def take(self, segments: list[dict[str, Any]]) -> None:
        texts: list[str] = []
        for place, each in enumerate(segments):
            if texts and texts[-1] == each["text"]:
                continue
            texts.append(each["text"].strip())
            if place == len(segments) - 1 and not each["completed"]:
                self.last_segment = each
            elif each["completed"] and (
                not self.transcript or float(each["start"]) >= float(self.transcript[-1]["end"])
            ):
                self.transcript.append(each)

    def subtitles(self) -> list[str]:
        """The texts it writes at its end: what is still open comes last."""
        texts = [each["text"] for each in self.transcript]
        if self.last_segment and (not texts or texts[-1] != self.last_segment["text"]):
            texts.append(self.last_segment["text"])
        return texts


Step = st.sampled_from(["audio", "audio", "hear", "hear", "hear and pause"])


@pytest.mark.timeout(600)
@settings(max_examples=1_000, deadline=None)
@given(st.lists(Step, max_size=24), st.integers(1, 3), st.sampled_from(["end", "left", "both"]))
def test_its_client_keeps_every_final_once(steps: list[str], kept: int, end: str) -> None:
    rig = enter(send_last_n_segments=kept)
    hearing, client = Hearing(rig), OwnClient()
    said: list[dict[str, Any]] = []
    for step in steps:
        if step == "audio":
            said += rig.client(AUDIO)
        else:
            hearing.hear(pause=step != "hear")
        said += rig.news()
    if end in ("end", "both"):
        said += rig.client(END)
    if end in ("left", "both") and rig.hangup is None:
        said += rig.leave()
    hearing.hear_all()
    said += rig.news()
    assert rig.hangup == (None if end == "left" and "" not in rig.requests else BYE)
    for message in said:
        assert message["uid"] == UID
        assert [each["completed"] for each in message["segments"][:-1]].count(False) == 0
        num_completed = sum(each["completed"] for each in message["segments"])
        client.take(message["segments"])
        assert num_completed == min(kept, len(client.transcript))
    assert [each["text"].strip() for each in client.transcript] == hearing.finals
    assert client.subtitles() == [each["text"] for each in client.transcript]


def test_words_and_a_final_that_takes_everything_back() -> None:
    rig = enter(word_timestamps=True)
    rig.client(AUDIO)
    rig.hear(opened(), started(0, 0), final(0, 0, 800, "Turn on."))
    rig.hear(started(1, 800), partial(1, 800, 900, "", "Hm"))
    assert rig.hear(final(1, 800, 900, ""))[-1]["segments"] == [
        segment("0.000", "0.800", " Turn on.", True)
        | {
            "words": [
                {"word": " Turn", "start": "0.000", "end": "0.400", "probability": 0.9},
                {"word": " on.", "start": "0.400", "end": "0.800", "probability": 0.9},
            ]
        },
        segment("0.800", "0.900", "", False),
    ]


def test_texts_put_end_to_end_read_well() -> None:
    rig = enter(language="zh")
    rig.client(AUDIO)
    said = rig.hear(opened())
    for number, text in enumerate(["Turn on.", "今天很好。", "谢谢", "Yes.", "No."]):
        at_ms = number * 1_000
        said = rig.hear(started(number, at_ms), final(number, at_ms, at_ms + 900, text))
    joined = "".join(each["text"] for each in said[-1]["segments"])
    assert joined == " Turn on.今天很好。谢谢Yes. No."


def test_nothing_comes_before_the_language_if_it_is_left_to_the_model() -> None:
    rig = enter(language=None)
    rig.client(AUDIO)
    unsure = engine.Partial(0, 0, 16_000, "", "Ja", None, 0.4, 1, 0.0, 0.0)
    assert rig.hear(opened(), started(0, 0), unsure) == []
    said = rig.hear(final(0, 0, 900, "Ja."), started(1, 900), final(1, 900, 1_000, "Ja."))
    assert [next(key for key in message if key != "uid") for message in said] == [
        *("language", "segments", "segments"),
        *("segments", "segments"),
    ]
    assert said[0]["language_prob"] == 0.95


# --- what is asked for ---------------------------------------------------------------------------

ENGLISH = StreamOptions(language="English")


@pytest.mark.parametrize(
    ("options", "audio", "wanted", "warning"),
    [
        ({}, Encoding.PCM_F32LE, ENGLISH, None),
        ({"audio_format": "int16"}, Encoding.PCM_S16LE, ENGLISH, None),
        ({"language": None}, Encoding.PCM_F32LE, StreamOptions(), None),
        ({"language": "de-AT"}, Encoding.PCM_F32LE, StreamOptions(language="German"), None),
        ({"language": "tlh"}, Encoding.PCM_F32LE, StreamOptions(), "left to the model"),
        (
            {"initial_prompt": "A talk.", "hotwords": "Hark, Qwen"},
            Encoding.PCM_F32LE,
            ENGLISH.with_changes(context="A talk.\nHark, Qwen"),
            None,
        ),
        (
            {"hotwords": "x" * 5_000},
            Encoding.PCM_F32LE,
            ENGLISH.with_changes(context="x" * 4_000),
            "cut to 4000",
        ),
        (
            {"use_vad": False, "vad_parameters": {"min_silence_duration_ms": 900}},
            Encoding.PCM_F32LE,
            ENGLISH.with_changes(endpointing=Endpointing(mode="manual")),
            None,
        ),
        (
            {"vad_parameters": {"min_silence_duration_ms": 90, "speech_pad_ms": 400, "onset": 1}},
            Encoding.PCM_F32LE,
            ENGLISH.with_changes(endpointing=Endpointing(pause_ms=200, pad_before_ms=400)),
            "ignored of vad_parameters are onset",
        ),
        ({"task": "translate"}, Encoding.PCM_F32LE, ENGLISH, "only the task transcribe"),
        ({"enable_diarization": True}, Encoding.PCM_F32LE, ENGLISH, "enable_diarization is not"),
        ({"no_speech_thresh": 0.45, "max_clients": 4}, Encoding.PCM_F32LE, ENGLISH, None),
        ({"meeting": "x"}, Encoding.PCM_F32LE, ENGLISH, "ignored are meeting"),
    ],
)
def test_options(
    options: dict[str, Any], audio: Encoding, wanted: StreamOptions, warning: str | None
) -> None:
    rig = Rig.enter(RootDoor(), Handshake("/"))
    said = rig.client(hello(**options))
    assert said[0] == READY and len(said) == 1 + (warning is not None)
    if warning is not None:
        assert said[1]["status"] == "WARNING" and warning in said[1]["message"]
    rig.client(AUDIO)
    request = rig.requests[""][0]
    assert isinstance(request, engine.Open)
    assert request.audio == AudioFormat(audio)
    stall = request.options.endpointing.stall_ms  # the session's own
    with_stall = Endpointing(
        **{**{n: getattr(wanted.endpointing, n) for n in Endpointing.__slots__}, "stall_ms": stall}
    )
    assert request.options == wanted.with_changes(endpointing=with_stall)


def test_the_page_names_every_field_of_the_first_message() -> None:
    page = (Path(__file__).parents[3] / "docs/dialects/whisper-live.md").read_text()
    [section] = re.findall(r"## The first message\n(.+?)\n## ", page, re.DOTALL)
    cells = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(cells))) == KNOWN_FIELDS


def test_unsigned_bytes_become_samples() -> None:
    rig = enter(audio_format="uint8")
    every = bytes(range(256))
    rig.client(every[:3], every[3:])
    payload = b"".join(r.payload for r in rig.requests[""] if isinstance(r, engine.Feed))
    theirs = (np.frombuffer(every, np.uint8).astype(np.float32) - 128) / 128
    assert np.array_equal(np.frombuffer(payload, "<i2") / 32768, theirs)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"audio_format": "mp3"}, 1007),
        ({"send_last_n_segments": 0}, 1007),
        ({"send_last_n_segments": True}, 1007),
        ({"language": 7}, 1007),
        ({"vad_parameters": [1]}, 1007),
        ({"uid": ["x"]}, 1007),
        ({"uid": "x" * 200}, 1007),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], code: int) -> None:
    rig = Rig.enter(RootDoor(), Handshake("/"))
    [error] = rig.client(hello(**options))
    assert error["status"] == "ERROR" and error["uid"] == (None if "uid" in options else UID)
    assert rig.hangup is not None and rig.hangup.code == code


@pytest.mark.parametrize("frame", ["{", "[]", '{"uid": "6d0c"}', '{"eof": 1}', "words"])
@pytest.mark.parametrize("before", [[], [AUDIO]])
def test_mistakes_are_told_and_close(frame: str, before: list[bytes]) -> None:
    rig = enter()
    rig.client(*before)
    told = rig.client(frame)
    if before:
        assert not told
        *_, heard, error = rig.hear(
            opened(), started(0, 0), final(0, 0, 900, "Heard."), closed(900)
        )
        assert heard["segments"][-1]["text"].strip() == "Heard."
    else:
        [error] = told
    assert (error["uid"], error["status"]) == (UID, "ERROR")
    assert rig.hangup == Hangup(1007, "bad_message")


@pytest.mark.parametrize(
    ("failure", "told", "code"),
    [
        (engine.BadAudioError("NaN"), {"status": "ERROR", "message": "NaN"}, 1007),
        (engine.CapacityError("full"), {"status": "WAIT", "message": 5 / 60}, 1013),
    ],
)
def test_a_stream_that_fails(failure: engine.EngineError, told: Any, code: int) -> None:
    rig = enter()
    rig.client(AUDIO)
    assert rig.hear(opened(), engine.Failed(failure)) == [{"uid": UID, **told}]
    assert rig.hangup is not None and rig.hangup.code == code


@pytest.mark.parametrize("end", [END, END.decode()])
def test_an_end_without_audio(end: str | bytes) -> None:
    rig = enter()
    assert rig.client(end) == []
    assert rig.hangup == BYE and rig.requests == {}


# --- real sockets --------------------------------------------------------------------------------


async def greet(client: Client, **options: Any) -> None:
    await client.say(hello(**options))
    assert await client.hear() == READY


async def test_the_words_come_and_then_the_server_closes() -> None:
    async with serving_ready() as running, running.client("/") as client:
        await greet(client)
        assert running.engine.submitted == []  # an idle client costs no stream
        for _ in range(4):
            await client.socket.send(AUDIO)
        await client.socket.send(END)
        messages, code = await client.rest()
        assert code == 1000
        assert messages[-1]["segments"] == [segment("0.000", "1.024", f" {words(10)}", True)]


async def test_a_client_that_closes_without_an_end_is_told_its_words() -> None:
    async with serving_ready() as running, running.client("/") as client:
        await greet(client)
        await client.socket.send(AUDIO * 4)
        client.leave()
        messages, code = await client.rest()
        assert code == 1000
        assert messages[-1]["segments"][-1]["text"].split() == words(10).split()


async def test_a_full_server_says_how_long_to_wait() -> None:
    async with (
        serving_ready(fake_engine(max_streams=1)) as running,
        running.client("/"),
        running.client("/") as second,
    ):
        await second.say(hello())
        assert await second.rest() == ([{"uid": UID, "status": "WAIT", "message": 5 / 60}], 1013)


async def test_a_stopping_server_disconnects() -> None:
    async with serving_ready() as running, running.client("/") as client:
        await greet(client)
        await client.socket.send(AUDIO * 4)
        await until(lambda: running.engine.fed_bytes > 0)
        running.server.should_exit = True
        messages, code = await client.rest()
        assert code == 1001
        assert messages[-1] == {"uid": UID, "message": "DISCONNECT"}
        assert messages[-2]["segments"][-1]["text"].split() == words(10).split()


async def test_keys_and_large_messages() -> None:
    async with serving_ready(api_keys="right") as running:
        with pytest.raises(InvalidStatus) as refused:
            async with running.client("/", headers={"Authorization": "Bearer wrong"}):
                pass
        assert refused.value.response.status_code == 401
        async with running.client("/", headers={"Authorization": "Bearer right"}) as client:
            await greet(client)
        async with running.client("/", subprotocols=["bearer", "right"]) as client:
            assert client.socket.subprotocol == "bearer"
            await greet(client)
        too_large = await running.oversend("/?token=right", MAX_MESSAGE_BYTES + 1)
        assert too_large == (1009, b"too_large")
