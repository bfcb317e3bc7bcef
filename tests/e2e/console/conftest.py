"""One Chromium for all tests of a worker; a console of its own for each module."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.console.console_site import PASSWORD, ConsoleSite, served


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path is not None, "chromium is missing: `make chromium` installs it"
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root otherwise
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=as_root)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    with served(tmp_path_factory.mktemp("console")) as site:
        site.people()
        yield site


@pytest.fixture
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies, in which nothing may be reported to the page's console as an error."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="uk-UA", timezone_id="Europe/Kyiv")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(window: BrowserContext) -> Page:
    return window.new_page()


def sign_in(page: Page, console: ConsoleSite, login: str, password: str = PASSWORD) -> None:
    page.goto(f"{console.address}/sign-in")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{console.address}/")


SCREENSHOTS = Path(__file__).parents[3] / "var" / "screenshots"
