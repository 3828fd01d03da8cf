"""A Deepgram client on the rig, and what it is told."""

from typing import Any
from urllib.parse import parse_qs

from hark.streaming.protocols.base import Handshake
from hark.streaming.protocols.deepgram.door import DeepgramDoor
from tests.streaming.dialects.rig import Rig, opened

RAW = "encoding=linear16&sample_rate=16000"
ALL = f"{RAW}&interim_results=true&vad_events=true&utterance_end_ms=1000&punctuate=true"
STEREO = f"{RAW}&channels=2&multichannel=true"
AUDIO = bytes(3200)
FINALIZE, CLOSE = {"type": "Finalize"}, {"type": "CloseStream"}


def handshake(query: str) -> Handshake:
    return Handshake("/v1/listen", query=parse_qs(query, keep_blank_values=True))


def let_in(query: str = ALL) -> Rig:
    return Rig.enter(DeepgramDoor(), handshake(query))


def entered(query: str = ALL, *, num_lines: int = 1) -> Rig:
    """A client whose streams are open, having sent some audio."""
    rig = let_in(query)
    rig.client(AUDIO)
    for line in list(rig.sessions):
        rig.hear(opened(), line=line)
    assert len(rig.sessions) == num_lines
    return rig


def transcripts(messages: list[Any]) -> list[str]:
    """Of the finals."""
    return [transcript(each) for each in messages if each["type"] == "Results" and each["is_final"]]


def transcript(result: Any) -> str:
    return result["channel"]["alternatives"][0]["transcript"]


def kinds(messages: list[Any]) -> list[str]:
    return [message["type"] for message in messages]
