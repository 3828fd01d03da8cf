"""The aligner's word list, sequences and repairs are those of the published model."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hark.engine.model.speech_model import load_model
from tests.engine.models import bursts
from training import mel
from training.evaluation import align_eval
from training.language.tokenizer import Prompt
from training.learning.aligner import CLASSES, AlignCollator, AlignerModel, clean_word, slot_loss
from training.learning.export import export
from training.learning.model import Size
from training.synthesis.phones import IGNORE


@pytest.fixture(scope="module")
def prompt(model_folder: Path) -> Prompt:
    return Prompt.load(model_folder / "tokenizer.json")


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("Quilter's", "Quilter's"),
        ("well-known,", "wellknown"),
        ("3.14%", "314"),
        ("¿Mañana?", "Mañana"),
        ("—", ""),
    ],
)
def test_words_are_cleaned(written: str, cleaned: str) -> None:
    assert clean_word(written) == cleaned


@pytest.mark.parametrize(
    ("times", "repaired"),
    [
        ([80, 4000, 160, 240], [80, 80, 160, 240]),
        ([80, 160, 0, 400], [80, 160, 160, 400]),
        ([500, 80, 160], [80, 80, 160]),
        ([160, 160, 80, 80], [160, 160, 160, 160]),
        ([80, 160, 240, 320, 0, 0, 0, 800], [80, 160, 240, 320, 440, 560, 680, 800]),
        ([400, 320, 240], [400, 400, 400]),
        ([], []),
    ],
)
def test_times_are_made_to_rise(times: list[int], repaired: list[int]) -> None:
    assert align_eval.repaired(times) == repaired


def test_the_loss_wants_the_right_step_and_spares_its_neighbours() -> None:
    def loss_of(step: int) -> float:
        logits = torch.zeros(1, CLASSES)
        logits[0, step] = 8.0
        return slot_loss(logits, torch.tensor([10])).item()

    assert loss_of(10) < loss_of(11) == loss_of(9) < loss_of(12) == loss_of(300)
    both = torch.zeros(2, CLASSES), torch.tensor([10, IGNORE])
    assert slot_loss(*both).item() == pytest.approx(np.log(CLASSES))


def test_the_engine_computes_what_is_trained(prompt: Prompt, tmp_path: Path) -> None:
    torch.manual_seed(2)
    model = AlignerModel(Size(vocab=prompt.tokenizer.get_vocab_size())).eval()
    for parameter in model.parameters():
        parameter.data.copy_(parameter.data.bfloat16().float())
    export(model, prompt, tmp_path, classes=CLASSES)
    samples = bursts(9.37, seed=8)
    features = mel.finish(mel.raw_log_mel(samples))
    audio_tokens = mel.token_count(len(features))
    slots = AlignCollator(prompt).sequence(len(features), ["Hello,", "-", "it's", "three."])
    assert slots.kept == [0, 2, 3]
    padded = np.pad(features, ((0, -len(features) % 100), (0, 0)))[None]
    with torch.inference_mode():
        trained = model.slot_logits(
            torch.from_numpy(padded),
            torch.tensor([audio_tokens]),
            torch.tensor([slots.ids]),
            torch.zeros(6, dtype=torch.long),
            torch.tensor(slots.columns),
        )
    head, tail = slots.ids[:1], slots.ids[1 + audio_tokens :]
    ours = load_model(tmp_path).forward_clip(samples, head, tail, window_chunks=8)[slots.columns]
    assert (ours - trained).abs().max() < 5e-4
    assert trained.std() > 0.1
