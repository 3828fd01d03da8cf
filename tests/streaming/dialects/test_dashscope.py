"""DashScope's realtime interface: settled and open text apart, and an orderly finish."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine import types as engine
from hark.streaming.errors import UnauthorizedError
from hark.streaming.protocols.base import Handshake
from hark.streaming.protocols.dashscope import DashScopeDoor
from tests.streaming.dialects.rig import (
    Rig,
    closed,
    final,
    finalized,
    opened,
    partial,
    started,
    stopped,
)

PREFIX = "conversation.item.input_audio_transcription"
AUDIO = {
    "type": "input_audio_buffer.append",
    "audio": base64.b64encode(bytes(32_000)).decode(),
    "event_id": "event_1",
}
FINISH = {"type": "session.finish", "event_id": "event_9"}


def enter() -> Rig:
    rig = Rig.enter(DashScopeDoor(), Handshake("/", {"model": ["qwen3-asr-flash-realtime"]}))
    [created] = rig.news()
    assert created["type"] == "session.created"
    assert created["session"]["model"] == "qwen3-asr-flash-realtime"
    return rig


def update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "event_id": "event_0", "session": session}


def test_a_session_as_the_sdk_asks_for_it() -> None:
    rig = enter()
    [updated] = rig.client(
        update(
            modalities=["text"],
            input_audio_format="pcm",
            sample_rate=8_000,
            input_audio_transcription={"language": "es", "corpus": {"text": "Hark"}},
            turn_detection={"type": "server_vad", "threshold": 0.2, "silence_duration_ms": 400},
        )
    )
    assert updated["session"]["turn_detection"]["prefix_padding_ms"] == 300
    rig.client(AUDIO)
    request = rig.requests[""][0]
    assert isinstance(request, engine.Open)
    assert request.audio.sample_rate == 8_000
    assert request.options.language == "Spanish"
    assert request.options.context == "Hark"
    assert request.options.endpointing.pause_ms == 400


@pytest.mark.parametrize(("asked", "pause_ms"), [(1e300, 5000), (10**12, 5000), (-5, 200)])
def test_a_pause_out_of_range_is_the_nearest(asked: float, pause_ms: int) -> None:
    rig = enter()
    rig.client(update(turn_detection={"type": "server_vad", "silence_duration_ms": asked}), AUDIO)
    request = rig.requests[""][0]
    assert isinstance(request, engine.Open)
    assert request.options.endpointing.pause_ms == pause_ms


def test_the_newer_form_of_the_format() -> None:
    rig = enter()
    rig.client(update(audio={"input": {"format": {"type": "pcm", "sample_rate": 8_000}}}), AUDIO)
    request = rig.requests[""][0]
    assert isinstance(request, engine.Open)
    assert request.audio.sample_rate == 8_000


def test_an_utterance_tells_settled_and_open_text() -> None:
    rig = enter()
    rig.client(AUDIO)
    events = rig.hear(opened(), started(0, 0), partial(0, 0, 900, "hello", " wor"))
    assert [event["type"] for event in events] == [
        "input_audio_buffer.speech_started",
        f"{PREFIX}.text",
    ]
    assert (events[1]["text"], events[1]["stash"], events[1]["language"]) == ("hello", " wor", "en")
    events = rig.hear(stopped(0, 0, 900), final(0, 0, 1000, "hello world"))
    assert [event["type"] for event in events] == [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.created",
        f"{PREFIX}.completed",
    ]
    assert events[-1]["transcript"] == "hello world"


def test_a_commit_without_turn_detection() -> None:
    rig = enter()
    rig.client(update(turn_detection=None), AUDIO)
    rig.hear(opened(), started(0, 0))
    rig.client({"type": "input_audio_buffer.commit"})
    request = rig.last_request()
    assert isinstance(request, engine.Finalize)
    assert request.id
    events = rig.hear(stopped(0, 0, 900), final(0, 0, 900, "mine"), finalized(request.id, 1000))
    assert events[-1]["transcript"] == "mine"


def test_finish_says_what_is_left_and_then_that_it_is_finished() -> None:
    rig = enter()
    rig.client(AUDIO)
    rig.hear(opened(), started(0, 0))
    assert rig.client(FINISH) == []
    [error] = rig.client(AUDIO)
    assert error["error"]["code"] == "invalid_value"
    events = rig.hear(stopped(0, 0, 900), final(0, 0, 1000, "last"), closed(1000))
    assert events[-2]["transcript"] == "last"
    assert events[-1]["type"] == "session.finished"
    assert rig.hangup is not None
    assert rig.hangup.code == 1000


def test_who_finishes_and_leaves_is_told_the_rest_and_no_error() -> None:
    rig = enter()
    rig.client(AUDIO)
    rig.hear(opened(), started(0, 0))
    assert rig.client(FINISH) == []
    rig.leave()
    assert rig.news() == []
    events = rig.hear(stopped(0, 0, 900), final(0, 0, 900, "the last words"), closed(1_000))
    assert "error" not in [event["type"] for event in events]
    assert events[-1]["type"] == "session.finished"
    assert [e["transcript"] for e in events if "transcript" in e] == ["the last words"]


def test_finish_of_nothing_is_finished_at_once() -> None:
    rig = enter()
    [finished] = rig.client(FINISH)
    assert finished["type"] == "session.finished"
    assert rig.hangup is not None
    assert rig.requests == {}


@pytest.mark.parametrize("late", ["commit", "clear", "append"])
def test_nothing_may_follow_finish(late: str) -> None:
    rig = enter()
    rig.client(AUDIO, {"type": "session.finish"})
    fields = {"audio": AUDIO["audio"]} if late == "append" else {}
    [error] = rig.client({"type": f"input_audio_buffer.{late}", **fields})
    assert "came after session.finish" in error["error"]["message"]
    events = rig.hear(opened(), started(0, 0), final(0, 0, 900, "Heard."), closed(1000))
    assert events[-1]["type"] == "session.finished"


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        b"\x00",
        {"type": "response.create"},
        update(input_audio_format="mp3"),
        update(sample_rate=1),
        update(sample_rate=0),
        update(sample_rate="x"),
        update(input_audio_transcription={"language": "fr"}),
        update(turn_detection=3),
        {"type": "input_audio_buffer.append", "audio": 3},
    ],
)
def test_a_mistake_is_an_error_event(frame: Any) -> None:
    rig = enter()
    [error] = rig.client(frame)
    assert error["type"] == "error"
    assert error["error"]["type"] == "invalid_request_error"
    assert rig.hangup is None


def test_a_wrong_key_is_told_in_its_own_words() -> None:
    denial = DashScopeDoor().deny(UnauthorizedError("no"), Handshake("/"))
    assert denial.status == 401
    assert json.loads(denial.body) == {"code": "invalid_api_key", "message": "no"}


VALUES = st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.just({"type": "pcm"})
SESSIONS = st.dictionaries(
    st.sampled_from(
        ["input_audio_format", "sample_rate", "input_audio_transcription", "turn_detection"]
    ),
    VALUES
    | st.dictionaries(st.sampled_from(["language", "corpus", "silence_duration_ms"]), VALUES),
)
FRAMES = st.one_of(
    st.binary(max_size=6),
    st.text(max_size=6),
    SESSIONS.map(lambda session: json.dumps(update(**session))),
    st.sampled_from(
        [json.dumps(m) for m in (AUDIO, FINISH, {"type": "input_audio_buffer.commit"})]
    ),
)


@pytest.mark.timeout(600)
@settings(deadline=None, max_examples=10_000)
@given(st.lists(FRAMES, max_size=6))
def test_no_frames_raise(frames: list[Any]) -> None:
    rig = enter()
    for frame in frames:
        rig.client(frame)
    rig.leave()
