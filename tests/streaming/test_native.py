"""The native dialect's edges: what decode may raise, what its messages say, what encode writes."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hark.engine.types import AudioFormat, Encoding, Endpointing, StreamOptions
from hark.streaming import events
from hark.streaming.errors import BadMessageError, BadOptionError, StreamError
from hark.streaming.events import AudioIn, CloseIn, Command, ConfigureIn, FinalizeIn, Hello
from hark.streaming.protocols.base import Frame
from hark.streaming.protocols.native import Adapter, JsonAdapter, MsgpackAdapter, choose_adapter
from tests.streaming.support import pack

COMMANDS = (Hello, AudioIn, ConfigureIn, FinalizeIn, CloseIn)
NAMES = st.sampled_from(
    [
        *("type", "encoding", "sample_rate", "language", "context", "cadence_ms", "endpointing"),
        *("partial_window_s", "final_window_s", "segment_limit_s", "partials", "id", "data"),
        *("mode", "pause_ms", "\ud800"),
    ]
)
TYPES = st.sampled_from(["hello", "configure", "finalize", "close", "audio", "x", "\ud800"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.just("\ud800")
    | st.just("manual")
    | st.just("x" * 4001),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
MESSAGES = st.dictionaries(NAMES, VALUES, max_size=4).flatmap(
    lambda fields: TYPES.map(lambda kind: {"type": kind, **fields}) | st.just(fields)
)


def decodes_or_refuses(adapter: Adapter, frame: Frame) -> None:
    try:
        command = adapter.decode(frame)
    except StreamError as error:
        assert error.code in ("bad_message", "bad_option")
        assert 0 < len(error.message) <= 1000
        for answer in (JsonAdapter(None), MsgpackAdapter()):
            told = events.Error(code=error.code, message=error.message, retry=False)
            answer.encode(events.event_to_wire(told))
    else:
        assert isinstance(command, COMMANDS)


@settings(deadline=None)
@given(st.one_of(st.text(), VALUES.map(json.dumps), MESSAGES.map(json.dumps), st.binary()))
@example("[" * 100_000)
@example("1" * 5_000)
@example('{"type": "hello", "cadence_ms": NaN}')
def test_json_decode_raises_only_typed_errors(frame: Frame) -> None:
    decodes_or_refuses(JsonAdapter(None), frame)


@settings(deadline=None)
@given(
    st.binary()
    | st.text()
    | MESSAGES.map(pack)
    | st.builds(lambda head, tail: head + tail, st.binary(min_size=1, max_size=2), st.binary())
)
@example(b"\x91" * 100_000)  # nested too deep
@example(b"\xc1")  # never used in msgpack
@example(b"\xdd\xff\xff\xff\xff")  # a list of four billion
@example(b"\x81\x90\x01")  # a list as a key
@example(b"\x81\xc4\x04type\xa5close")  # bytes as a key
@example(b"\xd7\xff" + b"\xff" * 8)  # a timestamp out of range
def test_msgpack_decode_raises_only_typed_errors(frame: Frame) -> None:
    decodes_or_refuses(MsgpackAdapter(), frame)


def as_json(message: Any) -> Command:
    return JsonAdapter(None).decode(json.dumps(message))


def as_msgpack(message: Any) -> Command:
    return MsgpackAdapter().decode(pack(message))


def test_both_framings_read_every_field_the_same() -> None:
    hello = {
        "type": "hello",
        "encoding": "mulaw",
        "sample_rate": 8000,
        "language": "es",
        "context": "Málaga",
        "cadence_ms": 80,
        "partial_window_s": 2,
        "final_window_s": 4,
        "segment_limit_s": 5,
        "endpointing": {
            "mode": "semantic",
            "pause_ms": 5000,
            "min_speech_ms": 20,
            "pad_before_ms": 2000,
            "pad_after_ms": 0,
            "stall_ms": 600_000,
        },
        "partials": False,
        "granularity": "character",
    }
    expected = Hello(
        AudioFormat(Encoding.MULAW, 8000),
        StreamOptions(
            language="es",
            context="Málaga",
            cadence_ms=80,
            partial_window_s=2,
            final_window_s=4,
            segment_limit_s=5,
            endpointing=Endpointing("semantic", 5000, 20, 2000, 0, 600_000),
            partials=False,
            granularity="character",
        ),
    )
    assert as_json(hello) == as_msgpack(hello) == expected


def test_a_list_of_terms_is_a_context() -> None:
    for terms in ({"context": ["Ada Lovelace", " WebSocket ", ""]}, {"context": []}):
        command = as_json({"type": "configure", **terms})
        assert isinstance(command, ConfigureIn)
        assert command.changes["context"] in ("Ada Lovelace, WebSocket", "")


def test_audio_is_raw_in_one_framing_and_a_map_in_the_other() -> None:
    assert JsonAdapter(None).decode(b"\x01\x02\x03") == AudioIn(b"\x01\x02\x03")
    assert as_msgpack({"type": "audio", "data": b"\x01"}) == AudioIn(b"\x01")
    with pytest.raises(BadMessageError, match="data is a string, allowed is a bin"):
        as_msgpack({"type": "audio", "data": "text"})
    with pytest.raises(BadMessageError, match="unknown field 'rate' in audio"):
        as_msgpack({"type": "audio", "data": b"", "rate": 1})
    with pytest.raises(BadMessageError, match="type is 'audio'"):
        as_json({"type": "audio", "data": ""})
    with pytest.raises(BadMessageError, match="all messages are binary"):
        MsgpackAdapter().decode('{"type": "close"}')


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"encoding": "aac"}, BadOptionError, ["encoding", "aac", *Encoding]),
        ({"encoding": None}, BadMessageError, ["encoding", "null", "a string"]),
        ({"sample_rate": 7999}, BadOptionError, ["sample_rate", "7999", "8000 to 48000"]),
        ({"sample_rate": 48_001}, BadOptionError, ["sample_rate", "48001", "8000 to 48000"]),
        ({"sample_rate": 16000.0}, BadMessageError, ["sample_rate", "a fraction"]),
        ({"sample_rate": True}, BadMessageError, ["sample_rate", "a boolean"]),
        ({"sample_rate": "16000"}, BadMessageError, ["sample_rate", "a string"]),
        ({"language": 1}, BadMessageError, ["language", "a whole number"]),
        ({"context": "x" * 4001}, BadOptionError, ["context", "4001", "4000"]),
        ({"cadence_ms": 79}, BadOptionError, ["cadence_ms", "79", "80 to 10000"]),
        ({"partial_window_s": 0}, BadOptionError, ["partial_window_s", "1 to 8"]),
        ({"final_window_s": 9}, BadOptionError, ["final_window_s", "1 to 8"]),
        ({"segment_limit_s": 4}, BadOptionError, ["segment_limit_s", "5 to 120"]),
        ({"segment_limit_s": 121}, BadOptionError, ["segment_limit_s", "5 to 120"]),
        ({"endpointing": "vad"}, BadMessageError, ["endpointing", "a string", "a map"]),
        ({"endpointing": {"mode": "x"}}, BadOptionError, ["mode", "'x'", "'vad'", "'off'"]),
        ({"endpointing": {"mode": 1}}, BadMessageError, ["endpointing.mode", "a string"]),
        ({"endpointing": {"pause_ms": 199}}, BadOptionError, ["pause_ms", "200 to 5000"]),
        ({"endpointing": {"pause_ms": 0.5}}, BadMessageError, ["endpointing.pause_ms"]),
        ({"endpointing": {"pause": 1}}, BadMessageError, ["endpointing", "'pause'", "pause_ms"]),
        ({"endpointing": {"pad_after_ms": "x"}}, BadMessageError, ["endpointing.pad_after_ms"]),
        (
            {"endpointing": {"mode": "off", "stall_ms": 1}},
            BadOptionError,
            ["stall_ms is 1", "'off'", "only 0"],
        ),
        ({"partials": 1}, BadMessageError, ["partials", "a whole number", "true and false"]),
        ({"context": 1}, BadMessageError, ["context", "a whole number", "a list of strings"]),
        ({"context": ["x", None]}, BadMessageError, ["an entry of context", "null"]),
        ({"granularity": "phone"}, BadOptionError, ["granularity", "'phone'", "word, character"]),
        ({"modle": "x"}, BadMessageError, ["'modle'", "hello", "sample_rate"]),
    ],
)
def test_a_refused_field_is_named_with_what_is_allowed(
    fields: dict[str, Any], error: type[StreamError], words: list[str]
) -> None:
    for decode in (as_json, as_msgpack):
        with pytest.raises(error) as caught:
            decode({"type": "hello", **fields})
        assert [word for word in words if word not in caught.value.message] == []


def test_a_flush_id_has_a_limit() -> None:
    assert as_json({"type": "finalize", "id": "x" * 128}) == FinalizeIn("x" * 128)
    with pytest.raises(BadOptionError, match="id has 129 characters, allowed are 128"):
        as_json({"type": "finalize", "id": "x" * 129})


def test_half_a_surrogate_pair_is_refused_before_it_reaches_a_tokenizer() -> None:
    with pytest.raises(BadMessageError, match="context holds half of a surrogate pair"):
        JsonAdapter(None).decode('{"type": "hello", "context": "\\ud800"}')


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([], JsonAdapter),
        (["hark.v1.json"], JsonAdapter),
        (["hark.v9", "hark.v1.msgpack", "hark.v1.json"], MsgpackAdapter),
        (["hark.v9"], type(None)),
    ],
)
def test_the_first_known_subprotocol_is_chosen(offered: list[str], chosen: type) -> None:
    adapter = choose_adapter(offered)
    assert isinstance(adapter, chosen)
    if adapter is not None and offered:
        assert adapter.subprotocol in offered
