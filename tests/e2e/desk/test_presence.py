"""One state on both sides: what the desk page does Asterisk's queue shows, and what the telephone does the page."""

import re
import sqlite3
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect, sync_playwright

from contact_centre.demo.city import City
from telephony.phones import NewPhone
from tests.e2e.desk.rig import Desk, call, desk_of
from tests.e2e.kits import brief_kit

WRAP_UP = 30


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with City.build(brief_kit(), tmp_path_factory.mktemp("city"), wrap_up=WRAP_UP) as built:
        yield built.start()


@pytest.fixture(scope="module")
def phone(city: City) -> NewPhone:
    """Olena's is on the table; it answers by itself, and hangs up after a second."""
    account = city.account("olena", "Олена Ткачук")
    city.telephones.phone(account, answer_after=0.5, talk=1.0)
    return account


@pytest.fixture
def desk(city: City, phone: NewPhone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("olena")
    with sync_playwright() as playwright, desk_of(playwright, city, "olena", folder, tone=1000) as one:
        one.open()
        yield one


def member(city: City, login: str = "olena") -> str | None:
    """How somebody stands in Asterisk's queue: the reason of their pause, "free", or None if they are not in it."""
    shown = city.asterisk.cli("queue show contact-centre").partition("Callers")[0]
    found = re.search(rf"\(PJSIP/operator-{login}[^\n]*?(?:\(paused:(\w+)[^\n]*)?\n", shown)
    return (found[1] or "free") if found else None


def test_page_and_telephone_change_one_state_over_restarts_until_the_page_signs_out(
    city: City, phone: NewPhone, desk: Desk
) -> None:
    state, page = desk.page.locator("#presence-state"), desk.page
    expect(state).to_have_text("Поза чергою", timeout=20_000)
    desk.press("F9")
    expect(state).to_have_text("Вільно")
    assert member(city) == "free"
    city.telephones.dial(phone, "*13")
    expect(state).to_have_text("Пауза")
    expect(page.locator("#presence-hint")).to_contain_text("перерва")
    desk.press("F9")
    expect(state).to_have_text("Вільно")
    assert member(city) == "free"

    city.telephones.citizen("588888", "0501112223")
    expect(state).to_have_text("Розмова", timeout=30_000)
    expect(state).to_have_text("Оформлення", timeout=30_000)
    assert member(city) == "wrapup"
    city.service.stop()
    city.service.start()
    expect(page.locator("#trouble")).to_be_hidden(timeout=20_000)
    expect(state).to_have_text("Оформлення")
    left = re.search(r"\d+", page.inner_text("#presence-time"))
    assert left is not None
    assert 0 < int(left[0]) < WRAP_UP  # counted since the talk, not since the service is back
    desk.press("F9", "2")
    expect(state).to_have_text("Вільно")
    assert member(city) == "free"
    with sqlite3.connect(city.service.state / "contact-centre.db") as database:
        [(call_id, code, forced)] = database.execute("SELECT call_id, code, forced FROM wrap_ups").fetchall()
    assert city.service.json("calls", "show", call_id)["caller_number"] == "+380501112223"
    assert (code, forced) == ("consultation", 0)

    city.asterisk.kill()
    city.asterisk.start()
    expect(state).to_have_text("Вільно", timeout=20_000)
    city.telephones.dial(phone, "*12")
    expect(state).to_have_text("Поза чергою")

    desk.press("F9")
    expect(state).to_have_text("Вільно")
    page.click(".person summary")
    page.locator("form[action$='/sign-out'] button").click()
    page.wait_for_url("**/sign-in*")
    assert member(city) is None


def test_a_page_that_is_lost_in_a_talk_has_no_wrap_up_and_one_that_hangs_up_has(
    city: City, tmp_path_factory: pytest.TempPathFactory
) -> None:
    city.browser_account("ivan", "Іван Ґудзь")
    folder = tmp_path_factory.mktemp("ivan")
    with sync_playwright() as playwright, desk_of(playwright, city, "ivan", folder, tone=1300) as desk:
        state = desk.page.locator("#presence-state")
        desk.open()
        desk.ready()
        expect(state).to_have_text("Поза чергою")
        desk.press("F9")
        expect(state).to_have_text("Вільно")
        call(city, desk, "0501112224")
        desk.page.once("dialog", lambda dialog: dialog.accept())
        desk.page.reload()
        desk.answer(WRAP_UP / 2)  # the citizen is first in the queue, and nothing keeps ivan from them
        expect(state).to_have_text("Розмова")
        desk.press("F8")
        expect(state).to_have_text("Оформлення")
        assert member(city, "ivan") == "wrapup"
