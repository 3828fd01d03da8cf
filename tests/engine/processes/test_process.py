"""The engine in a process of its own: the same words as in a thread, and every way to end."""

import os
import queue
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hark.clients.samples import Sample
from hark.engine.config import EngineConfig
from hark.engine.load import load_engine
from hark.engine.loop import EngineThread
from hark.engine.processes import process as engine_process
from hark.engine.processes.process import EngineProcess
from hark.engine.processes.wire import EngineProcessError
from hark.engine.types import (
    AudioFormat,
    Close,
    Closed,
    ConfigError,
    Consumed,
    EngineUpdate,
    Failed,
    Feed,
    Final,
    Open,
    Opened,
    OptionError,
    StreamId,
    StreamOptions,
)

Said = queue.SimpleQueue[tuple[StreamId, EngineUpdate]]


@pytest.fixture(scope="module")
def config(model_folder: Path) -> EngineConfig:
    return EngineConfig(model=str(model_folder), max_streams=2, threads=1)


@contextmanager
def process(config: EngineConfig, crashes: list[BaseException]) -> Iterator[tuple[Any, Said]]:
    said: Said = queue.SimpleQueue()
    port = EngineProcess(config, lambda *update: said.put(update), crashes.append).wait()
    try:
        yield port, said
    finally:
        port.close()


@contextmanager
def thread(config: EngineConfig, crashes: list[BaseException]) -> Iterator[tuple[Any, Said]]:
    said: Said = queue.SimpleQueue()
    port = EngineThread(
        load_engine(config), lambda stream, update: said.put((stream, update)), crashes.append
    )
    port.start()
    yield port, said
    port.close()


def transcript(port: Any, said: Said, audio: bytes) -> Sequence[EngineUpdate]:
    """All that is said about one stream, without what depends on the clock."""
    port.submit(Open(1, AudioFormat(), StreamOptions(partials=False)))
    for begin in range(0, len(audio), 3200):
        port.submit(Feed(1, audio[begin : begin + 3200]))
    port.submit(Close(1))
    updates: list[EngineUpdate] = []
    while not isinstance((update := said.get(timeout=60)[1]), Closed):
        updates.append(update)
    consumed = sum(update.num_bytes for update in updates if isinstance(update, Consumed))
    assert consumed == len(audio)
    positions = [update.at_sample for update in updates if isinstance(update, Consumed)]
    assert positions == sorted(positions)
    assert positions[-1] == len(audio) // 2
    return [update for update in updates if not isinstance(update, Consumed)] + [update]


def timeless(update: EngineUpdate) -> object:
    if not isinstance(update, Final):
        return update
    return update.start_sample, update.end_sample, update.text, round(update.confidence, 3)


def test_the_same_words_as_in_a_thread(config: EngineConfig, samples: list[Sample]) -> None:
    with wave.open(str(samples[0].path)) as recording:
        audio = recording.readframes(recording.getnframes())
    crashes: list[BaseException] = []
    heard = []
    for running in (thread, process):
        with running(config, crashes) as (port, said):
            assert (port.model_name, port.max_streams, port.device) == (
                *(Path(config.model).name, 2, "cpu"),
            )
            heard.append([timeless(update) for update in transcript(port, said, audio)])
            wait_for(lambda port=port: port.counters.decoder_tokens > 0)
            assert port.load.stretch >= 1.0
    assert heard[0] == heard[1]
    assert heard[0][0] == Opened(Path(config.model).name)
    assert crashes == []


def test_a_refusal_comes_over_as_what_it_is_and_a_killed_process_is_a_crash(
    config: EngineConfig,
) -> None:
    crashes: list[BaseException] = []
    with process(config, crashes) as (port, said):
        port.submit(Open(1, AudioFormat(), StreamOptions(language="Klingon")))
        stream, update = said.get(timeout=30)
        assert stream == 1
        assert isinstance(update, Failed)
        assert isinstance(update.error, OptionError)
        assert "Klingon" in str(update.error)
        os.kill(port.pid, signal.SIGKILL)
        wait_for(lambda: bool(crashes))
        port.submit(Feed(1, np.zeros(10, "<i2").tobytes()))  # nobody is there, nobody minds
    assert [type(error) for error in crashes] == [EngineProcessError]
    assert "exit code -9" in str(crashes[0])


def test_a_child_that_hangs_is_killed_at_the_end(
    config: EngineConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the pipe to it is full."""
    monkeypatch.setattr(engine_process, "_CLOSE_S", 0.5)
    crashes: list[BaseException] = []
    with process(config, crashes) as (port, said):
        port.submit(Open(1, AudioFormat(), StreamOptions()))
        assert isinstance(said.get(timeout=30)[1], Opened)
        wait_for(lambda: port.load.silent_s < 0.6)  # an idle engine's pulse
        os.kill(port.pid, signal.SIGSTOP)
        for _ in range(100):
            port.submit(Feed(1, bytes(100_000)))
        wait_for(lambda: port.load.silent_s > 1.0)
    assert crashes == []


def test_what_keeps_the_engine_from_loading_is_raised_here() -> None:
    with pytest.raises(ConfigError, match="/nowhere"):
        EngineProcess(EngineConfig(model="/nowhere"), lambda *_: None, lambda _: None).wait()


PARENT = """
import sys, time
from hark.engine.config import EngineConfig
from hark.engine.processes.process import EngineProcess
port = EngineProcess(EngineConfig(model=sys.argv[1], threads=1), lambda *a: None, lambda e: None)
port.wait()
print(port.pid, flush=True)
time.sleep(60)
"""


def test_no_child_outlives_its_parent(config: EngineConfig) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, config.model], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    wait_for(lambda: not is_running(child))


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


def wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)
