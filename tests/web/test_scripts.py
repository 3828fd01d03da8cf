"""The page's modules by themselves, run in Chromium: the reducer, the back-off, the resampler."""

from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Page

from ..streaming.support import serving_ready
from .page import chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page() -> AsyncIterator[Page]:
    """A window on the server's address, so that it may import the modules."""
    async with serving_ready() as server, chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"http://{server.address}/")
        yield page


REDUCE = """async (events) => {
  const { initialState, reduce } = await import("/static/state.js");
  return events.reduce(reduce, initialState);
}"""
START = [{"type": "start"}, {"type": "microphone-open"}, {"type": "connecting"}]
READY = {"type": "heard", "message": {"type": "ready", "model": "m", "unsure_below": 0.6}}
SPOKEN = {"type": "heard", "message": {"type": "partial", "stable": "Turn on", "unstable": " the"}}


def final(text: str, confidence: float = 0.9) -> dict[str, object]:
    message = {"type": "final", "text": text, "language": "English", "confidence": confidence}
    return {"type": "heard", "message": message}


def failed(name: str) -> dict[str, object]:
    return {"type": "microphone-failed", "name": name, "message": "why"}


async def test_a_session_in_the_reducer(page: Page) -> None:
    state = await page.evaluate(REDUCE, [*START, READY, SPOKEN])
    assert state["phase"] == "listening"
    assert state["open"] == {"stable": "Turn on", "unstable": " the"}
    state = await page.evaluate(REDUCE, [*START, READY, SPOKEN, final("Turn on."), final(" ")])
    assert (state["open"], state["language"]) == (None, "English")
    assert state["lines"] == [{"text": "Turn on.", "unsure": False}]


async def test_words_without_a_final_stay_when_the_line_breaks(page: Page) -> None:
    lost = {"type": "connection-lost", "error": None}
    state = await page.evaluate(REDUCE, [*START, READY, SPOKEN, lost])
    assert (state["phase"], state["lines"][0]["text"]) == ("waiting", "Turn on the")


async def test_the_page_says_when_the_model_guesses(page: Page) -> None:
    guessing = REDUCE.replace("reduce }", "reduce, isGuessing }").replace(
        "return events.reduce(reduce, initialState)",
        "return isGuessing(events.reduce(reduce, initialState))",
    )
    sure, unsure = final("Turn on."), final("Torn own.", 0.4)
    assert not await page.evaluate(guessing, [*START, READY, sure, unsure])
    assert await page.evaluate(guessing, [*START, READY, unsure, sure, unsure])
    assert not await page.evaluate(guessing, [*START, READY, unsure, unsure, sure, sure])


@pytest.mark.parametrize(
    ("events", "title"),
    [
        ([failed("NotAllowedError")], "The microphone is blocked."),
        ([failed("NotFoundError")], "No microphone was found."),
        ([failed("NotReadableError")], "The microphone cannot be used."),
        ([failed("InsecureContext")], "This address may not use the microphone."),
        ([failed("TypeError")], "The microphone could not be started."),
        ([{"type": "microphone-lost"}], "The microphone was disconnected."),
        ([{"type": "connection-lost", "error": None}], "The server is gone."),
        ([{"type": "connection-lost", "error": {"code": "capacity"}}], "The server is busy."),
        (
            [{"type": "connection-lost", "error": {"code": "shutting_down"}}],
            "The server is being stopped.",
        ),
        (
            [{"type": "refused", "error": {"code": "bad_audio", "message": "NaN"}}],
            "The server refused the stream.",
        ),
    ],
)
async def test_every_fault_has_words_of_its_own(
    page: Page, events: list[object], title: str
) -> None:
    state = await page.evaluate(REDUCE, [*START, *events])
    assert state["problem"]["title"] == title and state["problem"]["help"]


async def test_backing_off_doubles_up_to_a_bound(page: Page) -> None:
    delays = await page.evaluate(
        """async () => {
          const { backoffSeconds } = await import("/static/link.js");
          return [1, 2, 3, 4, 5, 6, 20].map(backoffSeconds);
        }"""
    )
    assert delays == [0.5, 1, 2, 4, 8, 15, 15]


async def test_audio_is_kept_while_there_is_no_connection_and_the_oldest_goes(page: Page) -> None:
    lost_s = await page.evaluate(
        """async () => {
          const { Link } = await import("/static/link.js");
          let lost = 0;
          const link = new Link("ws://nowhere", (event) => { lost += event.seconds; });
          for (let i = 0; i < 12; i += 1) link.send(new ArrayBuffer(32000));
          return lost;
        }"""
    )
    assert lost_s == 2


CAPTURE = """async ({ rate, hz, channels }) => {
  const seconds = 2;
  const context = new OfflineAudioContext(channels, rate * seconds, rate);
  await context.audioWorklet.addModule("/static/worklet.js");
  const source = context.createBuffer(channels, rate * seconds, rate);
  for (let c = 0; c < channels; c += 1) {
    const samples = source.getChannelData(c);
    const sign = c === 0 ? 1 : -0.5;
    for (let i = 0; i < samples.length; i += 1) {
      samples[i] = sign * 0.5 * Math.sin(2 * Math.PI * hz * i / rate);
    }
  }
  const node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
  const player = new AudioBufferSourceNode(context, { buffer: source });
  player.connect(node);
  player.start();
  const output = [];
  node.port.onmessage = ({ data }) => output.push(...new Int16Array(data.samples));
  await context.startRendering();
  await new Promise((resolve) => setTimeout(resolve, 200));
  return output;
}"""


async def captured(page: Page, *, rate: int, hz: float, channels: int = 1) -> np.ndarray:
    """Two seconds of a tone at half of full scale, as the worklet hands them over, float [n]."""
    samples = await page.evaluate(CAPTURE, {"rate": rate, "hz": hz, "channels": channels})
    return np.array(samples, np.float64) / 32_767


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("hz", [300, 6_500])
async def test_speech_passes_the_resampler_unchanged(page: Page, rate: int, hz: int) -> None:
    samples = await captured(page, rate=rate, hz=hz)
    assert len(samples) == pytest.approx(32_000, abs=700)  # a block of 640 is still open
    times = np.arange(len(samples)) / 16_000
    expected = 0.5 * np.sin(2 * np.pi * hz * times)
    middle = slice(400, -400)
    assert np.abs(samples - expected)[middle].max() < 0.01


@pytest.mark.parametrize(("rate", "hz"), [(48_000, 9_000), (44_100, 8_500), (48_000, 15_500)])
async def test_what_lies_above_is_silenced_and_not_folded(page: Page, rate: int, hz: int) -> None:
    samples = await captured(page, rate=rate, hz=hz)
    assert np.abs(samples[400:-400]).max() < 0.001


async def test_channels_are_averaged(page: Page) -> None:
    samples = await captured(page, rate=48_000, hz=300, channels=2)
    assert np.abs(samples).max() == pytest.approx(0.125, abs=0.002)
