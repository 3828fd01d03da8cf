"""How much memory a device has to give, and how many KV pages are made of it.

Knows sizes, no tensors: what it plans, `kv_pool.py` makes.
"""

import os
from pathlib import Path

import torch

from ..types import ConfigError

_SHARE = 0.85  # of what is free after the weights; the rest is for activations and others
_MEMINFO = Path("/proc/meminfo")


def free_bytes(device: torch.device) -> int:
    """What can be taken on the device now without pushing anything else out."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if _MEMINFO.exists():
        fields = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def plan_pages(
    *, wanted: int | None, pages_per_segment: int, page_bytes: int, free: int, asked_mb: int
) -> int:
    """Pages for the pool: what `asked_mb` MiB pay for, else `wanted`, else all that fit.

    Without `asked_mb` (0) the pool stays inside a fixed share of the `free` bytes.

    Raises:
        ConfigError: it would not hold one segment, or more is asked for than is free.
    """
    setting, room = "kv_memory_mb", asked_mb * 2**20
    if room > free:
        raise ConfigError(f"{setting} is {asked_mb}, free are {free // 2**20}")
    if not asked_mb:
        setting, room = "the memory left for KV pages, in MiB,", int(free * _SHARE)
    pages = room // page_bytes
    if wanted is not None and not asked_mb:
        pages = min(pages, wanted)
    if pages < pages_per_segment:
        needed = -(-pages_per_segment * page_bytes // 2**20)
        raise ConfigError(f"{setting} is {room // 2**20}, one segment needs {needed}")
    return pages
