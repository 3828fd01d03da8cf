"""The load client's processes: started once, given their shares of each run, stopped together."""

import multiprocessing
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from .speaker import Order
from .worker import READY, Dialling, Report, Share, work

_LOOK_S = 0.5


class ClientCrashError(RuntimeError):
    """A process of the load client ended before it had reported."""


@dataclass(frozen=True, slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection


class Fleet(AbstractContextManager["Fleet"]):
    """Processes that speak streams. Spawned, so that none inherits the parent's threads."""

    def __init__(self, size: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        for number in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=work, args=(theirs,), name=f"hark bench {number}", daemon=True
            )
            process.start()
            theirs.close()
            self._workers.append(_Worker(process, ours))
        for worker in self._workers:
            greeting = _receive(worker.connection)
            assert greeting == READY

    def __exit__(self, *exception: object) -> None:
        for worker in self._workers:
            worker.connection.close()
            worker.process.terminate()
            worker.process.join()

    def speak(
        self,
        dialling: Dialling,
        orders: Sequence[Order],
        *,
        at_once: int | None = None,
        apart: Sequence[Order] = (),
        on_wait: Callable[[], None] = lambda: None,
    ) -> Report:
        """Speak all orders, dealt out to the processes in turn, and give one report of all.

        `at_once` bounds the streams that are open at a time; `apart` are spoken by the last
        process, which then speaks nothing else. `on_wait` is called twice a second.

        Raises:
            ClientCrashError: a process died.
        """
        workers = self._workers[:-1] if apart else self._workers
        assert workers, "streams to be spoken apart need a second process"
        limit = max(1, len(orders) if at_once is None else at_once)
        num_shares = min(len(workers), len(orders), limit)
        for index, worker in enumerate(workers[:num_shares]):
            dealt = tuple(orders[index::num_shares])
            worker.connection.send(Share(dialling, dealt, -(-limit // num_shares)))
        if apart:
            self._workers[-1].connection.send(Share(dialling, tuple(apart), len(apart)))
        busy = [worker.connection for worker in workers[:num_shares]]
        return _gather(busy + [self._workers[-1].connection] * bool(apart), on_wait)


def _gather(connections: list[Connection], on_wait: Callable[[], None]) -> Report:
    whole = Report()
    while connections:
        for ready in wait(connections, timeout=_LOOK_S):
            assert isinstance(ready, Connection)
            report: Report = _receive(ready)
            connections.remove(ready)
            whole.logs += report.logs
            whole.outcomes += report.outcomes
            whole.lags_s.extend(report.lags_s)
            whole.cpu_s += report.cpu_s
        on_wait()
    return whole


def _receive(connection: Connection) -> Any:
    try:
        return connection.recv()
    except EOFError:
        raise ClientCrashError("a process of the load client died") from None
