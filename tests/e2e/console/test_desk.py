"""The desk in a real browser: the card while it rings, the draft while one talks, and nothing typed is ever lost."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import BrowserContext, Dialog, Page, expect

from contact_centre.console.cookies import SESSION
from telephony.live import Snapshot
from telephony.wire.ami import Message
from tests.e2e.console.conftest import look, sign_in
from tests.e2e.console.console_site import ConsoleSite, served
from tests.e2e.console.test_board import HOSTILE, entry, member

JANE = "+380501112202"
"""Of the town's story: an appeal about water, under way."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    with served(tmp_path_factory.mktemp("desk")) as one:
        one.people()
        one.town()
        yield one


def channel(name: str, uniqueid: str, call_id: str, number: str, shown: str = "") -> Message:
    return Message.of(
        ("Event", "Newchannel"),
        ("Channel", name),
        ("Uniqueid", uniqueid),
        ("Linkedid", call_id),
        ("Context", "from-trunk"),
        ("Exten", "1580"),
        ("AccountCode", ""),
        ("CallerIDNum", number),
        ("CallerIDName", shown),
    )


class Line:
    """What Asterisk tells of one operator's telephone."""

    def __init__(self, site: ConsoleSite, login: str = "olena") -> None:
        self.site, self.login, self.calls = site, login, 0
        at = datetime.now(UTC)
        queue = (member(login, "1"), entry(1, "+380671234567", "", 75), entry(2, "", "", 4))
        site.hear(Snapshot(at, queue, ()))

    def rings(self, number: str, name: str = "") -> str:
        """A citizen's call rings there; its id."""
        self.calls += 1
        call_id = f"cc1-{int(datetime.now(UTC).timestamp())}.{self.login}{self.calls}"
        self.site.hear(channel("PJSIP/trunk-primary-0000000a", call_id, call_id, number, name))
        self.site.hear(channel(f"PJSIP/operator-{self.login}-0000000b", f"{call_id}-2", call_id, number))
        self.site.hear(member(self.login, "6", event="QueueMemberStatus"))
        return call_id

    def answers(self, call_id: str, number: str, name: str | None = None) -> str:
        """The operator answers; the draft."""
        for uniqueid in (call_id, f"{call_id}-2"):
            told = (("Uniqueid", uniqueid), ("BridgeUniqueid", "b1"), ("BridgeTechnology", "simple_bridge"))
            self.site.hear(Message.of(("Event", "BridgeEnter"), ("Linkedid", call_id), ("CallerIDNum", number), *told))
        self.site.hear(member(self.login, "2", event="QueueMemberStatus"))
        return self.site.answered(call_id, number, name)

    def ends(self, call_id: str) -> None:
        for uniqueid in (f"{call_id}-2", call_id):
            self.site.hear(Message.of(("Event", "Hangup"), ("Uniqueid", uniqueid)))
        self.site.hear(member(self.login, "1", event="QueueMemberStatus"))


def desk(page: Page, site: ConsoleSite, login: str = "olena") -> None:
    sign_in(page, site, login)
    page.goto(f"{site.address}/desk")
    page.wait_for_function("() => window.desk?.up && window.desk.operator")


def typed(page: Page, field: str, text: str) -> None:
    page.locator(field).press_sequentially(text, delay=5)


def test_a_call_from_ringing_to_its_number(page: Page, site: ConsoleSite) -> None:
    line = Line(site)
    desk(page, site)
    expect(page.locator("#queue tr")).to_have_count(2)
    look(page, "desk-idle")
    call_id = line.rings(JANE)
    expect(page.locator("#card h2")).to_have_text("Жанна Їжак")
    expect(page.locator("#card")).to_contain_text("знайомий номер")
    expect(page.locator("#history")).to_contain_text("Немає води з самого ранку")
    look(page, "desk-ringing")
    draft = line.answers(call_id, JANE)
    expect(page.locator("#category-text")).to_be_focused()
    typed(page, "#category-text", "во")
    expect(page.locator("#category-list li").first).to_be_visible()
    typed(page, "#category-text", "да")
    page.keyboard.press("Enter")
    expect(page.locator("#category-text")).not_to_have_value("вода")
    expect(page.locator("#address")).to_be_focused()
    typed(page, "#address", "голов")
    expect(page.locator("#address-list li").first).to_contain_text("Головна")
    page.keyboard.press("Enter")
    typed(page, "#address", "122")
    page.locator("#description").click()
    page.locator(".chip").first.click()
    typed(page, "#description", "учора, увесь будинок")
    expect(page.locator("#kept")).to_contain_text("Збережено")
    expect(page.locator("#nearby")).to_contain_text("2026-")
    typed(page, "#applicant_phone", "050 123")
    page.locator("#applicant").click()
    typed(page, "#applicant", "Жанна Їжак")
    expect(page.locator("small.error")).to_be_visible()
    look(page, "desk-talking")
    page.locator("#applicant_phone").fill("050 111 22 02")
    page.keyboard.press("F12")
    expect(page.locator("#number")).to_contain_text("№ 2026-")
    expect(page.locator(".read-out")).to_contain_text("+380 50 111 22 02")
    line.ends(call_id)
    look(page, "desk-registered")
    number = page.locator("#number").inner_text().removeprefix("№ ")
    page.goto(f"{site.address}/appeals/{draft}")
    expect(page.locator("h1")).to_have_text(number)
    expect(page.locator("main")).to_contain_text("учора, увесь будинок")


def test_names_made_of_html_are_text_and_the_next_caller_replaces_nothing_that_was_typed(
    page: Page, site: ConsoleSite
) -> None:
    line = Line(site)
    desk(page, site)
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    first = line.rings("+380501119999", HOSTILE)
    expect(page.locator("#card h2")).to_have_text(HOSTILE)
    expect(page.locator("#card")).to_contain_text("новий номер")
    line.answers(first, "+380501119999", HOSTILE)
    typed(page, "#description", "Питає про садок.")
    line.ends(first)
    second = line.rings("", "")
    expect(page.locator("#card")).to_contain_text("номер приховано")
    expect(page.locator("#description")).to_have_value("Питає про садок.")
    page.route("**/save", lambda route: route.abort())
    typed(page, "#description", " І школу.")
    line.answers(second, "", None)
    expect(page.locator("#kept")).to_contain_text("не відповідає")
    expect(page.locator("#description")).to_have_value("Питає про садок. І школу.")
    page.unroute("**/save")
    expect(page.locator("#description")).to_have_value("", timeout=15_000)
    page.locator("#unfinished button", has_text="+380 50 111 99 99").or_(
        page.locator("#unfinished button", has_text=HOSTILE)
    ).first.click()
    expect(page.locator("#description")).to_have_value("Питає про садок. І школу.")
    line.ends(second)
    assert asked == []


def test_an_ended_session_and_a_silent_service_lose_nothing_that_is_typed(
    page: Page, window: BrowserContext, site: ConsoleSite
) -> None:
    line = Line(site)
    desk(page, site)
    call_id = line.rings(JANE)
    draft = line.answers(call_id, JANE)
    page.route("**/save", lambda route: route.abort())
    typed(page, "#description", "Ліфт стоїть")
    expect(page.locator("#kept")).to_contain_text("не відповідає")
    page.unroute("**/save")
    expect(page.locator("#kept")).to_contain_text("Збережено", timeout=12_000)
    window.clear_cookies(name=SESSION)
    typed(page, "#description", " з учора")
    expect(page.locator("#kept")).to_contain_text("сеанс")
    look(page, "desk-signed-out")
    page.locator("#kept button").click()
    page.locator("#again input[name=password]").fill("дощ іде над Прутом")
    page.keyboard.press("Enter")
    expect(page.locator("#kept")).to_contain_text("Збережено")
    line.ends(call_id)
    page.goto(f"{site.address}/appeals/{draft}")
    expect(page.locator("main")).to_contain_text("Ліфт стоїть з учора")


def test_only_the_right_desk_pops_and_a_reload_shows_the_same_again(
    page: Page, chromium_other: BrowserContext, site: ConsoleSite
) -> None:
    line = Line(site)
    site.hear(member("maria", "1", event="QueueMemberAdded"))
    desk(page, site)
    other = chromium_other.new_page()
    desk(other, site, "maria")
    call_id = line.rings(JANE)
    expect(page.locator("#card h2")).to_have_text("Жанна Їжак")
    line.answers(call_id, JANE)
    typed(page, "#description", "Тече")
    expect(page.locator("#kept")).to_contain_text("Збережено")
    page.reload()
    expect(page.locator("#card h2")).to_have_text("Жанна Їжак")
    expect(page.locator("#description")).to_have_value("Тече")
    expect(other.locator("#card h2")).to_have_text("На лінії нікого немає")
    assert other.request.get(f"{site.address}/desk/calls/{call_id}").status == 404
    line.ends(call_id)
