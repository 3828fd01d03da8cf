"""The same samples, cut in the same way, through a real model: one text by every live dialect."""

import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from hark.clients.samples import Sample, find_sample, spoken_words
from hark.clients.server_process import ServerProcess

from . import formats, ways
from .ways import Way


async def heard_by(server: ServerProcess, way: Way) -> str:
    """The text that a client is told, all of it."""
    messages: list[Any] = []
    async with connect(
        server.url + way.url,
        additional_headers=way.headers,
        proxy=None,
        max_size=None,
        max_queue=None,
    ) as socket:
        for frame in way.frames:
            await socket.send(frame)
        if way.leaves:
            socket.protocol.send_close(1000)
            socket.transport.write(b"".join(socket.protocol.data_to_send()))
        try:
            while True:
                messages.append(json.loads(await socket.recv()))
        except ConnectionClosed:
            pass
    assert not any("error" in (each.get("type"), each.get("event")) for each in messages)
    return way.text(messages)


@pytest.mark.parametrize("name", ["lecture", "spanish", "german"])
async def test_one_text_by_every_dialect_that_cuts_at_pauses(
    real_server: ServerProcess, samples: list[Sample], name: str
) -> None:
    sample = find_sample(samples, name)
    sound = formats.pcm(formats.samples_of(sample.path))
    text = await heard_by(real_server, ways.native(sound))
    assert spoken_words(text) == spoken_words(sample.text)
    for dialect in (
        *(ways.openai, ways.openai_beta, ways.dashscope),
        *(ways.deepgram, ways.whisper_live, ways.jigasi),
    ):
        assert await heard_by(real_server, dialect(sound)) == text, dialect.__name__
    assert await heard_by(real_server, ways.vosk(sound)) == " ".join(spoken_words(text))


async def test_one_text_by_every_dialect_that_cuts_nothing(
    real_server: ServerProcess, samples: list[Sample]
) -> None:
    sound = formats.pcm(formats.samples_of(find_sample(samples, "lecture").path))
    text = await heard_by(real_server, ways.native(sound, whole=True))
    assert await heard_by(real_server, ways.vllm(sound)) == text
    for dialect in (ways.openai, ways.dashscope, ways.whisper_live):
        assert await heard_by(real_server, dialect(sound, whole=True)) == text, dialect.__name__


async def test_one_text_of_the_same_packets_of_opus(
    real_server: ServerProcess, samples: list[Sample]
) -> None:
    sample = find_sample(samples, "lecture")
    sound = formats.opus(formats.samples_of(sample.path))
    text = await heard_by(real_server, ways.native(sound))
    assert spoken_words(text) == spoken_words(sample.text)
    for dialect in (ways.deepgram, ways.bridge):
        assert await heard_by(real_server, dialect(sound)) == text, dialect.__name__
