"""The network that hears a voice in noise: the one that was trained, and what it hears."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import scenes
from hark.engine.audio.foreground import (
    FRAME_SAMPLES,
    Foreground,
    Network,
    shipped_network,
    spectra,
    windows_of,
)
from hark.engine.types import SAMPLE_RATE
from training.foreground import network as trained

SOUND = np.random.default_rng(5).standard_normal(60 * FRAME_SAMPLES).astype(np.float32)


def probabilities(samples: np.ndarray, network: Network | None = None) -> np.ndarray:
    foreground = Foreground(network)
    return np.array([foreground.hear(frame) for frame in samples.reshape(-1, FRAME_SAMPLES)])


@given(st.integers(0, 1000), st.floats(-60, 0), st.integers(1, 60))
@settings(deadline=None)
def test_frame_by_frame_is_what_was_trained(seed: int, gain_db: float, num_frames: int) -> None:
    torch.manual_seed(seed)
    module = trained.Network(24)
    engine = Network({name: tensor.numpy() for name, tensor in module.weights().items()})
    samples = np.float32(10 ** (gain_db / 20)) * SOUND[: num_frames * FRAME_SAMPLES]
    with torch.no_grad():
        whole = torch.sigmoid(module(torch.from_numpy(spectra(windows_of(samples)))[None]))[0]
    assert np.allclose(probabilities(samples, engine), whole.numpy(), atol=1e-5)


@pytest.mark.parametrize(("hz", "feature"), [(75, 0), (500, 17), (1550, 59), (1600, 60)])
def test_a_tone_lies_in_its_feature(hz: float, feature: int) -> None:
    time = np.arange(4 * FRAME_SAMPLES) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * hz * time).astype(np.float32)
    assert spectra(windows_of(tone))[-1].argmax() == feature


def test_twice_as_loud_is_the_same_spectrum_higher_up() -> None:
    soft, loud = (spectra(windows_of(gain * SOUND)) for gain in (0.25, 0.5))
    assert np.allclose(loud - soft, 2 * np.log10(2.0), atol=1e-3)
    assert np.allclose(spectra(np.zeros(640, np.float32)), -7.0)


@pytest.mark.parametrize("kind", ["white noise", "pink noise", "hum", "babble"])
def test_the_one_who_speaks_is_heard_at_5_db_and_nobody_in_noise_alone(kind: str) -> None:
    """Noise of a kind and a seed each; no voice or sentence of these was trained on by intent."""
    scene = scenes.compose(scenes.sentences()[::4], 3)
    num_frames = scene.samples.shape[0] // FRAME_SAMPLES
    voiced = np.zeros(num_frames, bool)
    for begin, end in (word for words in scene.utterances for word in words):
        voiced[begin // FRAME_SAMPLES : end // FRAME_SAMPLES] = True
    noisy = scenes.in_noise(scene, kind, 5.0, 3)[: num_frames * FRAME_SAMPLES]
    heard = probabilities(noisy) > 0.5
    assert heard[voiced].mean() > 0.85
    assert heard[~voiced].mean() < 0.15
    alone = np.float32(0.5) * scenes.make_noise(kind, 30 * SAMPLE_RATE, 4)
    assert (probabilities(alone)[50:] > 0.5).mean() < 0.02


def test_holes_and_extremes_leave_it_sound() -> None:
    """Digital silence, full scale and an offset are sounds as others are."""
    scene = scenes.compose(scenes.sentences()[:3], 3)
    speech = scene.samples[: scene.samples.shape[0] // FRAME_SAMPLES * FRAME_SAMPLES].copy()
    before = probabilities(speech)
    odd = np.concatenate([np.zeros(SAMPLE_RATE), np.ones(SAMPLE_RATE), -SOUND * 1e3])
    assert np.isfinite(probabilities(odd.astype(np.float32))).all()
    assert np.abs(probabilities(speech + np.float32(0.2)) - before)[50:].mean() < 0.05


def test_the_network_is_loaded_once() -> None:
    assert shipped_network() is shipped_network()
