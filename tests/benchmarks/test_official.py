"""The published algorithm re-hears all audio and rolls its text back by five tokens."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.official import PIECE_S, ROLLBACK_TOKENS, UNFIXED_PIECES, Official
from benchmarks.speech import speech
from benchmarks.versus import remaining_s


def test_each_step_hears_everything_again(tiny_folder: Path) -> None:
    official = Official(tiny_folder, torch.device("cpu"))
    samples = speech(12.0).samples.astype(np.float32) / 32768
    steps = [official.piece(samples, index) for index in range(6)]
    whole = official.offline(samples)
    audio = [26 * (index + 1) for index in range(6)]  # 13 tokens a second
    around = whole["prompt_tokens"] - audio[-1]
    prefixes = [s["prompt_tokens"] - n - around for s, n in zip(steps, audio, strict=True)]
    assert prefixes[:UNFIXED_PIECES] == [0, 0], "the first pieces force nothing"
    for index in range(UNFIXED_PIECES, 6):
        before = prefixes[index - 1] + steps[index - 1]["new_tokens"] - 1  # without end-of-text
        assert prefixes[index] == before - ROLLBACK_TOKENS
        assert ROLLBACK_TOKENS < steps[index]["new_tokens"] < 30
    assert whole["new_tokens"] == prefixes[-1] + steps[-1]["new_tokens"]
    assert PIECE_S == 2


def test_what_is_left_grows_as_the_steps_do() -> None:
    assert remaining_s([1.0], 4) == 3.0
    assert remaining_s([1.0, 2.0, 3.0], 5) == pytest.approx(4.0 + 5.0)
    assert remaining_s([3.0, 2.0, 1.0], 5) == pytest.approx(2 * 3.0), "never assumed to shrink"
