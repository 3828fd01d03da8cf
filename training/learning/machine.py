"""The machine a run works on: device, settings for speed, and names for the record."""

from __future__ import annotations

import subprocess
from pathlib import Path

import torch

from training.errors import RecipeError


class NoDeviceError(RecipeError):
    """The wanted device is not there."""


def pick_device(name: str | None) -> torch.device:
    """The wanted device, by default the GPU where there is one.

    Raises:
        NoDeviceError: this machine or torch does not have it.
    """
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        said = str(error).partition("\n")[0]
        raise NoDeviceError(f"--device {name} is not to be had here: {said}") from None
    return device


def prepare_torch(threads: int) -> None:
    """CPU settings that matter for speed at this size."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)


def machine_name(device: torch.device, threads: int) -> str:
    """The processor's name, for the record of a run."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{line.partition(':')[2].strip()}, {threads} threads"
    return f"an unnamed CPU, {threads} threads"


def recipe_commit() -> str:
    """The git commit of the recipe, with a "+" when files of it are changed."""
    here = Path(__file__).parents[1]

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - git, our own arguments
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "*.py")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
