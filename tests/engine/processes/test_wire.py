"""The thread that sends what gathers."""

import multiprocessing
import pickle
import threading

import pytest

from hark.engine.processes import wire


def test_little_is_spaced_and_much_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that sends thousands of small messages does not stand in front of all others."""
    pauses: list[float] = []
    may_send = threading.Event()

    def sleep(seconds: float) -> None:
        pauses.append(round(seconds, 3))
        may_send.wait()

    monkeypatch.setattr(wire.time, "monotonic", lambda: 100.0)  # all at the same time
    monkeypatch.setattr(wire.time, "sleep", sleep)
    there, here = multiprocessing.Pipe(duplex=False)
    writer = wire.Writer(here, "test")
    much = list(range(4 * wire._MAX_BATCH))
    with there, here:
        for number in much:
            writer.put(number)
        may_send.set()
        heard = [pickle.loads(there.recv_bytes()) for _ in range(4)]
        assert [number for batch in heard for number in batch] == much
        for little in ("behind much", "behind little"):
            writer.put(little)
            assert pickle.loads(there.recv_bytes()) == [little]
        writer.close()
    assert pauses == [0.0] * 5 + [wire._SPACING_S] * 2
