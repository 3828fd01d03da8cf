"""Makes the mixtures, trains the network on them and writes it for the engine."""

from __future__ import annotations

import io
import pickle
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from hark.engine.audio.foreground import NUM_FEATURES, spectra, windows_of
from training.errors import BadFileError, RecipeError, write_whole
from training.foreground import mixtures
from training.foreground.network import Network

FILE = "foreground.safetensors"
_CHECKPOINT, _PARTS = "foreground.pt", ("network", "optimiser", "schedule")
_BATCH, _HIGHEST_RATE, _DECAY = 40, 6e-3, 1e-3
_GAIN_LOG10 = 1.0  # a mixture comes at another level each time, up to 10 dB off
_FIRST_FRAME = 5  # from the stream's beginning on: before, nobody can know
_HELD_OUT, _EVERY = 200, 250


@dataclass(frozen=True)
class Plan:
    """What to make: sentences to speak, mixtures of them, and steps over the mixtures."""

    run: Path
    """Folder of the checkpoint and of the file for the engine."""
    sentences: int = 4000
    mixtures: int = 8000
    steps: int = 6000
    seed: int = 1

    @property
    def amounts(self) -> dict[str, int]:
        return {name: value for name, value in vars(self).items() if name != "run"}


def train(plan: Plan) -> Path:
    """Train the network in ``plan.run`` from where it was stopped; the file for the engine."""
    begun = time.monotonic()
    plan.run.mkdir(parents=True, exist_ok=True)
    saved = _resume(plan)
    clips = mixtures.speak(plan.sentences, plan.seed)
    _say(begun, f"{len(clips)} sentences")
    examples = _examples(clips, plan.mixtures, plan.seed, begun)
    held_out = _examples(mixtures.speak(400, plan.seed + 1), _HELD_OUT, plan.seed + 1, begun)
    network = _fit(plan, saved, examples, held_out, begun)
    file = plan.run / FILE
    write_whole(file, safetensors.torch.save(network.weights()))
    _say(begun, f"wrote {file}")
    return file


Examples = tuple[torch.Tensor, torch.Tensor]  # float16 [N, 600, 80] and bool [N, 600]


def _examples(clips: list[mixtures.Clip], count: int, seed: int, begun: float) -> Examples:
    rng = np.random.default_rng(seed)
    frames = mixtures.COUNT // mixtures.FRAME
    features = torch.empty(count, frames, NUM_FEATURES, dtype=torch.float16)
    voiced = torch.empty(count, frames, dtype=torch.bool)
    for index in range(count):
        samples, labels = mixtures.mix(clips, rng)
        features[index] = torch.from_numpy(spectra(windows_of(samples)))
        voiced[index] = torch.from_numpy(labels)
        if (index + 1) % 1000 == 0:
            _say(begun, f"{index + 1}/{count} mixtures")
    return features, voiced


def _fit(
    plan: Plan, saved: dict | None, examples: Examples, held_out: Examples, begun: float
) -> Network:
    torch.manual_seed(plan.seed)
    network = Network()
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _HIGHEST_RATE, plan.steps, pct_start=0.1
    )
    parts = dict(zip(_PARTS, (network, optimiser, schedule), strict=True))
    if saved:
        for name, part in parts.items():
            part.load_state_dict(saved[name])
    for step in range(saved["step"] if saved else 0, plan.steps):
        features, voiced = _batch(examples, plan.seed, step)
        loss = cross_entropy(network(features)[:, _FIRST_FRAME:], voiced[:, _FIRST_FRAME:])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if (step + 1) % _EVERY == 0:
            states = {name: part.state_dict() for name, part in parts.items()}
            _save(plan.run / _CHECKPOINT, states | {"step": step + 1, "plan": plan.amounts})
            _say(begun, f"step {step + 1}/{plan.steps}: {_measured(network, held_out)}")
    return network


def _save(file: Path, content: dict) -> None:
    buffer = io.BytesIO()  # torch hides that a disk is full
    torch.save(content, buffer)
    write_whole(file, buffer.getbuffer())


def _resume(plan: Plan) -> dict | None:
    """The run's checkpoint, if it has one.

    Raises:
        BadFileError: it is cut off, or something else.
        RecipeError: it is another plan's.
    """
    file = plan.run / _CHECKPOINT
    if not file.exists():
        return None
    try:
        saved = torch.load(file)
        made_by, _ = saved["plan"], [saved[name] for name in (*_PARTS, "step")]
    except (RuntimeError, EOFError, pickle.UnpicklingError, KeyError, TypeError) as error:
        raise BadFileError(f"{file} is cut off or something else ({error}); remove it") from None
    if made_by != plan.amounts:
        raise RecipeError(f"{file} is of {made_by}; give the same, or another --run")
    return saved


def _batch(examples: Examples, seed: int, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mixtures at random levels: float32 [40, 600, 80], and their labels [40, 600]."""
    chance = torch.Generator().manual_seed(seed * 1_000_003 + step)
    features, voiced = examples
    chosen = torch.randint(len(features), (_BATCH,), generator=chance)
    gains = torch.rand(_BATCH, 1, 1, generator=chance) * 2 * _GAIN_LOG10 - _GAIN_LOG10
    return features[chosen].float() + gains, voiced[chosen].float()


@torch.no_grad()
def _measured(network: Network, held_out: Examples) -> str:
    features, voiced = held_out
    logits = network(features.float())[:, _FIRST_FRAME:]
    voiced = voiced[:, _FIRST_FRAME:]
    said = logits > 0
    return (
        f"loss {cross_entropy(logits, voiced.float()):.4f}, "
        f"{100 * (~said & voiced).sum() / voiced.sum():.1f} % of voiced frames missed, "
        f"{100 * (said & ~voiced).sum() / (~voiced).sum():.1f} % of others taken for a voice"
    )


def _say(begun: float, what: str) -> None:
    print(f"{time.monotonic() - begun:6.0f} s  {what}", flush=True)
