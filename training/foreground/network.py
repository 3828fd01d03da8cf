"""The network in PyTorch, as `engine/audio/foreground.py` computes it frame by frame."""

from __future__ import annotations

import torch
from torch import nn

from hark.engine.audio.foreground import MEAN_FRAMES, NUM_FEATURES

SIZE = 64


class Network(nn.Module):
    """Log10 powers [B, T, 80] → logits [B, T] of a voice."""

    def __init__(self, size: int = SIZE) -> None:
        super().__init__()
        self.input = nn.Linear(2 * NUM_FEATURES, size)
        self.gru = nn.GRU(size, size, batch_first=True)
        self.output = nn.Linear(size, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        seen = torch.cat([0.5 * features + 1.0, features - running_mean(features)], dim=-1)
        hidden, _ = self.gru(torch.relu(self.input(seen)))
        return self.output(hidden)[..., 0]

    def weights(self) -> dict[str, torch.Tensor]:
        """As the engine names them."""
        return {
            name.replace("_l0", ""): tensor.detach().contiguous()
            for name, tensor in self.state_dict().items()
        }


def running_mean(features: torch.Tensor) -> torch.Tensor:
    """Of [B, T, 80] over the frames up to each, the last 3 s counting most."""
    mean, means = torch.zeros_like(features[:, 0]), []
    for number, frame in enumerate(features.unbind(1), 1):
        mean = mean + (frame - mean) / min(number, MEAN_FRAMES)
        means.append(mean)
    return torch.stack(means, dim=1)
