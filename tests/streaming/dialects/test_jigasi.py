"""Jigasi's frames in, Skynet's replies out: on the rig, and over a socket that is dropped."""

import json
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from hark.engine import types as engine
from hark.streaming.effects import Hangup
from hark.streaming.errors import CapacityError
from hark.streaming.protocols.base import Handshake
from hark.streaming.protocols.jitsi.jigasi import JigasiDoor
from hark.streaming.protocols.jitsi.meeting import IDLE_S, MAX_PARTICIPANTS, RETRY_S
from tests.fakes import words
from tests.streaming.dialects.jitsi import jigasi_frame, jigasi_frames
from tests.streaming.dialects.rig import Rig, closed, final, opened, partial, started
from tests.streaming.dialects.tape import play
from tests.streaming.support import fake_engine, serving_ready, until

PATH = "/streaming-whisper/ws/2f1c6f6e-6b5f-4a43-9a55-7c3d1f1f0a01"
SECOND = b"\x01\x00" * 16_000
BUFFER = SECOND + SECOND[:14_720]  # all that Jigasi fills of one frame
EOF = b"\0"


def enter() -> Rig:
    return Rig.enter(JigasiDoor(), Handshake(PATH))


def fed(rig: Rig, line: str) -> bytes:
    feeds = [each for each in rig.requests[line] if isinstance(each, engine.Feed)]
    return b"".join(each.payload for each in feeds)


# --- captions -------------------------------------------------------------------------------------


def test_an_utterance_keeps_its_id_and_the_next_has_another() -> None:
    rig = enter()
    rig.now = 100.0
    rig.client(jigasi_frame("ada", SECOND, "en-US"))
    [interim] = rig.hear(opened(), started(0, 200), partial(0, 200, 900, "Hi", " all"), line="1")
    [last] = rig.hear(final(0, 200, 950, "Hi, all."), line="1")
    [other] = rig.hear(started(1, 960), final(1, 960, 990, "Bye."), line="1")
    assert interim == {
        "id": interim["id"],
        "participant_id": "ada",
        "ts": 1_700_000_099_200,  # the frame came when its second of sound was over
        "text": "Hi all",
        "audio": "",
        "type": "interim",
        "variance": 0.9,
    }
    assert last == interim | {"type": "final", "text": "Hi, all."}
    assert UUID(interim["id"]).version == 4
    assert (other["id"] != last["id"], other["ts"]) == (True, last["ts"] + 760)


@pytest.mark.parametrize("confidence", [0, 1, 1.0, 0.00004, 0.5])
def test_variance_always_has_a_fraction(confidence: float) -> None:
    """Jigasi's cast of a number without one throws."""
    rig = enter()
    rig.client(jigasi_frame("ada", SECOND))
    said = replace(partial(0, 0, 900, "a"), confidence=confidence)
    [caption] = rig.hear(opened(), said, line="1")
    assert isinstance(caption["variance"], float)
    assert caption["variance"] == round(confidence, 4)


def test_what_has_no_words_is_not_said() -> None:
    rig = enter()
    rig.client(jigasi_frame("ada", SECOND))
    assert rig.hear(opened(), partial(0, 0, 900, "", " "), final(0, 0, 900, ""), line="1") == []


def test_the_time_of_an_utterance_is_right_behind_a_silence() -> None:
    rig = enter()
    rig.now = 1.5
    rig.client(*list(jigasi_frames("ada", BUFFER)))
    rig.at(20.0)
    rig.client(jigasi_frame("ada", SECOND))
    rig.at(20.9)
    rig.client(jigasi_frame("ada", SECOND))  # a little early, and no new run
    [caption] = rig.hear(opened(), started(0, 1_960), partial(0, 1_960, 2_400, "a"), line="1")
    assert caption["ts"] == 1_700_000_019_500


# --- participants ---------------------------------------------------------------------------------


def test_a_line_begins_with_a_participant_s_first_sound() -> None:
    rig = enter()
    assert rig.sessions == {}
    rig.client(jigasi_frame("ada", SECOND, "en-US"), jigasi_frame("bob|x", SECOND, "de"))
    rig.client(jigasi_frame("eve", SECOND, padding=b" "), jigasi_frame("kim", SECOND, "tlh"))
    asked = [requests[0] for requests in rig.requests.values()]
    assert all(isinstance(each, engine.Open) for each in asked)
    options = [each.options for each in asked if isinstance(each, engine.Open)]
    assert [each.language for each in options] == ["English", "German", None, None]
    assert {each.endpointing.stall_ms for each in options} == {2_000}
    captions = rig.hear(opened(), partial(0, 0, 900, "a"), line="2")
    assert [each["participant_id"] for each in captions] == ["bob|x"]


def test_a_language_may_change_in_mid_call() -> None:
    rig = enter()
    for language in ("en", "en-GB", "de", "de", "null"):
        rig.client(jigasi_frame("ada", SECOND, language))
    changes = [each.changes for each in rig.requests["1"] if isinstance(each, engine.Configure)]
    assert changes == [{"language": "German"}, {"language": None}]


@pytest.mark.parametrize(
    ("payload", "heard"),
    [
        (BUFFER + b"\x01\x00" + bytes(1_278), BUFFER + b"\x01\x00" + bytes(1_278)),
        (BUFFER + bytes(1_280), BUFFER),
        (bytes(48_000), bytes(46_720)),
        (bytes(32_000), bytes(32_000)),
        (b"\x01", b"\x01"),
        (b"", b""),
    ],
)
def test_jigasi_s_40_ms_of_nothing_are_left_out(payload: bytes, heard: bytes) -> None:
    rig = enter()
    rig.client(jigasi_frame("ada", payload), jigasi_frame("ada", b"\x02\x00"))
    assert fed(rig, "1") == heard + b"\x02\x00"


def test_who_says_nothing_for_long_costs_nothing_and_is_heard_again() -> None:
    rig = enter()
    rig.client(jigasi_frame("ada", SECOND), jigasi_frame("bob", SECOND))
    rig.at(10.0)
    rig.client(jigasi_frame("bob", SECOND))
    assert rig.dialect.next_deadline() == IDLE_S
    rig.at(2.0 + IDLE_S)
    assert rig.last_request("1") == engine.Close(0)
    assert rig.last_request("2") == engine.Finalize(1)  # the stall of its session
    rig.client(jigasi_frame("ada", SECOND))
    last = rig.hear(opened(), final(0, 0, 900, "Late."), closed(1_000), line="1")
    first = rig.hear(opened(), partial(0, 0, 900, "New"), line="3")
    assert [each["text"] for each in [*last, *first]] == ["Late.", "New"]
    assert {each["participant_id"] for each in [*last, *first]} == {"ada"}
    assert rig.hangup is None


def test_frames_that_stop_end_the_utterance_by_the_clock() -> None:
    rig = enter()
    rig.client(jigasi_frame("ada", SECOND))
    rig.at(1.9)
    assert rig.last_request("1") == engine.Feed(0, SECOND)
    rig.at(2.0)
    assert rig.last_request("1") == engine.Finalize(0)


def test_who_finds_no_room_is_tried_again_and_the_others_go_on() -> None:
    rig = enter()
    rig.client(jigasi_frame("ada", SECOND))
    rig.refusal = CapacityError("full", 5.0)
    rig.client(jigasi_frame("bob", SECOND), jigasi_frame("ada", SECOND))
    rig.refusal = None
    rig.at(RETRY_S - 0.1)
    rig.client(jigasi_frame("bob", SECOND))
    assert (len(rig.sessions), rig.hangup, rig.said) == (1, None, [])
    rig.at(RETRY_S)
    rig.client(jigasi_frame("bob", SECOND))
    assert len(rig.sessions) == 2
    assert rig.hear(opened(), partial(0, 0, 900, "a"), line="1")


def test_participants_are_bounded_and_the_longest_silent_make_room() -> None:
    rig = enter()
    for number in range(MAX_PARTICIPANTS):
        rig.client(jigasi_frame(f"p{number}", SECOND))
    rig.client(jigasi_frame("one more", SECOND))
    assert (len(rig.sessions), rig.hangup) == (MAX_PARTICIPANTS, None)
    rig.hear(engine.Failed(engine.BadAudioError("no audio")), line="7")
    rig.client(jigasi_frame("one more", SECOND))
    assert len(rig.sessions) == MAX_PARTICIPANTS


# --- the end --------------------------------------------------------------------------------------


def test_the_end_brings_every_final_and_then_the_close() -> None:
    rig = enter()
    rig.client(jigasi_frame("ada", SECOND), jigasi_frame("bob", SECOND), EOF)
    rig.client(jigasi_frame("ada", SECOND), EOF, "text")  # too late
    assert [fed(rig, line) for line in "12"] == [SECOND, SECOND]
    assert rig.dialect.left(0.0) != []  # Jigasi goes at once, and is waited for
    [ada] = rig.hear(opened(), final(0, 0, 900, "Mine."), closed(1_000), line="1")
    assert rig.hangup is None
    [bob] = rig.hear(opened(), final(0, 0, 900, "Yours."), closed(1_000), line="2")
    assert (ada["participant_id"], bob["participant_id"]) == ("ada", "bob")
    assert rig.hangup == Hangup(1000, "bye")


def test_an_empty_meeting_ends_at_once() -> None:
    rig = enter()
    rig.client(EOF)
    assert rig.hangup == Hangup(1000, "bye")
    assert enter().dialect.left(0.0) == []


def test_who_leaves_without_a_word_is_told_the_rest() -> None:
    rig = enter()
    rig.client(jigasi_frame("ada", SECOND))
    assert rig.leave() == []
    assert rig.hear(opened(), final(0, 0, 900, "Mine."), closed(1_000), line="1")
    assert rig.hangup == Hangup(1000, "bye")


@pytest.mark.parametrize(
    "frame",
    [
        "text",
        "",
        b"",
        b"\x01",
        b"ada|en" + bytes(53),
        bytes(60) + SECOND,
        b"no language".ljust(60, b"\0") + SECOND,
        b"|en".ljust(60, b"\0") + SECOND,
        b"\xff|en".ljust(60, b"\0") + SECOND,
    ],
)
def test_what_is_no_frame_closes_the_socket(frame: str | bytes) -> None:
    rig = enter()
    rig.client(frame)
    assert (rig.hangup, rig.said) == (Hangup(1007, "bad_message"), [])


@pytest.mark.timeout(900)
@settings(max_examples=5_000, deadline=None)
@given(st.binary(max_size=40))
def test_anything_in_any_order(tape: bytes) -> None:
    frames = [
        *(jigasi_frame(name, b"\x01\x00" * 80, "en") for name in ("ada", "bob", "\u00e9ve")),
        jigasi_frame("ada", b"\x01", "de"),
        EOF,
    ]
    play(JigasiDoor(), Handshake(PATH), frames, tape)


# --- over real sockets ----------------------------------------------------------------------------


async def test_a_meeting_over_a_socket() -> None:
    async with serving_ready() as running, running.client("/ws/1", max_queue=None) as client:
        for name, buffers in (("ada", 1), ("bob", 2)):
            for frame in jigasi_frames(name, BUFFER * buffers):
                await client.socket.send(frame)
        await client.socket.send(EOF)
        captions, code = await client.rest()
    finals = {each["participant_id"]: each["text"] for each in captions if each["type"] == "final"}
    assert finals == {"ada": words(14), "bob": words(29)}
    assert code == 1000


async def test_a_socket_that_is_dropped_leaves_nothing_behind() -> None:
    async with serving_ready() as running:
        async with running.client(PATH) as client:
            await client.socket.send(jigasi_frame("ada", SECOND))
            await until(lambda: running.engine.open_streams == 1)
            client.socket.transport.abort()
            await until(lambda: running.engine.open_streams == 0)
        assert await running.serves()


async def test_two_seconds_without_frames_bring_the_final() -> None:
    async with serving_ready(stall_s=60) as running, running.client(PATH) as client:
        await client.socket.send(jigasi_frame("ada", SECOND))
        assert (await client.hear_until("final"))["text"] == words(10)


@pytest.mark.parametrize(("frame", "code"), [(bytes((1 << 20) + 1), 1009), ("text", 1007)])
async def test_a_bad_frame_closes_the_socket(frame: str | bytes, code: int) -> None:
    async with serving_ready() as running, running.client(PATH) as client:
        await client.socket.send(frame)
        assert await client.rest() == ([], code)


@pytest.mark.parametrize(
    ("settings_", "status", "error"),
    [({"api_keys": "right"}, 401, "unauthorized"), ({}, 503, "capacity")],
)
async def test_who_may_not_in_is_told_by_http(settings_: dict, status: int, error: str) -> None:
    async with serving_ready(fake_engine(max_streams=0), **settings_) as running:
        with pytest.raises(InvalidStatus) as refused:
            async with running.client(PATH):
                pass
        assert refused.value.response.status_code == status
        assert json.loads(refused.value.response.body or b"")["error"] == error
