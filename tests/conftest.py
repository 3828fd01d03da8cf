"""Fixtures for tests that hear with a real model."""

import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
import torch

from hark.clients.samples import SAMPLES_FOLDER, Sample, load_samples
from hark.clients.server_process import ServerProcess, free_port, running_server

from .needs import missing

# Small tensors gain nothing from a second thread, and threads that wait for a busy core lose much.
torch.set_num_threads(1)

# Those run in environments of their own: make test-clients.
collect_ignore = ["sdks"]


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """The embedded model's folder, or the one HARK_TEST_MODEL names while there are no weights."""
    shipped = Path(str(resources.files("hark.engine").joinpath("embedded")))
    if (shipped / "model.safetensors").exists():
        return shipped
    if "HARK_TEST_MODEL" in os.environ:
        return Path(os.environ["HARK_TEST_MODEL"])
    return missing("needs the embedded model's weights")


@pytest.fixture(scope="session")
def samples() -> list[Sample]:
    """The bundled recordings, or those of the folder HARK_TEST_SAMPLES."""
    folder = Path(os.environ.get("HARK_TEST_SAMPLES", SAMPLES_FOLDER))
    if not (folder / "samples.json").exists():
        missing("needs the bundled samples")
    return load_samples(folder)


@pytest.fixture(scope="session")
def real_server(model_folder: Path) -> Iterator[ServerProcess]:
    """`hark serve` with a real model, in a process of its own."""
    with running_server(free_port(), ["--model", str(model_folder)]) as server:
        yield server
