"""A Hark server as a child process: started, waited for, stopped. Knows no audio."""

import errno
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

HOST = "127.0.0.1"
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0
_POLL_S = 0.1
_LOG_LINES = 15
RUN_HARK = "import sys; from hark.streaming.cli import main; sys.exit(main())"


class ServerStartError(Exception):
    """The server ended, or did not become ready; the message holds its last words."""


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A server that is ready. `process` is this process's child."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def page(self) -> str:
        return f"http://{HOST}:{self.port}/"

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}"


@contextmanager
def running_server(
    port: int, flags: Sequence[str] = (), *, niceness: int = 0, program: str = RUN_HARK
) -> Iterator[ServerProcess]:
    """`hark serve` on this port while the block runs; ready when the block begins.

    The child leaves Ctrl-C to this process, which stops it at the end of the block. With
    `niceness`, which only POSIX systems have, it comes behind this process for the processor.
    `program` is the Python text that takes the arguments of `hark serve`.

    Raises:
        ServerStartError: the port is taken, or the server did not become ready.
    """
    _check_free(port)
    nice = f"import os; os.nice({niceness}); " if niceness else ""
    command = [sys.executable, "-c", nice + program, "serve", "--host", HOST, "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own command
            [*command, *flags],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, port, log)
            yield ServerProcess(port, process)
        finally:
            _stop(process)


def free_port(preferred: int = 0) -> int:
    """`preferred` if nothing listens there, else a port that was free a moment ago."""
    for port in (preferred, 0):
        try:
            with socket.create_server((HOST, port)) as probe:
                return probe.getsockname()[1]
        except OSError:
            continue
    raise ServerStartError("this machine has no free port")


def _check_free(port: int) -> None:
    """Another server on the port would be taken for the child."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError as error:
        # The address stands in parentheses behind the reason.
        reason = (error.strerror or str(error)).partition(" (")[0]
        hint = "; choose another with --port" if error.errno == errno.EADDRINUSE else ""
        raise ServerStartError(f"cannot listen on {HOST} port {port}: {reason}{hint}") from None


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None:
        if _readiness(port) == "ready":
            return
        if time.monotonic() > deadline:
            words = _last_words(log)
            raise ServerStartError(f"the server is not ready after {START_TIMEOUT_S:g} s\n{words}")
        time.sleep(_POLL_S)
    raise ServerStartError(f"the server did not start\n{_last_words(log)}")


def _readiness(port: int) -> str | None:
    """What /readyz says; None while nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return json.loads(connection.getresponse().read()).get("status")
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _last_words(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_LOG_LINES:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
