"""A process of the load client: speaks its share of the streams and measures what it heard."""

import asyncio
import gc
import signal
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from hark.engine.host import allow_many_files
from hark.engine.types import SAMPLE_RATE, Encoding

from .audio import EncodedClips, StreamAudio
from .clips import Clip, load_clips
from .measure import UtteranceLog, measure
from .pacer import Pacer, speak_all
from .script import PROFILES, ProfileName, compose
from .speaker import HUNG_UP, Call, Order, Speaker

READY = "ready"
PATIENCE_S = 20.0  # for the last answers, after a stream has ended


@dataclass(frozen=True, slots=True)
class Dialling:
    """How all streams of a run are made."""

    url: str
    folder: Path
    key: str | None = None
    profile: ProfileName = "lecture"
    seed: int = 0
    encoding: Encoding = Encoding.PCM_S16LE
    cadence_ms: int = 320
    frame_ms: int = 100
    partials: bool = True

    def hello(self) -> dict[str, object]:
        return {
            "type": "hello",
            "encoding": self.encoding.value,
            "sample_rate": SAMPLE_RATE,
            "cadence_ms": self.cadence_ms,
            "partials": self.partials,
        }


@dataclass(frozen=True, slots=True)
class Share:
    """What one process has to do; `at_once` bounds the streams it has open."""

    dialling: Dialling
    orders: tuple[Order, ...]
    at_once: int


@dataclass(slots=True)
class Outcome:
    """How one stream ended: `bye`, or what went wrong."""

    stream: int
    ended: str
    retry_after_s: float | None
    was_ready: bool


@dataclass(slots=True)
class Report:
    """What a process saw. `lags_s` are its own delays, frame by frame."""

    logs: list[UtteranceLog] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    lags_s: "array[float]" = field(default_factory=lambda: array("d"))
    cpu_s: float = 0.0


def work(connection: Connection) -> None:
    """Take shares and give reports until the other end hangs up. Runs in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    allow_many_files()
    gc.disable()  # to look through all that was heard would hold up all that is said
    connection.send(READY)
    encoded: dict[tuple[Path, Encoding], tuple[list[Clip], EncodedClips]] = {}
    while True:
        try:
            share: Share = connection.recv()
        except EOFError:
            return
        key = (share.dialling.folder, share.dialling.encoding)
        if key not in encoded:
            clips = load_clips(share.dialling.folder)
            encoded[key] = clips, EncodedClips(clips, share.dialling.encoding)
        connection.send(do(share, *encoded[key]))
        gc.collect()  # speakers and their links know each other


def do(share: Share, clips: Sequence[Clip], encoded: EncodedClips) -> Report:
    """Speak all streams of a share, then measure."""
    cpu_before = time.process_time()
    speakers = asyncio.run(_speak(share, clips, encoded))
    report = Report(cpu_s=time.process_time() - cpu_before)
    for speaker in speakers:
        order, account = speaker.call.order, speaker.account
        was_ready = account.ready_at is not None
        if order.finalizes and was_ready and account.outcome != HUNG_UP:
            report.logs += measure(speaker.call, account.heard, share.dialling.cadence_ms)
        report.outcomes.append(
            Outcome(order.stream, account.outcome, account.retry_after_s, was_ready)
        )
        report.lags_s.extend(speaker.lags_s)
    return report


async def _speak(share: Share, clips: Sequence[Clip], encoded: EncodedClips) -> list[Speaker]:
    pacer = Pacer(time.monotonic)
    dialling = share.dialling
    profile = PROFILES[dialling.profile]
    speakers = []
    for order in share.orders:
        script = compose(
            clips,
            profile,
            seed=dialling.seed,
            stream=order.stream,
            seconds=order.seconds,
            joins_midway=True,
        )
        call = Call(order, script)
        speakers.append(
            Speaker(
                call,
                StreamAudio(script, encoded),
                url=dialling.url,
                key=dialling.key,
                hello=dialling.hello(),
                frame_samples=dialling.frame_ms * SAMPLE_RATE // 1000,
                clock=time.monotonic,
                on_change=pacer.consider,
            )
        )
    await speak_all(speakers, pacer, at_once=share.at_once, patience_s=PATIENCE_S)
    return speakers
