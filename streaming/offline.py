"""A file through a stream, as fast as the engine hears it; knows no HTTP and no formats of audio.

A guest of the service as a connection is: counted for one stream, told when the server stops.
Owns the file and the thread that decodes it, so that a decoder that stalls holds up nobody else.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from hark.engine.types import (
    SAMPLE_RATE,
    AudioFileError,
    AudioFormat,
    Encoding,
    RawAudio,
    StreamOptions,
)

from .effects import Hangup
from .errors import BadAudioError, ShuttingDownError, StreamError, internal_error, told
from .events import AudioIn, CloseIn, Error, Event, Final, Hello
from .line import Line, SessionLog
from .lines import Lines

_log = logging.getLogger(__name__)

MAX_UNTOLD = 64  # finals that wait for a slow reader while more of the file is fed

_FORMAT = AudioFormat(Encoding.PCM_F32LE, SAMPLE_RATE)
_THE_ONLY = ""  # line

OnFinal = Callable[[Final], Awaitable[None]]


class Offline:
    """One file, from the request it comes with to the last of its finals."""

    num_streams = 1

    def __init__(self, name: str, lines: Lines) -> None:
        """`lines` is empty and this file's own. `name` is what logs call it."""
        self._name = name
        self._lines = lines
        self._log = SessionLog(_log, {"session": name})
        self._loop = asyncio.get_running_loop()
        self._limit = asyncio.timeout(None)
        self._stopped: Exception | None = None
        self._closers: list[Callable[[], None]] = []  # to be called on the decoder's thread
        self._decoder = ThreadPoolExecutor(1, thread_name_prefix="hark-file")
        self._finals: asyncio.Queue[Final | None] = asyncio.Queue()  # None is the end
        self._failure: StreamError | None = None

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[None]:
        """All that is done for the file is done while this is entered; then it is forgotten.

        Raises:
            Exception: what `stop` was given, wherever the body was.
        """
        try:
            async with self._limit:
                yield
        except TimeoutError:
            if self._stopped is None:
                raise
            raise self._stopped from None
        finally:
            self._lines.drop_all()
            for close in reversed(self._closers):
                self._decoder.submit(close)  # behind whatever it still decodes
            self._decoder.shutdown(wait=False)

    def stop(self, reason: Exception) -> None:
        """End the visit with this."""
        if self._stopped is None:
            self._stopped = reason
            self._limit.reschedule(self._loop.time())

    def drain(self) -> None:
        """The server is stopping: a file that is heard already may end, others never begin."""
        if not len(self._lines):
            self.cut()

    def cut(self) -> None:
        """The server cannot wait any longer."""
        self.stop(ShuttingDownError("the server is being stopped"))

    def keep(self, file: BinaryIO) -> None:
        """Own a file; it is closed at the end of the visit."""
        self._closers.append(file.close)

    async def hear(
        self, file: BinaryIO, raw: RawAudio | None, options: StreamOptions, on_final: OnFinal
    ) -> float:
        """Put a file that is kept through a stream; its length in seconds.

        Nothing more is fed while too much waits for the engine, or too many finals for `on_final`.
        Of `options`, partials and the stall time do not apply.

        Raises:
            StreamError: the file is no audio, the options do not fit, or the stream failed.
        """
        line = self._lines.begin(_THE_ONLY, self._name, self)
        endpointing = replace(options.endpointing, stall_ms=0)
        line.tell(Hello(_FORMAT, replace(options, endpointing=endpointing, partials=False)))
        blocks = _blocks(file, raw)
        self._closers.append(blocks.close)
        feeding = asyncio.create_task(self._feed(line, blocks))
        try:
            while (final := await self._finals.get()) is not None:
                await on_final(final)
                self._finals.task_done()
        finally:
            feeding.cancel()
        if self._failure is not None:
            raise self._failure
        return await feeding

    async def _feed(self, line: Line, blocks: Iterator[np.ndarray]) -> float:
        """Decode block by block, off the loop; where the file is broken, it ends."""
        num_samples = 0
        try:
            while (block := await self._next(blocks)) is not None and not line.has_ended:
                num_samples += len(block)
                line.tell(AudioIn(block.astype("<f4").tobytes()))
                await line.link.room()
                if self._finals.qsize() > MAX_UNTOLD:
                    await self._finals.join()
            line.tell(CloseIn())
        except AudioFileError as error:
            self._failure = BadAudioError(str(error))
            line.tell(CloseIn())  # what came before is heard to its end
        except Exception:  # noqa: BLE001 - logged and told; other streams must not suffer
            self._log.exception("a bug ended the stream")
            line.fail(internal_error())
        return num_samples / SAMPLE_RATE

    async def _next(self, blocks: Iterator[np.ndarray]) -> np.ndarray | None:
        return await self._loop.run_in_executor(self._decoder, next, blocks, None)

    def line_said(self, line: Line, event: Event) -> None:
        """See `Listener`."""
        match event:
            case Final(text=text) if text.strip():
                self._finals.put_nowait(replace(event, text=text.strip()))
            case Error() if self._failure is None:
                self._failure = told(event.code, event.message, event.retry_after_s)
            case _:
                pass

    def line_waits(self, line: Line) -> None:
        """See `Listener`. A file is not waited for: its options have no stall time."""

    def line_ended(self, line: Line, farewell: Hangup) -> None:
        """See `Listener`."""
        self._lines.remove(line)
        self._finals.put_nowait(None)


def _blocks(file: BinaryIO, raw: RawAudio | None) -> Generator[np.ndarray, None, None]:
    """See `upload_blocks`. FFmpeg is loaded with the first file, on the decoder's thread."""
    from hark.engine.audio.files import upload_blocks

    yield from upload_blocks(file, raw)
