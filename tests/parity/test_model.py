"""Our model against the reference: features, encoder, logits, greedy tokens, every layout."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hark.engine.model.encoder import num_tokens
from hark.engine.model.features import log_mel, normalise, pad_clip
from hark.engine.model.speech_model import SpeechModel, load_model
from hark.engine.model.tokenizer import Tokenizer

from . import reference
from .checkpoints import AlignerCheckpoint, RecogniserCheckpoint
from .clips import clip

SECONDS = (0.3, 0.8, 1.0, 1.003, 7.49, 8.0, 8.01, 16.3, 33.0)
LAYOUTS = ("native", "original", "sharded")
ENCODER_TOLERANCE = 1e-5
LOGIT_TOLERANCE = 5e-5


def prompt(
    tokenizer: Tokenizer, samples: np.ndarray, *, context: str = "", language: str | None = None
) -> list[int]:
    pads = [tokenizer.audio_pad_id] * num_tokens(max(len(samples), 8000) // 160)
    return tokenizer.prompt_head(context) + pads + tokenizer.prompt_tail(language)


def max_difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    assert ours.shape == theirs.shape
    return (ours - theirs).abs().max().item()


@pytest.fixture(scope="module")
def model(recogniser: RecogniserCheckpoint) -> SpeechModel:
    return load_model(recogniser.folders["native"])


@pytest.fixture(scope="module")
def our_tokenizer(recogniser: RecogniserCheckpoint) -> Tokenizer:
    return Tokenizer.from_folder(recogniser.folders["native"])


@pytest.mark.parametrize("seconds", SECONDS)
def test_features(seconds: float) -> None:
    samples = clip(seconds)
    theirs, mask = reference.features(samples)
    raw = log_mel(torch.from_numpy(pad_clip(samples)))
    ours = normalise(raw, raw.max().item())
    valid = int(mask.sum())
    assert ours.shape == (valid, 128)
    assert max_difference(ours, theirs[0, :, :valid].T) < 1e-5
    assert not theirs[0, :, valid:].any(), "the reference fills chunks with 0.0"


@pytest.mark.parametrize("window_chunks", [1, 2, 4, 8])
@pytest.mark.parametrize("seconds", SECONDS)
def test_encoder(
    seconds: float, window_chunks: int, model: SpeechModel, recogniser: RecogniserCheckpoint
) -> None:
    samples = clip(seconds)
    theirs = reference.encode(recogniser.reference, samples, window_chunks=window_chunks)
    ours = model.encode_clip(samples, window_chunks)
    assert max_difference(ours, theirs) < ENCODER_TOLERANCE


def test_windows_change_the_encoding(model: SpeechModel) -> None:
    """The weights are large enough for a wrong window to show in the test above."""
    samples = clip(16.3)
    encodings = [model.encode_clip(samples, window_chunks) for window_chunks in (1, 2, 4, 8)]
    for wider, narrower in zip(encodings[1:], encodings, strict=False):
        assert max_difference(wider, narrower) > 100 * ENCODER_TOLERANCE


@pytest.mark.parametrize(
    ("seconds", "window_chunks", "context", "language"),
    [
        (0.3, 8, "", None),
        (1.003, 1, "Quilter, gospel", None),
        (8.01, 8, "", "Chinese"),
        (16.3, 4, "\n It's 你好 3.14 %", "English"),
        (33.0, 2, "", None),
        (33.0, 8, "the kitchen", "English"),
    ],
)
def test_logits(
    seconds: float,
    window_chunks: int,
    context: str,
    language: str | None,
    recogniser: RecogniserCheckpoint,
) -> None:
    assert_same_logits(
        recogniser.folders["native"],
        recogniser,
        clip(seconds),
        window_chunks=window_chunks,
        context=context,
        language=language,
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("checkpoint", ["recogniser", "untied_recogniser"])
def test_logits_of_every_layout(
    layout: str, checkpoint: str, request: pytest.FixtureRequest
) -> None:
    made: RecogniserCheckpoint = request.getfixturevalue(checkpoint)
    assert_same_logits(made.folders[layout], made, clip(2.5), language="English")


def assert_same_logits(
    folder: Path,
    checkpoint: RecogniserCheckpoint,
    samples: np.ndarray,
    *,
    window_chunks: int = 8,
    context: str = "",
    language: str | None = None,
) -> None:
    tokenizer = Tokenizer.from_folder(folder)
    model = load_model(folder)
    tokenizer.check_fits(model.config)
    ids = prompt(tokenizer, samples, context=context, language=language)
    theirs = reference.forward(checkpoint.reference, samples, ids, window_chunks=window_chunks)
    ours = model.forward_clip(
        samples,
        tokenizer.prompt_head(context),
        tokenizer.prompt_tail(language),
        window_chunks=window_chunks,
    )
    assert theirs.abs().max() > 1.0, "flat logits would hide mistakes"
    assert max_difference(ours, theirs) < LOGIT_TOLERANCE


@pytest.mark.parametrize("layout", LAYOUTS)
def test_aligner_logits(layout: str, aligner: AlignerCheckpoint) -> None:
    folder = aligner.folders[layout]
    tokenizer = Tokenizer.from_folder(folder)
    model = load_model(folder)
    tokenizer.check_fits(model.config)
    assert model.config.num_time_classes == 5000
    assert tokenizer.timestamp_id is not None
    samples = clip(9.3)
    head, tail = [tokenizer.audio_start_id], [tokenizer.audio_end_id]
    for word in ("Mr", "Quilter's", "gospel"):
        tail += [*tokenizer.encode(word), tokenizer.timestamp_id, tokenizer.timestamp_id]
    num_audio = num_tokens(len(samples) // 160)
    ids = head + [tokenizer.audio_pad_id] * num_audio + tail
    theirs = reference.forward(aligner.reference, samples, ids, window_chunks=8)
    ours = model.forward_clip(samples, head, tail, window_chunks=8)
    assert ours.shape == (len(ids), 5000)
    assert max_difference(ours, theirs) < LOGIT_TOLERANCE
