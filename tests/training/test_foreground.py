"""The recipe of the network that hears a voice in noise: its mixtures, and a run that goes on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tests import needs
from training.errors import BadFileError, RecipeError
from training.foreground import mixtures, run
from training.foreground.mixtures import COUNT, FRAME, RMS, Clip
from training.foreground.run import Plan
from training.synthesis.speech import SAMPLE_RATE, MissingSynthesiserError

TIME = np.arange(SAMPLE_RATE) / SAMPLE_RATE
TONE = (RMS * np.sqrt(2) * np.sin(2 * np.pi * 300 * TIME)).astype(np.float16)
CLIP = Clip(np.pad(TONE, (3200, 3200)), [(3200, 11200), (12800, 3200 + SAMPLE_RATE)])


@pytest.mark.parametrize("kind", list(mixtures.BACKGROUNDS))
@pytest.mark.parametrize("seed", range(3))
def test_mixtures_are_labelled_where_words_are(
    kind: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixtures, "BACKGROUNDS", {kind: 1.0})
    monkeypatch.setattr(mixtures, "HOLES_SHARE", 0.0)
    monkeypatch.setattr(mixtures, "NOBODY_SHARE", 0.0)
    samples, voiced = mixtures.mix([CLIP], np.random.default_rng(seed))
    assert samples.shape == (COUNT,)
    assert voiced.shape == (COUNT // FRAME,)
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1.0
    power = np.mean(samples.reshape(-1, FRAME) ** 2, axis=1)
    if kind == "":
        assert (power[voiced] > 0).all()
        assert 0.2 < voiced.mean() < 0.95
    else:
        assert power[~voiced].mean() > 0  # there is noise where nobody speaks


def test_holes_are_silent_and_hold_no_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixtures, "BACKGROUNDS", {"steady": 1.0})
    monkeypatch.setattr(mixtures, "HOLES_SHARE", 1.0)
    samples, voiced = mixtures.mix([CLIP], np.random.default_rng(1))
    silent = np.abs(samples.reshape(-1, FRAME)).max(axis=1) == 0
    assert silent.any()
    assert not voiced[silent].any()


@pytest.fixture
def without_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixtures, "speak", lambda count, seed: [CLIP] * count)
    monkeypatch.setattr(run, "_EVERY", 2)
    monkeypatch.setattr(run, "_HELD_OUT", 2)


@pytest.mark.usefixtures("without_voices")
def test_a_run_that_is_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / name for name in ("whole", "stopped")]
    for folder in folders:
        folder.mkdir()
    plans = [Plan(folder, sentences=2, mixtures=4, steps=5) for folder in folders]
    whole = run.train(plans[0])
    batch = run._batch

    def stopping(*arguments):
        if arguments[2] == 3:
            raise KeyboardInterrupt
        return batch(*arguments)

    monkeypatch.setattr(run, "_batch", stopping)
    with pytest.raises(KeyboardInterrupt):
        run.train(plans[1])
    assert not (folders[1] / run.FILE).exists()
    steps: list[int] = []
    monkeypatch.setattr(run, "_batch", lambda *a: (steps.append(a[2]), batch(*a))[1])
    resumed = run.train(plans[1])
    assert steps == [2, 3, 4]
    one, other = load_file(whole), load_file(resumed)
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.usefixtures("without_voices")
def test_a_checkpoint_of_another_plan_or_a_broken_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.train(Plan(tmp_path, sentences=2, mixtures=2, steps=2))
    with pytest.raises(RecipeError, match="give the same, or another --run"):
        run.train(Plan(tmp_path, sentences=2, mixtures=2, steps=4))
    checkpoint = tmp_path / "foreground.pt"
    whole = checkpoint.read_bytes()
    monkeypatch.setattr(mixtures, "speak", None)  # it is refused before anything is made
    for broken in (b"", whole[:1000], b"hello world" * 10):
        checkpoint.write_bytes(broken)
        with pytest.raises(BadFileError, match="cut off"):
            run.train(Plan(tmp_path, sentences=2, mixtures=2, steps=2))
    for other in ([1, 2], {"step": 3}):
        torch.save(other, checkpoint)
        with pytest.raises(BadFileError, match="something else"):
            run.train(Plan(tmp_path, sentences=2, mixtures=2, steps=2))


def test_sentences_have_their_words_inside() -> None:
    try:
        clips = mixtures.speak(6, 1)
    except MissingSynthesiserError as error:
        needs.missing(str(error))
    for clip in clips:
        level = float(np.sqrt(np.mean(clip.samples.astype(np.float32) ** 2)))
        assert level == pytest.approx(RMS, rel=0.02)
        assert 0 <= clip.words[0][0] < clip.words[-1][1] <= len(clip.samples) + 1
