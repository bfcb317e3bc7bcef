"""A Chromium and a console of its own for each module."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.console.console_site import PASSWORD, ConsoleSite, served

ROOT = Path(__file__).parents[3]
SCREENSHOTS = ROOT / "var" / "screenshots"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For a module, not a session: while it is there Playwright's loop runs, and asynchronous tests cannot."""
    path = shutil.which("chromium")
    assert path is not None, "chromium is missing: `make chromium` installs it"
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root otherwise
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--lang=uk", *as_root], env={**os.environ, "LANGUAGE": "uk"}
        )
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
def chromium_other(chromium: Browser) -> Iterator[BrowserContext]:
    """Another person's browser."""
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


def looks(window: BrowserContext, console: ConsoleSite) -> Iterator[str]:
    """Languages and themes in turn, as the switches of the page set them."""
    for language, theme in (("uk", "light"), ("uk", "dark"), ("en", "light")):
        chosen = (("cc_language", language), ("cc_theme", theme))
        window.add_cookies([{"name": name, "value": value, "url": f"{console.address}/"} for name, value in chosen])
        yield f"{language}-{theme}"


def accessible(page: Page) -> list[str]:
    """What axe-core finds on the page as it stands, from its top: scrolled, the bar covers half of some button."""
    page.evaluate("scrollTo(0, 0)")
    page.evaluate(AXE.read_text("utf-8"))
    found: dict[str, Any] = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def look(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a picture of the page, or of what the window shows of it, and hold it against the rules."""
    page.evaluate("document.fonts.ready")
    page.evaluate("document.activeElement.blur()")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)
    assert accessible(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the window"
