"""The engine's thread, around an engine that does nothing."""

import threading
import time
from collections.abc import Iterator

import pytest

from hark.engine import loop
from hark.engine.loop import EngineThread
from hark.engine.types import EngineLoad


class Hanging:
    """Ticks at once while it may."""

    rest_s = 0.001
    load = EngineLoad(busy_ratio=0.5)

    def __init__(self) -> None:
        self.may_go = threading.Event()
        self.hangs = threading.Event()
        self.may_go.set()

    def tick(self) -> list:
        if not self.may_go.wait(0):
            self.hangs.set()
            self.may_go.wait()
        return []


def test_it_says_how_long_ago_a_round_began() -> None:
    engine = Hanging()
    thread = EngineThread(engine, lambda *_: None, lambda _: None)  # pyright: ignore
    thread.start()
    try:
        time.sleep(0.5)
        assert any(thread.load.silent_s < 0.2 for _ in wait_s(30))
        assert thread.load.busy_ratio == 0.5
        engine.may_go.clear()
        assert engine.hangs.wait(30)
        time.sleep(0.3)
        assert thread.load.silent_s >= 0.3
    finally:
        engine.may_go.set()
        thread.close()


def wait_s(seconds: float) -> Iterator[None]:
    """Something to look again and again at, for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(0.01)


def test_one_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_CLOSE_S", 0.2)
    engine = Hanging()
    engine.may_go.clear()
    thread = EngineThread(engine, lambda *_: None, lambda _: None)  # pyright: ignore
    thread.start()
    assert engine.hangs.wait(30)
    thread.close()
    engine.may_go.set()
