"""What docs/bots.md shows works as it stands there."""

import asyncio
import base64
import json
import re
import sys
from pathlib import Path

from websockets.asyncio.client import connect as open_socket

from hark.clients.server_process import free_port

from ...fakes import words
from ...streaming.support import serving_ready

ROOT = Path(__file__).parents[3]
DOC = (ROOT / "docs" / "bots.md").read_text("utf-8")


def packet(who: int, name: str, at_s: float, pcm: bytes) -> str:
    """A message of Recall.ai's, as its documentation shows it."""
    return json.dumps(
        {
            "event": "audio_separate_raw.data",
            "data": {
                "data": {
                    "buffer": base64.b64encode(pcm).decode(),
                    "timestamp": {"relative": at_s, "absolute": "2025-07-17T00:00:09.730066Z"},
                    "participant": {"id": who, "name": name, "is_host": False},
                },
                "bot": {"id": "b", "metadata": {}},
            },
        }
    )


async def test_the_relay_captions_each_participant_on_the_meeting_s_clock() -> None:
    [program] = re.findall(r"```python\n(import asyncio\n.*?)```", DOC, re.DOTALL)
    port = free_port()
    async with serving_ready() as server:
        program = program.replace("ws://127.0.0.1:8765", server.address)
        program = program.replace("PORT = 8080", f"PORT = {port}")
        relay = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
        )
        try:
            async with await until_it_listens(port) as bot:
                await bot.send('{"event": "participant_events.join", "data": {}}')
                await bot.send(packet(1, "Ann", 5.0, bytes(16_000)))
                await bot.send(packet(2, "Bob", 5.2, bytes(6_400)))
                await bot.send(packet(1, "Ann", 6.5, bytes(16_000)))  # a second was muted
            assert relay.stdout is not None
            async with asyncio.timeout(30):
                said = {(await relay.stdout.readline()).decode() for _ in range(2)}
        finally:
            relay.terminate()
            await relay.wait()
    # The fake hears a word in each 100 ms, also of the silence that fills the hole.
    assert said == {f"5.0 Ann: {words(20)}\n", f"5.2 Bob: {words(2)}\n"}


async def until_it_listens(port: int) -> open_socket:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return open_socket(f"ws://127.0.0.1:{port}", proxy=None)


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", DOC)
    assert targets
    for target in targets:
        assert (ROOT / "docs" / target).exists(), target
    for path in re.findall(r"`(clients/[a-z_/]+\.py)`", DOC):
        assert (ROOT / path).exists(), path
