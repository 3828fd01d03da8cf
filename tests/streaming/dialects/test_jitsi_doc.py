"""docs/dialects/jitsi.md says what the code does: its bounds, and every field that is said."""

import json
import re
from pathlib import Path

import pytest

from hark.streaming.protocols.base import Handshake
from hark.streaming.protocols.jitsi import jigasi, meeting, reorder, videobridge
from hark.streaming.tokens import LEEWAY_S
from tests.streaming.dialects.jitsi import bridge_event, jigasi_frame, media, start
from tests.streaming.dialects.rig import Rig, opened, partial

DOC = (Path(__file__).parents[3] / "docs" / "dialects" / "jitsi.md").read_text()
TEXT = " ".join(DOC.split())


@pytest.mark.parametrize(
    "words",
    [
        f"until {reorder.MAX_HELD} wait, and {reorder.MAX_WAIT_S * 1000:.0f} ms at most",
        f"of up to {videobridge.MAX_CONCEALED_MS} ms is concealed",
        f"no packet comes for {videobridge.STALL_MS // 1000} s",
        f"no frame of the participant came for {jigasi.STALL_MS // 1000} s",
        f"without a packet for {meeting.IDLE_S:.0f} s",
        f"the first audio after {meeting.RETRY_S:.0f} s",
        f"more than {meeting.MAX_PARTICIPANTS} participants",
        f"may differ by {LEEWAY_S} s",
        f"binary, {jigasi.HEADER_BYTES} bytes and samples",
    ],
)
def test_the_bounds_are_the_real_ones(words: str) -> None:
    assert words in TEXT


def test_every_field_that_jigasi_is_told_is_described() -> None:
    rig = Rig.enter(jigasi.JigasiDoor(), Handshake("/ws/1"))
    rig.client(jigasi_frame("ada", b"\1\0"))
    [caption] = rig.hear(opened(), partial(0, 0, 900, "a"), line="1")
    section = DOC.split("### What Jigasi is told")[1].split("\n#")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(caption)


def test_every_field_that_the_bridge_is_told_is_described() -> None:
    query = {"sendBackInterim": ["true"]}
    rig = Rig.enter(videobridge.BridgeDoor(), Handshake("/transcribe", query))
    said = rig.client(bridge_event("info"), bridge_event("ping", id=1), media("a-0", 0, 0))
    said += rig.client(start("b-0", "b", "PCMU"))
    said += rig.hear(opened(), partial(0, 0, 20, "a"), line="1")
    section = DOC.split("### What the bridge is told")[1].split("\n- ")[0]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.+) \|$", section, re.MULTILINE))
    assert set(rows) == {message["event"] for message in said}
    for message in said:
        told = set(re.findall(r'"(\w+)":', json.dumps(message))) - {"event"}
        assert told <= set(re.findall(r"`(\w+)`", rows[message["event"]]))
