"""The shapes are the released ones, and their costs those the report gives."""

from pathlib import Path

import pytest
import torch

from benchmarks.floors import Costs
from benchmarks.shapes import SHAPES, write_config
from hark.engine.model.checkpoint import read_config
from hark.engine.model.speech_model import SpeechModel

# Parameters; multiply-adds (10^9) of a decoder token, a chunk of the stem, 13 encoder tokens.
RELEASED = {
    "0.6b": (782_426_112, 0.440, 2.2, 2.27),
    "1.7b": (2_038_052_480, 1.409, 2.2, 3.97),
}


@pytest.mark.parametrize("shape", RELEASED)
def test_parameters_and_costs(shape: str, tmp_path: Path) -> None:
    parameters, decoder, stem, encoder = RELEASED[shape]
    write_config(SHAPES[shape], tmp_path)
    config = read_config(tmp_path)
    with torch.device("meta"):
        model = SpeechModel(config)
    assert sum(p.numel() for p in model.parameters()) == parameters
    costs = Costs.of(config)
    assert costs.decoder_token / 1e9 == pytest.approx(decoder, abs=1e-3)
    assert costs.stem_chunk / 1e9 == pytest.approx(stem, abs=0.06)
    assert 13 * costs.encoder_token / 1e9 == pytest.approx(encoder, abs=0.06)
