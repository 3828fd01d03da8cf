"""vLLM's variant of /v1/realtime: rounds of audio, each with its deltas and its text."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine import types as engine
from hark.streaming.effects import Hangup
from hark.streaming.protocols.base import Handshake
from hark.streaming.protocols.openai.door import RealtimeDoor
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

START = {"type": "input_audio_buffer.commit"}
END = {"type": "input_audio_buffer.commit", "final": True}
AUDIO = {
    "type": "input_audio_buffer.append",
    "audio": base64.b64encode(bytes(32_000)).decode(),
}


def enter() -> Rig:
    """A client that has read `session.created` and named its model."""
    rig = Rig.enter(RealtimeDoor(), Handshake("/v1/realtime"))
    [created] = rig.news()
    assert created["id"].startswith("sess_")
    assert isinstance(created["created"], int)
    assert rig.client({"type": "session.update", "model": "Qwen/Qwen3-ASR-1.7B"}) == []
    return rig


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def test_a_round_and_the_next_on_the_same_socket() -> None:
    rig = enter()
    assert rig.client(START, AUDIO) == []
    events = rig.hear(opened(), started(0, 0), partial(0, 0, 900, "one"))
    assert events == [{"type": "transcription.delta", "delta": "one"}]
    assert rig.client(END) == []
    events = rig.hear(stopped(0, 0, 900), final(0, 0, 1000, "one two"), finalized("1", 1000))
    assert kinds(events) == ["transcription.delta", "transcription.done"]
    assert events[1]["text"] == "one two"
    assert events[1]["usage"] == {
        "prompt_tokens": 13,
        "completion_tokens": 2,
        "total_tokens": 15,
    }
    rig.client(AUDIO, END)
    events = rig.hear(
        started(1, 1000), stopped(1, 1000, 2000), final(1, 1000, 2000, "b"), finalized("2", 2000)
    )
    assert events[-1]["text"] == "b"


def test_deltas_wait_until_they_are_asked_for() -> None:
    rig = enter()
    rig.client(AUDIO)
    assert rig.hear(opened(), started(0, 0), partial(0, 0, 900, "one")) == []
    assert rig.client(START) == [{"type": "transcription.delta", "delta": "one"}]


def test_the_stream_is_16_khz_and_cut_by_nobody() -> None:
    rig = enter()
    rig.client(AUDIO)
    request = rig.requests[""][0]
    assert isinstance(request, engine.Open)
    assert request.audio == engine.AudioFormat()
    assert request.options.endpointing.mode == "off"


def test_mistakes_have_vllm_s_codes() -> None:
    rig = enter()
    codes = [
        rig.client(frame)[0]["code"]
        for frame in ("{", "[]", {"type": "x"}, {"type": "input_audio_buffer.append"}, END)
    ]
    assert codes == [
        "invalid_json",
        "invalid_event",
        "unknown_event",
        "invalid_event",
        "invalid_audio",
    ]
    assert rig.hangup is None


def test_a_client_that_leaves_is_told_its_text() -> None:
    rig = enter()
    rig.client(START, AUDIO)
    rig.leave()
    events = rig.hear(
        opened(), started(0, 0), stopped(0, 0, 900), final(0, 0, 1000, "left"), closed(1000)
    )
    assert kinds(events) == ["transcription.delta", "transcription.done"]
    assert rig.hangup is not None


def test_a_server_that_stops_says_what_was_heard() -> None:
    rig = enter()
    rig.client(START, AUDIO)
    rig.hear(opened(), started(0, 0))
    rig.drain()
    events = rig.hear(stopped(0, 0, 900), final(0, 0, 1000, "heard"), closed(1000))
    assert kinds(events) == ["transcription.delta", "transcription.done"]
    assert events[-1]["text"] == "heard"
    assert rig.hangup == Hangup(1001, "shutting_down")


FRAMES = st.one_of(
    st.binary(max_size=6),
    st.text(max_size=6),
    st.sampled_from([json.dumps(message) for message in (START, END, AUDIO)]),
    st.dictionaries(
        st.sampled_from(["type", "audio", "final", "model"]), st.text(max_size=4) | st.integers()
    ).map(json.dumps),
)


@pytest.mark.timeout(600)
@settings(deadline=None, max_examples=10_000)
@given(st.lists(FRAMES, max_size=6))
def test_no_frames_raise(frames: list[Any]) -> None:
    rig = enter()
    for frame in frames:
        rig.client(frame)
    rig.leave()
