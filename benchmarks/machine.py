"""What a figure was measured on: processor, threads, device, versions. Reads, changes nothing."""

import os
import platform
import resource
from contextlib import suppress
from pathlib import Path

import torch

_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def facts(device: torch.device) -> dict[str, str | int]:
    """One line each; also part of the key of stored results, so nothing in it changes by itself."""
    model, flags = _processor()
    found: dict[str, str | int] = {
        "cpu": model,
        "cores": os.cpu_count() or 1,
        "flags": " ".join(flag for flag in _FLAGS if flag in flags) or "none of AVX2 to AMX",
        "memory_gib": round(_memory_bytes() / 2**30),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        found |= {"gpu": card.name, "gpu_memory_gib": round(card.total_memory / 2**30)}
    return found


def print_facts(device: torch.device) -> None:
    print("machine: " + ", ".join(f"{name} {value}" for name, value in facts(device).items()))
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > 0.3 * cores:
        print(f"NOTE: load average is {load:.1f} on {cores} cores; the figures are only indicative")


def forget_peak_rss() -> None:
    """Let `peak_rss_mb` count from now on, where the system can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_rss_mb() -> float:
    """The most memory this process has held since its start, or since it was told to forget."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _processor() -> tuple[str, set[str]]:
    """Name and instruction sets; where the system does not say, its name of the architecture."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine(), set()
    fields: dict[str, str] = {}
    for line in info.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    name = fields.get("model name", platform.machine())
    number = f" model {fields['model']}" if "model" in fields else ""
    return name + number, set(fields.get("flags", "").split())


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
