"""The server that is measured: started for it, or running somewhere; and what it says of itself."""

import http.client
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import ServerRefusedError, UsageError
from ..keys import key_headers, refusal_of_key
from ..server_process import free_port, running_server
from ..wire import STREAM_PATH, stream_url

ANSWER_TIMEOUT_S = 5.0
SERVER_NICENESS = 5  # below the client: on one machine a late client would look like a slow server


@dataclass(frozen=True, slots=True)
class Target:
    """`url` is the stream endpoint; `pid` the server's process, if it is of this machine.

    `key` is one of its API keys, if it has any.
    """

    url: str
    pid: int | None
    key: str | None = None

    def state(self) -> dict[str, Any]:
        """What /readyz says, whatever its status code.

        Raises:
            UsageError: nobody answers, or no Hark server.
        """
        parts = urlsplit(self.url)
        secure = parts.scheme == "wss"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=ANSWER_TIMEOUT_S)
        try:
            path = parts.path.removesuffix(STREAM_PATH) + "/readyz"
            connection.request("GET", path, headers=key_headers(self.key))
            state = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UsageError(f"no Hark server answers at {self.url}: {error}") from None
        finally:
            connection.close()
        if not isinstance(state, dict):
            raise UsageError(f"what answers at {self.url} is no Hark server")
        return state

    def check_key(self) -> None:
        """Raises ServerRefusedError when the server wants another key."""
        if self.state().get("key") in ("missing", "wrong"):
            raise ServerRefusedError(refusal_of_key(self.url, self.key), code="unauthorized")

    def max_streams(self) -> int | None:
        """How many streams it takes, if it says so."""
        return self.state().get("max_streams")


def first_key(environment: Mapping[str, str]) -> str | None:
    """A key that lets a client in where a server was started in this environment."""
    keys = (key.strip() for key in environment.get("HARK_API_KEYS", "").split(","))
    return next(filter(None, keys), None)


@contextmanager
def find_target(
    url: str | None,
    key: str | None,
    pid: int | None,
    *,
    max_streams: int,
    flags: Sequence[str],
) -> Iterator[Target]:
    """The server at `url`, or one of our own while the block runs, with these flags of its.

    Raises:
        BadAddressError, UsageError: `url` is no server.
        BadKeyError, ServerRefusedError: `key` is none of its keys.
        ServerStartError: our own did not start.
    """
    if url is not None:
        target = Target(stream_url(url), pid, key)
        target.check_key()
        status = target.state().get("status")
        if status != "ready":
            raise UsageError(f"the server at {url} takes no streams now: it is {status}")
        yield target
        return
    if not any(flag.split("=")[0] == "--max-streams" for flag in flags):
        flags = ["--max-streams", str(max_streams), *flags]
    niceness = SERVER_NICENESS if hasattr(os, "nice") else 0
    with running_server(free_port(), flags, niceness=niceness) as server:
        key = key or first_key(os.environ)  # a server of ours has the keys of our environment
        target = Target(stream_url(server.url), server.process.pid, key)
        target.check_key()
        yield target
