"""What an idle session of each dialect costs a server: its memory with hundreds of sockets open.

    python -m benchmarks.idle [--sessions 500] [--json FILE]

For each dialect a `hark serve` of its own with the embedded model. Clients come in and say what
they want, and nothing else; the first `WARM_UP` of them are not counted, as what is made but once
is made for them. Resident memory: Python's objects and the buffers of every library, but not the
kernel's. It comes in whole pages and free ones are used again, so some KB either way mean nothing.
"""

import argparse
import asyncio
import json
import signal
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np

from benchmarks.soak import MB, rss_mb
from hark.clients.server_process import ServerProcess, free_port, running_server
from tests.streaming.dialects.idle import come_in, costliest
from tests.streaming.dialects.ways import DIALECTS, Way

WARM_UP = 50


async def bytes_a_session(server: ServerProcess, way: Way, sessions: int) -> float:
    """Resident bytes of the server for each session more.

    Raises:
        SystemExit: the server has closed some meanwhile: this machine is too busy.
    """
    address = f"127.0.0.1:{server.port}"
    with ExitStack() as clients:
        for _ in range(WARM_UP):
            clients.enter_context(await come_in(address, way))
        before = rss_mb(server.process.pid)
        for _ in range(sessions):
            clients.enter_context(await come_in(address, way))
        after = rss_mb(server.process.pid)
        async with httpx.AsyncClient(trust_env=False) as http:
            streams = (await http.get(f"{server.page}readyz")).json()["streams"]
    if streams != WARM_UP + sessions:
        raise SystemExit(f"{streams} of {WARM_UP + sessions} sessions are left: try fewer")
    return (after - before) * MB / sessions


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of idle sessions, by dialect.")
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server stops, too
    flags = ["--max-streams", str(WARM_UP + args.sessions + 1), "--engines", "1"]
    flags += ["--ping-interval-s", "600"]  # these clients answer nothing
    figures: dict[str, float] = {}
    print("| dialect | KB a session |")
    print("| --- | --: |")
    for dialect in DIALECTS:
        way = dialect(costliest(dialect)(np.zeros(16_000, np.int16)))
        with running_server(free_port(), flags) as server:
            figures[dialect.__name__] = asyncio.run(bytes_a_session(server, way, args.sessions))
        print(f"| {dialect.__name__} | {figures[dialect.__name__] / 1000:.0f} |", flush=True)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
