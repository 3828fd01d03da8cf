"""What resampling, G.711 and Opus cost in words, through each dialect that carries them.

The bundled recordings, on the rig: a dialect's client makes the requests, a real engine answers
them, and the dialect says what was heard. More words, and how sure the figures are, come from
`benchmarks/lossy.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from hark.clients.bench.align import align
from hark.clients.bench.clips import load_clips
from hark.clients.samples import Sample, spoken_words
from hark.engine.config import EngineConfig
from hark.engine.engine import Engine
from hark.engine.load import load_engine
from hark.engine.types import (
    AudioFormat,
    Close,
    Closed,
    EngineRequest,
    EngineUpdate,
    Failed,
    Feed,
    Open,
    StreamOptions,
)
from hark.streaming.doors import DOORS
from hark.streaming.protocols.base import Handshake

from . import formats, ways
from .formats import FORMATS, Sound, samples_of
from .rig import Rig
from .ways import Dialect, Way

POINT = 1.0  # of the word error rate, in percent
DIALECTS: Mapping[str, Sequence[Dialect]] = {
    "24 kHz PCM": [ways.openai, ways.openai_beta, ways.dashscope, ways.deepgram],
    "44.1 kHz PCM": [ways.deepgram, ways.dashscope, ways.vosk],
    "Opus, 32 kbit/s": [ways.deepgram, ways.bridge],
    "8 kHz µ-law": [ways.openai, ways.openai_beta, ways.deepgram],
    "8 kHz A-law": [ways.openai, ways.openai_beta, ways.deepgram],
}
"""PCM of 8 and 48 kHz is resampled as µ-law and Opus are, so the benchmark alone has it."""

Speech = tuple[np.ndarray, list[str]]
"""A recording, int16 [n] at 16 kHz, and its words."""


class Ear:
    """A real engine. What several dialects feed it alike, it hears once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._heard: dict[Any, list[EngineUpdate]] = {}

    def hear(self, requests: Sequence[EngineRequest]) -> list[EngineUpdate]:
        """What is said of one stream, but for partials, which change no final."""
        begin, *feeds, end = requests
        assert isinstance(begin, Open)
        assert isinstance(end, Close)
        fed = b""
        for each in feeds:
            assert isinstance(each, Feed)
            fed += each.payload
        endpointing = replace(begin.options.endpointing, stall_ms=0)  # nobody waits here
        options = StreamOptions(begin.options.language, partials=False, endpointing=endpointing)
        asked = (begin.audio, fed, options)
        if asked not in self._heard:
            self._heard[asked] = list(self._updates(*asked))
        return self._heard[asked]

    def _updates(
        self, audio: AudioFormat, fed: bytes, options: StreamOptions
    ) -> Iterator[EngineUpdate]:
        for request in (Open(0, audio, options), Feed(0, fed), Close(0)):
            self._engine.handle(request)
        update = None
        while not isinstance(update, Closed | Failed):
            for _, update in self._engine.tick():
                yield update


def heard_by(ear: Ear, way: Way) -> str:
    """The text that a client is told."""
    address = urlsplit(way.url)
    door = DOORS[address.path]
    query = parse_qs(address.query)
    rig = Rig.enter(door, Handshake(address.path, query=query, headers=way.headers))
    messages = [*rig.news(), *rig.client(*way.frames)]
    if way.leaves:
        messages += rig.leave()
    [line] = rig.requests
    messages += rig.hear(*ear.hear(rig.requests[line]), line=line)
    assert rig.hangup is not None
    return way.text(messages)


@pytest.fixture(scope="module")
def ear(model_folder: Path) -> Ear:
    return Ear(load_engine(EngineConfig(model=str(model_folder))))


@pytest.fixture(scope="module")
def speeches(samples: list[Sample]) -> list[Speech]:
    """All samples, and every other clip of those for load tests."""
    spoken = [(samples_of(each.path), spoken_words(each.text)) for each in samples]
    spoken += [(clip.samples, [word.text for word in clip.words]) for clip in load_clips()[::2]]
    assert sum(len(words) for _, words in spoken) >= 300
    return spoken


def words_by(ear: Ear, dialect: Dialect, sounds: Sequence[Sound]) -> list[list[str]]:
    return [spoken_words(heard_by(ear, dialect(sound))) for sound in sounds]


def error_rate(heard: Sequence[list[str]], speeches: Sequence[Speech]) -> float:
    """Errors for each hundred words."""
    said = [words for _, words in speeches]
    errors = sum(align(*pair).errors for pair in zip(said, heard, strict=True))
    return 100 * errors / sum(map(len, said))


@pytest.fixture(scope="module")
def pcm_rate(ear: Ear, speeches: list[Speech]) -> float:
    sounds = [formats.pcm(samples) for samples, _ in speeches]
    return error_rate(words_by(ear, ways.native, sounds), speeches)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", DIALECTS)
def test_a_format_costs_less_than_a_point(
    ear: Ear, speeches: list[Speech], pcm_rate: float, name: str
) -> None:
    sounds = [FORMATS[name](samples) for samples, _ in speeches]
    heard, *by_others = (words_by(ear, dialect, sounds) for dialect in DIALECTS[name])
    assert all(each == heard for each in by_others)
    assert error_rate(heard, speeches) - pcm_rate < POINT
