"""OpenAI's realtime transcription sessions: what each event leads to; deltas only append."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine import types as engine
from hark.streaming.effects import Hangup
from hark.streaming.errors import CapacityError, UnauthorizedError
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

DELTA = "conversation.item.input_audio_transcription.delta"
SPEECH_STARTED = "input_audio_buffer.speech_started"
COMPLETED = "conversation.item.input_audio_transcription.completed"
SECOND = bytes(48_000)  # of 24 kHz 16-bit audio


def enter(
    headers: dict[str, str] | None = None, subprotocols: tuple[str, ...] = (), **query: str
) -> Rig:
    asked = {name: [value] for name, value in query.items()}
    return Rig.enter(RealtimeDoor(), Handshake("/v1/realtime", asked, headers or {}, subprotocols))


def session(**audio_in: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": {"audio": {"input": audio_in}}}


def append(audio: bytes = SECOND) -> dict[str, Any]:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(audio).decode()}


COMMIT = {"type": "input_audio_buffer.commit"}
FAILED = "conversation.item.input_audio_transcription.failed"
CLEAR = {"type": "input_audio_buffer.clear"}


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("conversation.item.") for event in events]


def deltas(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == DELTA)


def flush_of(rig: Rig) -> str:
    request = rig.last_request()
    assert isinstance(request, engine.Finalize)
    assert request.id is not None
    return request.id


# --- beginning -----------------------------------------------------------------------------------


def test_the_session_comes_first_unasked_and_costs_the_engine_nothing() -> None:
    rig = enter(model="whisper-1", intent="transcription")
    [created] = rig.news()
    assert created["type"] == "session.created"
    shown = created["session"]
    assert shown["object"] == "realtime.transcription_session"
    assert shown["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert shown["audio"]["input"]["turn_detection"]["type"] == "server_vad"
    assert shown["expires_at"] == 1_700_003_600
    assert rig.requests == {}


def test_a_session_with_everything_reaches_the_engine_with_the_first_audio() -> None:
    rig = enter()
    [updated] = rig.client(
        {
            "type": "session.update",
            "session": {
                "type": "transcription",
                "include": ["item.input_audio_transcription.logprobs"],
                "audio": {
                    "input": {
                        "format": {"type": "audio/pcmu"},
                        "transcription": {
                            "model": "gpt-4o-transcribe",
                            "language": "es",
                            "prompt": "A talk.",
                            "keywords": ["Hark", "AuT"],
                        },
                        "turn_detection": {
                            "type": "server_vad",
                            "prefix_padding_ms": 600,
                            "silence_duration_ms": 350,
                            "unheard_of": 1,
                        },
                        "noise_reduction": {"type": "near_field"},
                    }
                },
            },
        }
    )[1:]
    audio_in = updated["session"]["audio"]["input"]
    assert audio_in["transcription"]["keywords"] == ["Hark", "AuT"]
    assert audio_in["noise_reduction"] == {"type": "near_field"}
    rig.client(append(bytes(8_000)))
    request = rig.requests[""][0]
    assert isinstance(request, engine.Open)
    assert request.audio == engine.AudioFormat(engine.Encoding.MULAW, 8_000)
    assert request.options.language == "Spanish"
    assert request.options.context == "A talk.\nHark, AuT"
    endpointing = request.options.endpointing
    assert (endpointing.mode, endpointing.pause_ms, endpointing.pad_before_ms) == ("vad", 350, 600)


@pytest.mark.parametrize(
    ("turn", "mode", "pause_ms"),
    [
        (None, "off", 600),
        ({"type": "server_vad"}, "vad", 500),
        ({"type": "server_vad", "silence_duration_ms": 9e9}, "vad", 5000),
        ({"type": "server_vad", "silence_duration_ms": 1}, "vad", 200),
        ({"type": "semantic_vad", "eagerness": "high"}, "semantic", 500),
        ({"type": "semantic_vad"}, "semantic", 700),
    ],
)
def test_turn_detection_is_the_engine_s_endpointing(turn: Any, mode: str, pause_ms: int) -> None:
    rig = enter()
    rig.client(session(turn_detection=turn), append())
    request = rig.requests[""][0]
    assert isinstance(request, engine.Open)
    assert (request.options.endpointing.mode, request.options.endpointing.pause_ms) == (
        mode,
        pause_ms,
    )


@pytest.mark.parametrize(
    ("model", "turn"),
    [("gpt-realtime-whisper-1", None), ("gpt-live-transcribe", None), ("whisper-1", "server_vad")],
)
def test_models_whose_clients_cut_themselves_have_no_turn_detection(model: str, turn: Any) -> None:
    rig = enter()
    *_, updated = rig.client(session(transcription={"model": model}))
    detection = updated["session"]["audio"]["input"]["turn_detection"]
    assert (detection and detection["type"]) == turn


# --- utterances ----------------------------------------------------------------------------------


def test_an_utterance_found_by_turn_detection() -> None:
    rig = enter()
    rig.client(append(), append())
    assert names(rig.hear(opened(), started(0, 300))) == ["input_audio_buffer.speech_started"]
    events = rig.hear(
        partial(0, 300, 900, "", "hello"),
        partial(0, 300, 1200, "hello", " world"),
        stopped(0, 300, 1500),
        partial(0, 300, 1600, "hello world"),
        final(0, 300, 1600, "hello world today"),
    )
    assert names(events) == [
        "input_audio_transcription.delta",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "added",
        "done",
        "input_audio_transcription.delta",
        "input_audio_transcription.delta",
        "input_audio_transcription.completed",
    ]
    assert deltas(events) == events[-1]["transcript"] == "hello world today"
    assert len({event.get("item_id") or event["item"]["id"] for event in events}) == 1
    assert events[1]["audio_end_ms"] == 1500
    assert events[-1]["usage"] == {"type": "duration", "seconds": 1.3}
    assert events[-1]["languages"] == [{"code": "en"}]
    assert events[2]["previous_item_id"] is None


def test_a_final_that_takes_back_stable_words_is_right_in_completed_alone() -> None:
    rig = enter()
    rig.client(append())
    rig.hear(opened(), started(0, 0), partial(0, 0, 900, "hello word"))
    events = rig.hear(stopped(0, 0, 900), final(0, 0, 1000, "hello world"))
    assert deltas(events) == ""
    assert events[-1]["transcript"] == "hello world"


def test_items_are_chained_in_order() -> None:
    rig = enter()
    rig.client(append())
    first = rig.hear(
        opened(), started(0, 0), stopped(0, 0, 400), final(0, 0, 400, "a"), started(1, 500)
    )
    second = rig.hear(stopped(1, 500, 900), final(1, 500, 900, "b"))
    committed = [e for e in first + second if e["type"] == "input_audio_buffer.committed"]
    assert committed[1]["previous_item_id"] == committed[0]["item_id"]


def test_a_commit_of_what_nobody_cut_is_one_item_even_over_the_segment_limit() -> None:
    rig = enter()
    rig.client(session(turn_detection=None), append())
    rig.hear(opened(), started(0, 0), partial(0, 0, 800, "one"))
    rig.hear(stopped(0, 0, 900), final(0, 0, 900, "one two"), started(1, 900))
    events = rig.client(COMMIT)
    assert names(events) == ["input_audio_buffer.committed", "added", "done"]
    events = rig.hear(
        partial(1, 900, 1000, "three"),
        stopped(1, 900, 1000),
        final(1, 900, 1000, "three four"),
        finalized(flush_of(rig), 1000),
    )
    assert names(events)[-1] == "input_audio_transcription.completed"
    assert events[-1]["transcript"] == "one two three four"
    assert deltas(events) == " three four"


def test_a_commit_before_the_engine_has_said_anything() -> None:
    rig = enter()
    events = rig.client(session(turn_detection=None), append(), COMMIT)
    item = events[-1]["item"]["id"]
    flush = flush_of(rig)
    rig.client(append())
    events = rig.hear(
        opened(),
        started(0, 0),
        stopped(0, 0, 1000),
        final(0, 0, 1000, "late"),
        finalized(flush, 1000),
        started(1, 1000),
    )
    assert names(events) == [
        "input_audio_transcription.delta",
        "input_audio_transcription.completed",
    ]
    assert {event["item_id"] for event in events} == {item}
    assert rig.client(COMMIT)[0]["item_id"] != item


def test_a_commit_ends_what_turn_detection_still_hears() -> None:
    rig = enter()
    rig.client(append())
    rig.hear(opened(), started(0, 0))
    events = rig.client(COMMIT)
    assert names(events) == ["input_audio_buffer.committed", "added", "done"]
    events = rig.hear(stopped(0, 0, 900), final(0, 0, 1000, "cut"), finalized(flush_of(rig), 1000))
    assert names(events) == [
        "input_audio_transcription.delta",
        "input_audio_transcription.completed",
    ]
    assert names(rig.client(COMMIT)) == ["error"]


def test_a_commit_of_silence_is_an_item_without_text() -> None:
    rig = enter()
    rig.client(append(), COMMIT)
    events = rig.hear(opened(), finalized(flush_of(rig), 1000))
    assert names(events)[-1] == "input_audio_transcription.completed"
    assert events[-1]["transcript"] == ""


@pytest.mark.parametrize("turn", [None, {"type": "server_vad"}])
def test_a_commit_of_too_little_is_an_error_and_the_session_goes_on(turn: Any) -> None:
    rig = enter()
    rig.client(session(turn_detection=turn), append(bytes(4_000)))
    [error] = rig.client({**COMMIT, "event_id": "e-7"})
    assert error["error"]["code"] == "input_audio_buffer_commit_empty"
    assert error["error"]["event_id"] == "e-7"
    assert "83.33ms" in error["error"]["message"]
    assert rig.hangup is None


def test_clear_drops_the_open_utterance_and_the_clock_goes_on() -> None:
    rig = enter()
    rig.client(append())
    rig.hear(opened(), started(0, 0))
    assert names(rig.client(CLEAR)) == ["input_audio_buffer.cleared"]
    assert isinstance(rig.last_request(), engine.Abort)
    rig.client(append())
    [begun] = rig.hear(opened(), started(0, 200))
    assert begun["audio_start_ms"] == 1200


def test_what_was_committed_before_a_clear_is_transcribed_and_nothing_else() -> None:
    rig = enter()
    rig.client(session(turn_detection=None), append())
    rig.hear(opened(), started(0, 0))
    [item] = [e["item_id"] for e in rig.client(COMMIT) if e["type"].endswith(".committed")]
    commit = flush_of(rig)
    rig.client(append())
    assert names(rig.client(CLEAR)) == ["input_audio_buffer.cleared"]
    clear = flush_of(rig)
    events = rig.hear(stopped(0, 0, 1000), final(0, 0, 1000, "Wanted."), finalized(commit, 1000))
    assert [e["transcript"] for e in events if e["type"] == COMPLETED] == ["Wanted."]
    assert events[-1]["item_id"] == item
    assert not rig.hear(
        started(1, 1000),
        partial(1, 1000, 1500, "Not"),
        stopped(1, 1000, 2000),
        final(1, 1000, 2000, "Not wanted."),
        finalized(clear, 2000),
    )
    rig.client(append(), COMMIT)
    rig.hear(started(2, 2000), stopped(2, 2000, 3000), final(2, 2000, 3000, "Wanted again."))
    events = rig.hear(finalized(flush_of(rig), 3000))
    assert [e["transcript"] for e in events] == ["Wanted again."]


def test_a_commit_that_turn_detection_has_not_seen_survives_a_clear() -> None:
    rig = enter()
    rig.client(append(), COMMIT)
    commit = flush_of(rig)
    rig.client(append(), CLEAR)
    clear = flush_of(rig)
    events = rig.hear(
        *(opened(), started(0, 0), stopped(0, 0, 500), final(0, 0, 500, "One.")),
        *(started(1, 600), stopped(1, 600, 900), final(1, 600, 900, "Two.")),
        finalized(commit, 1000),
    )
    assert [e["transcript"] for e in events if e["type"] == COMPLETED] == ["One.", "Two."]
    assert not rig.hear(
        started(2, 1000),
        stopped(2, 1000, 2000),
        final(2, 1000, 2000, "No."),
        finalized(clear, 2000),
    )
    rig.client(append())
    events = rig.hear(started(3, 2000), stopped(3, 2000, 3000), final(3, 2000, 3000, "Three."))
    assert [e["transcript"] for e in events if e["type"] == COMPLETED] == ["Three."]


def test_a_stopping_server_completes_what_nobody_committed() -> None:
    rig = enter()
    rig.client(session(turn_detection=None), append())
    rig.hear(opened(), started(0, 0))
    rig.drain()
    events = rig.hear(stopped(0, 0, 900), final(0, 0, 1000, "Heard."), closed(1000))
    assert [e["transcript"] for e in events if e["type"] == COMPLETED] == ["Heard."]
    assert rig.hangup == Hangup(1001, "shutting_down")


def test_an_utterance_that_has_ended_survives_a_clear_and_the_open_one_does_not() -> None:
    rig = enter()
    rig.client(append())
    [begun, *_] = rig.hear(opened(), started(0, 0), stopped(0, 0, 800))
    rig.client(append())
    rig.client(CLEAR)
    clear = flush_of(rig)
    events = rig.hear(final(0, 0, 800, "One."), started(1, 900), partial(1, 900, 1500, "Two"))
    done = [(e["item_id"], e["transcript"]) for e in events if e["type"] == COMPLETED]
    assert done == [(begun["item_id"], "One.")]
    assert {e["item_id"] for e in events} == {begun["item_id"]}
    assert not rig.hear(stopped(1, 900, 1500), final(1, 900, 1500, "Two."), finalized(clear, 2000))


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (json.dumps({"type": "session.update", "x": "x" * 70_000}), "over 65536 characters"),
        (json.dumps({"type": "x", "x": [[]] * 20_000}), "more than 20000 values"),
        ('{"type": "x", "x": ' + "[" * 70 + "]" * 70 + "}", "nested more than 64 deep"),
        ('{"type": "session.update", "session": {"x": 1e400}}', "too large a number"),
    ],
)
def test_what_would_cost_the_others_is_refused(frame: str, said: str) -> None:
    rig = enter()
    error = rig.client(frame)[-1]
    assert said in error["error"]["message"]
    assert rig.hangup is None


def test_turn_detection_that_comes_on_later_ends_what_was_there() -> None:
    rig = enter()
    rig.client(session(turn_detection=None), append())
    rig.hear(opened(), started(0, 0))
    events = rig.client(session(turn_detection={"type": "server_vad"}))
    assert names(events)[-1] == "session.updated"
    flush = next(r for r in rig.requests[""] if isinstance(r, engine.Finalize)).id
    assert isinstance(rig.last_request(), engine.Configure)
    assert flush
    events = rig.hear(
        stopped(0, 0, 900), final(0, 0, 900, "before"), finalized(flush, 1000), started(1, 1000)
    )
    assert names(events)[-2:] == [
        "input_audio_transcription.completed",
        "input_audio_buffer.speech_started",
    ]


def test_changes_reach_the_line_and_the_open_item_is_not_cut() -> None:
    rig = enter()
    rig.client(append())
    rig.hear(opened(), started(0, 0))
    rig.client(session(transcription={"language": "de", "prompt": "Haus"}))
    request = rig.last_request()
    assert isinstance(request, engine.Configure)
    first = rig.requests[""][0]
    assert isinstance(first, engine.Open)
    endpointing = first.options.endpointing
    asked = {"language": "German", "context": "Haus", "endpointing": endpointing}
    assert request.changes == asked
    before = len(rig.requests[""])
    rig.client(session(transcription={"language": "de"}))
    assert len(rig.requests[""]) == before


def test_logprobs_come_when_they_are_included() -> None:
    rig = enter()
    rig.client(
        {
            "type": "session.update",
            "session": {"include": ["item.input_audio_transcription.logprobs"]},
        },
        append(),
    )
    rig.hear(opened(), started(0, 0), stopped(0, 0, 900))
    *_, completed = rig.hear(final(0, 0, 900, "a b"))
    assert [token["token"] for token in completed["logprobs"]] == ["a", " b"]
    assert completed["logprobs"][1]["bytes"] == [32, 98]


# --- the beta ------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{"openai-beta": "realtime=v1"}, {}])
def test_the_beta_s_flat_form(how: dict[str, str]) -> None:
    offered = () if how else ("realtime", "openai-insecure-api-key.k", "openai-beta.realtime-v1")
    rig = enter(how, offered)
    [created] = rig.news()
    assert created["type"] == "transcription_session.created"
    assert created["session"]["input_audio_format"] == "pcm16"
    [updated] = rig.client(
        {
            "type": "transcription_session.update",
            "session": {
                "input_audio_format": "g711_alaw",
                "input_audio_transcription": {"model": "whisper-1", "language": "en"},
                "turn_detection": None,
            },
        }
    )
    assert updated["type"] == "transcription_session.updated"
    assert updated["session"]["input_audio_format"] == "g711_alaw"
    assert updated["session"]["turn_detection"] is None
    rig.client(append(bytes(8_000)))
    assert names(rig.client(COMMIT)) == ["input_audio_buffer.committed", "created"]
    assert rig.dialect.subprotocol == ("realtime" if offered else None)


def test_a_flat_body_in_a_present_session() -> None:
    rig = enter()
    *_, updated = rig.client(
        {"type": "session.update", "session": {"input_audio_format": "pcm_s16le_16000"}}
    )
    assert updated["session"]["audio"]["input"]["format"]["rate"] == 16_000


# --- ends and mistakes ---------------------------------------------------------------------------


def test_a_client_that_just_leaves_is_told_its_last_words() -> None:
    rig = enter()
    rig.client(append())
    rig.hear(opened(), started(0, 0))
    rig.leave()
    assert isinstance(rig.last_request(), engine.Close)
    events = rig.hear(stopped(0, 0, 900), final(0, 0, 1000, "last words"), closed(1000))
    assert events[-1]["transcript"] == "last words"
    assert rig.hangup is not None
    assert rig.hangup.code == 1000


def test_a_client_that_leaves_before_it_said_anything_is_not_waited_for() -> None:
    rig = enter()
    assert rig.dialect.left(0.0) == []


INPUT = "session.audio.input"
MISTAKES = {
    "no JSON": ("{", "invalid_event", None),
    "no object": ("[]", "invalid_event", None),
    "binary": (b"\x00", "invalid_event", None),
    "no type": ({"event_id": "e"}, "invalid_event", "type"),
    "unknown type": ({"type": "response.create", "event_id": "e"}, "invalid_event", "type"),
    "no base64": ({"type": "input_audio_buffer.append", "audio": "%"}, "invalid_event", "audio"),
    "no audio": ({"type": "input_audio_buffer.append"}, "invalid_event", "audio"),
    "format": (
        session(format={"type": "audio/opus"}),
        "invalid_value",
        f"{INPUT}.format.type",
    ),
    "rate": (
        session(format={"type": "audio/pcm", "rate": 4_000}),
        "invalid_value",
        f"{INPUT}.format.rate",
    ),
    "language": (
        session(transcription={"language": "fr"}),
        "invalid_value",
        f"{INPUT}.transcription.language",
    ),
    "turn": (
        session(turn_detection={"type": "mind_reading"}),
        "invalid_value",
        f"{INPUT}.turn_detection.type",
    ),
    "pause": (
        session(turn_detection={"silence_duration_ms": "x"}),
        "invalid_event",
        f"{INPUT}.turn_detection.silence_duration_ms",
    ),
    "threshold": (
        session(turn_detection={"threshold": True}),
        "invalid_event",
        f"{INPUT}.turn_detection.threshold",
    ),
    "eagerness": (
        session(turn_detection={"type": "semantic_vad", "eagerness": "x"}),
        "invalid_value",
        f"{INPUT}.turn_detection.eagerness",
    ),
    "type of a field": (
        session(transcription={"prompt": 3}),
        "invalid_event",
        f"{INPUT}.transcription.prompt",
    ),
    "entry": (
        session(transcription={"keywords": ["tea", 3]}),
        "invalid_event",
        f"{INPUT}.transcription.keywords[1]",
    ),
    "several languages": (
        session(transcription={"languages": ["tlh"]}),
        "invalid_value",
        f"{INPUT}.transcription.languages",
    ),
    "type of a rate": (
        session(format={"type": "audio/pcm", "rate": "x"}),
        "invalid_event",
        f"{INPUT}.format.rate",
    ),
    "beta": (
        {
            "type": "transcription_session.update",
            "session": {"turn_detection": {"type": "mind_reading"}},
        },
        "invalid_value",
        "session.turn_detection.type",
    ),
    "beta's language": (
        {"type": "session.update", "session": {"input_audio_transcription": {"language": "tlh"}}},
        "invalid_value",
        "session.input_audio_transcription.language",
    ),
    "session": ({"type": "session.update", "session": 3}, "invalid_event", "session"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_an_error_event_and_changes_nothing(name: str) -> None:
    frame, code, param = MISTAKES[name]
    rig = enter()
    [created] = rig.news()
    [error] = rig.client(frame)
    assert error["type"] == "error"
    assert error["error"]["type"] == "invalid_request_error"
    assert (error["error"]["code"], error["error"]["param"]) == (code, param)
    if isinstance(frame, dict):
        assert error["error"]["event_id"] == frame.get("event_id")
    assert rig.hangup is None
    [updated] = rig.client({"type": "session.update", "session": {}})
    assert updated["session"] == created["session"]


def test_a_change_tells_everything_as_the_one_before_it_may_be_refused() -> None:
    rig = enter()
    rig.client(append())
    rig.hear(opened())
    rig.client(session(transcription={"prompt": "x" * 3_000, "language": "de"}))
    [updated] = rig.client(session(transcription={"prompt": "hi"}))
    [error] = rig.hear(engine.Refused(engine.OptionError("context is 9 tokens long")))
    assert "context is 9" in error["error"]["message"]
    request = rig.last_request()
    assert isinstance(request, engine.Configure)
    asked = (request.changes["context"], request.changes["language"])
    assert asked == ("hi", "German")
    assert "endpointing" in request.changes
    shown = updated["session"]["audio"]["input"]["transcription"]
    assert (shown["prompt"], shown["language"]) == ("hi", "de")


def test_another_format_needs_a_clear_buffer() -> None:
    rig = enter()
    rig.client(append())
    [error] = rig.client(session(format={"type": "audio/pcmu"}))
    assert "clear the buffer" in error["error"]["message"]
    rig.client(CLEAR)
    [updated] = rig.client(session(format={"type": "audio/pcmu"}))
    assert updated["type"] == "session.updated"


def test_a_stream_that_fails_fails_its_items_and_closes() -> None:
    rig = enter()
    rig.client(append())
    rig.hear(opened(), started(0, 0))
    events = rig.hear(engine.Failed(engine.EngineError("secret")))
    assert names(events) == ["input_audio_transcription.failed"]
    assert "secret" not in json.dumps(events)
    assert rig.hangup is not None
    assert rig.hangup.code == 1011


def test_who_may_not_enter_is_told_in_openai_s_words() -> None:
    door, handshake = RealtimeDoor(), Handshake("/v1/realtime")
    wrong = door.deny(UnauthorizedError("no"), handshake)
    assert wrong.status == 401
    assert json.loads(wrong.body)["error"]["code"] == "invalid_api_key"
    full = door.deny(CapacityError("full", 5.0), handshake)
    assert (full.status, full.headers["Retry-After"]) == (503, "5")


# --- whatever comes ------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "audio",
                    "input",
                    "format",
                    "type",
                    "rate",
                    "transcription",
                    "language",
                    "prompt",
                    "turn_detection",
                    "keywords",
                    "languages",
                    "include",
                    "silence_duration_ms",
                    "input_audio_format",
                    "input_audio_transcription",
                    "eagerness",
                    "model",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            [
                "session.update",
                "transcription_session.update",
                "input_audio_buffer.append",
                "input_audio_buffer.commit",
                "input_audio_buffer.clear",
                "x",
            ]
        )
    },
    optional={
        "session": VALUES,
        "audio": VALUES | st.binary(max_size=9).map(lambda b: base64.b64encode(b).decode()),
        "event_id": VALUES,
        "model": VALUES,
        "final": VALUES,
    },
)
FRAMES = st.binary(max_size=8) | st.text(max_size=8) | EVENTS.map(json.dumps)


@pytest.mark.timeout(600)
@settings(deadline=None, max_examples=8000)
@given(st.lists(FRAMES, max_size=6))
def test_no_frames_raise(frames: list[Any]) -> None:
    rig = enter()
    for frame in frames:
        rig.client(frame)
    rig.leave()


STEPS = st.lists(
    st.sampled_from(["audio", "commit", "clear", "manual", "vad", "say", "end"]), max_size=14
)


@settings(deadline=None, max_examples=2000)
@given(STEPS)
def test_every_item_completes_once_with_the_words_of_its_deltas(steps: list[str]) -> None:
    """A stand-in for the engine: it hears a segment in what was fed, ended as it was told to."""
    rig = enter()
    hearing = _Hearing(rig)
    for step in steps:
        hearing.put(step)
    hearing.catch_up()
    rig.leave()
    hearing.catch_up()
    told = hearing.told
    committed = [e["item_id"] for e in told if e["type"] == "input_audio_buffer.committed"]
    completed = [e["item_id"] for e in told if e["type"] == COMPLETED]
    assert len(set(completed)) == len(completed)
    assert not [e for e in told if e["type"] == FAILED]
    assert committed == completed
    spoken = {e["item_id"] for e in told if e["type"] in (DELTA, SPEECH_STARTED)}
    assert spoken <= set(completed) | hearing.dropped
    for item in completed:
        text = "".join(e["delta"] for e in told if e["type"] == DELTA and e["item_id"] == item)
        [event] = [e for e in told if e["type"] == COMPLETED and e["item_id"] == item]
        assert event["transcript"] == text


class _Hearing:
    def __init__(self, rig: Rig) -> None:
        self.rig, self.told = rig, rig.news()
        self.dropped: set[str] = set()
        self._seen = self._segment = self._ms = 0
        self._start: int | None = None
        self._said = 0

    def put(self, step: str) -> None:
        match step:
            case "audio":
                self.told += self.rig.client(append(bytes(9_600)))
            case "commit":
                self.told += self.rig.client(COMMIT)
            case "clear":
                kept = {e["item_id"] for e in self.told if e["type"].endswith(".committed")}
                self.dropped |= {e["item_id"] for e in self.told if "item_id" in e} - kept
                self.told += self.rig.client(CLEAR)
                if isinstance(self.rig.requests.get("", [None])[-1], engine.Abort):
                    self._start, self._segment, self._ms, self._seen = None, 0, 0, 0
                    self.rig.requests.clear()
            case "manual":
                self.told += self.rig.client(session(turn_detection=None))
            case "vad":
                self.told += self.rig.client(session(turn_detection={"type": "server_vad"}))
            case "say":
                self.catch_up()
                if self._start is not None:
                    self._said += 1
                    stable = f"s{self._segment} " + "x" * self._said
                    self._tell(partial(self._segment, self._start, self._ms, stable))
            case _:
                self.catch_up()
                self._end()

    def catch_up(self) -> None:
        requests = self.rig.requests.get("", [])
        while self._seen < len(requests):
            request = requests[self._seen]
            self._seen += 1
            match request:
                case engine.Open():
                    self._tell(opened())
                case engine.Feed():
                    if self._start is None:
                        self._start, self._said = self._ms, 0
                        self._tell(started(self._segment, self._ms))
                    self._ms += 200
                case engine.Configure():
                    self._tell(engine.Configured())
                case engine.Finalize(id=flush):
                    self._end()
                    if flush is not None:
                        self._tell(finalized(flush, self._ms))
                case engine.Close():
                    self._end()
                    self._tell(closed(self._ms))

    def _end(self) -> None:
        if self._start is None:
            return
        text = f"s{self._segment} " + "x" * self._said + "."
        self._tell(stopped(self._segment, self._start, self._ms))
        self._tell(final(self._segment, self._start, self._ms, text))
        self._start, self._segment = None, self._segment + 1

    def _tell(self, update: engine.EngineUpdate) -> None:
        self.told += self.rig.hear(update)
