"""The same recording by every way to send a file, and live, through a real model: one text."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from hark.clients import connect
from hark.clients.samples import Sample, find_sample, spoken_words
from hark.clients.server_process import ServerProcess
from hark.engine.audio.files import open_audio
from hark.engine.streams.output import parse_output
from hark.streaming.events import Final

from ..clients.tones import write_audio

PATH = "/v1/audio/transcriptions"


async def live(server: ServerProcess, sample: Sample) -> list[Final]:
    """What a client of the native protocol is told."""
    async with connect(server.url, encoding="pcm_f32le", partials=False) as stream:
        for block in open_audio(sample.path).blocks():
            await stream.send(block)
        await stream.close()
        return [event async for event in stream if isinstance(event, Final) and event.text]


@pytest.fixture
def client(real_server: ServerProcess) -> Any:
    url = real_server.url.replace("ws://", "http://")
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        yield client


@pytest.mark.parametrize("name", ["lecture", "spanish"])
def test_one_text(
    real_server: ServerProcess, client: httpx.Client, samples: list[Sample], name: str
) -> None:
    sample = find_sample(samples, name)
    finals = asyncio.run(live(real_server, sample))
    text = " ".join(final.text for final in finals)
    content = sample.path.read_bytes()

    verbose = client.post(
        PATH,
        files={"file": content},
        data={"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]},
    ).json()
    assert verbose["text"] == text
    assert [(word["word"], word["start"], word["end"]) for word in verbose["words"]] == [
        (word["text"], word["start_ms"] / 1000, word["end_ms"] / 1000)
        for final in finals
        for word in final.words
    ]
    times = [(each["start"], each["end"]) for each in verbose["segments"]]
    assert times == [(final.start_ms / 1000, final.end_ms / 1000) for final in finals]
    assert verbose["language"] == sample.language.lower()

    pieces = client.post(PATH, files={"file": content}, data={"stream": "true"}).text
    told = [json.loads(block.removeprefix("data: ")) for block in pieces.split("\n\n")[:-1]]
    assert "".join(event.get("delta", "") for event in told) == told[-1]["text"] == text

    results = client.post("/v1/listen?smart_format=true", content=content).json()["results"]
    assert results["channels"][0]["alternatives"][0]["transcript"] == text

    data = base64.b64encode(content).decode()
    part = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
    asked = {"messages": [{"role": "user", "content": [part]}]}
    chat = client.post("/v1/chat/completions", json=asked).json()
    written = chat["choices"][0]["message"]["content"]
    assert parse_output(written) == (sample.language, text)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.flac", "flac"), ("a.mp3", "mp3"), ("a.m4a", "aac"), ("a.webm", "libopus")],
)
def test_compressed_files_hold_the_same_words(
    client: httpx.Client, samples: list[Sample], tmp_path: Path, name: str, codec: str
) -> None:
    for sample in (find_sample(samples, "lecture"), find_sample(samples, "alarm")):
        rate = 48_000 if codec == "libopus" else 16_000
        sound = np.concatenate(list(open_audio(sample.path).blocks(rate)))
        path = write_audio(tmp_path / name, sound, rate=rate, codec=codec)
        heard = client.post(PATH, files={"file": path.read_bytes()}).json()["text"]
        assert spoken_words(heard) == spoken_words(sample.text)
