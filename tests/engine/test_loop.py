"""The engine's thread, around an engine that does nothing."""

import threading
import time

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
        if not self.may_go.is_set():
            self.hangs.set()
        self.may_go.wait()
        return []


def test_it_says_how_long_ago_a_round_began() -> None:
    engine = Hanging()
    thread = EngineThread(engine, lambda *_: None, lambda _: None)  # pyright: ignore
    thread.start()
    time.sleep(0.3)
    assert thread.load.silent_s < 0.2
    assert thread.load.busy_ratio == 0.5
    engine.may_go.clear()
    engine.hangs.wait()
    time.sleep(0.3)
    assert thread.load.silent_s >= 0.3
    engine.may_go.set()
    thread.close()
