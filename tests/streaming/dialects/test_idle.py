"""What a session of each dialect costs before its first sound: some memory, and nothing else."""

import gc
import socket
import tracemalloc
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import soxr
import webrtcvad

from hark.clients.samples import Sample, find_sample
from hark.engine.audio.codecs import opus
from hark.engine.config import EngineConfig
from hark.engine.engine import Engine
from hark.engine.load import load_engine
from hark.engine.loop import EngineThread
from hark.engine.types import SAMPLE_RATE, AudioFormat, Encoding, EngineRequest, Open
from hark.streaming.bridge import EnginePort, OnCrash, Publish
from hark.streaming.protocols.deepgram import live
from tests.streaming.support import serving_ready, until

from . import formats, ways
from .idle import come_in, costliest, send
from .ways import Dialect

NUM_SESSIONS = 100
MAX_BYTES = 100_000


class Watched(EngineThread):
    """Notes what the streams it was asked for are fed with."""

    def __init__(self, engine: Engine, publish: Publish, on_crash: OnCrash) -> None:
        super().__init__(engine, publish, on_crash)
        self.opened: list[AudioFormat] = []

    def submit(self, request: EngineRequest) -> None:
        if isinstance(request, Open):
            self.opened.append(request.audio)
        super().submit(request)


class Traced:
    """The bytes that a block has left behind."""

    num_bytes = 0

    def __enter__(self) -> "Traced":
        gc.collect()
        tracemalloc.start()
        return self

    def __exit__(self, *error: object) -> None:
        gc.collect()
        self.num_bytes, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()


@pytest.fixture(scope="module")
def engine(model_folder: Path) -> Engine:
    return load_engine(EngineConfig(model=str(model_folder), max_streams=2 * NUM_SESSIONS))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Which of the things that only sound needs have been made: "vad", "resampler", "decoder"."""
    names: set[str] = set()

    def noting(name: str, make: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            names.add(name)
            return make(*args, **kwargs)

        return noted

    monkeypatch.setattr(webrtcvad, "Vad", noting("vad", webrtcvad.Vad))
    monkeypatch.setattr(soxr, "ResampleStream", noting("resampler", soxr.ResampleStream))
    monkeypatch.setattr(opus, "Decoder", noting("decoder", opus.Decoder))
    return names


@pytest.mark.parametrize("dialect", ways.DIALECTS, ids=lambda dialect: dialect.__name__)
async def test_an_idle_session_holds_no_pages_and_little_memory(
    dialect: Dialect,
    engine: Engine,
    samples: list[Sample],
    made: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "PATIENCE_S", 600.0)  # a busy machine takes its time
    sound = costliest(dialect)(formats.samples_of(find_sample(samples, "alarm").path))
    way = dialect(sound)
    is_native = dialect is ways.native  # whose `hello` the engine answers: it opens a stream

    def start(publish: Publish, on_crash: OnCrash) -> EnginePort:
        thread = Watched(engine, publish, on_crash)
        thread.start()
        return thread

    async with serving_ready(start, ping_interval_s=600) as running, AsyncExitStack() as clients:

        async def one_more() -> socket.socket:
            client = await come_in(running.address, way)
            clients.callback(client.close)
            return client

        port = running.service.bridge.port
        assert isinstance(port, Watched)
        speaker = await one_more()  # what is made but once is not counted
        await until(lambda: len(port.opened) == is_native)
        with Traced() as traced:
            for _ in range(NUM_SESSIONS):
                await one_more()
            await until(lambda: len(port.opened) == is_native * (1 + NUM_SESSIONS))
        assert 0 < traced.num_bytes / NUM_SESSIONS < MAX_BYTES
        assert running.service.load().streams == 1 + NUM_SESSIONS  # a place is kept for each
        assert engine.runner.ledger.num_leases == 0
        assert made == set()

        for message in way.audio:
            await send(speaker, message)
        await until(lambda: made == needs_of(dialect, sound.format) and len(port.opened) > 0)
        assert port.opened[-1].sample_rate == sound.format.sample_rate
        assert len(port.opened) == (1 + NUM_SESSIONS if is_native else 1)


def needs_of(dialect: Dialect, format: AudioFormat) -> set[str]:
    """What has to be made for sound of this format; vLLM's sessions cut nothing."""
    needs = {
        "vad": dialect is not ways.vllm,
        "resampler": format.sample_rate != SAMPLE_RATE,
        "decoder": format.encoding is Encoding.OPUS,
    }
    return {name for name, is_needed in needs.items() if is_needed}
