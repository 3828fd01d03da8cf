"""The growing log-mel equals that of the whole clip, whatever the cuts."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine.model.features import SegmentFeatures, log_mel, normalise, pad_clip
from tests.engine.models import bursts

FLOAT32_NOISE = 2e-6  # batches of another size add up in another order


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    lengths=st.lists(st.integers(1, 60_000), min_size=1, max_size=8),
    gains=st.sampled_from([[1.0], [1e-4, 1.0], [1.0, 1e-4]]),
)
def test_any_lengths(seed: int, lengths: list[int], gains: list[float]) -> None:
    clip = bursts(4.0, seed=seed, gains=gains)
    features = SegmentFeatures()
    for length in lengths:
        heard = clip[:length]
        features.hear(torch.from_numpy(heard))
        whole = log_mel(torch.from_numpy(pad_clip(heard)))
        assert features.num_frames == whole.shape[0]
        assert torch.allclose(features.raw, whole, atol=FLOAT32_NOISE, rtol=0)
        assert abs(features.peak - whole.max().item()) <= FLOAT32_NOISE


def test_final_frames_never_change() -> None:
    clip = torch.from_numpy(bursts(3.0, seed=1))
    features = SegmentFeatures()
    for length in range(8_000, 48_000, 1_130):
        features.hear(clip[:length])
        final = features.raw[: features.num_final].clone()
        features.hear(clip)
        assert torch.allclose(features.raw[: final.shape[0]], final, atol=FLOAT32_NOISE, rtol=0)
        features.hear(clip[:length])


def test_forty_samples_past_a_hop_settle_every_frame() -> None:
    features = SegmentFeatures()
    features.hear(torch.zeros(16_040))
    assert features.num_final == features.num_frames == 100
    features.hear(torch.zeros(16_039))
    assert features.num_final == 99


def test_digital_silence_is_at_the_floor() -> None:
    raw = log_mel(torch.zeros(16_000))
    assert (raw == -10.0).all()
    assert (normalise(raw, -10.0) == -1.5).all()


def test_clamp_is_eighty_decibels_below_the_peak() -> None:
    raw = torch.tensor([[1.0, -7.5, -6.0]])
    assert normalise(raw, 1.0).tolist() == [[1.25, -0.75, -0.5]]


def test_loudness_shifts_and_does_not_rescale() -> None:
    clip = torch.from_numpy(bursts(1.0, seed=3))
    loud, quiet = log_mel(clip), log_mel(clip * 0.1)
    both = (loud > -6.0) & (quiet > -8.0)
    assert np.isclose((loud - quiet)[both].mean().item(), 2.0, atol=1e-3)
