"""What a Deepgram client asks for when it connects, and how it is refused."""

import json
import re
from pathlib import Path

import pytest

from hark.engine import types as engine
from hark.engine.types import AudioFormat, Encoding, Endpointing
from hark.streaming.effects import Hangup
from hark.streaming.errors import BadOptionError
from hark.streaming.protocols.base import Handshake
from hark.streaming.protocols.deepgram import live, query
from hark.streaming.protocols.deepgram.channel import SILENCE_MS
from hark.streaming.protocols.deepgram.door import MAX_MESSAGE_BYTES, DeepgramDoor
from hark.streaming.protocols.deepgram.intake import ENCODINGS, MAX_CHANNELS
from tests.streaming.dialects.deepgram_client import AUDIO, RAW, entered, handshake, let_in
from tests.streaming.dialects.rig import closed, house


def opening(query: str) -> engine.Open:
    """What the engine is asked for."""
    request = entered(query).requests[""][0]
    assert isinstance(request, engine.Open)
    return request


@pytest.mark.parametrize(
    ("query", "audio"),
    [
        ("", AudioFormat(Encoding.CONTAINER)),
        ("channels=2&multichannel=true", AudioFormat(Encoding.CONTAINER)),
        ("encoding=linear16&sample_rate=24000", AudioFormat(sample_rate=24_000)),
        ("encoding=linear32&sample_rate=48000", AudioFormat(Encoding.PCM_F32LE, 48_000)),
        ("encoding=mulaw&sample_rate=8000", AudioFormat(Encoding.MULAW, 8_000)),
        ("encoding=alaw&sample_rate=8000", AudioFormat(Encoding.ALAW, 8_000)),
        ("encoding=ogg-opus&sample_rate=48000", AudioFormat(Encoding.CONTAINER)),
        ("encoding=flac", AudioFormat(Encoding.CONTAINER)),
        ("encoding=opus&sample_rate=48000&channels=2", AudioFormat(Encoding.OPUS)),
    ],
)
def test_the_audio_s_form(query: str, audio: AudioFormat) -> None:
    assert opening(query).audio == audio


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", {"language": None, "partials": False, "context": ""}),
        ("interim_results=True", {"partials": True}),
        ("language=en-US", {"language": "English"}),
        ("language=de", {"language": "German"}),
        ("language=multi", {"language": None}),
        ("language=fr&detect_language=true", {"language": None}),
        ("language=en&detect_language=de&detect_language=es-419", {"language": None}),
        ("language=en&detect_language=0", {"language": "English"}),
        ("keyterm=Qwen&keyterm=+Hark+&keyterm=Qwen", {"context": "Qwen, Hark"}),
        ("keywords=tea:1.5&keywords=coffee:-3&keywords=a:b", {"context": "tea, a:b"}),
    ],
)
def test_options_that_mean_something(query: str, fields: dict[str, object]) -> None:
    options = opening(f"{RAW}&{query}").options
    assert {name: getattr(options, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("query", "pause_ms"),
    [
        ("", 200),
        ("endpointing=true", 200),
        ("endpointing=25", 200),
        ("endpointing=500", 500),
        ("endpointing=60000", 5_000),
        ("endpointing=false", Endpointing().pause_ms),
    ],
)
def test_a_pause_is_brought_into_the_engine_s_range(query: str, pause_ms: int) -> None:
    endpointing = opening(f"{RAW}&{query}").options.endpointing
    assert (endpointing.mode, endpointing.pause_ms) == ("vad", pause_ms)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("encoding=g729", ["encoding", "g729", "linear16", "ogg-opus"]),
        ("encoding=linear16", ["sample_rate", "raw"]),
        ("encoding=linear16&sample_rate=high", ["sample_rate", "high"]),
        ("encoding=linear16&sample_rate=4000", ["sample_rate", "4000", "8000 to 48000"]),
        (f"{RAW}&channels=21", ["channels", "21", "1 to 20"]),
        (f"{RAW}&language=tlh", ["language", "tlh", "English (en)"]),
        (f"{RAW}&endpointing=soon", ["endpointing", "soon", "false"]),
        (f"{RAW}&utterance_end_ms=-1", ["utterance_end_ms", "-1"]),
        (f"{RAW}&interim_results=maybe", ["interim_results", "maybe", "true"]),
        (f"{RAW}&detect_language=x", ["detect_language", "'x'", "true", "false", "codes"]),
        (f"{RAW}&detect_language=de&detect_language=tlh", ["detect_language", "'tlh'", "codes"]),
        (f"{RAW}&keyterm={'x' * 4001}", ["keyterm", "4001", "4000"]),
    ],
)
def test_what_is_refused_says_why_in_json_and_in_headers(query: str, words: list[str]) -> None:
    door = DeepgramDoor()
    with pytest.raises(BadOptionError) as refused:
        door.open(handshake(query), house())
    denial = door.deny(refused.value, handshake(query))
    body = json.loads(denial.body)
    assert (denial.status, body["err_code"]) == (400, "INVALID_QUERY_PARAMETER")
    assert all(word in body["err_msg"] for word in words), body
    assert denial.headers["dg-error"] == body["err_msg"]
    assert denial.headers["dg-request-id"] == body["request_id"]


def test_a_header_holds_whatever_a_client_wrote() -> None:
    denial = DeepgramDoor().deny(BadOptionError("kein Schlüssel\r\nx: y"), handshake(""))
    assert denial.headers["dg-error"] == "kein Schl?ssel??x: y"


def test_what_has_no_effect_is_named_and_what_asks_for_nothing_is_not() -> None:
    query = f"{RAW}&model=nova-3&diarize=true&redact=pci&redact=ssn&numerals=false&tag=x&%0D%0A=1"
    headers = let_in(query).dialect.accept_headers
    assert headers["dg-warning"] == "ignored: ??, diarize, redact"
    assert "dg-warning" not in entered().dialect.accept_headers


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (("token", "key"), "token"),
        (("bearer", "jwt", "x-deepgram-session-id", "uuid"), "bearer"),
        (("key",), None),
        ((), None),
    ],
)
def test_the_key_is_never_the_subprotocol(offered: tuple[str, ...], chosen: str | None) -> None:
    request = Handshake("/v1/listen", subprotocols=offered)
    assert DeepgramDoor().open(request, house()).subprotocol == chosen


def test_an_opus_packet_has_a_longest_length() -> None:
    rig = entered("encoding=opus")
    assert rig.last_request() == engine.Feed(0, len(AUDIO).to_bytes(2, "big") + AUDIO)
    (error,) = rig.client(bytes(65_536))
    assert (error["variant"], "container" in error["description"]) == ("DATA-0000", True)
    rig.hear(closed(0))
    assert rig.hangup == Hangup(1008, "DATA-0000")


def test_channels_that_are_not_told_apart_are_averaged_by_the_engine() -> None:
    rig = let_in("encoding=linear16&sample_rate=8000&channels=2")
    rig.client(b"\1\2\3\4")
    open_, first = rig.requests[""][:2]
    assert isinstance(open_, engine.Open)
    assert isinstance(first, engine.Feed)
    assert open_.audio.encoding is Encoding.CONTAINER
    header, rest = first.payload[:44], first.payload[44:]
    assert header[:4] + header[8:16] == b"RIFFWAVEfmt "
    assert header[20:36] == bytes.fromhex("0100 0200 401f0000 007d0000 0400 1000")
    assert rest == b"\1\2\3\4"
    rig.client(b"\5")
    assert rig.last_request() == engine.Feed(0, b"\5")


def test_the_documentation_names_what_there_is() -> None:
    doc = (Path(__file__).parents[3] / "docs" / "dialects" / "deepgram.md").read_text()
    rows = [line for line in doc.splitlines() if line.startswith("| ")]
    parameters = set(re.findall(r"`([a-z_]+)`", " ".join(row.split(" | ")[0] for row in rows)))
    assert parameters >= query.READ | query.WITHOUT_EFFECT
    (encodings,) = [row for row in rows if row.startswith("| `encoding`")]
    assert all(f"`{name}`" in encodings for name in ENCODINGS)
    assert f"{query.PAUSE_MS[0]} to {query.PAUSE_MS[1]}" in doc
    assert f"up to {MAX_MESSAGE_BYTES >> 20} MiB" in doc
    assert f"1 to {MAX_CHANNELS} channels" in doc
    assert f"{live.PATIENCE_S:g} s without audio" in doc
    assert f"{SILENCE_MS // 1000} s without speech" in doc
