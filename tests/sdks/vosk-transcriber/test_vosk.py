"""Vosk's own client of a server: a recording as fast as the server answers."""

import asyncio
from argparse import Namespace
from typing import Any

import pytest
import srt
from vosk.transcriber.transcriber import Transcriber

from common import SAMPLES, WS_URL, assert_times_run_on, words


class Process:
    """What the client reads the samples from: its ffmpeg, but for the conversion."""

    def __init__(self, pcm: bytes) -> None:
        self.stdout = asyncio.StreamReader(limit=len(pcm) + 1)
        self.stdout.feed_data(pcm)
        self.stdout.feed_eof()


@pytest.mark.parametrize("name", ["lecture", "spanish"])
def test_a_recording_gives_the_words_with_their_times(name: str) -> None:
    sample = SAMPLES[name]
    transcriber = Transcriber.__new__(Transcriber)  # without a model of its own
    transcriber.args = Namespace(server=WS_URL, output_type="srt")

    async def run() -> list[dict[str, Any]]:
        results, _ = await transcriber.recognize_stream_server(Process(sample.pcm()))
        return results

    results = asyncio.run(run())
    assert words(" ".join(result["text"] for result in results)) == words(sample.text)
    timed = [word for result in results for word in result.get("result", [])]
    assert words(" ".join(word["word"] for word in timed)) == words(sample.text)
    assert_times_run_on([(word["start"], word["end"]) for word in timed], sample.duration_s)
    subtitles = srt.parse(transcriber.format_result(results))
    assert words(" ".join(each.content for each in subtitles)) == words(sample.text)
