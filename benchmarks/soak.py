"""Whether a server's memory grows with time: speech, silence, and connections that come and go.

    python -m benchmarks.soak speech    [--minutes 30] [--streams 4]
    python -m benchmarks.soak silence   [--minutes 30] [--streams 4]
    python -m benchmarks.soak connects  [--minutes 30] [--connects 2000]

Runs `hark serve` as a child, keeps it busy in real time, and reads the memory of the server and of
its own children every few seconds. Prints a line a minute, and at the end the slope in MB an hour
over all but the first `--warmup` minutes: the straight line through the readings.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np

from hark.clients import connect
from hark.clients.samples import load_samples
from hark.clients.sdk import Stream
from hark.clients.server_process import ServerProcess, free_port, running_server
from hark.engine.audio.files import open_audio

SAMPLE_RATE = 16_000
FRAME_S = 0.1
READ_EVERY_S = 5.0
PAGE_BYTES = 4096
MB = 1e6


# --- what the server is kept busy with -----------------------------------------------------------


def speech() -> np.ndarray:
    """The bundled recordings, end to end with a second of silence behind each."""
    pause = np.zeros(SAMPLE_RATE, np.float32)
    clips = [np.concatenate(list(open_audio(s.path).blocks())) for s in load_samples()]
    return np.concatenate([part for clip in clips for part in (clip, pause)])


async def speak(url: str, audio: np.ndarray, offset: int, until: float) -> None:
    """One stream that hears `audio` in a circle, at the pace of speech, until then."""
    frame = int(FRAME_S * SAMPLE_RATE)
    async with connect(url) as stream:
        reader = asyncio.create_task(_read(stream))
        begin = time.monotonic()
        for number in itertools.count():
            due = begin + (number + 1) * FRAME_S
            if due > until:
                break
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            at = (offset + number * frame) % (audio.shape[0] - frame)
            await stream.send(audio[at : at + frame])
        await stream.close()
        await reader


async def come_and_go(url: str, audio: np.ndarray, count: int, until: float) -> None:
    """`count` connections one after the other, spread over the time; each third just vanishes."""
    begin = time.monotonic()
    for number in range(count):
        due = begin + (until - begin) * number / count
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        async with connect(url) as stream:
            await stream.send(audio[: SAMPLE_RATE // 2])
            if number % 3:
                await stream.close()
                await _read(stream)


async def _read(stream: Stream) -> None:
    async for _ in stream:
        pass


# --- the server's memory -------------------------------------------------------------------------


def rss_mb(pid: int) -> float:
    """Resident memory of a process and its children, in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * PAGE_BYTES / MB + sum(rss_mb(child) for child in _children(pid))


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


async def watch(pid: int, until: float) -> AsyncIterator[tuple[float, float]]:
    """Seconds since the start and memory, until then."""
    begin = time.monotonic()
    while time.monotonic() < until:
        with contextlib.suppress(FileNotFoundError):  # a child that has just ended
            yield time.monotonic() - begin, rss_mb(pid)
        await asyncio.sleep(READ_EVERY_S)


async def record(server: ServerProcess, until: float) -> list[tuple[float, float]]:
    """The readings; says once a minute where the memory is."""
    readings: list[tuple[float, float]] = []
    async for seconds, memory in watch(server.process.pid, until):
        if not readings or seconds // 60 > readings[-1][0] // 60:
            print(f"minute {seconds / 60:4.0f}: {memory:8.1f} MB", flush=True)
        readings.append((seconds, memory))
    return readings


def slope_mb_per_hour(readings: list[tuple[float, float]], warmup_s: float) -> float:
    """Of the straight line through the readings after the warm-up."""
    late = np.array([reading for reading in readings if reading[0] >= warmup_s])
    if late.shape[0] < 3:
        return float("nan")
    return float(np.polyfit(late[:, 0] / 3600, late[:, 1], 1)[0])


# --- putting it together -------------------------------------------------------------------------


async def soak(args: argparse.Namespace, server: ServerProcess) -> list[tuple[float, float]]:
    until = time.monotonic() + args.minutes * 60
    audio = speech()
    if args.what == "silence":
        audio = np.zeros_like(audio)
    async with asyncio.TaskGroup() as tasks:
        if args.what == "connects":
            tasks.create_task(come_and_go(server.url, audio, args.connects, until))
        else:
            for number in range(args.streams):
                offset = number * audio.shape[0] // args.streams
                tasks.create_task(speak(server.url, audio, offset, until))
        recording = tasks.create_task(record(server, until))
    return recording.result()


def main() -> None:
    parser = argparse.ArgumentParser(description="Does a server's memory grow with time?")
    parser.add_argument("what", choices=["speech", "silence", "connects"])
    parser.add_argument("--minutes", type=float, default=30.0, help="(%(default)g)")
    parser.add_argument("--warmup", type=float, default=5.0, help="minutes that do not count")
    parser.add_argument("--streams", type=int, default=4, help="at once (%(default)s)")
    parser.add_argument("--connects", type=int, default=2000, help="in all (%(default)s)")
    parser.add_argument("--engine-process", choices=["on", "off"], default="off")
    parser.add_argument("--threads", type=int, default=1, help="of torch in the server")
    parser.add_argument("--json", type=Path, help="also write the readings here")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server stops, too
    if args.minutes <= args.warmup:
        parser.error(f"--minutes is {args.minutes:g}, it must be more than --warmup")
    flags = ["--threads", str(args.threads), "--engine-process", args.engine_process]
    with running_server(free_port(), flags) as server:
        readings = asyncio.run(soak(args, server))
    slope = slope_mb_per_hour(readings, args.warmup * 60)
    print(f"{args.what}, {args.minutes:g} minutes: {slope:+.2f} MB an hour")
    if args.json:
        result = {"what": args.what, "slope_mb_per_hour": slope, "readings": readings}
        args.json.write_text(json.dumps(result) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
