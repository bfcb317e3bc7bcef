"""The directory in a real browser: found by the keyboard, and put through from the desk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from contact_centre import accounts
from contact_centre.writer import SqliteTx
from telephony.switchboard import PhoneState
from tests.e2e.console.conftest import look, looks, sign_in
from tests.e2e.console.console_site import ConsoleSite, served

PHONE = """() => {
  window.asked = [];
  window.answer = () => Promise.resolve();
  const forward = (to, { attended }) => { window.asked.push([to, attended]); return window.answer(); };
  const phone = { talking: true, forward };
  Object.defineProperty(window.desk, "phone", { get: () => phone, set() {} });
  window.desk.dispatchEvent(new Event("phone"));
}"""
"""A telephone in a talk that notes to whom it puts through, whatever the page finds out about the real one."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ConsoleSite]:
    with served(tmp_path) as one:
        one.people()
        one.write(lambda tx: specialists(tx, one))
        one.switchboard.states = {"specialist-psy": PhoneState.FREE, "specialist-water": PhoneState.USE}
        yield one


def specialists(tx: SqliteTx, site: ConsoleSite) -> None:
    for login, name, extension, hours in (
        ("psy", "Психолог Ірина Савчук", "301", "mon-sun 00:00-24:00"),
        ("water", "Водоканал, диспетчер", "302", None),
        ("lawyer", "Юрист", "303", "sat 03:00-03:01"),
    ):
        accounts.add(
            tx,
            login=login,
            name=name,
            roles=("specialist",),
            extension=extension,
            sip_account=f"specialist-{login}",
            at=site.clock.now(),
            hours=hours,
        )


def test_the_directory_on_its_page_and_on_the_desk(window: BrowserContext, site: ConsoleSite) -> None:
    page = window.new_page()
    sign_in(page, site, "maria")
    for kind in looks(window, site):
        page.goto(f"{site.address}/directory")
        look(page, f"directory-{kind}")
        page.goto(f"{site.address}/directory?q=жираф")
        look(page, f"directory-nobody-{kind}")
        page.goto(f"{site.address}/desk")
        page.wait_for_function("() => window.desk")
        page.evaluate(PHONE)
        page.keyboard.press("F7")
        page.keyboard.type("водоканалу")
        page.keyboard.press("Enter")
        expect(page.locator(".known[aria-current]")).to_contain_text("Водоканал")
        look(page, f"desk-directory-{kind}")


def test_the_first_hit_is_one_key_away_from_being_put_through(page: Page, site: ConsoleSite) -> None:
    sign_in(page, site, "olena")
    page.goto(f"{site.address}/desk")
    page.wait_for_function("() => window.desk")
    first = page.locator("#directory .known").first
    expect(first).to_contain_text("Психолог")
    expect(first.get_by_role("button").first).to_be_disabled()
    page.evaluate(PHONE)
    page.keyboard.press("F7")
    page.keyboard.type("психологу")
    page.keyboard.press("Enter")
    expect(page.locator("#directory .known[aria-current]")).to_be_focused()
    page.keyboard.press("2")
    expect(page.locator("#directory [data-said]")).to_contain_text("Дзвонимо: Психолог")
    page.keyboard.press("1")
    page.wait_for_function("() => window.asked.length === 2")
    assert page.evaluate("window.asked") == [["301", True], ["301", False]]
    page.keyboard.press("Escape")
    expect(page.locator("#directory input[name=q]")).to_be_focused()
    expect(page.locator("#directory input[name=q]")).to_have_value("психологу")
    page.evaluate("() => { window.answer = () => Promise.reject(new Error()); }")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("1")
    expect(page.locator("#directory [data-said]")).to_have_text("Не вдалося: зараз ви ні з ким не говорите.")


def test_a_service_outside_is_called_from_its_row(page: Page, site: ConsoleSite) -> None:
    sign_in(page, site, "olena")
    page.goto(f"{site.address}/directory?q=газ")
    row = page.locator('[data-code="gas_104"]')
    row.get_by_role("button", name="Зателефонувати").click()
    expect(page.locator("[data-said]")).to_have_text("Зараз дзвонить ваш телефон.")
    assert [one.number for one in site.switchboard.placed] == ["104"]
