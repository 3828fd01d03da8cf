"""A whole meeting on one socket, both ways: each has their own words."""

import json
from collections import defaultdict
from collections.abc import Sequence
from random import Random

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from hark.clients.samples import Sample, find_sample, spoken_words
from hark.clients.server_process import ServerProcess
from hark.engine import types as engine
from hark.streaming.protocols.base import Frame, Handshake
from hark.streaming.protocols.jitsi import jigasi, videobridge
from tests.fakes import opus_packets, words
from tests.streaming.dialects.formats import samples_of
from tests.streaming.dialects.jitsi import (
    PACKET_TICKS,
    SILENT,
    bridge_event,
    encode_opus,
    interleaved,
    jigasi_frame,
    jigasi_frames,
    shaken,
    start,
    talk,
)
from tests.streaming.dialects.rig import Rig, closed, final, opened
from tests.streaming.support import fake_engine, serving_ready

PARTICIPANTS = range(20)
MUTE_MS = 5_000
INFO = bridge_event("info", application="jitsi-videobridge")
END = bridge_event("session-end")
EOF = b"\0"


def starts() -> list[str]:
    return [start(f"p{number}-a0", f"p{number}") for number in PARTICIPANTS]


def three_at_once(speeches: Sequence[Sequence[Frame]]) -> list[Frame]:
    """Everybody's speech, of three at a time."""
    trios = (speeches[first : first + 3] for first in range(0, len(speeches), 3))
    return [message for trio in trios for message in interleaved(*trio)]


def said_twice(tag: str, packets: list[bytes], more: list[bytes], random: Random) -> list[str]:
    """Speech, a mute, and more speech, as a bad network delivers them."""
    resumed = len(packets) * PACKET_TICKS + 48 * MUTE_MS
    return [
        *shaken(talk(tag, packets), random, loss=0.1),
        *shaken(talk(tag, more, chunk=len(packets), ticks=resumed), random, loss=0.1),
    ]


# --- on the rig -----------------------------------------------------------------------------------


def test_twenty_on_one_bridge_are_heard_apart_and_in_time() -> None:
    random = Random(7)
    rig = Rig.enter(videobridge.BridgeDoor(), Handshake("/transcribe"))
    rig.client(*starts())
    speeches = []
    for owner in PARTICIPANTS:
        packets = [bytes([0xF8, owner, number]) for number in range(120)]  # 20 ms each
        speeches.append(said_twice(f"p{owner}-a0", packets[:60], packets[60:], random))
    rig.client(*three_at_once(speeches), END)
    ids: set[str] = set()
    for line, requests in rig.requests.items():
        feeds = [each for each in requests if isinstance(each, engine.Feed)]
        packets = [each for feed in feeds for each in opus_packets(feed.payload)]
        [owner] = {packet[1] for packet in packets if packet}
        numbers = [packet[2] for packet in packets if packet]
        assert numbers == sorted(set(numbers))
        # What was lost is concealed, and nothing of the mute is heard.
        assert [number for number, packet in enumerate(packets) if packet] == numbers
        assert len(packets) == 120
        [before] = rig.hear(opened(), final(0, 0, 1_200, f"I am {owner}."), line=line)
        [behind] = rig.hear(final(1, 1_200, 2_400, "Still."), closed(2_400), line=line)
        assert {each["participant"]["id"] for each in (before, behind)} == {f"p{owner}"}
        assert before["transcript"][0]["text"] == f"I am {owner}."
        assert behind["timestamp"] - before["timestamp"] == 1_200 + MUTE_MS
        ids |= {before["message_id"], behind["message_id"]}
    assert len(ids) == 2 * len(PARTICIPANTS)
    assert rig.hangup is not None


def test_twenty_on_one_jigasi_socket_are_heard_apart() -> None:
    rig = Rig.enter(jigasi.JigasiDoor(), Handshake("/ws/1"))
    sound = {owner: bytes([owner + 1]) * 46_720 * 2 for owner in PARTICIPANTS}
    rig.client(*three_at_once([list(jigasi_frames(f"p{each}", sound[each])) for each in sound]))
    rig.client(EOF)
    ids: set[str] = set()
    for line, requests in rig.requests.items():
        heard = b"".join(each.payload for each in requests if isinstance(each, engine.Feed))
        owner = heard[0] - 1
        assert heard == sound[owner]
        [caption] = rig.hear(opened(), final(0, 0, 900, "Me."), closed(2_920), line=line)
        assert caption["participant_id"] == f"p{owner}"
        ids.add(caption["id"])
    assert len(ids) == len(PARTICIPANTS)
    assert rig.hangup is not None


# --- over a socket --------------------------------------------------------------------------------


async def finals_of(url: str, frames: Sequence[Frame]) -> dict[str, list[str]]:
    """The final texts of each participant, after all frames were sent."""
    finals: dict[str, list[str]] = defaultdict(list)
    async with connect(url, proxy=None, compression=None, max_queue=None) as client:
        for frame in frames:
            await client.send(frame)
        try:
            while True:
                message = json.loads(await client.recv())
                if message.get("type") == "final":
                    finals[message["participant_id"]].append(message["text"])
                elif message.get("is_interim") is False:
                    text = message["transcript"][0]["text"]
                    finals[message["participant"]["id"]].append(text)
        except ConnectionClosed:
            assert client.close_code == 1000
    return finals


async def test_twenty_on_one_bridge_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(videobridge, "STALL_MS", 60_000)  # a busy machine mutes nobody
    random = Random(11)
    speeches = [
        said_twice(f"p{owner}-a0", [SILENT] * 5 * (owner + 1), [SILENT] * 15, random)
        for owner in PARTICIPANTS
    ]
    async with serving_ready(fake_engine(max_streams=32)) as running:
        url = f"ws://{running.address}/transcribe?sendBackInterim=true"
        finals = await finals_of(url, [INFO, *starts(), *three_at_once(speeches), END])
    assert finals == {f"p{owner}": [words(owner + 1), words(3)] for owner in PARTICIPANTS}


async def test_twenty_on_one_jigasi_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jigasi, "STALL_MS", 60_000)
    speeches = [
        [jigasi_frame(f"p{owner}", b"\x01\x00" * 1_600) for _ in range(owner + 1)]
        for owner in PARTICIPANTS
    ]
    async with serving_ready(fake_engine(max_streams=32)) as running:
        url = f"ws://{running.address}/streaming-whisper/ws/1"
        finals = await finals_of(url, [*three_at_once(speeches), EOF])
    assert finals == {f"p{owner}": [words(owner + 1)] for owner in PARTICIPANTS}


# --- with a real model ----------------------------------------------------------------------------


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", ["bridge", "jigasi"])
async def test_three_of_twenty_are_understood(
    way: str, real_server: ServerProcess, samples: list[Sample]
) -> None:
    spoken = {
        f"p{number}": find_sample(samples, name)
        for number, name in enumerate(("alarm", "question", "journey"))
    }
    sound = {name: samples_of(each.path) for name, each in spoken.items()}
    if way == "bridge":
        speeches = [
            shaken(talk(f"{name}-a0", encode_opus(pcm)), Random(3)) for name, pcm in sound.items()
        ]
        frames = [*starts(), *three_at_once(speeches), END]
        finals = await finals_of(f"{real_server.url}/transcribe?lang=en", frames)
    else:
        speeches = [list(jigasi_frames(name, pcm.tobytes())) for name, pcm in sound.items()]
        finals = await finals_of(f"{real_server.url}/ws/1", [*three_at_once(speeches), EOF])
    heard = {name: spoken_words(" ".join(texts)) for name, texts in finals.items()}
    assert heard == {name: spoken_words(each.text) for name, each in spoken.items()}
