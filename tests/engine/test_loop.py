"""The engine's thread, around an engine that does nothing."""

import time

import pytest

from hark.engine import loop
from hark.engine.loop import EngineThread


class Idle:
    rest_s = 0.001

    def tick(self) -> list:
        return []


@pytest.mark.parametrize(("every_s", "expected"), [(60.0, 1), (0.0, 3)])
def test_memory_is_given_back_now_and_then(
    monkeypatch: pytest.MonkeyPatch, every_s: float, expected: int
) -> None:
    """Once in so long, however many ticks there are."""
    given: list[float] = []
    monkeypatch.setattr(loop, "_TRIM_EVERY_S", every_s)
    monkeypatch.setattr(loop, "give_back_memory", lambda: given.append(time.monotonic()))
    thread = EngineThread(Idle(), lambda *_: None, lambda _: None)  # pyright: ignore
    thread.start()
    time.sleep(0.2)
    thread.close()
    assert len(given) == expected if every_s else len(given) >= expected
