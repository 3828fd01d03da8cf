"""What Jigasi and the videobridge send, byte for byte, and Opus to put into it."""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame

PACKET_TICKS = 960  # 20 ms
SILENT = b"\xf8\xff\xfe"  # 20 ms of CELT


# --- Jigasi ---------------------------------------------------------------------------------------


def jigasi_frame(
    participant: str, pcm: bytes, language: str = "null", padding: bytes = b"\0"
) -> bytes:
    return f"{participant}|{language}".encode().ljust(60, padding) + pcm


def jigasi_frames(participant: str, pcm: bytes) -> Iterator[bytes]:
    """As Jigasi sends speech: 1.46 s in a buffer for 1.5 s."""
    for at in range(0, len(pcm), 46_720):
        yield jigasi_frame(participant, pcm[at : at + 46_720].ljust(48_000, b"\0"))


# --- the videobridge ------------------------------------------------------------------------------


def bridge_event(event: str, **fields: Any) -> str:
    """A message with its event twice, as the bridge writes it."""
    body = json.dumps({"event": event, **fields})
    return f'{{"event":"{event}",{body[1:]}'


def start(tag: str, endpoint: str | None, encoding: str = "opus", rate: int = 48_000) -> str:
    return bridge_event(
        "start",
        sequenceNumber="1",
        start={
            "tag": tag,
            "mediaFormat": {"encoding": encoding, "sampleRate": rate, "channels": 2},
            **({} if endpoint is None else {"customParameters": {"endpointId": endpoint}}),
        },
    )


def media(tag: str, chunk: int, ticks: int, opus: bytes = SILENT) -> str:
    return bridge_event(
        "media",
        sequenceNumber="2",
        media={
            "tag": tag,
            "chunk": str(chunk),
            "timestamp": str(ticks),
            "payload": base64.b64encode(opus).decode(),
            "audioLevel": 40,
        },
    )


def talk(tag: str, packets: Sequence[bytes], *, chunk: int = 0, ticks: int = 0) -> list[str]:
    """Packets of 20 ms, one behind the other."""
    return [
        media(tag, chunk + index, ticks + index * PACKET_TICKS, packet)
        for index, packet in enumerate(packets)
    ]


def shaken(messages: Sequence[str], random: Random, *, loss: float = 0.0) -> list[str]:
    """As a network delivers them: each may be overtaken by 3, come twice, or be lost.

    The first and the last come, and come first and last, so that all of the time is known.
    """
    keys = {index: index + 3.5 * random.random() for index in range(1, len(messages) - 1)}
    order = [0, *sorted(keys, key=keys.__getitem__), len(messages) - 1]
    kept = [each for each in order if each not in keys or random.random() >= loss]
    return [messages[each] for each in kept for _ in range(1 + (random.random() < 0.05))]


# --- Opus -----------------------------------------------------------------------------------------


def encode_opus(
    pcm: np.ndarray, *, frame_ms: float = 20, application: str = "voip", bit_rate: int = 32_000
) -> list[bytes]:
    """The packets of 16 kHz samples, int16 [n], by libopus."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate, context.layout, context.format = 16_000, "mono", "s16"
    context.bit_rate = bit_rate
    context.options = {"frame_duration": str(frame_ms), "application": application}
    context.open()
    size = round(16 * frame_ms)
    packets: list[bytes] = []
    for at in range(0, pcm.shape[0], size):
        piece = np.zeros(size, np.int16)
        piece[: pcm[at : at + size].shape[0]] = pcm[at : at + size]
        frame = AudioFrame.from_ndarray(piece[None], "s16", "mono")
        frame.sample_rate, frame.pts = 16_000, at
        packets += map(bytes, context.encode(frame))
    return packets + list(map(bytes, context.encode(None)))


def interleaved(*speakers: Iterable[Any]) -> list[Any]:
    """What several send at once: one of each in turn, until the last has said all."""
    left = [iter(speaker) for speaker in speakers]
    mixed: list[Any] = []
    while left:
        for speaker in list(left):
            try:
                mixed.append(next(speaker))
            except StopIteration:
                left.remove(speaker)
    return mixed
