"""Several engines behind one port: streams find their engine, and every way to end."""

import multiprocessing
import os
import queue
import signal
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hark.clients.samples import Sample
from hark.engine.config import EngineConfig
from hark.engine.processes.fleet import EngineFleet, _quota, pick_num_engines, share_of
from hark.engine.processes.process import EngineProcess
from hark.engine.processes.wire import EngineProcessError
from hark.engine.types import (
    Abort,
    AudioFormat,
    Close,
    Closed,
    ConfigError,
    EngineLoad,
    EngineUpdate,
    Failed,
    Feed,
    Final,
    Open,
    Opened,
    StreamId,
    StreamOptions,
)

Said = queue.SimpleQueue[tuple[StreamId, EngineUpdate]]


@contextmanager
def fleet(config: EngineConfig, crashes: list[BaseException]) -> Iterator[tuple[EngineFleet, Said]]:
    said: Said = queue.SimpleQueue()
    port = EngineFleet(config, 2, lambda *update: said.put(update), crashes.append)
    try:
        yield port, said
    finally:
        port.close()


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_streams_share_the_engines(model_folder: Path, samples: list[Sample]) -> None:
    with wave.open(str(samples[0].path)) as recording:
        audio = recording.readframes(recording.getnframes())
    crashes: list[BaseException] = []
    config = EngineConfig(model=str(model_folder), max_streams=3)
    with fleet(config, crashes) as (port, said):
        assert port.max_streams == 3
        for stream in range(4):  # two an engine
            port.submit(Open(stream, AudioFormat(), StreamOptions(partials=False)))
            port.submit(Feed(stream, audio))
            port.submit(Close(stream))
        heard: dict[StreamId, list[EngineUpdate]] = {stream: [] for stream in range(4)}
        while not all(updates and isinstance(updates[-1], Closed) for updates in heard.values()):
            stream, update = said.get(timeout=60)
            heard[stream].append(update)
        texts = [[u.text for u in heard[s] if isinstance(u, Final)] for s in range(4)]
        assert texts[0]
        assert texts == [texts[0]] * 4
        engines = port._engines
        wait_for(lambda: all(engine.counters.decoder_tokens > 0 for engine in engines))
        assert port.counters.decoder_tokens == sum(e.counters.decoder_tokens for e in engines)
        assert port.load.capacity is not None
        assert port.load.capacity <= 3
    assert crashes == []


def test_a_stream_that_ends_makes_room_in_its_engine(model_folder: Path) -> None:
    crashes: list[BaseException] = []
    config = EngineConfig(model=str(model_folder), max_streams=2)  # one an engine
    with fleet(config, crashes) as (port, said):

        def open_stream(stream: StreamId) -> type[EngineUpdate]:
            port.submit(Open(stream, AudioFormat(), StreamOptions()))
            about, update = said.get(timeout=30)
            assert about == stream
            return type(update)

        assert [open_stream(0), open_stream(1), open_stream(2)] == [Opened, Opened, Failed]
        port.submit(Abort(1))
        assert open_stream(3) is Opened, "the engine of the one that left"
        port.submit(Close(0))
        assert isinstance(said.get(timeout=30)[1], Closed)
        assert open_stream(4) is Opened
        port.submit(Feed(0, b"\0\0"))  # it has ended: nobody minds
    assert crashes == []


def test_the_first_engine_that_dies_is_the_crash(model_folder: Path) -> None:
    crashes: list[BaseException] = []
    with fleet(EngineConfig(model=str(model_folder)), crashes) as (port, _):
        for engine in port._engines:
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
        wait_for(lambda: bool(crashes))
    assert [type(error) for error in crashes] == [EngineProcessError]


def test_one_that_dies_takes_the_streams_of_the_others_along(model_folder: Path) -> None:
    crashes: list[BaseException] = []
    with fleet(EngineConfig(model=str(model_folder), max_streams=4), crashes) as (port, said):
        for stream in range(2):
            port.submit(Open(stream, AudioFormat(), StreamOptions()))
            assert isinstance(said.get(timeout=30)[1], Opened)
        assert port._num_streams == [1, 1]
        assert port._engines[0].pid is not None
        os.kill(port._engines[0].pid, signal.SIGKILL)
        wait_for(lambda: bool(crashes))
        assert port._num_streams == [0, 0]
    assert len(crashes) == 1


def test_a_stop_of_the_whole_group_leaves_the_engines_to_the_server(model_folder: Path) -> None:
    crashes: list[BaseException] = []
    with fleet(EngineConfig(model=str(model_folder)), crashes) as (port, said):
        for engine in port._engines:
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGTERM)
        port.submit(Open(1, AudioFormat(), StreamOptions()))
        assert isinstance(said.get(timeout=30)[1], Opened)
    assert crashes == []


def test_a_stream_goes_where_there_is_room(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fleet(EngineConfig(model=str(model_folder), max_streams=6), []) as (port, _):
        capacities = {id(engine): 3 for engine in port._engines}
        silences: dict[int, float] = {}

        def load(engine: EngineProcess) -> EngineLoad:
            return EngineLoad(capacity=capacities[id(engine)], silent_s=silences.get(id(engine), 0))

        monkeypatch.setattr(EngineProcess, "load", property(load))
        capacities[id(port._engines[0])] = 1
        homes = []
        for stream in range(6):
            port.submit(Open(stream, AudioFormat(), StreamOptions()))
            homes.append(port._homes[stream])
        assert homes == [1, 1, 0, 1, 0, 0], "more room first; then whoever may take one"
        for stream in range(6):
            port.submit(Abort(stream))
        silences[id(port._engines[1])] = 9.0
        port.submit(Open(7, AudioFormat(), StreamOptions()))
        assert port._homes[7] == 0, "the other one may hang"
        assert port.load.silent_s == 9.0


def test_the_engines_share_memory_and_cores() -> None:
    config = EngineConfig(max_streams=33, kv_memory_mb=1000)
    share = share_of(config, 2, 64)
    assert (share.max_streams, share.kv_memory_mb, share.threads) == (17, 500, 1)
    large = EngineConfig(model="Qwen/Qwen3-ASR-0.6B")
    assert [share_of(large, 2, cores).threads for cores in (1, 2, 64)] == [1, 1, 32]
    assert share_of(EngineConfig(threads=3), 4, 2).threads == 3


def test_more_engines_than_the_cores_can_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hark.engine.processes.fleet.machine", lambda: (2, False))
    with pytest.raises(ConfigError, match=r"engines is 100, allowed are at most 8, 4 a core"):
        EngineFleet(EngineConfig(), 100, lambda *_: None, lambda _: None)


def test_engines_that_would_compete_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hark.engine.processes.fleet.machine", lambda: (4, True))
    with pytest.raises(ConfigError, match=r"engines is 2.*kv_memory_mb"):
        EngineFleet(EngineConfig(), 2, lambda *_: None, lambda _: None)


@pytest.mark.parametrize(
    ("text", "cores"), [("150000 100000", 2), ("max 100000", None), ("", None)]
)
def test_a_containers_share_of_cores(tmp_path: Path, text: str, cores: int | None) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert _quota(tmp_path / "cpu.max") == cores
    assert _quota(tmp_path / "none") is None


def test_if_one_cannot_be_loaded_none_is_left(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[EngineProcess] = []

    def fail_second(engine: EngineProcess) -> EngineProcess:
        started.append(engine)
        if len(started) == 2:
            engine.kill()
            raise ConfigError("no room for the second")
        return wait(engine)

    wait = EngineProcess.wait
    monkeypatch.setattr(EngineProcess, "wait", fail_second)
    with pytest.raises(ConfigError, match="no room for the second"):
        EngineFleet(EngineConfig(model=str(model_folder)), 3, lambda *_: None, lambda _: None)
    assert multiprocessing.active_children() == []


def test_what_keeps_an_engine_from_loading_is_raised() -> None:
    with pytest.raises(ConfigError, match="/nowhere"):
        EngineFleet(EngineConfig(model="/nowhere"), 2, lambda *_: None, lambda _: None)


@pytest.mark.parametrize(
    ("config", "num_cores", "has_gpu", "expected"),
    [
        (EngineConfig(), 8, False, 1),
        (EngineConfig(max_streams=17), 8, False, 2),
        (EngineConfig(max_streams=500), 8, False, 8),
        (EngineConfig(max_streams=500), 1, False, 1),
        (EngineConfig(max_streams=500), 8, True, 1),
        (EngineConfig(max_streams=500, device="cpu"), 8, True, 8),
        (EngineConfig(max_streams=500, device="mps"), 8, False, 1),
        (EngineConfig(max_streams=500, model="Qwen/Qwen3-ASR-0.6B"), 8, False, 1),
    ],
)
def test_how_many_engines(
    config: EngineConfig, num_cores: int, has_gpu: bool, expected: int
) -> None:
    assert pick_num_engines(config, num_cores=num_cores, has_gpu=has_gpu) == expected
