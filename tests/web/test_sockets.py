"""A browser's own WebSocket, which can show a key as a subprotocol alone, and a real model.

A browser fails a connection whose subprotocol the server does not choose among those it offered.
"""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import soxr
from playwright.async_api import Page

from hark.clients.samples import Sample, find_sample, same_words
from hark.clients.server_process import ServerProcess, free_port, running_server
from hark.engine.audio.files import open_audio
from hark.engine.types import SAMPLE_RATE

from .page import chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "hark-key-1"
FRAME_BYTES = 4_800
OPENAI_RATE = 24_000
COMPLETED = "conversation.item.input_audio_transcription.completed"

# Sends texts as they are and audio, which comes in base64, as bytes; then listens until the server
# closes, or until a message of the type `last`.
CONVERSE = """({ url, protocols, frames, last }) => new Promise((resolve) => {
  const told = { isOpen: false, protocol: null, messages: [] };
  const socket = new WebSocket(url, protocols);
  socket.onopen = () => {
    told.isOpen = true;
    told.protocol = socket.protocol;
    for (const { text, audio } of frames) {
      socket.send(text ?? Uint8Array.from(atob(audio), (char) => char.charCodeAt(0)));
    }
  };
  socket.onmessage = ({ data }) => {
    told.messages.push(JSON.parse(data));
    if (told.messages.at(-1).type === last) socket.close();
  };
  socket.onclose = ({ code }) => resolve({ ...told, code });
})"""

DEEPGRAM = "/v1/listen?encoding=linear16&sample_rate=16000&punctuate=true"
DEEPGRAM_FORMS = [
    ["token", KEY],
    ["bearer", KEY],
    # as Deepgram's JavaScript SDK offers it in a browser
    ["token", KEY, "x-deepgram-session-id", "7a2b6c8e-0d7c-4f6b-9d2c-3f1a5b6c7d8e"],
]
OPENAI = "/v1/realtime?intent=transcription"
OPENAI_FORMS = [
    ["realtime", f"openai-insecure-api-key.{KEY}"],
    ["realtime", f"openai-insecure-api-key.{KEY}", "openai-beta.realtime-v1"],
]


@pytest.fixture(scope="module")
def server(model_folder: Path) -> Iterator[ServerProcess]:
    """A real model behind a key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARK_API_KEYS", f"another,{KEY}")
        with running_server(free_port(), ["--model", str(model_folder)]) as server:
            yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    """An empty page, so of another origin than the server."""
    async with chromium() as browser:
        yield await browser.new_page()


@pytest.fixture(scope="module")
def sample(samples: list[Sample]) -> Sample:
    return find_sample(samples, "lecture")


def in_base64(sample: Sample, rate: int) -> Iterator[str]:
    """Frames of mono s16le at `rate`."""
    wide = np.concatenate(list(open_audio(sample.path).blocks()))
    narrow = soxr.resample(wide, SAMPLE_RATE, rate)
    pcm = np.clip(np.rint(narrow * 32_768), -32_768, 32_767).astype("<i2").tobytes()
    for start in range(0, len(pcm), FRAME_BYTES):
        yield base64.b64encode(pcm[start : start + FRAME_BYTES]).decode()


def text(message: dict[str, Any]) -> dict[str, str]:
    return {"text": json.dumps(message)}


async def converse(
    page: Page,
    server: ServerProcess,
    path: str,
    protocols: list[str],
    frames: list[dict[str, str]],
    last: str | None = None,
) -> dict[str, Any]:
    asked = {"url": server.url + path, "protocols": protocols, "frames": frames, "last": last}
    return await page.evaluate(CONVERSE, asked)


@pytest.mark.parametrize("protocols", DEEPGRAM_FORMS, ids=" ".join)
async def test_deepgram_s_forms_of_a_key(
    page: Page, server: ServerProcess, sample: Sample, protocols: list[str]
) -> None:
    frames = [{"audio": audio} for audio in in_base64(sample, SAMPLE_RATE)]
    frames.append(text({"type": "CloseStream"}))
    told = await converse(page, server, DEEPGRAM, protocols, frames)
    assert (told["protocol"], told["code"]) == (protocols[0], 1000)
    assert told["messages"][-1]["type"] == "Metadata"
    finals = [each for each in told["messages"] if each["type"] == "Results" and each["is_final"]]
    heard = " ".join(each["channel"]["alternatives"][0]["transcript"] for each in finals)
    assert same_words(heard, sample.text), heard


@pytest.mark.parametrize("protocols", OPENAI_FORMS, ids=" ".join)
async def test_openai_s_forms_of_a_key(
    page: Page, server: ServerProcess, sample: Sample, protocols: list[str]
) -> None:
    is_beta = "openai-beta.realtime-v1" in protocols
    manual = {"turn_detection": None}  # so that one commit is one item
    frames = [
        text({"type": "transcription_session.update", "session": manual})
        if is_beta
        else text({"type": "session.update", "session": {"audio": {"input": manual}}})
    ]
    for audio in in_base64(sample, OPENAI_RATE):
        frames.append(text({"type": "input_audio_buffer.append", "audio": audio}))
    frames.append(text({"type": "input_audio_buffer.commit"}))
    told = await converse(page, server, OPENAI, protocols, frames, COMPLETED)
    assert told["protocol"] == "realtime"
    opening = "transcription_session.created" if is_beta else "session.created"
    assert told["messages"][0]["type"] == opening
    assert same_words(told["messages"][-1]["transcript"], sample.text), told["messages"][-1]


@pytest.mark.parametrize(
    ("path", "protocols"),
    [(DEEPGRAM, form) for form in DEEPGRAM_FORMS] + [(OPENAI, form) for form in OPENAI_FORMS],
)
async def test_a_wrong_key_opens_nothing(
    page: Page, server: ServerProcess, path: str, protocols: list[str]
) -> None:
    wrong = [name.replace(KEY, "wrong") for name in protocols]
    told = await converse(page, server, path, wrong, [])
    assert told == {"isOpen": False, "protocol": None, "messages": [], "code": 1006}
