"""The captions page in a real browser: how it is opened and what is read off it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

from ..needs import require_program

QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FAKE_DEVICE = "--use-fake-device-for-media-stream"


@asynccontextmanager
async def chromium(
    *, microphone: Path | None = None, flags: tuple[str, ...] = ()
) -> AsyncIterator[Browser]:
    """The system's Chromium; `microphone` is the wav its microphone hears, once."""
    heard = []
    if microphone is not None:
        heard = [
            FAKE_DEVICE,
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}%noloop",
        ]
    path = require_program("chromium", "apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*QUIET, *heard, *flags]
        )
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(frozen=True, slots=True)
class CaptionsPage:
    """The page of one server, opened in a window of its own."""

    page: Page

    async def start(self) -> None:
        await self.page.get_by_role("button", name="Start").click()

    async def stop(self) -> None:
        await self.page.get_by_role("button", name="Stop").click()

    async def shows_status(self, text: str) -> None:
        await expect(self.page.locator("#status-text")).to_have_text(text, timeout=20_000)

    async def shows_problem(self, text: str) -> None:
        await expect(self.page.get_by_role("alert")).to_contain_text(text, timeout=20_000)

    async def shows_no_problem(self) -> None:
        await expect(self.page.locator("#problem")).to_be_hidden(timeout=20_000)

    async def lines(self) -> list[str]:
        return await self.page.locator("#lines p").all_inner_texts()

    async def text(self, selector: str) -> str:
        return await self.page.locator(selector).inner_text()


@asynccontextmanager
async def opened(browser: Browser, url: str, *, script: str = "") -> AsyncIterator[CaptionsPage]:
    """The page, closed at the end; an error in its scripts is an error here.

    `script` runs before the page's own.
    """
    page = await browser.new_page()
    await page.add_init_script(script)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        await page.goto(url)
        yield CaptionsPage(page)
        assert errors == []
    finally:
        await page.close()
