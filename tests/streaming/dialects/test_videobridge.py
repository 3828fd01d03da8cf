"""The videobridge's messages in, captions out: on the rig, and over a socket."""

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from hark.engine import types as engine
from hark.streaming.effects import Hangup
from hark.streaming.errors import BadOptionError, CapacityError
from hark.streaming.protocols.base import Handshake
from hark.streaming.protocols.jitsi.meeting import IDLE_S, MAX_PARTICIPANTS, RETRY_S
from hark.streaming.protocols.jitsi.videobridge import STALL_MS, BridgeDoor
from tests.fakes import opus_packets, words
from tests.streaming.dialects.jitsi import PACKET_TICKS, SILENT, bridge_event, media, start, talk
from tests.streaming.dialects.rig import Rig, closed, final, opened, partial, started
from tests.streaming.dialects.tape import play
from tests.streaming.support import fake_engine, serving_ready

PATH = "/transcribe"
TAG = "ab12cd34-a0"
INFO = bridge_event("info", application="jitsi-videobridge", version="2.3")
END = bridge_event("session-end")
PAGE = b"OggS\0" + bytes(21) + b"\x02\x03\x03" + SILENT * 2


def enter(query: dict[str, str] | None = None, *, says_info: bool = False) -> Rig:
    values = {"sendBackInterim": "true"} | (query or {})
    query_lists = {name: [value] for name, value in values.items()}
    rig = Rig.enter(BridgeDoor(), Handshake(PATH, query_lists))
    if says_info:
        rig.client(INFO)
        rig.news()
    return rig


def fed(rig: Rig, line: str = "1") -> list[bytes]:
    """The packets a line was given, empty where one is lost."""
    feeds = [each for each in rig.requests[line] if isinstance(each, engine.Feed)]
    return [packet for each in feeds for packet in opus_packets(each.payload)]


def numbered(count: int) -> list[bytes]:
    return [bytes([0xF8, number]) for number in range(count)]  # 20 ms each


# --- captions -------------------------------------------------------------------------------------


def test_captions_are_what_jitsi_s_client_shows() -> None:
    rig = enter()
    rig.now = 50.0
    rig.client(start(TAG, "ab12cd34"), *talk(TAG, numbered(3), ticks=268_460))
    [interim] = rig.hear(opened(), started(0, 20), partial(0, 20, 60, "Hi", " all"), line="1")
    [last] = rig.hear(final(0, 20, 60, "Hi, all."), line="1")
    assert interim == {
        "event": "transcription-result",
        "type": "transcription-result",
        "transcript": [{"text": "Hi all", "confidence": 0.9}],
        "is_interim": True,
        "message_id": interim["message_id"],
        "participant": {"id": "ab12cd34", "tag": TAG},
        "timestamp": 1_700_000_050_020,
        "language": "en",
        "stability": 0.33,
    }
    transcript = [{"text": "Hi, all.", "confidence": 0.9}]
    expected = interim | {"transcript": transcript, "is_interim": False}
    assert last == {name: value for name, value in expected.items() if name != "stability"}
    [other] = rig.hear(final(1, 100, 200, "Bye."), line="1")
    assert other["message_id"] != last["message_id"]


def test_the_language_is_always_there() -> None:
    rig = enter()
    rig.client(start(TAG, "ab12cd34"), media(TAG, 0, 0))

    def language_of(update: engine.EngineUpdate) -> str:
        [caption] = rig.hear(update, line="1")
        return caption["language"]

    rig.hear(opened(), line="1")
    assert language_of(replace(partial(0, 0, 20, "Ja"), language=None)) == "und"
    assert language_of(replace(final(0, 0, 20, "Ja."), language="German")) == "de"
    # What was spoken last, while it is not sure:
    assert language_of(replace(partial(1, 20, 40, "No"), language=None)) == "de"


@pytest.mark.parametrize(
    ("query", "language", "partials"),
    [
        ({}, None, True),
        ({"lang": "de-AT"}, "German", True),
        ({"lang": "multi"}, None, True),
        ({"lang": "tlh"}, None, True),
        ({"sendBack": "true", "sendBackInterim": "false"}, None, False),
    ],
)
def test_what_the_query_asks_for(
    query: dict[str, str], language: str | None, partials: bool
) -> None:
    rig = enter(query)
    rig.client(start(TAG, "ab12cd34"), media(TAG, 0, 0))
    [asked, *_] = rig.requests["1"]
    assert isinstance(asked, engine.Open)
    assert asked.audio.encoding is engine.Encoding.OPUS
    assert (asked.options.language, asked.options.partials) == (language, partials)
    assert asked.options.endpointing.stall_ms == STALL_MS


def test_who_wants_nothing_back_costs_nothing() -> None:
    rig = enter({"sendBack": "false"})
    rig.client(start(TAG, "ab12cd34"), media(TAG, 0, 0))
    assert rig.sessions == {}


@pytest.mark.parametrize("query", [{"encoding": "pcm"}, {"sendBack": "maybe"}])
def test_a_query_that_is_wrong_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadOptionError, match=f"{next(iter(query))} is"):
        enter(query)


# --- packets, holes and time ----------------------------------------------------------------------


def test_packets_are_put_in_order_and_heard_once() -> None:
    rig = enter()
    a, b, c, d, e = talk(TAG, numbered(5), chunk=65_534)
    rig.client(start(TAG, "ab12cd34"), a, c, b, b, a, d, e)
    assert fed(rig) == numbered(5)


def test_a_lost_packet_is_concealed_when_it_was_waited_for() -> None:
    rig = enter()
    messages = talk(TAG, numbered(4))
    rig.client(start(TAG, "ab12cd34"), messages[0], messages[2])
    assert fed(rig) == numbered(1)
    assert rig.dialect.next_deadline() == pytest.approx(0.06)
    rig.at(0.06)
    assert fed(rig) == [*numbered(1), b"", numbered(3)[2]]
    rig.client(messages[1], messages[3])  # the one that is too late is dropped
    assert fed(rig) == [*numbered(1), b"", *numbered(4)[2:]]


def test_what_dtx_leaves_out_is_concealed_at_once() -> None:
    """Numbers go on, and 380 ms are missing."""
    rig = enter()
    rig.client(media(TAG, 5, 0), media(TAG, 6, 20 * PACKET_TICKS))
    assert fed(rig) == [SILENT, *[b""] * 19, SILENT]


def test_a_long_hole_is_left_out_ends_the_utterance_and_keeps_the_time_right() -> None:
    rig = enter()
    rig.now = 10.0
    rig.client(*talk(TAG, [SILENT] * 50))
    rig.client(*talk(TAG, [SILENT] * 50, chunk=50, ticks=48 * 21_000))
    kinds = [type(each).__name__ for each in rig.requests["1"]]
    assert kinds == ["Open", *["Feed"] * 50, "Finalize", *["Feed"] * 50]
    assert len(fed(rig)) == 100
    [before] = rig.hear(opened(), final(0, 100, 1_000, "Before."), line="1")
    [behind] = rig.hear(final(1, 1_200, 1_900, "Behind."), line="1")
    assert before["timestamp"] == 1_700_000_010_100
    assert behind["timestamp"] == 1_700_000_031_200


def test_all_sources_are_on_one_clock() -> None:
    rig = enter()
    rig.client(media("ada-a0", 0, 48_000))
    rig.at(1.5)  # half a second late
    rig.client(media("bob-a0", 0, 96_000))
    [ada] = rig.hear(opened(), final(0, 0, 20, "A"), line="1")
    [bob] = rig.hear(opened(), final(0, 0, 20, "B"), line="2")
    assert bob["timestamp"] - ada["timestamp"] == 1_000


def test_packets_longer_than_20_ms_make_no_holes() -> None:
    rig = enter()
    sixty = b"\x18" + bytes(20)
    rig.client(*(media(TAG, number, number * 2_880, sixty) for number in range(10)))
    assert fed(rig) == [sixty] * 10


def test_a_source_whose_clock_is_set_anew_is_heard_on() -> None:
    rig = enter()
    rig.client(*talk(TAG, numbered(3), chunk=9_000, ticks=48 * 50_000))
    rig.client(start(TAG, "ab12cd34"), *talk(TAG, numbered(3)))
    assert fed(rig) == numbered(3) * 2


def test_a_clock_that_begins_anew_at_32_bits_makes_no_hole() -> None:
    rig = enter()
    packets = numbered(20)
    begin = (1 << 32) - 10 * PACKET_TICKS
    rig.client(
        *(
            media(TAG, number, (begin + number * PACKET_TICKS) % (1 << 32), packet)
            for number, packet in enumerate(packets)
        )
    )
    assert fed(rig) == packets
    assert not any(isinstance(request, engine.Finalize) for request in rig.requests["1"])


def test_ogg_pages_hold_the_packets() -> None:
    rig = enter({"encoding": "ogg-opus"})
    rig.client(media(TAG, 0, 0, PAGE), media(TAG, 1, 2 * PACKET_TICKS, PAGE))
    assert fed(rig) == [SILENT] * 4
    rig.client(media(TAG, 2, 4 * PACKET_TICKS, SILENT))
    [caption] = rig.hear(opened(), final(0, 0, 40, "Heard"), closed(40), line="1")
    assert caption["transcript"][0]["text"] == "Heard"
    assert rig.hangup == Hangup(1007, "bad_message")


def test_an_empty_payload_is_a_packet_that_holds_nothing() -> None:
    rig = enter()
    rig.client(media(TAG, 0, 0), media(TAG, 1, 960, b""), media(TAG, 2, 1_920))
    assert fed(rig) == [SILENT, b"", SILENT]


# --- sources --------------------------------------------------------------------------------------


def test_the_participant_is_who_start_says_or_else_the_tag() -> None:
    rig = enter()
    rig.client(start("src-7", "ab12cd34"), media("src-7", 0, 0))
    rig.client(start("ef56-a0", None), media("ef56-a0", 0, 0), media("cd34-12345", 0, 0))
    captions = [
        rig.hear(opened(), partial(0, 0, 20, "a"), line=line)[0]["participant"] for line in "123"
    ]
    assert captions == [
        {"id": "ab12cd34", "tag": "src-7"},
        {"id": "ef56", "tag": "ef56-a0"},
        {"id": "cd34", "tag": "cd34-12345"},
    ]


@pytest.mark.parametrize(("encoding", "rate"), [("PCMU", 8_000), ("opus", 16_000)])
def test_a_source_that_is_no_opus_is_refused_and_the_others_go_on(encoding: str, rate: int) -> None:
    rig = enter(says_info=True)
    rig.client(start(TAG, "ab12cd34", "OPUS"), media(TAG, 0, 0), media("other-a0", 0, 0))
    [told] = rig.client(start(TAG, "ab12cd34", encoding, rate))
    assert (told["event"], told["error"], told["tag"]) == ("info", "bad_option", TAG)
    assert f"at {rate} Hz, allowed is opus at 48000 Hz" in told["message"]
    assert rig.last_request("1") == engine.Close(0)
    rig.client(media(TAG, 1, 960), media("other-a0", 1, 960))
    assert (len(fed(rig, "1")), len(fed(rig, "2"))) == (1, 2)
    rig.hear(opened(), closed(20), line="1")
    rig.client(start(TAG, "ab12cd34"), media(TAG, 2, 1_920))
    assert len(fed(rig, "3")) == 1


def test_sources_are_bounded() -> None:
    rig = enter(says_info=True)
    rig.client(*(media(f"p-{number}", 0, 0) for number in range(MAX_PARTICIPANTS)))
    [told] = rig.client(start("one-more", "one"), media("one-more", 0, 0))
    assert (told["tag"], told["message"][:11]) == ("one-more", "256 sources")
    assert (len(rig.sessions), rig.hangup) == (MAX_PARTICIPANTS, None)


def test_a_muted_participant_costs_nothing_and_is_heard_again() -> None:
    rig = enter()
    rig.client(start(TAG, "ab12cd34"), *talk(TAG, numbered(3)))
    rig.at(IDLE_S)
    assert rig.last_request("1") == engine.Close(0)
    rig.hear(opened(), final(0, 0, 60, "Late."), closed(60), line="1")
    assert (rig.sessions, rig.dialect.next_deadline()) == ({}, None)
    rig.at(100.0)
    rig.client(*talk(TAG, numbered(3), chunk=3, ticks=48 * 100_000))
    [caption] = rig.hear(opened(), final(0, 0, 60, "New."), line="2")
    assert caption["participant"]["id"] == "ab12cd34"
    assert caption["timestamp"] == 1_700_000_100_000


def test_who_finds_no_room_is_tried_again_and_the_bridge_is_told() -> None:
    rig = enter(says_info=True)
    rig.refusal = CapacityError("all 4 streams of this server are in use", 5.0)
    [told] = rig.client(media(TAG, 0, 0), media(TAG, 1, 960))
    assert (told["error"], told["message"]) == ("capacity", str(rig.refusal))
    rig.refusal = None
    rig.at(RETRY_S)
    rig.client(media(TAG, 2, 1_920))
    assert fed(rig, "2") == [SILENT]


# --- the socket -----------------------------------------------------------------------------------


def test_pings_are_answered_at_once() -> None:
    rig = enter()
    assert rig.client(bridge_event("ping", id=7)) == [{"event": "pong", "id": 7}]
    assert rig.client('{"event": "ping"}') == [{"event": "pong"}]


def test_info_is_answered_and_only_who_says_it_gets_any() -> None:
    rig = enter({"provider": "openai", "lang": "en"})
    assert rig.client(bridge_event("sources", exports=[], requests=[]), '{"event":"stop"}') == []
    assert rig.client(INFO) == [
        {"event": "info", "application": "hark", "model": "fake", "ignored": ["provider"]}
    ]
    [told] = rig.client(bridge_event("stop", stop={"tag": TAG}))
    assert told == {"event": "info", "application": "hark", "ignored": ["stop"]}


def test_the_end_of_the_session_brings_what_is_held_and_every_final() -> None:
    rig = enter()
    messages = talk(TAG, numbered(3))
    rig.client(messages[0], messages[2], media("bob-a0", 0, 0), END, messages[1], "{")
    assert fed(rig) == [numbered(1)[0], b"", numbered(3)[2]]
    assert rig.dialect.left(0.0) != []
    rig.hear(opened(), final(0, 0, 60, "Mine."), closed(60), line="1")
    assert rig.hangup is None
    rig.hear(opened(), closed(20), line="2")
    assert rig.hangup == Hangup(1000, "bye")


def test_who_leaves_without_a_word_is_told_the_rest() -> None:
    rig = enter()
    messages = talk(TAG, numbered(3))
    rig.client(messages[0], messages[2])
    rig.leave()
    assert fed(rig) == [numbered(1)[0], b"", numbered(3)[2]]
    assert rig.hear(opened(), final(0, 0, 60, "Mine."), closed(60), line="1")
    assert rig.hangup == Hangup(1000, "bye")


def test_an_idle_conference_opens_no_line_and_is_not_waited_for() -> None:
    rig = enter()
    rig.client(INFO, start(TAG, "ab12cd34"), bridge_event("ping", id=1))
    assert (rig.sessions, rig.dialect.next_deadline()) == ({}, None)
    assert rig.dialect.left(0.0) == []
    rig.client(END)
    assert rig.hangup == Hangup(1000, "bye")


MEDIA = {"tag": TAG, "chunk": "1", "timestamp": "2", "payload": "AAAA"}


@pytest.mark.parametrize(
    "frame",
    [
        b"{}",
        "",
        "{",
        "[]",
        "NaN",
        "[" * 100_000,
        "{}",
        '{"event": 1}',
        '{"event": "\\ud800"}',
        '{"event": "media"}',
        '{"event": "start", "start": {"tag": "a"}}',
        bridge_event("ping", id=True),
        bridge_event("start", start={"tag": "", "mediaFormat": {}}),
        bridge_event("start", start={"tag": "a", "mediaFormat": {"encoding": "opus"}}),
        bridge_event("media", media=MEDIA | {"tag": "x" * 257}),
        bridge_event("media", media=MEDIA | {"chunk": "1.5"}),
        bridge_event("media", media=MEDIA | {"chunk": None}),
        bridge_event("media", media=MEDIA | {"timestamp": "9" * 20}),
        bridge_event("media", media=MEDIA | {"timestamp": 1.0}),
        bridge_event("media", media=MEDIA | {"payload": "A"}),
        bridge_event("media", media=MEDIA | {"payload": "\u00e4"}),
        bridge_event("media", media=MEDIA | {"payload": 7}),
        bridge_event("media", media=MEDIA | {"payload": base64.b64encode(bytes(61_441)).decode()}),
    ],
)
def test_what_is_no_message_is_told_and_closes_the_socket(frame: str | bytes) -> None:
    rig = enter(says_info=True)
    [told] = rig.client(frame)
    assert (told["event"], told["error"]) == ("info", "bad_message")
    assert rig.hangup == Hangup(1007, "bad_message")


@pytest.mark.timeout(900)
@settings(max_examples=5_000, deadline=None)
@given(st.binary(max_size=40), st.sampled_from(["opus", "ogg-opus"]))
def test_anything_in_any_order(tape: bytes, encoding: str) -> None:
    payload = PAGE if encoding == "ogg-opus" else SILENT
    frames = [
        *(media(TAG, chunk, 960 * chunk, payload) for chunk in (0, 1, 2, 4, 7, 65_535)),
        *(media("bob-1", 3, ticks, payload) for ticks in (0, -5, 10**18)),
        *(start(TAG, "ab12cd34"), start(TAG, "ab12cd34", "PCMU", 8_000)),
        *(INFO, INFO, bridge_event("ping", id=1), bridge_event("sources"), END),
    ]
    query = {"encoding": [encoding], "sendBackInterim": ["true"]}
    play(BridgeDoor(), Handshake(PATH, query), frames, tape)


# --- over real sockets ----------------------------------------------------------------------------


async def test_a_conference_over_a_socket() -> None:
    path = f"{PATH}?sessionId=1&sendBack=true"
    async with serving_ready() as running, running.client(path) as client:
        await client.socket.send(start(TAG, "ab12cd34"))
        for message in talk(TAG, [SILENT] * 50):
            await client.socket.send(message)
        await client.socket.send(bridge_event("ping", id=3))
        assert json.loads(await client.socket.recv()) == {"event": "pong", "id": 3}
        await client.socket.send(END)
        [caption], code = await client.rest()
        assert caption["transcript"][0]["text"] == words(10)
        assert (caption["is_interim"], code) == (False, 1000)


async def test_packets_that_stop_bring_the_final() -> None:
    async with serving_ready(stall_s=60) as running, running.client(PATH) as client:
        for message in talk(TAG, [SILENT] * 10):
            await client.socket.send(message)
        caption = await client.hear()
        assert (caption["transcript"][0]["text"], caption["is_interim"]) == (words(2), False)


@pytest.mark.parametrize(
    ("frame", "code"), [("x" * ((1 << 20) + 1), 1009), ("{", 1007), (b"\0", 1007)]
)
async def test_a_bad_frame_closes_the_socket(frame: str | bytes, code: int) -> None:
    async with serving_ready() as running, running.client(PATH) as client:
        await client.socket.send(frame)
        assert await client.rest() == ([], code)


@pytest.mark.parametrize(
    ("config", "query", "status", "error"),
    [
        ({"api_keys": "right"}, "?token=wrong", 401, "unauthorized"),
        ({}, "?encoding=pcm", 400, "bad_option"),
        ({}, "", 503, "capacity"),
    ],
)
async def test_who_may_not_in_is_told_by_http(
    config: dict[str, str], query: str, status: int, error: str
) -> None:
    full = fake_engine(max_streams=0 if status == 503 else 4)
    async with serving_ready(full, **config) as running:
        with pytest.raises(InvalidStatus) as refused:
            async with running.client(PATH + query):
                pass
        assert refused.value.response.status_code == status
        assert json.loads(refused.value.response.body or b"")["error"] == error
