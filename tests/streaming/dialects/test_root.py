"""The door at `/`: whoever calls, and whatever comes, it neither raises nor hangs."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine import types as engine
from hark.streaming.errors import CapacityError, UnauthorizedError
from hark.streaming.protocols.base import Frame, Handshake
from hark.streaming.protocols.root import RootDoor

from .hearing import Hearing
from .rig import Rig

AUDIO = bytes(640)
END = b"END_OF_AUDIO"
WHISPER_HELLO = {"uid": "u", "language": None, "send_last_n_segments": 2, "word_timestamps": True}
VOSK_CONFIG = {"config": {"sample_rate": 16000.0, "phrase_list": ["one"], "max_alternatives": 1}}

VALUES = (
    *(None, True, 0, 1, -7, 900, 10**400, 1.5, 1e999, "", "de", "int16", "uint8", "\ud800"),
    *([], ["one", None], {}, {"min_silence_duration_ms": 1}, {"sample_rate": 1}, "x" * 5_000),
)
NAMES = (
    *("uid", "language", "task", "use_vad", "vad_parameters", "audio_format", "hotwords", "else"),
    *("send_last_n_segments", "config", "eof", "reset", "sample_rate", "words", "phrase_list"),
    "max_alternatives",
)


def mutated(base: dict[str, Any], name: str, value: Any, wrapped: bool) -> str:
    message = {**base, name: value}
    return json.dumps({"config": message} if wrapped else message)


Frames = st.one_of(
    st.sampled_from([AUDIO, AUDIO[:7], b"", END, END.decode()]),
    st.sampled_from([WHISPER_HELLO, VOSK_CONFIG, {"eof": 1}, {"reset": 1}]).map(json.dumps),
    st.builds(
        mutated,
        st.sampled_from([{}, WHISPER_HELLO, VOSK_CONFIG["config"]]),
        st.sampled_from(NAMES),
        st.sampled_from(VALUES),
        st.booleans(),
    ),
    st.binary(max_size=9) | st.text(max_size=9),
)
Move = Frames | st.sampled_from([1, 2, 3])  # numbers: the engine answers, with a pause, or fails


@pytest.mark.parametrize(
    "opening",
    [[], [AUDIO], [json.dumps(VOSK_CONFIG), AUDIO], [json.dumps(WHISPER_HELLO), AUDIO]],
    ids=["nobody", "vosk", "vosk with config", "whisper live"],
)
@pytest.mark.timeout(900)
@settings(max_examples=2_000, deadline=None)
@given(moves=st.lists(Move, max_size=8), leaves=st.booleans())
def test_any_frames_in_any_order(
    opening: list[Frame], moves: list[Frame | int], leaves: bool
) -> None:
    rig = Rig.enter(RootDoor(), Handshake("/"))
    hearing = Hearing(rig)
    for move in [*opening, *moves]:
        if rig.hangup is not None:
            break
        if isinstance(move, int):
            _let_the_engine(rig, hearing, move)
        else:
            rig.client(move)
            assert "" in rig.requests or not hearing.finals
    if leaves and rig.hangup is None:
        began = "" in rig.sessions
        rig.leave()
        hearing.hear_all()
        assert (rig.hangup is not None) == began
    assert rig.hangup is None or 1000 <= rig.hangup.code <= 1013


def _let_the_engine(rig: Rig, hearing: Hearing, move: int) -> None:
    if move < 3:
        hearing.hear(pause=move == 2)
    elif "" in rig.sessions and hearing.is_behind:
        rig.hear(engine.Failed(engine.CapacityError("no pages")))


@pytest.mark.parametrize(
    "frames", [[], [json.dumps(VOSK_CONFIG)], [json.dumps(WHISPER_HELLO)], ['{"reset": 1}']]
)
def test_a_client_without_audio_opens_no_line(frames: list[str]) -> None:
    rig = Rig.enter(RootDoor(), Handshake("/"))
    rig.client(*frames)
    assert rig.sessions == {} and rig.hangup is None
    assert rig.leave() == []


def test_refusals() -> None:
    door: Any = RootDoor()
    assert door.deny(CapacityError("full", 5.0), Handshake("/")) is None
    denial = door.deny(UnauthorizedError("a key is needed"), Handshake("/"))
    assert (denial.status, denial.body) == (401, "a key is needed\n")
