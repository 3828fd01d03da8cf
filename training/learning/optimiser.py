"""Muon for the matrices of the layers, Adam for everything else.

The model runs in bfloat16. Its parameters and gradients are views into a few large bfloat16
tensors, and the optimisers keep float32 masters of those: one fused update per group instead
of one per tensor, and no cast of the weights in every step.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

ADAM_BETAS = (0.9, 0.98)
MUON_MOMENTUM = 0.95
MUON_SCALE = 0.2
"""Root-mean-square of a Muon update relative to the learning rate, as Adam's would be."""
WEIGHT_DECAY = 0.02


class AdamGroup:
    """Adam over one flat vector that holds all given parameters."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self.master = torch.cat([p.data.float().flatten() for p in parameters])
        self.weights = self.master.bfloat16()
        self.gradients = torch.zeros_like(self.weights)
        self.first = torch.zeros_like(self.master)
        self.second = torch.zeros_like(self.master)
        start = 0
        for parameter in parameters:
            stop = start + parameter.numel()
            parameter.data = self.weights[start:stop].view(parameter.shape)
            parameter.grad = self.gradients[start:stop].view(parameter.shape)
            start = stop

    def update(self, rate: float, step: int) -> None:
        """One Adam step with the gradient norm clipped at 1.

        No weight decay: these are norms, biases, embeddings and the stem.
        """
        gradient = self.gradients.float()
        gradient *= (1.0 / (gradient.norm() + 1e-6)).clamp(max=1.0)
        slow, slower = ADAM_BETAS
        self.first.lerp_(gradient, 1 - slow)
        self.second.lerp_(gradient.square_(), 1 - slower)
        scale = (self.second / (1 - slower**step)).sqrt_().add_(1e-8)
        self.master.addcdiv_(self.first, scale, value=-rate / (1 - slow**step))
        self.weights.copy_(self.master)

    def state(self) -> list[Tensor]:
        """Tensors to save and restore."""
        return [self.master, self.first, self.second]


class MuonGroup:
    """Muon over a stack of matrices of one shape."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self.master = torch.stack([p.data.float() for p in parameters])
        self.weights = self.master.bfloat16()
        self.gradients = torch.zeros_like(self.weights)
        self.momentum = torch.zeros_like(self.master)
        for parameter, weight, gradient in zip(
            parameters, self.weights, self.gradients, strict=True
        ):
            parameter.data = weight
            parameter.grad = gradient

    def update(self, rate: float, step: int) -> None:
        """Move along the orthogonalised momentum."""
        gradient = self.gradients.float()
        self.momentum.lerp_(gradient, 1 - MUON_MOMENTUM)
        direction = orthogonalise(gradient.lerp_(self.momentum, MUON_MOMENTUM))
        size = MUON_SCALE * max(self.master.shape[1:]) ** 0.5
        self.master.mul_(1 - rate * WEIGHT_DECAY).add_(direction, alpha=-rate * size)
        self.weights.copy_(self.master)

    def state(self) -> list[Tensor]:
        """Tensors to save and restore."""
        return [self.master, self.momentum]


class Optimiser:
    """All groups together."""

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        adam, matrices = [], {}
        for module in modules:
            for name, parameter in module.named_parameters():
                if parameter.ndim == 2 and ("layers." in name or "projector" in name):
                    matrices.setdefault(tuple(parameter.shape), []).append(parameter)
                else:
                    adam.append(parameter)
        self.adam = AdamGroup(adam)
        self.muon = [MuonGroup(group) for group in matrices.values()]
        self.steps = 0

    def zero(self) -> None:
        """Clear all gradients in place, as the parameters' ``grad`` are views."""
        for group in (self.adam, *self.muon):
            group.gradients.zero_()

    def update(self, adam_rate: float, muon_rate: float) -> None:
        """One step of every group."""
        self.steps += 1
        self.adam.update(adam_rate, self.steps)
        for group in self.muon:
            group.update(muon_rate, self.steps)

    def is_finite(self) -> bool:
        """Whether no gradient is infinite or not a number."""
        groups = (self.adam, *self.muon)
        sums = [group.gradients.sum(dtype=torch.float32) for group in groups]
        return bool(torch.stack(sums).isfinite().all())

    def state_dict(self) -> dict:
        """Everything needed to resume, masters included."""
        return {"steps": self.steps, "groups": [g.state() for g in (self.adam, *self.muon)]}

    def load_state_dict(self, state: dict) -> None:
        """Restore in place and refresh the bfloat16 weights."""
        self.steps = state["steps"]
        for group, saved in zip((self.adam, *self.muon), state["groups"], strict=True):
            for tensor, value in zip(group.state(), saved, strict=True):
                tensor.copy_(value)
            group.weights.copy_(group.master)


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """Nearest (semi-)orthogonal matrices of a stack [n, rows, columns], by Newton-Schulz."""
    x = matrices.bfloat16()
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.transpose(1, 2)
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        polynomial = torch.baddbmm(gram, gram, gram, beta=-4.7750, alpha=2.0315)
        x = torch.baddbmm(x, polynomial, x, beta=3.4445)
    return x.transpose(1, 2) if tall else x
