"""A real browser on the real page; the sources behind it are in memory."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from sluice.report.app import create_app
from sluice.report.server import serving
from tests.unit.report.world import World

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """No longer than a module: while Playwright lives, no other test of the process can run an event loop."""
    if CHROMIUM is None:
        reason = "no chromium or Chrome on the path; on Debian: apt-get install chromium"
        if os.environ.get("SLUICE_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Tab:
    """One open page, what it complained of, and which addresses it asked."""

    page: Page
    url: str
    complaints: list[str]
    asked: list[str]

    def open(self, hash_: str = "") -> Page:
        self.page.goto(self.url + hash_)
        self.page.wait_for_selector("#live:not([data-state=connecting])")
        return self.page

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_inner_texts()


class Tabs:
    """Opens pages over a world."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    @contextmanager
    def over(self, world: World, **options: Any) -> Iterator[Tab]:
        with serving(create_app(world.sources(poll_seconds=0.2))) as url, self.at(url, **options) as tab:
            yield tab

    @contextmanager
    def at(self, url: str, **options: Any) -> Iterator[Tab]:
        size = {"width": 1280, "height": 900}
        options = {"locale": "en-GB", "timezone_id": "UTC", "viewport": size} | options
        context: BrowserContext = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        tab = Tab(page, url, [], [])
        page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and tab.complaints.append(said.text))
        page.on("request", lambda request: tab.asked.append(request.url))
        try:
            yield tab
        finally:
            context.close()


@pytest.fixture
def tabs(chromium: Browser) -> Tabs:
    return Tabs(chromium)
