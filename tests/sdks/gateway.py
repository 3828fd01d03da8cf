"""A TCP gateway in front of a server, so that a test can cut the line and mend it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gateway:
    """Passes connections on to `target` ("host:port"); without one it hangs up at once."""

    def __init__(self, target: str) -> None:
        self.target: str | None = target
        self.address = ""
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Break every connection, as a server that dies does, and pass on no more."""
        self.target = None
        self.drop()

    def drop(self) -> None:
        """Break every connection, and go on passing on new ones."""
        for writer in self._writers:
            writer.transport.abort()

    async def open(self) -> asyncio.Server:
        listener = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        host, port = listener.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        return listener

    async def close(self) -> None:
        self.cut()
        await asyncio.gather(*self._tasks)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if self.target is not None:
                host, _, port = self.target.rpartition(":")
                far_reader, far_writer = await asyncio.open_connection(host, int(port))
                self._writers.add(far_writer)
                await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            writer.close()


@asynccontextmanager
async def gateway_to(target: str) -> AsyncIterator[Gateway]:
    """An open gateway to a server."""
    gateway = Gateway(target)
    listener = await gateway.open()
    try:
        yield gateway
    finally:
        listener.close()
        await gateway.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # cut
    finally:
        writer.close()
