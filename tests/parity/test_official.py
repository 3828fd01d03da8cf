"""Our answers against those recorded from the official package (see record_reference.py)."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from hark.engine.model.speech_model import SpeechModel, load_model
from hark.engine.model.tokenizer import Tokenizer
from hark.engine.streams.output import parse_output

from .clips import clip
from .record_reference import CHECKPOINT, CLIPS, EVERY_ROW, FOLDER

RECORDED: dict[str, Any] = json.loads((FOLDER / "outputs.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def model() -> SpeechModel:
    return load_model(CHECKPOINT)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_folder(CHECKPOINT)


@pytest.mark.parametrize("case", RECORDED["outputs"], ids=lambda case: repr(case["raw"][:24]))
def test_outputs_are_parsed_as_recorded(case: dict[str, Any]) -> None:
    assert list(parse_output(case["raw"], case["forced"])) == case["parsed"]


@pytest.mark.parametrize("index", range(len(CLIPS)))
def test_prompts_and_logits_are_as_recorded(
    index: int, model: SpeechModel, tokenizer: Tokenizer
) -> None:
    seconds, window_chunks, context, language = CLIPS[index]
    head, tail = tokenizer.prompt_head(context), tokenizer.prompt_tail(language)
    ids = RECORDED["prompts"][index]
    num_audio = len(ids) - len(head) - len(tail)
    assert ids == head + [tokenizer.audio_pad_id] * num_audio + tail

    with np.load(FOLDER / "logits.npz") as file:
        recorded = torch.from_numpy(file[f"arr_{index}"])
    ours = model.forward_clip(clip(seconds), head, tail, window_chunks=window_chunks)
    assert ours.shape[0] == len(ids)
    assert recorded.abs().max() > 1.0
    assert (ours.flip(0)[::EVERY_ROW] - recorded).abs().max() < 5e-5
