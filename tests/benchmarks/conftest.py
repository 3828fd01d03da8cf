"""A tiny random checkpoint, and the model of it once loaded."""

from pathlib import Path

import pytest

from benchmarks.shapes import model_spec
from hark.engine.config import EngineConfig
from hark.engine.engine import Engine
from hark.engine.load import load_engine


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(model_spec("tiny", folder=tmp_path_factory.mktemp("shapes")))


@pytest.fixture(scope="session")
def loaded(tiny_folder: Path) -> Engine:
    config = EngineConfig(model=str(tiny_folder), device="cpu", dtype="float32", max_streams=8)
    return load_engine(config)
