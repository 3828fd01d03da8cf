"""What a server costs its machine: processor, memory, GPU. Reads /proc and asks nvidia-smi.

Where there is no /proc, or the server runs elsewhere, nothing is measured and nothing is said.
"""

import os
import platform
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .figures import Spread

_PROC = Path("/proc")
_SAMPLE_S = 1.0
_GPU_EVERY = 2  # samples
_SLOPE_AFTER_S = 300.0  # memory settles before that
_SLOPE_OVER_S = 60.0
_GPU_QUERY = ("--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits")


@dataclass(slots=True)
class _Samples:
    at: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    gpu_percent: list[float] = field(default_factory=list)
    gpu_mb: list[float] = field(default_factory=list)


def is_there(pid: int) -> bool:
    """Whether a process can be watched; taken to be where there is no /proc to look into."""
    return not _PROC.exists() or (_PROC / str(pid)).exists()


class Monitor:
    """Samples a process and its children once a second while the block runs."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid if pid is not None and (_PROC / str(pid)).exists() else None
        self._samples = _Samples()
        self._gpu_tool = shutil.which("nvidia-smi") if self._pid is not None else None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="bench monitor", daemon=True)

    def __enter__(self) -> "Monitor":
        if self._pid is not None:
            self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        if self._pid is not None:
            self._thread.join()

    def summary(self, since: float, until: float) -> dict[str, Any] | None:
        """CPU in percent of one core, memory in MB, over a span of `time.monotonic`."""
        samples = self._samples
        inside = [i for i, at in enumerate(samples.at) if since <= at <= until]
        if len(inside) < 2:
            return None
        first, last = inside[0], inside[-1]
        seconds = samples.at[last] - samples.at[first]
        rss = samples.rss_mb[first : last + 1]
        return {
            "cpu_percent": 100 * (samples.cpu_s[last] - samples.cpu_s[first]) / seconds,
            "rss_mb_max": max(rss),
            "rss_mb_per_hour": slope_per_hour(samples.at, samples.rss_mb),
            "gpu_percent": Spread.of(samples.gpu_percent).p50,
            "gpu_memory_mb_max": max(samples.gpu_mb, default=None),
        }

    def _watch(self) -> None:
        assert self._pid is not None
        number = 0
        while not self._over.is_set():
            try:
                cpu_s, rss_mb = usage(self._pid)
            except OSError:
                return  # the server is gone; who waits for it will hear of it
            self._samples.at.append(time.monotonic())
            self._samples.cpu_s.append(cpu_s)
            self._samples.rss_mb.append(rss_mb)
            if self._gpu_tool is not None and number % _GPU_EVERY == 0:
                self._ask_gpu(self._gpu_tool)
            number += 1
            self._over.wait(_SAMPLE_S)

    def _ask_gpu(self, tool: str) -> None:
        command = [tool, *_GPU_QUERY]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        rows = [line.split(",") for line in answer.stdout.splitlines() if line.count(",") == 1]
        if answer.returncode == 0 and rows:
            self._samples.gpu_percent.append(max(float(row[0]) for row in rows))
            self._samples.gpu_mb.append(sum(float(row[1]) for row in rows))


def usage(pid: int) -> tuple[float, float]:
    """Processor seconds used so far and resident MB, of a process and all below it.

    Raises:
        OSError: there is no such process.
    """
    cpu_s, pages = _own_usage(pid)
    for child in _children(pid):
        try:
            child_cpu_s, child_pages = _own_usage(child)
        except OSError:
            continue  # it ended just now
        cpu_s, pages = cpu_s + child_cpu_s, pages + child_pages
    return cpu_s, pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def slope_per_hour(at: list[float], values: list[float]) -> float | None:
    """Least-squares slope after five minutes; None if there is not another minute to look at."""
    if not at or at[-1] - at[0] < _SLOPE_AFTER_S + _SLOPE_OVER_S:
        return None
    first = next(i for i, time_s in enumerate(at) if time_s - at[0] >= _SLOPE_AFTER_S)
    xs, ys = at[first:], values[first:]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    covariance = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return 3600 * covariance / sum((x - mean_x) ** 2 for x in xs)


def describe_machine() -> dict[str, Any]:
    """What the client runs on, for the report."""
    names = [
        line.partition(":")[2].strip()
        for line in _read(_PROC / "cpuinfo").splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _own_usage(pid: int) -> tuple[float, int]:
    # The name, in parentheses, may hold anything; utime and stime are fields 14 and 15 of stat.
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK"), int(fields[21])


def _children(pid: int) -> list[int]:
    """All processes below this one."""
    parents: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            fields = _read(entry / "stat").rpartition(")")[2].split()
            if len(fields) > 1:
                parents[int(entry.name)] = int(fields[1])
    found, wave = [], [pid]
    while wave:
        wave = [child for child, parent in parents.items() if parent in wave]
        found += wave
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
