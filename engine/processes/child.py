"""The life of an engine's process: loads the engine, says so, and runs it until the parent is done.

Imports torch only once it runs, for the parent imports this file to start it.
"""

import logging
import os
import pickle
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

from ..config import EngineConfig
from ..host import settle_heap
from ..pulse import Pulse
from ..types import Consumed, EngineRequest, EngineUpdate, Feed, StreamId
from .wire import Crash, EngineFacts, EngineProcessError, Status, Writer


def run_child(pipe: Connection, config: EngineConfig, pulse: Pulse) -> None:
    """The child's whole life; `pulse` is the parent's to read."""
    # Ctrl-C and a supervisor's stop reach the whole group; how to end in order is the parent's.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    from ..load import load_engine
    from ..loop import EngineThread

    try:
        engine = load_engine(config)
    except Exception as error:  # noqa: BLE001 - the parent raises it
        pipe.send_bytes(_pickled(error))
        return
    settle_heap()
    pulse.beat()  # loading may have taken minutes
    failed = threading.Event()

    def crashed(error: BaseException) -> None:
        failed.set()
        writer.put(Crash(f"{type(error).__name__}: {error}"))
        writer.close()
        # The main thread waits for the parent, who has nothing more to say.
        os._exit(1)

    thread = EngineThread(
        engine, lambda stream, update: writer.put(_plain(stream, update)), crashed, pulse
    )
    pipe.send_bytes(
        _pickled(
            EngineFacts(
                thread.model_name,
                thread.device,
                thread.languages,
                thread.unsure_below,
                thread.max_segment_s,
                thread.max_streams,
            )
        )
    )
    writer = Writer(pipe, "hark-engine-out", lambda: Status(replace(thread.counters), thread.load))
    thread.start()
    _obey(pipe, thread.submit)
    thread.close()
    writer.close()


def _obey(pipe: Connection, submit: Callable[[EngineRequest], None]) -> None:
    """Hand over requests until the parent says it is done, or is gone."""
    try:
        while True:
            for item in pickle.loads(pipe.recv_bytes()):  # noqa: S301 - our own parent wrote it
                if item is None:
                    return
                submit(Feed(*item) if type(item) is tuple else item)
    except (EOFError, OSError):
        return


def _plain(stream: StreamId, update: EngineUpdate) -> tuple[StreamId, EngineUpdate | int, int]:
    """The most frequent update is carried as bare numbers."""
    if type(update) is Consumed:
        return stream, update.num_bytes, update.at_sample
    return stream, update, 0


def _pickled(first: EngineFacts | Exception) -> bytes:
    """The first message; an error that cannot be carried over goes as its text."""
    try:
        message = pickle.dumps(first)
        pickle.loads(message)  # noqa: S301 - we wrote it
        return message
    except Exception as problem:  # noqa: BLE001 - an exception class may refuse in any way
        return pickle.dumps(EngineProcessError(f"{first} ({type(problem).__name__})"))
