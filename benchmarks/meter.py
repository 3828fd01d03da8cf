"""Where the time of an engine goes, by kind of work, beside the least it could have been.

Watching replaces a method of the engine's runner by one that takes the time around it. The watched
methods do not call each other, so their times add up.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.floors import Floors, Peak
from hark.engine.decoding.runner import ForwardWork
from hark.engine.engine import Engine
from hark.engine.model.features import SegmentFeatures

KINDS = ("mel", "stem", "encode", "verify", "decode", "other")


class Meter:
    """Seconds, calls and floors by kind; `mel` is counted from all engines of the process."""

    def __init__(self, engine: Engine, peak: Peak, *, int8: bool = False) -> None:
        """`int8`: the decoder's weights are a byte each."""
        runner = engine.runner
        self._device = runner.model.device
        self._floors = Floors(runner, peak, int8=int8)
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._watched: list[tuple[Any, str, Any]] = []
        self._watch(SegmentFeatures, "hear", lambda *_: "mel")
        self._watch(runner, "stems", self._stems)
        self._watch(runner, "encode", self._encode)
        self._watch(runner, "forward", self._forward)

    def reset(self) -> None:
        for figures in (self.seconds, self.calls, self._floors.seconds):
            figures.clear()

    def close(self) -> None:
        """Put back what was replaced."""
        for owner, name, method in self._watched:
            setattr(owner, name, method)

    def breakdown(self, wall_s: float) -> dict[str, dict[str, float]]:
        """By kind: seconds, their share of the wall time, calls, ms a call, times the floor.

        `other` is what no watched method took: Python, the scheduler, text.
        """
        known = {kind: self.seconds.get(kind, 0.0) for kind in KINDS[:-1]}
        known["other"] = max(0.0, wall_s - sum(known.values()))
        return {kind: self._row(kind, spent, wall_s) for kind, spent in known.items()}

    def _row(self, kind: str, spent: float, wall_s: float) -> dict[str, float]:
        calls, floor = self.calls.get(kind, 0), self._floors.seconds.get(kind, 0.0)
        row = {"s": round(spent, 3), "share": round(spent / wall_s, 4)}
        row |= {"calls": calls, "ms_a_call": round(1000 * spent / calls, 2)} if calls else {}
        return row | ({"times_floor": round(spent / floor, 2)} if floor else {})

    # --- what each call is counted as, and its floor; before it runs, while leases are as they were

    def _stems(self, works: list[Any]) -> str:
        self._floors.stems(works)
        return "stem"

    def _encode(self, works: list[Any]) -> str:
        self._floors.encode(works)
        return "encode"

    def _forward(self, works: list[ForwardWork]) -> str:
        kind = "decode" if all(work.num_new == 1 for work in works) else "verify"
        self._floors.forward(kind, works)
        return kind

    def _watch(self, owner: Any, name: str, kind_of: Callable[..., str]) -> None:
        method = getattr(owner, name)
        self._watched.append((owner, name, method))

        def timed(*args: Any) -> Any:
            kind = kind_of(*args)
            began = self._now()
            try:
                return method(*args)
            finally:
                self.seconds[kind] += self._now() - began
                self.calls[kind] += 1

        setattr(owner, name, timed)

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


def print_breakdown(rows: dict[str, dict[str, float]]) -> None:
    print(f"{'':8}{'s':>9}{'share':>8}{'calls':>8}{'ms each':>10}{'x floor':>9}")
    for kind, row in rows.items():
        calls = f"{row['calls']:8}{row['ms_a_call']:10.1f}" if "calls" in row else ""
        floor = f"{row['times_floor']:9.2f}" if "times_floor" in row else ""
        print(f"{kind:8}{row['s']:9.2f}{row['share']:8.1%}{calls}{floor}")
