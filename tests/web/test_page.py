"""The captions page in headless Chromium, with a wav as its microphone."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from hark.clients.samples import Sample, find_sample, same_words
from hark.clients.server_process import ServerProcess
from hark.engine.audio.files import open_audio

from ..clients.tones import tone, write_audio
from ..sdks.gateway import gateway_to
from ..streaming.support import fake_engine, serving_ready
from .page import FAKE_DEVICE, CaptionsPage, chromium, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECOND_BYTES = 32_000  # of 16 kHz 16-bit audio


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser whose microphone hears a long tone."""
    heard = tmp_path_factory.mktemp("microphone") / "tone.wav"
    write_audio(heard, tone(seconds=60.0, rate=48_000), rate=48_000)
    async with chromium(microphone=heard) as browser:
        yield browser


async def open_words(page: CaptionsPage, count: int) -> None:
    """Wait until the open segment has this many words; the fake hears one each 100 ms."""
    await expect(page.page.locator("#live")).to_contain_text(f"w{count - 1}", timeout=20_000)


async def test_words_grow_and_become_a_line(browser: Browser) -> None:
    async with serving_ready() as server, opened(browser, f"http://{server.address}/") as page:
        await page.shows_status("Ready")
        await page.start()
        await open_words(page, 5)
        # All but the newest word are stable in the fake's partials.
        stable, unstable = await page.text("#stable"), await page.text("#unstable")
        assert stable.startswith("w0 w1 w2 w3") and len(unstable.split()) == 1
        styles = [
            await page.page.locator(selector).evaluate("e => getComputedStyle(e).color")
            for selector in ("#stable", "#unstable")
        ]
        assert styles[0] != styles[1]
        await page.shows_status("Listening")
        assert await page.text("#language") == "English"
        level = page.page.get_by_role("meter")
        assert float(await level.get_attribute("aria-valuenow") or "") > -20
        await page.stop()
        await page.shows_status("Ready")
        [line] = await page.lines()
        assert line.startswith("w0 w1 w2 w3 w4")
        await expect(page.page.locator("#live")).to_be_hidden()
        heard_ms = 100 * len(line.split())
        assert server.engine.fed_bytes == pytest.approx(heard_ms * 32, abs=3_200)


async def test_no_permission() -> None:
    async with (
        serving_ready() as server,
        chromium(flags=(FAKE_DEVICE,)) as browser,
        opened(browser, f"http://{server.address}/") as page,
    ):
        await page.start()
        await page.shows_problem("The microphone is blocked.")
        await page.shows_status("Stopped")
        assert server.engine.requests == []


async def test_no_device() -> None:
    async with (
        serving_ready() as server,
        chromium(flags=("--use-fake-ui-for-media-stream",)) as browser,
        opened(browser, f"http://{server.address}/") as page,
    ):
        await page.start()
        await page.shows_problem("No microphone was found.")


async def test_an_address_that_may_not_use_the_microphone(tmp_path: Path) -> None:
    heard = write_audio(tmp_path / "tone.wav", tone())
    flags = ("--host-resolver-rules=MAP captions.example 127.0.0.1",)
    async with serving_ready() as server, chromium(microphone=heard, flags=flags) as browser:
        port = server.address.rpartition(":")[2]
        async with opened(browser, f"http://captions.example:{port}/") as page:
            await page.start()
            await page.shows_problem("This address may not use the microphone.")


SLOW_PERMISSION = """
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    await new Promise((resolve) => { window.permit = resolve; });
    window.stream = await ask(constraints);
    return window.stream;
  };
"""


async def test_stopping_while_permission_is_asked(browser: Browser) -> None:
    async with (
        serving_ready() as server,
        opened(browser, f"http://{server.address}/", script=SLOW_PERMISSION) as page,
    ):
        await page.start()
        await page.shows_status("Waiting for the microphone")
        await page.stop()
        await page.shows_status("Ready")
        await page.page.evaluate("window.permit()")
        ended = "window.stream?.getTracks().every((track) => track.readyState === 'ended')"
        await page.page.wait_for_function(ended)
        await page.shows_status("Ready")
        assert server.engine.requests == []


async def test_a_microphone_that_is_pulled_out(browser: Browser) -> None:
    async with (
        serving_ready() as server,
        opened(browser, f"http://{server.address}/", script=SLOW_PERMISSION) as page,
    ):
        await page.start()
        await page.page.evaluate("window.permit()")
        await open_words(page, 2)
        await page.page.evaluate("window.stream.getTracks()[0].onended()")
        await page.shows_problem("The microphone was disconnected.")
        await page.shows_status("Stopped")
        [line] = await page.lines()
        assert line.startswith("w0 w1")


async def test_a_server_that_goes_and_comes_back(browser: Browser) -> None:
    async with (
        serving_ready() as server,
        serving_ready() as revived,
        gateway_to(server.address) as gateway,
        opened(browser, f"http://{gateway.address}/") as page,
    ):
        await page.start()
        await open_words(page, 3)
        gateway.cut()
        await page.shows_problem("The server is gone.")
        await page.shows_status("Connecting again")
        [kept] = await page.lines()  # words whose final never came stay
        assert kept.startswith("w0 w1 w2")
        gateway.target = revived.address
        await page.shows_status("Listening")
        await page.shows_no_problem()
        await page.stop()
        await page.shows_status("Ready")
        assert len(await page.lines()) == 2
        # What was said while nobody listened was kept: the first attempt comes after half a second.
        assert revived.engine.fed_bytes > SECOND_BYTES // 3


async def test_stopping_while_the_server_is_gone(browser: Browser) -> None:
    async with (
        serving_ready() as server,
        gateway_to(server.address) as gateway,
        opened(browser, f"http://{gateway.address}/") as page,
    ):
        await page.start()
        await open_words(page, 1)
        gateway.cut()
        await page.shows_status("Connecting again")
        await page.stop()
        await page.shows_status("Ready")


async def test_a_server_that_needs_a_key_asks_for_it(browser: Browser) -> None:
    async with (
        serving_ready(api_keys="sesame") as server,
        opened(browser, f"http://{server.address}/") as page,
    ):
        start = page.page.get_by_role("button", name="Start")
        await page.shows_status("Key needed")
        await expect(page.page.get_by_role("alert")).to_contain_text("This server needs a key.")
        await expect(start).to_be_disabled()
        key = page.page.get_by_label("Key", exact=True)
        await key.fill("s+f")  # which are shortcuts elsewhere
        await key.press("Enter")
        await expect(page.page.get_by_role("alert")).to_contain_text("does not know this key.")
        await key.press_sequentially("sesame")  # the wrong one is selected
        await key.press("Enter")
        await expect(page.page.locator("#key-form")).to_be_hidden()
        await page.start()
        await open_words(page, 2)
        await page.stop()
        await page.shows_status("Ready")
        await page.page.reload()
        await page.shows_status("Ready")
        await expect(start).to_be_enabled()


async def test_a_key_in_the_address_is_used_and_not_shown(browser: Browser) -> None:
    async with (
        serving_ready(api_keys="a key/&") as server,
        opened(browser, f"http://{server.address}/?key=a%20key%2F%26&size=1") as page,
    ):
        await page.start()
        await open_words(page, 1)
        assert page.page.url == f"http://{server.address}/?size=1"
        await page.stop()


async def test_a_key_that_is_changed_meanwhile_ends_the_recording(browser: Browser) -> None:
    async with (
        serving_ready() as server,
        serving_ready(api_keys="new") as revived,
        gateway_to(server.address) as gateway,
        opened(browser, f"http://{gateway.address}/") as page,
    ):
        await page.start()
        await open_words(page, 2)
        gateway.cut()
        gateway.target = revived.address
        await page.shows_status("Key needed")
        await page.shows_no_problem()
        [kept] = await page.lines()
        assert kept.startswith("w0 w1")


async def test_a_busy_server_is_tried_again_when_it_said(browser: Browser) -> None:
    async with (
        serving_ready(fake_engine(max_streams=1)) as server,
        opened(browser, f"http://{server.address}/") as page,
        server.client() as other,
    ):
        await other.say({"type": "hello"})
        await other.hear()
        await page.start()
        await page.shows_problem("The server is busy.")
        # The server asked for 5 s; of itself the page would wait for half a second.
        await expect(page.page.locator("#countdown")).to_have_text(re.compile("in [2-5] s"))
        await page.stop()


async def test_the_demo_model_is_announced(browser: Browser) -> None:
    demo = fake_engine(model_name="embedded")
    async with serving_ready(demo) as server, opened(browser, f"http://{server.address}/") as page:
        notice = page.page.locator("#notice")
        await expect(notice).to_contain_text("small demo model")
        await page.page.get_by_role("button", name="Hide this notice").click()
        await expect(notice).to_be_hidden()
    async with serving_ready() as server, opened(browser, f"http://{server.address}/") as page:
        await expect(page.page.locator("#model")).to_have_text("Model: fake")
        await expect(page.page.locator("#notice")).to_be_hidden()


async def test_lines_the_model_is_unsure_of_are_marked(browser: Browser) -> None:
    async with (
        serving_ready(fake_engine(unsure_below=0.6)) as server,
        opened(browser, f"http://{server.address}/") as page,
    ):
        for _ in range(2):
            await page.start()
            await open_words(page, 2)
            await page.stop()
            await page.shows_status("Ready")
        await expect(page.page.locator("#lines p.unsure")).to_have_count(2)
        await expect(page.page.locator("#guessing")).to_contain_text("The model is guessing.")
        await expect(page.page.locator("#guessing-help")).to_be_hidden()


async def test_the_transcript_can_be_taken_away(browser: Browser) -> None:
    async with serving_ready() as server, opened(browser, f"http://{server.address}/") as page:
        download = page.page.get_by_role("button", name="Download")
        await expect(download).to_be_disabled()
        await page.start()
        await open_words(page, 2)
        await page.stop()
        await page.shows_status("Ready")
        [line] = await page.lines()
        async with page.page.expect_download() as started:
            await download.click()
        file = await started.value
        assert file.suggested_filename.endswith(".txt")
        assert (await file.path()).read_text() == line + "\n"
        await page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.page.get_by_role("button", name="Copy").click()
        await expect(page.page.locator("#copy")).to_have_text("Copied")
        assert await page.page.evaluate("navigator.clipboard.readText()") == line + "\n"
        await page.page.get_by_role("button", name="Clear").click()
        await expect(page.page.locator("#lines p")).to_have_count(0)


async def test_it_fits_a_phone(browser: Browser) -> None:
    async with serving_ready() as server, opened(browser, f"http://{server.address}/") as page:
        await page.page.set_viewport_size({"width": 360, "height": 640})
        await page.shows_status("Ready")
        await page.page.locator("#notice").evaluate("e => { e.hidden = false }")
        assert await page.page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_reading_back_is_not_disturbed(browser: Browser) -> None:
    async with serving_ready() as server, opened(browser, f"http://{server.address}/") as page:
        await page.page.set_viewport_size({"width": 320, "height": 400})
        for _ in range(4):
            await page.page.keyboard.press("+")
        await page.start()
        await open_words(page, 12)
        captions = page.page.locator("#captions")
        near_end = "e => e.scrollTop + e.clientHeight > e.scrollHeight - 48"
        assert await captions.evaluate("e => e.scrollTop") > 0
        assert await captions.evaluate(near_end)
        await captions.evaluate("e => e.scrollTo(0, 0)")
        newest = page.page.get_by_role("button", name="Newest captions")
        await expect(newest).to_be_visible()
        await open_words(page, 20)
        assert await captions.evaluate("e => e.scrollTop") == 0
        await newest.click()
        await expect(newest).to_be_hidden()
        assert await captions.evaluate(near_end)
        await page.stop()


async def test_it_is_worked_by_keyboard(browser: Browser) -> None:
    async with serving_ready() as server, opened(browser, f"http://{server.address}/") as page:
        size = "getComputedStyle(document.getElementById('captions')).fontSize"
        before = float((await page.page.evaluate(size)).removesuffix("px"))
        await page.page.keyboard.press("+")
        assert float((await page.page.evaluate(size)).removesuffix("px")) > before
        await page.page.keyboard.press("s")
        await open_words(page, 1)
        await page.page.keyboard.press("f")
        await expect(page.page.locator(".top")).to_be_hidden()
        await page.page.keyboard.press("f")
        await expect(page.page.locator(".top")).to_be_visible()
        await page.page.keyboard.press("s")
        await page.shows_status("Ready")


# --- with a real model ---------------------------------------------------------------------------


async def test_a_spoken_sample_is_captioned_with_the_right_words(
    real_server: ServerProcess, samples: list[Sample], tmp_path: Path
) -> None:
    sample = find_sample(samples, "alarm")  # one segment: its first line is the last
    # A second of silence first, while the page opens its connection, and a pause at the end.
    spoken = np.concatenate(list(open_audio(sample.path).blocks(48_000)))
    silence = np.zeros(48_000, np.float32)
    heard = tmp_path / "spoken.wav"
    write_audio(heard, np.concatenate([silence, spoken, silence, silence]), rate=48_000)
    async with (
        chromium(microphone=heard) as browser,
        opened(browser, real_server.page) as page,
    ):
        await page.start()
        await expect(page.page.locator("#lines p")).not_to_have_count(0, timeout=60_000)
        await page.stop()
        await page.shows_status("Ready")
        lines = await page.lines()
    assert same_words(" ".join(lines), sample.text), lines
