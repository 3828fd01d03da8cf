"""The live dialects as their clients use them: how one comes in, sends a sound, and reads the text.

Where a dialect lets its clients choose, all ask for the same segments: those that pauses of 600 ms
end, or, with `whole`, all of the sound in one.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hark.engine.types import Encoding
from hark.streaming.protocols.base import Frame

from .formats import Sound
from .jitsi import bridge_event, jigasi_frame, start, talk

PAUSE_MS = 600
_SERVER_VAD = {"type": "server_vad", "silence_duration_ms": PAUSE_MS, "prefix_padding_ms": 300}
_APPEND, _COMMIT = "input_audio_buffer.append", "input_audio_buffer.commit"
_COMPLETED = "conversation.item.input_audio_transcription.completed"
_JIGASI_BYTES, _JIGASI_UNUSED = 46_720, 1_280  # of each of its buffers

Messages = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Way:
    """One client. `first` says what it wants. It closes its side where it `leaves`, else the server
    closes after `last`. `texts` finds the finals' texts in all that it was told, in their order.
    """

    url: str
    first: Sequence[Frame]
    audio: Sequence[Frame]
    last: Sequence[Frame]
    texts: Callable[[Messages], list[str]]
    headers: Mapping[str, str] = field(default_factory=dict)
    leaves: bool = False

    @property
    def frames(self) -> list[Frame]:
        return [*self.first, *self.audio, *self.last]

    def text(self, messages: Messages) -> str:
        return " ".join(filter(None, self.texts(messages)))


def native(sound: Sound, *, whole: bool = False) -> Way:
    hello = {
        "type": "hello",
        "encoding": sound.format.encoding,
        "sample_rate": sound.format.sample_rate,
        "endpointing": {"mode": "off"} if whole else {"pause_ms": PAUSE_MS},
    }
    return Way(
        url="/v1/stream",
        first=[json.dumps(hello)],
        audio=[sound.fed(piece) for piece in sound.pieces],
        last=[json.dumps({"type": "close"})],
        texts=lambda messages: [each["text"] for each in _of_type(messages, "final")],
    )


# --- OpenAI's family ------------------------------------------------------------------------------


def openai(sound: Sound, *, whole: bool = False) -> Way:
    kind = {"pcm_s16le": "pcm", "mulaw": "pcmu", "alaw": "pcma"}[sound.format.encoding]
    rate = {"rate": sound.format.sample_rate} if kind == "pcm" else {}
    audio_in = {
        "format": {"type": f"audio/{kind}", **rate},
        "turn_detection": None if whole else _SERVER_VAD,
    }
    update = {"type": "session.update", "session": {"audio": {"input": audio_in}}}
    commit = [{"type": _COMMIT}] if whole else []
    return _realtime("/v1/realtime", update, sound, last=commit, leaves=True)


def openai_beta(sound: Sound) -> Way:
    names = {"pcm_s16le": "pcm16", "mulaw": "g711_ulaw", "alaw": "g711_alaw"}
    name = names[sound.format.encoding]
    if name == "pcm16" and sound.format.sample_rate != 24_000:
        name = f"pcm_s16le_{sound.format.sample_rate}"
    session = {"input_audio_format": name, "turn_detection": _SERVER_VAD}
    update = {"type": "transcription_session.update", "session": session}
    headers = {"OpenAI-Beta": "realtime=v1"}
    url = "/v1/realtime?intent=transcription"
    return _realtime(url, update, sound, headers=headers, leaves=True)


def dashscope(sound: Sound, *, whole: bool = False) -> Way:
    session = {
        "input_audio_format": "pcm",
        "sample_rate": sound.format.sample_rate,
        "turn_detection": None if whole else _SERVER_VAD,
    }
    commit = [{"type": _COMMIT}] if whole else []
    return _realtime(
        "/api-ws/v1/realtime?model=qwen3-asr-flash-realtime",
        {"type": "session.update", "session": session},
        sound,
        last=[*commit, {"type": "session.finish"}],
    )


def vllm(sound: Sound) -> Way:
    """It has no turn detection: always `whole`, and 16 kHz."""
    return _realtime(
        "/v1/realtime",
        {"type": "session.update", "model": "Qwen/Qwen3-ASR-0.6B"},
        sound,
        last=[{"type": _COMMIT, "final": True}],
        leaves=True,
        done="transcription.done",
        key="text",
    )


def _realtime(
    url: str,
    update: Mapping[str, Any],
    sound: Sound,
    *,
    last: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
    leaves: bool = False,
    done: str = _COMPLETED,
    key: str = "transcript",
) -> Way:
    return Way(
        url=url,
        first=[json.dumps(update)],
        audio=[
            json.dumps({"type": _APPEND, "audio": base64.b64encode(piece).decode()})
            for piece in sound.pieces
        ],
        last=[json.dumps(each) for each in last],
        texts=lambda messages: [each[key] for each in _of_type(messages, done)],
        headers=headers or {},
        leaves=leaves,
    )


# --- Deepgram, Vosk, WhisperLive ------------------------------------------------------------------


def deepgram(sound: Sound) -> Way:
    name = {Encoding.PCM_S16LE: "linear16"}.get(sound.format.encoding, sound.format.encoding)
    raw = f"encoding={name}&sample_rate={sound.format.sample_rate}"
    return Way(
        url=f"/v1/listen?{raw}&endpointing={PAUSE_MS}&punctuate=true&language=multi",
        first=[],
        audio=sound.pieces,
        last=[json.dumps({"type": "CloseStream"})],
        texts=lambda messages: [
            each["channel"]["alternatives"][0]["transcript"]
            for each in _of_type(messages, "Results")
            if each["is_final"]
        ],
    )


def vosk(sound: Sound) -> Way:
    """Its texts are in lower case and without punctuation."""
    return Way(
        url="/",
        first=[json.dumps({"config": {"sample_rate": sound.format.sample_rate}})],
        audio=sound.pieces,
        last=[json.dumps({"eof": 1})],
        texts=lambda messages: [each["text"] for each in messages if "text" in each],
    )


def whisper_live(sound: Sound, *, whole: bool = False) -> Way:
    """Floats of 16 kHz. Each list of segments repeats the ones before; a text begins with a blank.

    It has no pause to set: 600 ms are what it has by itself.
    """
    hello = {"uid": "u", "language": None, "task": "transcribe", "model": "x"}
    return Way(
        url="/",
        first=[json.dumps({**hello, "use_vad": not whole, "send_last_n_segments": 500})],
        audio=[
            (np.frombuffer(piece, "<i2").astype("<f4") / 32_768).tobytes() for piece in sound.pieces
        ],
        last=[b"END_OF_AUDIO"],
        texts=_completed_segments,
    )


def _completed_segments(messages: Messages) -> list[str]:
    shown = [each["segments"] for each in messages if "segments" in each]
    last = shown[-1] if shown else []
    return [each["text"].removeprefix(" ") for each in last if each["completed"]]


# --- Jitsi ----------------------------------------------------------------------------------------


def bridge(sound: Sound) -> Way:
    """Packets of Opus. It has no pause to set: 600 ms are what it has by itself."""
    return Way(
        url="/transcribe",
        first=[bridge_event("info", application="jitsi-videobridge"), start("p1-a0", "p1")],
        audio=talk("p1-a0", sound.pieces),
        last=[bridge_event("session-end")],
        texts=lambda messages: [
            each["transcript"][0]["text"]
            for each in messages
            if each["event"] == "transcription-result" and not each["is_interim"]
        ],
    )


def jigasi(sound: Sound) -> Way:
    """16 kHz, in its own buffers of 1.46 s. It has no pause to set: 600 ms are what it has."""
    return Way(
        url="/ws/1",
        first=[],
        audio=[jigasi_frame("p1", buffer) for buffer in _jigasi_buffers(sound.payload)],
        last=[b"\0"],
        texts=lambda messages: [each["text"] for each in _of_type(messages, "final")],
    )


def _jigasi_buffers(pcm: bytes) -> Iterator[bytes]:
    for at in range(0, len(pcm), _JIGASI_BYTES):
        buffer = pcm[at : at + _JIGASI_BYTES]
        yield buffer + bytes(_JIGASI_UNUSED) if len(buffer) == _JIGASI_BYTES else buffer


Dialect = Callable[[Sound], Way]
DIALECTS: tuple[Dialect, ...] = (
    *(native, openai, openai_beta, vllm, dashscope),
    *(deepgram, bridge, jigasi, vosk, whisper_live),
)


def _of_type(messages: Messages, kind: str) -> list[Any]:
    return [each for each in messages if each.get("type") == kind]
