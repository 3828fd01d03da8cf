"""What is trained is what the engine runs: front end, prompt and logits agree."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hark.engine.decoding.sequence import PromptIds
from hark.engine.model.features import log_mel, normalise
from hark.engine.model.speech_model import load_model
from hark.engine.model.tokenizer import Tokenizer
from tests.engine.models import bursts
from training import mel
from training.language.tokenizer import Prompt
from training.learning.export import export
from training.learning.model import Size, SpeechModel, causal_mask


@pytest.fixture(scope="module")
def exported(
    model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SpeechModel, Prompt, Path]:
    """An untrained model as training starts with it, rounded and saved as it ends."""
    torch.manual_seed(1)
    prompt = Prompt.load(model_folder / "tokenizer.json")
    model = SpeechModel(Size(vocab=prompt.tokenizer.get_vocab_size())).eval()
    assert (model.size.audio_id, model.size.pad_id) == (prompt.audio_id, prompt.pad_id)
    for parameter in model.parameters():
        parameter.data.copy_(parameter.data.bfloat16().float())
    folder = tmp_path_factory.mktemp("exported")
    export(model, prompt, folder)
    return model, prompt, folder


def test_the_front_ends_agree() -> None:
    samples = bursts(2.345, seed=4)
    raw = log_mel(torch.from_numpy(samples))
    trained_on = mel.raw_log_mel(samples)
    difference = np.abs(raw.numpy() - trained_on)
    assert difference.mean() < 1e-5
    assert difference.max() < 1e-2  # bins almost without power: float32 against float64
    ours = normalise(raw, raw.max().item())
    assert np.abs(ours.numpy() - mel.finish(trained_on)).mean() < 1e-5


def test_the_prompts_agree(exported: tuple[SpeechModel, Prompt, Path]) -> None:
    _, prompt, folder = exported
    ours = PromptIds.of(Tokenizer.from_folder(folder), "two words")
    trained_on = prompt.build(7, "two words")
    assert [*ours.head, *[prompt.audio_id] * 7, *ours.tail(None)] == trained_on
    assert ours.tail("Spanish") == [*ours.tail(None), *prompt.language["Spanish"]]


@pytest.mark.parametrize("window", [1, 2, 8])
def test_the_logits_agree(exported: tuple[SpeechModel, Prompt, Path], window: int) -> None:
    model, prompt, folder = exported
    samples = bursts(3.37, seed=8)
    features = mel.finish(mel.raw_log_mel(samples))
    tokens = torch.tensor([mel.token_count(features.shape[0])])
    padded = np.zeros((1, -(-features.shape[0] // 100) * 100, mel.BINS), np.float32)
    padded[0, : features.shape[0]] = features
    language_model = model.model.language_model
    with torch.inference_mode():
        audio, _, _ = model.encode(torch.from_numpy(padded), tokens, window)
        ids = torch.tensor([prompt.build(int(tokens[0]))])
        x = model.merge(ids, audio, tokens)
        positions = torch.arange(ids.shape[1])[None]
        hidden, _ = language_model(x, positions, causal_mask(x))
        trained = language_model.logits(hidden)[0]
    engine_prompt = PromptIds.of(Tokenizer.from_folder(folder), "")
    ours = load_model(folder).forward_clip(
        samples, engine_prompt.head, engine_prompt.tail(None), window_chunks=window
    )
    assert (ours - trained).abs().max() < 5e-4
    assert trained.std() > 0.1
