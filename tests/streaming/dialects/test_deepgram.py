"""Deepgram's live protocol, conversation by conversation: what a client says and is told."""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from hark.engine import types as engine
from hark.engine.types import AudioFormat, Encoding, Endpointing
from hark.streaming.errors import BadOptionError
from hark.streaming.protocols.base import Handshake
from hark.streaming.protocols.deepgram.door import DeepgramDoor
from hark.streaming.session import Hangup
from tests.streaming.dialects.rig import (
    Rig,
    closed,
    final,
    finalized,
    heard,
    house,
    opened,
    partial,
    started,
    stopped,
)

RAW = "encoding=linear16&sample_rate=16000"
ALL = f"{RAW}&interim_results=true&vad_events=true&utterance_end_ms=1000&punctuate=true"
STEREO = f"{RAW}&channels=2&multichannel=true"
AUDIO = bytes(3200)
FINALIZE, CLOSE = {"type": "Finalize"}, {"type": "CloseStream"}


def handshake(query: str) -> Handshake:
    return Handshake("/v1/listen", query=parse_qs(query, keep_blank_values=True))


def entered(query: str = ALL, *, num_lines: int = 1) -> Rig:
    """A client whose streams are open, having sent some audio."""
    rig = Rig.enter(DeepgramDoor(), handshake(query))
    rig.client(AUDIO)
    for line in list(rig.sessions):
        rig.hear(opened(), line=line)
    assert len(rig.sessions) == num_lines
    return rig


def opening(query: str) -> engine.Open:
    """What the engine is asked for."""
    request = entered(query).requests[""][0]
    assert isinstance(request, engine.Open)
    return request


def transcripts(messages: list[Any]) -> list[str]:
    """Of the finals."""
    return [transcript(each) for each in messages if each["type"] == "Results" and each["is_final"]]


def transcript(result: Any) -> str:
    return result["channel"]["alternatives"][0]["transcript"]


def kinds(messages: list[Any]) -> list[str]:
    return [message["type"] for message in messages]


# --- what is asked for ----------------------------------------------------------------------------


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
    headers = Rig.enter(DeepgramDoor(), handshake(query)).dialect.accept_headers
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


# --- a talk ---------------------------------------------------------------------------------------


def test_a_talk_is_told_in_deepgram_s_words() -> None:
    rig = entered()
    assert rig.hear(started(0, 500)) == [
        {"type": "SpeechStarted", "channel": [0, 1], "timestamp": 0.5}
    ]
    (interim,) = rig.hear(partial(0, 500, 1500, "Hello", " you"))
    assert (interim["start"], interim["duration"]) == (0.0, 1.5)
    assert (interim["is_final"], transcript(interim)) == (False, "Hello you")
    words = interim["channel"]["alternatives"][0]["words"]
    assert [(word["word"], word["start"], word["end"]) for word in words] == [
        ("hello", 0.5, 1.1),
        ("you", 1.1, 1.5),
    ]
    (told,) = rig.hear(stopped(0, 500, 1500), final(0, 500, 1700, "Hello, you!"))
    request_id = rig.dialect.accept_headers["dg-request-id"]
    assert told == {
        "type": "Results",
        "channel_index": [0, 1],
        "start": 0.0,
        "duration": 1.7,
        "is_final": True,
        "speech_final": True,
        "from_finalize": False,
        "channel": {
            "alternatives": [
                {
                    "transcript": "Hello, you!",
                    "confidence": 0.9,
                    "languages": ["en"],
                    "words": [
                        {
                            "word": "hello",
                            "punctuated_word": "Hello,",
                            "start": 0.5,
                            "end": 1.1,
                            "confidence": 0.9,
                            "language": "en",
                        },
                        {
                            "word": "you",
                            "punctuated_word": "you!",
                            "start": 1.1,
                            "end": 1.7,
                            "confidence": 0.9,
                            "language": "en",
                        },
                    ],
                }
            ]
        },
        "metadata": {
            "request_id": request_id,
            "model_info": {"name": "fake", "version": "", "arch": "qwen3-asr"},
            "model_uuid": told["metadata"]["model_uuid"],
        },
    }


def test_without_punctuation_a_transcript_is_plain() -> None:
    rig = entered(f"{RAW}&language=en")
    (told,) = rig.hear(started(0, 0), final(0, 0, 900, "Well \u2013 don't, O'Neill."))
    (alternative,) = told["channel"]["alternatives"]
    assert alternative["transcript"] == "well don't o'neill"
    assert [word["word"] for word in alternative["words"]] == ["well", "don't", "o'neill"]
    assert "languages" not in alternative
    assert not any({"punctuated_word", "language"} & word.keys() for word in alternative["words"])


def test_silence_is_told_up_to_where_it_is_sure() -> None:
    rig = entered()
    assert rig.hear(heard(5_400)) == []
    (told,) = rig.hear(heard(5_500))
    assert (told["start"], told["duration"], transcript(told)) == (0.0, 5.0, "")
    assert (told["is_final"], told["speech_final"]) == (True, False)
    rig.hear(started(0, 5_050), heard(12_000))
    (told,) = rig.hear(final(0, 5_050, 12_000, "late"))
    assert (told["start"], told["duration"]) == (5.0, 7.0)


@pytest.mark.parametrize(("query", "last_word_end"), [(ALL, -1), (f"{ALL}&endpointing=false", 1.5)])
def test_an_utterance_ends_a_while_behind_its_last_word(query: str, last_word_end: float) -> None:
    rig = entered(query)
    rig.hear(started(0, 500), stopped(0, 500, 1500))
    (told,) = rig.hear(final(0, 500, 1500, "it is"))
    assert told["speech_final"] is (last_word_end == -1)
    assert rig.hear(heard(2499)) == []
    ended = {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": last_word_end}
    assert rig.hear(heard(2500), heard(3000)) == [ended]


def test_of_an_utterance_s_end_the_next_speech_tells_at_the_latest() -> None:
    """Audio that comes faster than it is spoken is heard in pieces of a second."""
    rig = entered()
    rig.hear(started(0, 0), final(0, 0, 1000, "one"), heard(1900))
    assert kinds(rig.hear(started(1, 2000))) == ["UtteranceEnd", "SpeechStarted"]


def test_speech_cut_at_the_segment_limit_is_final_and_goes_on() -> None:
    rig = entered()
    rig.hear(started(0, 0), stopped(0, 0, 28_000))
    (cut,) = rig.hear(final(0, 0, 28_000, "and so on"))
    assert (cut["is_final"], cut["speech_final"]) == (True, False)
    rig.hear(started(1, 28_000), stopped(1, 28_000, 29_000))
    (end,) = rig.hear(final(1, 28_000, 29_200, "to the end"))
    assert end["speech_final"] is True


# --- Finalize -------------------------------------------------------------------------------------


def test_finalize_gives_the_last_word_and_says_so() -> None:
    rig = entered()
    rig.hear(started(0, 0))
    assert rig.client(FINALIZE) == []
    request = rig.last_request()
    assert isinstance(request, engine.Finalize)
    assert rig.hear(stopped(0, 0, 900), final(0, 0, 1000, "the last word")) == []
    (told,) = rig.hear(finalized(request.id or "", 1000))
    assert transcript(told) == "the last word"
    assert (told["is_final"], told["speech_final"], told["from_finalize"]) == (True, True, True)


def test_a_final_of_before_does_not_wait_for_finalize() -> None:
    rig = entered()
    rig.hear(started(0, 0))
    rig.client(FINALIZE, FINALIZE)
    (told,) = rig.hear(final(0, 0, 1000, "by itself"), heard(1100))
    assert (transcript(told), told["from_finalize"]) == ("by itself", False)
    rig.hear(started(1, 1500))
    told = rig.hear(final(1, 1500, 2000, "both"), finalized("a", 2000), finalized("b", 2000))
    assert [(transcript(each), each["from_finalize"]) for each in told] == [
        ("both", True),
        ("", True),
    ]
    assert [each["start"] + each["duration"] for each in told] == [2.0, 2.0]


def test_finalize_is_answered_with_nothing_to_say_and_without_a_stream() -> None:
    rig = Rig.enter(DeepgramDoor(), handshake(ALL))
    (told,) = rig.client({"type": "KeepAlive"}, FINALIZE)
    assert (told["from_finalize"], transcript(told), told["duration"]) == (True, "", 0.0)
    assert rig.sessions == {}


def test_finalize_of_one_channel() -> None:
    rig = entered(STEREO, num_lines=2)
    rig.client({"type": "Finalize", "channel": 1})
    assert isinstance(rig.last_request("1"), engine.Finalize)
    assert isinstance(rig.last_request("0"), engine.Feed)
    (told,) = rig.hear(finalized("x", 2000), line="1")
    assert told["channel_index"] == [1, 2]
    (error,) = rig.client({"type": "Finalize", "channel": 2})
    assert "0 to 1" in error["description"]


# --- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["CloseStream", "empty frame", "left", "silence"])
def test_however_it_ends_the_last_word_is_said_and_metadata_is_last(end: str) -> None:
    rig = entered()
    rig.hear(started(0, 0), partial(0, 0, 900, "almost"), heard(900, len(AUDIO)))
    match end:
        case "CloseStream":
            rig.client(CLOSE, AUDIO, CLOSE, FINALIZE, "late")
        case "empty frame":
            rig.client(b"")
        case "left":
            rig.leave()
        case _:
            rig.at(10.0)
    assert isinstance(rig.last_request(), engine.Close)
    rig.perform(rig.dialect.left(rig.now))
    rig.news()
    told = rig.hear(stopped(0, 0, 900), final(0, 0, 950, "almost gone"), closed(1000))
    assert transcripts(told) == ["almost gone", ""]
    assert kinds(told) == ["Results", "Results", "Metadata"]
    assert told[-1] == {
        "type": "Metadata",
        "transaction_key": "deprecated",
        "request_id": rig.dialect.accept_headers["dg-request-id"],
        "sha256": "",
        "created": "2023-11-14T22:13:20.000Z",
        "duration": 1.0,
        "channels": 1,
    }
    assert rig.hangup == (Hangup(1011, "NET-0001") if end == "silence" else Hangup(1000, ""))


def test_a_final_held_for_finalize_is_not_lost_at_the_end() -> None:
    rig = entered()
    rig.hear(started(0, 0))
    rig.client(FINALIZE, CLOSE)
    told = rig.hear(final(0, 0, 1000, "kept"), closed(1000))
    assert transcripts(told) == ["kept"]


def test_without_audio_there_is_nothing_to_wait_for() -> None:
    rig = Rig.enter(DeepgramDoor(), handshake(ALL))
    assert rig.dialect.left(0.0) == []
    (metadata,) = rig.client(CLOSE)
    assert (metadata["type"], metadata["duration"]) == ("Metadata", 0.0)
    assert rig.hangup == Hangup(1000, "")


def test_all_channels_finish_before_the_end() -> None:
    rig = entered(STEREO, num_lines=2)
    rig.client(CLOSE)
    assert kinds(rig.hear(closed(1500), line="0")) == ["Results"]
    assert rig.hangup is None
    told = rig.hear(started(0, 0), final(0, 0, 900, "me too"), closed(1600), line="1")
    assert transcripts(told) == ["me too", ""]
    assert (told[-1]["duration"], told[-1]["channels"]) == (1.6, 2)


# --- liveness -------------------------------------------------------------------------------------


def test_who_sends_nothing_is_given_up_and_who_keeps_alive_is_not() -> None:
    rig = Rig.enter(DeepgramDoor(), handshake(ALL))
    for now in (9.0, 18.0, 27.0):
        assert rig.at(now) == []
        rig.client({"type": "KeepAlive"})
    assert rig.dialect.next_deadline() == 37.0
    error, metadata = rig.at(37.0)
    assert (error["type"], error["variant"]) == ("Error", "NET-0000")
    assert metadata["type"] == "Metadata"
    assert rig.hangup == Hangup(1011, "NET-0000")


def test_a_server_that_is_behind_does_not_blame_the_client() -> None:
    """While too much audio waits the socket is not read."""
    rig = entered()
    assert rig.at(10.0) == []
    rig.now = 19.0
    rig.hear(heard(100, len(AUDIO)))
    assert rig.at(20.0) == []
    assert kinds(rig.at(29.0)) == ["Error"]


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ("{", ["not JSON"]),
        ("[1]", ["object"]),
        ("", ["not JSON"]),
        ('{"type": "Flush"}', ["Flush", "KeepAlive, Finalize, CloseStream, Configure"]),
        ('{"type": "Finalize", "channel": "a"}', ["channel"]),
        ('{"type": "Configure", "keyterms": ["\\ud800"]}', ["surrogate"]),
        ('{"type": "Configure", "features": {"punctuate": 1}}', ["features"]),
    ],
)
def test_a_text_that_is_not_understood_is_quoted_and_changes_nothing(
    frame: str, words: list[str]
) -> None:
    rig = entered()
    (error,) = rig.client(frame)
    assert (error["type"], error["variant"], error["message"]) == ("Error", "SchemaError", frame)
    assert all(word in error["description"] for word in words), error
    assert rig.hangup is None


@pytest.mark.parametrize(
    ("failure", "variant", "code"),
    [
        (engine.BadAudioError("no known container"), "DATA-0000", 1008),
        (engine.EngineError("broken"), "internal", 1011),
        (engine.CapacityError("full"), "capacity", 1013),
    ],
)
def test_a_stream_that_fails_ends_the_connection_when_the_others_are_done(
    failure: engine.EngineError, variant: str, code: int
) -> None:
    rig = entered(STEREO, num_lines=2)
    rig.hear(started(0, 0), line="1")
    (error,) = rig.hear(engine.Failed(failure), line="0")
    assert (error["type"], error["variant"]) == ("Error", variant)
    told = rig.hear(final(0, 0, 900, "not my fault"), closed(900), line="1")
    assert transcripts(told) == ["not my fault"]
    assert kinds(told)[-1] == "Metadata"
    assert rig.hangup == Hangup(code, variant)


def test_streams_that_are_refused_end_the_connection_at_once() -> None:
    rig = Rig.enter(DeepgramDoor(), handshake(STEREO))
    rig.client(AUDIO)
    told = rig.hear(engine.Failed(engine.OptionError("context is too long")), line="0")
    assert kinds(told) == ["Error", "Metadata"]
    assert rig.hangup == Hangup(1007, "bad_option")


def test_an_opus_packet_has_a_longest_length() -> None:
    rig = entered("encoding=opus")
    assert rig.last_request() == engine.Feed(0, len(AUDIO).to_bytes(2, "big") + AUDIO)
    (error,) = rig.client(bytes(65_536))
    assert (error["variant"], "container" in error["description"]) == ("DATA-0000", True)
    rig.hear(closed(0))
    assert rig.hangup == Hangup(1008, "DATA-0000")


def test_channels_that_are_not_told_apart_are_averaged_by_the_engine() -> None:
    rig = Rig.enter(DeepgramDoor(), handshake("encoding=linear16&sample_rate=8000&channels=2"))
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


# --- Configure ------------------------------------------------------------------------------------


def test_terms_are_changed_when_every_stream_has_taken_them() -> None:
    rig = entered(STEREO, num_lines=2)
    change = {"type": "Configure", "keyterms": ["Hark", "Qwen"], "features": {"punctuate": True}}
    assert rig.client(change) == []
    assert rig.last_request("1") == engine.Configure(1, {"context": "Hark, Qwen"})
    (failure,) = rig.client(change)
    assert (failure["type"], failure["code"]) == ("ConfigureFailure", "CONFIGURE_ALREADY_PENDING")
    assert rig.hear(engine.Configured(), line="1") == []
    (success,) = rig.hear(engine.Configured(), line="0")
    assert (success["type"], success["keyterms"]) == ("ConfigureSuccess", ["Hark", "Qwen"])
    (told,) = rig.hear(started(0, 0), final(0, 0, 900, "Formatted."), line="0")
    assert transcript(told) == "Formatted."


def test_terms_may_be_changed_before_there_is_a_stream() -> None:
    rig = Rig.enter(DeepgramDoor(), handshake(f"{RAW}&keyterm=old"))
    (success,) = rig.client({"type": "Configure", "keyterms": ["new"]})
    assert success["keyterms"] == ["new"]
    (success,) = rig.client({"type": "Configure", "features": {"smart_format": True}})
    assert "keyterms" not in success
    rig.client(AUDIO)
    request = rig.requests[""][0]
    assert isinstance(request, engine.Open)
    assert request.options.context == "new"


def test_terms_that_are_too_many_change_nothing_and_end_nothing() -> None:
    rig = entered()
    (failure,) = rig.client({"type": "Configure", "keyterms": ["x" * 4001]})
    assert failure["code"] == "CONFIGURE_KEYTERM_LIMIT_EXCEEDED"
    rig.client({"type": "Configure", "keyterms": ["many tokens"]})
    (failure,) = rig.hear(engine.Refused(engine.OptionError("context is 9 tokens too long")))
    assert (failure["type"], "9 tokens" in failure["description"]) == ("ConfigureFailure", True)
    assert rig.hangup is None
