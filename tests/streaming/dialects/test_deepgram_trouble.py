"""A Deepgram connection that is idle, fails, is misunderstood, or is configured anew."""

import pytest

from hark.engine import types as engine
from hark.streaming.effects import Hangup
from tests.streaming.dialects.deepgram_client import (
    AUDIO,
    RAW,
    STEREO,
    entered,
    kinds,
    let_in,
    transcript,
    transcripts,
)
from tests.streaming.dialects.rig import closed, final, heard, started

# --- liveness -------------------------------------------------------------------------------------


def test_who_sends_nothing_is_given_up_and_who_keeps_alive_is_not() -> None:
    rig = let_in()
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
    rig = let_in(STEREO)
    rig.client(AUDIO)
    told = rig.hear(engine.Failed(engine.OptionError("context is too long")), line="0")
    assert kinds(told) == ["Error", "Metadata"]
    assert rig.hangup == Hangup(1007, "bad_option")


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
    rig = let_in(f"{RAW}&keyterm=old")
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
