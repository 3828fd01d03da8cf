"""Clients of a server that needs a key: with the right one, with another, and without."""

import asyncio
import json
from pathlib import Path

import pytest

from hark.clients import connect
from hark.clients.bench import runs
from hark.clients.errors import BadKeyError, ServerRefusedError
from hark.streaming.cli import main
from hark.streaming.events import Final

from ..fakes import words
from ..streaming.support import SECOND, serving_ready
from .tones import tone, write_audio


@pytest.mark.parametrize("wire", ["json", "msgpack"])
async def test_the_right_key_opens_a_stream(wire: str) -> None:
    async with (
        serving_ready(api_keys="one, two") as server,
        connect(server.address, key="two", wire=wire) as stream,  # pyright: ignore[reportArgumentType]
    ):
        await stream.send(SECOND)
        await stream.close()
        texts = [event.text async for event in stream if isinstance(event, Final)]
    assert texts == [words(10)]


@pytest.mark.parametrize(("key", "fault"), [(None, "needs a key"), ("zwei", "not know this key")])
async def test_any_other_is_refused_and_said_so(key: str | None, fault: str) -> None:
    async with serving_ready(api_keys="one") as server:
        with pytest.raises(ServerRefusedError, match=fault) as caught:
            async with connect(server.address, key=key):
                pass
    assert (caught.value.code, caught.value.retry) == ("unauthorized", False)
    assert key is None or key not in str(caught.value)


@pytest.mark.parametrize("key", ["one\r\nHost: other", "schlüssel"])
async def test_what_is_no_key_is_never_sent(key: str) -> None:
    async with serving_ready(api_keys="one") as server:
        with pytest.raises(BadKeyError):
            async with connect(server.address, key=key):
                pass


@pytest.mark.parametrize("place", ["flag", "environment"])
async def test_hark_file(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_audio(tmp_path / "tone.wav", tone(seconds=0.5))
    async with serving_ready(api_keys="one") as server:
        command = ["file", "--url", server.address, str(path)]
        assert await asyncio.to_thread(main, command) == 1
        assert "needs a key; give one by --key, HARK_API_KEY" in capsys.readouterr().err
        if place == "environment":
            monkeypatch.setenv("HARK_API_KEY", "one")
        else:
            command += ["--key", "one"]
        assert await asyncio.to_thread(main, command) == 0
        assert capsys.readouterr().out == f"{words(5)}\n"


async def test_hark_conference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HARK_API_KEY", raising=False)
    said = [f"{name}={write_audio(tmp_path / f'{name}.wav', tone())}" for name in ("ann", "bob")]
    async with serving_ready(api_keys="one") as server:
        command = ["conference", *said, "--fast", "--url", server.address]
        assert await asyncio.to_thread(main, [*command, "--key", "two"]) == 1
        refused = capsys.readouterr()
        assert refused.out == ""
        told = " ".join(refused.err.split())
        assert told.count("does not know this key; another can be given by --key") == 2
        monkeypatch.setenv("HARK_API_KEY", "one")
        assert await asyncio.to_thread(main, command) == 0
    assert capsys.readouterr().out == f"[00:00] ann: {words(10)}\n[00:00] bob: {words(10)}\n"


async def test_hark_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runs, "SETTLE_S", 0.0)
    monkeypatch.setattr(runs, "TAIL_S", 0.1)
    out = tmp_path / "a.json"
    async with serving_ready(api_keys="one") as server:
        command = ["bench", "--url", f"ws://{server.address}", "--json", str(out), "--no-compare"]
        command += ["--streams", "1", "--seconds", "1", "--warmup", "0", "--ramp", "0"]
        assert await asyncio.to_thread(main, [*command, "--key", "two"]) == 2
        assert "does not know this key" in " ".join(capsys.readouterr().err.split())
        await asyncio.to_thread(main, [*command, "--key", "one"])
    assert json.loads(out.read_text())["run"]["ended"] == {"bye": 1}
    assert "one" not in [*json.loads(out.read_text())["load"].values()]
