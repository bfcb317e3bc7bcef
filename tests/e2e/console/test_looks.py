"""Every page as people see it, written to ``var/screenshots``, and held by axe-core against WCAG AA in both themes."""

from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import BrowserContext

from tests.e2e.console.conftest import look, sign_in
from tests.e2e.console.console_site import ConsoleSite, served

LOOKS = [("uk", "light"), ("uk", "dark"), ("en", "light")]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    with served(tmp_path_factory.mktemp("empty")) as site:
        site.people()
        yield site


@pytest.fixture(scope="module")
def town(console: ConsoleSite) -> tuple[ConsoleSite, str]:
    return console, console.town()


def looks(window: BrowserContext, console: ConsoleSite, language: str, theme: str) -> None:
    """Language and colours, as the switches of the page set them."""
    chosen = (("cc_language", language), ("cc_theme", theme))
    window.add_cookies([{"name": name, "value": value, "url": f"{console.address}/"} for name, value in chosen])


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_pages_with_life_in_them(
    window: BrowserContext, town: tuple[ConsoleSite, str], language: str, theme: str
) -> None:
    (console, appeal), page, kind = town, window.new_page(), f"{language}-{theme}"
    looks(window, console, language, theme)
    page.goto(f"{console.address}/sign-in")
    look(page, f"sign-in-{kind}")
    sign_in(page, console, "maria")
    look(page, f"home-supervisor-{kind}")
    page.goto(f"{console.address}/appeals")
    look(page, f"appeals-{kind}")
    page.goto(f"{console.address}/appeals/{appeal}")
    page.keyboard.press("1")
    look(page, f"appeal-{kind}")
    page.goto(f"{console.address}/account")
    look(page, f"account-{kind}")
    page.goto(f"{console.address}/appeals/nowhere")
    look(page, f"nothing-here-{kind}")
    page.goto(f"{console.address}/appeals/new")
    look(page, f"new-appeal-{kind}")


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_pages_with_nothing_in_them(window: BrowserContext, empty: ConsoleSite, language: str, theme: str) -> None:
    page, kind = window.new_page(), f"{language}-{theme}"
    looks(window, empty, language, theme)
    sign_in(page, empty, "olena")
    look(page, f"home-empty-{kind}")
    page.goto(f"{empty.address}/appeals")
    look(page, f"appeals-empty-{kind}")
    page.goto(f"{empty.address}/appeals?text=яма&overdue=1")
    look(page, f"appeals-nothing-found-{kind}")


def test_an_appeal_with_nothing_in_it(window: BrowserContext, town: tuple[ConsoleSite, str]) -> None:
    console, page = town[0], window.new_page()
    draft = console.create()
    sign_in(page, console, "olena")
    page.goto(f"{console.address}/appeals/{draft.appeal_id}")
    look(page, "appeal-empty-uk-light")


def test_the_first_page_of_every_role_and_a_second_factor(
    window: BrowserContext, town: tuple[ConsoleSite, str]
) -> None:
    console, _ = town
    page = window.new_page()
    for login in ("vodokanal", "mayor", "petro"):
        window.clear_cookies()
        sign_in(page, console, login)
        look(page, f"home-{login}-uk-light")
    page.goto(f"{console.address}/account")
    factor = page.locator("form[action$='/account/second-factor']")
    factor.locator("input[name=password]").fill("дощ іде над Прутом")
    factor.locator("button").click()
    page.wait_for_url("**/account/second-factor")
    look(page, "second-factor-set-up-uk-light")
    page.fill("input[name=code]", pyotp.TOTP(page.inner_text(".secret").replace(" ", "")).now())
    page.keyboard.press("Enter")
    page.wait_for_selector(".codes")
    look(page, "recovery-codes-uk-light")
