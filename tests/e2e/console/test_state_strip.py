"""The operator's own state on the desk page: shown as Asterisk tells it, changed by one key."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from contact_centre import wrap_ups
from telephony.live import Snapshot
from telephony.wire.ami import Message
from tests.e2e.console.conftest import SCREENSHOTS, accessible, sign_in
from tests.e2e.console.console_site import ConsoleSite, served
from tests.e2e.console.test_board import entry, member

OLENA = "operator-olena"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    with served(tmp_path_factory.mktemp("presence")) as one:
        one.people()
        yield one


@pytest.fixture
def desk(site: ConsoleSite, page: Page) -> Page:
    site.switchboard.members.clear()
    waiting = (entry(1, "+380671234567", "", 75), entry(2, "", "", 4))
    site.hear(Snapshot(datetime.now(UTC), waiting, ()))
    page.emulate_media(reduced_motion="reduce")  # a colour half-way to another is none to be judged
    sign_in(page, site, "olena")
    page.goto(f"{site.address}/desk")
    expect(page.locator("#presence-state")).to_have_text("Поза чергою")
    return page


def told(status: str, reason: str = "") -> Message:
    """Asterisk tells of olena in the queue; a pause began three seconds ago."""
    at = datetime.now(UTC).timestamp()
    paused = (("Paused", "1"), ("PausedReason", reason), ("LastPause", str(int(at) - 3))) if reason else ()
    return member("olena", status, ("Timestamp", f"{at:.3f}"), *paused, event="QueueMemberStatus")


def look(page: Page, name: str) -> None:
    """Keep pictures of the left column in both themes, with what is open."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        page.screenshot(
            path=SCREENSHOTS / f"presence-{name}-{theme}.png", clip={"x": 0, "y": 40, "width": 480, "height": 560}
        )
    page.evaluate("document.documentElement.dataset.theme = 'auto'")


def until(site: ConsoleSite, members: dict[str, str | None]) -> None:
    """Wait until Asterisk has been asked for this."""
    deadline = time.monotonic() + 20
    while site.switchboard.members != members:
        assert time.monotonic() < deadline, site.switchboard.members
        time.sleep(0.02)


def test_one_key_leads_into_the_queue_to_a_pause_and_back(site: ConsoleSite, desk: Page) -> None:
    state, hint = desk.locator("#presence-state"), desk.locator("#presence-hint")
    look(desk, "signed-out")
    desk.keyboard.press("F9")
    until(site, {OLENA: None})
    site.hear(told("1"))
    expect(state).to_have_text("Вільно")
    look(desk, "free")

    desk.keyboard.press("F9")
    expect(desk.locator("[data-pause=break]")).to_be_focused()
    look(desk, "pauses")
    assert accessible(desk) == []
    desk.keyboard.press("2")
    until(site, {OLENA: "lunch"})
    site.hear(told("1", "lunch"))
    expect(state).to_have_text("Пауза")
    expect(hint).to_contain_text("обід")
    expect(desk.locator("#presence-pauses")).to_be_hidden()
    look(desk, "paused")

    desk.keyboard.press("F9")
    until(site, {OLENA: None})
    site.hear(told("1"))
    expect(state).to_have_text("Вільно")
    desk.keyboard.press("F9")
    desk.keyboard.press("0")
    until(site, {})
    site.hear(member("olena", "1", event="QueueMemberRemoved"))
    expect(state).to_have_text("Поза чергою")


def test_what_a_telephone_does_with_a_code_is_shown_and_a_pause_in_a_talk_waits_for_its_end(
    site: ConsoleSite, desk: Page
) -> None:
    state, hint = desk.locator("#presence-state"), desk.locator("#presence-hint")
    site.hear(told("1"))
    expect(state).to_have_text("Вільно")
    site.hear(told("2"))
    expect(state).to_have_text("Розмова")
    site.hear(told("2", "break"))
    expect(hint).to_have_text("Після розмови: перерва")
    look(desk, "pause-after")
    site.hear(told("1", "break"))
    expect(state).to_have_text("Пауза")
    site.hear(told("5", "break"))
    expect(state).to_have_text("Телефон вимкнено")
    look(desk, "offline")


def test_after_a_talk_a_figure_chooses_its_result_and_the_cursor_stays_with_who_writes(
    site: ConsoleSite, desk: Page
) -> None:
    site.switchboard.members[OLENA] = "wrapup"
    site.hear(told("2"))
    expect(desk.locator("#presence-state")).to_have_text("Розмова")
    search = desk.locator("input:visible").first
    search.focus()
    site.hear(told("1", "wrapup"))
    expect(desk.locator("#presence-state")).to_have_text("Оформлення")
    expect(desk.locator("#presence-time")).to_have_text(re.compile(r"^ще 4[0-2] с$"))
    expect(desk.locator("#presence-codes")).to_be_visible()
    expect(search).to_be_focused()
    look(desk, "wrap-up")
    assert accessible(desk) == []

    search.focus()
    desk.keyboard.press("2")
    assert site.switchboard.members == {OLENA: "wrapup"}  # who writes a figure means the figure
    desk.keyboard.press("F9")
    expect(desk.locator("[data-code=appeal]")).to_be_focused()
    desk.keyboard.press("Escape")
    expect(search).to_be_focused()
    desk.keyboard.press("F9")
    desk.keyboard.press("2")
    expect(desk.locator("#presence-told")).to_contain_text("минув")  # nobody has written this wrap-up down
    site.write(lambda tx: wrap_ups.begin(tx, "olena", "cc1-1.1", datetime.now(UTC)))
    desk.locator("[data-code=consultation]").click()
    until(site, {OLENA: None})
    site.hear(told("1"))
    expect(desk.locator("#presence-state")).to_have_text("Вільно")
    expect(desk.locator("#presence-codes")).to_be_hidden()


def test_what_was_refused_is_said_where_it_was_asked(site: ConsoleSite, desk: Page) -> None:
    site.switchboard.down = True
    desk.keyboard.press("F9")
    expect(desk.locator("#presence-told")).to_contain_text("Asterisk не відповідає")
    look(desk, "refused")
    site.switchboard.down = False
