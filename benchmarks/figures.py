"""Statistics of repeated timings, and results that are on disk as soon as they are there."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed; NaN without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def median_run(walls: Sequence[float]) -> int:
    """Which run took the median time (the faster of the two in the middle)."""
    order = sorted(range(len(walls)), key=lambda run: walls[run])
    return order[(len(order) - 1) // 2]


def spread(walls: Sequence[float]) -> float:
    """How far slowest and fastest run lie apart, as a share of the median one."""
    return (max(walls) - min(walls)) / walls[median_run(walls)]


class Results:
    """A JSON object in a file, written anew after every figure, taken up again where it stopped.

    `key` says what the figures belong to: machine, shape, flags.
    """

    def __init__(self, path: Path | None, key: dict[str, Any]) -> None:
        """Exits when the file holds figures of another key: they are not to be mixed or lost."""
        self._path = path
        self.values: dict[str, Any] = {"key": key}
        if path is None or not path.exists():
            return
        self.values = json.loads(path.read_text(encoding="utf-8"))
        if self.values["key"] != json.loads(json.dumps(key)):
            raise SystemExit(f"{path} holds figures of another machine or other flags: move it")

    def get(self, name: str) -> Any:
        return self.values[name]

    def put(self, name: str, value: Any) -> None:
        self.values[name] = value
        if self._path is None:
            return
        part = self._path.with_name(self._path.name + ".part")
        part.write_text(json.dumps(self.values, indent=1) + "\n", encoding="utf-8")
        part.replace(self._path)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """The stored figure of this name; made and stored when there is none."""
        if name not in self.values:
            self.put(name, make())
        return self.values[name]
