"""Real speech and a real model, for tests that need more than random weights."""

from pathlib import Path

import numpy as np
import pytest

from hark.clients.samples import Sample
from hark.engine.audio.files import open_audio
from hark.engine.model.speech_model import SpeechModel, load_model
from hark.engine.model.tokenizer import Tokenizer


@pytest.fixture(scope="session")
def speech_model(model_folder: Path) -> tuple[SpeechModel, Tokenizer]:
    """The model that ships, and its tokenizer."""
    return load_model(model_folder), Tokenizer.from_folder(model_folder)


@pytest.fixture(scope="session")
def speech(samples: list[Sample]) -> list[np.ndarray]:
    """The bundled recordings, float32 at 16 kHz."""
    return [np.concatenate(list(open_audio(sample.path).blocks())) for sample in samples]
