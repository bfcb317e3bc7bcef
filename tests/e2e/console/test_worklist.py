"""The worklist in a real browser: what it looks like, and a day's work without a mouse."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, BrowserContext, Locator, Page, Route, expect

from appeals import commands, service
from appeals.duties import MissedReason
from appeals.evidence import SpecialistContact
from appeals.model import Channel, Result
from telephony.outbound import Result as CallResult
from tests.called import called_out
from tests.e2e.console.conftest import look, looks, sign_in
from tests.e2e.console.console_site import OLENA, WATER, ConsoleSite, served

STEPAN = "+380671112203"
PHONE = """() => {
  window.expected = [];
  const phone = { expect: (callId) => window.expected.push(callId) };
  Object.defineProperty(window.desk, "phone", { get: () => phone, set() {} });
}"""
"""A telephone that notes what it is told to expect, whatever the page finds out about the real one."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[ConsoleSite]:
    with served(tmp_path) as one:
        one.people()
        yield one


def missed(site: ConsoleSite, call_id: str, number: str | None, reason: MissedReason = MissedReason.ABANDONED) -> None:
    at = site.clock.now()
    site.write(lambda tx: service.open_callback(tx, call_id=call_id, number=number, line="15-80", reason=reason, at=at))


def done(site: ConsoleSite, **reach: str) -> None:
    """An appeal of which the applicant is to be told the result."""
    told = {"category": "emergency.no_water", "address": "вул. Головна, 122", "description": "Немає води з ранку."}
    made = site.create(OLENA, Channel.WEB, **told, **reach)
    for actor, command in (
        (OLENA, commands.Register()),
        (OLENA, commands.RouteTo(service="vodokanal")),
        (WATER, commands.Accept()),
        (WATER, commands.Start()),
        (WATER, commands.ReportDone(text="Замінено 4 м труби на вводі, тиск відновлено.", result=Result.RESOLVED)),
    ):
        site.perform(made.appeal_id, command, actor)


def put_through(site: ConsoleSite) -> None:
    contact = SpecialistContact("cc-9", "+380661112205", "588-888", "vodokanal", 84.0, site.clock.now())
    site.write(lambda tx: service.record_specialist(tx, contact, owes_callback=True))


def sent(site: ConsoleSite) -> None:
    made = site.create(category="improvement.lighting", description="Не горять ліхтарі.", applicant="Ігор Мельник")
    site.perform(made.appeal_id, commands.Register(), OLENA)
    site.perform(made.appeal_id, commands.RouteTo(), OLENA)


def shift(site: ConsoleSite) -> None:
    """What a shift owes: something of each kind, late and in time."""
    jobs: tuple[tuple[int, Callable[[], None]], ...] = (
        (30, lambda: missed(site, "cc-1", STEPAN)),
        (3, lambda: missed(site, "cc-2", STEPAN)),
        (3, lambda: missed(site, "cc-3", None)),
        (1, lambda: missed(site, "cc-4", "+380931112204", MissedReason.PROMISED)),
        (26, lambda: done(site, applicant="Жанна Їжак", applicant_phone="+380501112202")),
        (2, lambda: done(site, applicant="ОСББ «Набережна»", applicant_email="osbb@example.org")),
        (1, lambda: put_through(site)),
        (5, lambda: sent(site)),
    )
    for hours, job in jobs:
        site.clock.by = -timedelta(hours=hours)
        job()
    site.clock.by = timedelta()


def entry(page: Page, text: str) -> Locator:
    return page.locator("li[data-duty]", has_text=re.compile(text))


def test_the_worklist_with_nothing_and_with_life_in_it(window: BrowserContext, site: ConsoleSite) -> None:
    page = window.new_page()
    sign_in(page, site, "maria")
    for kind in looks(window, site):
        page.goto(f"{site.address}/duties?kind=callback")
        look(page, f"duties-empty-{kind}")
    shift(site)
    for kind in looks(window, site):
        page.goto(f"{site.address}/duties")
        look(page, f"duties-{kind}")
        told = entry(page, "Жанна Їжак").filter(has_text=re.compile("результат|result"))
        told.locator("summary").first.press("Enter")
        look(page, f"duties-open-{kind}")
        page.goto(f"{site.address}/desk")
        entry(page, "Жанна Їжак").last.locator("summary").first.press("Enter")
        look(page, f"desk-duties-{kind}", whole=False)


def test_a_callback_is_made_and_answered_without_a_mouse_and_what_is_typed_stays(page: Page, site: ConsoleSite) -> None:
    missed(site, "cc-1", STEPAN)
    missed(site, "cc-2", "+380931112204")
    sign_in(page, site, "olena")
    page.goto(f"{site.address}/duties?kind=callback")
    summaries = page.locator("summary", has_text="Передзвонити")
    summaries.first.focus()
    page.keyboard.press("ArrowDown")
    expect(summaries.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Зателефонувати")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-said]")).to_have_text("Зараз дзвонить ваш телефон.")
    [placed] = site.switchboard.placed
    assert placed.number == STEPAN
    mine = entry(page, "67 111 22 03")
    expect(mine).to_contain_text("моє")

    def ledger(*, over: bool) -> None:
        at = site.clock.now()
        site.write(
            lambda tx: called_out(
                tx, placed.call_id, STEPAN, "olena", at, purpose=placed.purpose, talked=42.0, over=over
            )
        )

    ledger(over=False)
    expect(mine).to_contain_text("Вас з’єднано.")
    look(page, "duties-answers-uk-light")
    mine.get_by_label("Кілька слів").fill("просить зателефонувати дружині")
    ledger(over=True)
    page.wait_for_timeout(3000)
    expect(mine.get_by_label("Кілька слів")).to_have_value("просить зателефонувати дружині")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("1")
    expect(mine).to_contain_text("виконано")
    expect(mine).to_contain_text("просить зателефонувати дружині")
    expect(entry(page, "93 111 22 04")).to_contain_text("скоро")
    page.get_by_role("link", name=re.compile("Усі")).click()
    expect(page).to_have_url(f"{site.address}/duties")
    expect(entry(page, "93 111 22 04")).to_be_visible()


def test_the_desk_answers_the_call_that_its_panel_or_another_tab_asked_for(
    window: BrowserContext, site: ConsoleSite
) -> None:
    missed(site, "cc-1", STEPAN)
    site.switchboard.result = CallResult.NOT_PICKED_UP
    desk, tab = window.new_page(), window.new_page()
    sign_in(desk, site, "olena")
    desk.goto(f"{site.address}/desk")
    desk.wait_for_function("() => window.desk")
    desk.evaluate(PHONE)
    expect(entry(desk, "67 111 22 03")).to_be_visible()
    desk.keyboard.press("F10")
    expect(desk.locator("#duties summary").first).to_be_focused()
    desk.keyboard.press("Enter")
    desk.keyboard.press("Enter")
    desk.wait_for_function("() => window.expected.length === 1")
    tab.goto(f"{site.address}/duties")
    entry(tab, "67 111 22 03").locator("summary").first.press("Enter")
    tab.get_by_role("button", name="Зателефонувати").click(timeout=20_000)
    desk.wait_for_function("() => window.expected.length === 2")
    assert desk.evaluate("expected") == [one.call_id for one in site.switchboard.placed]


def owes_stepan(page: Page, site: ConsoleSite) -> None:
    """Olena's desk is open, and Stepan is to be told of his appeal."""
    made = site.create(OLENA, Channel.WEB, description="Немає води.", applicant_phone=STEPAN)
    site.perform(made.appeal_id, commands.Edit(changes={"category": "emergency.no_water"}), OLENA)
    site.perform(made.appeal_id, commands.Register(), OLENA)
    sign_in(page, site, "olena")
    page.goto(f"{site.address}/desk")
    page.wait_for_function("() => window.desk?.up")


TAKE = "call => window.desk.takeOwn({operator: null, call, call_id: call.call_id, appeal_id: null})"
"""The stream says who is on the line."""


def test_who_is_on_the_line_and_owed_something_is_told_in_this_very_call(page: Page, site: ConsoleSite) -> None:
    owes_stepan(page, site)
    owed = entry(page, "67 111 22 03")
    expect(owed).to_be_visible()
    page.keyboard.press("F10")
    expect(owed.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(owed.locator("details")).to_have_attribute("open", "")
    expect(owed.get_by_role("button", name="Повідомлено")).to_be_hidden()
    at = site.clock.now()
    site.write(lambda tx: called_out(tx, "cc-77", STEPAN, "olena", at, talked=30.0, over=False))
    call = {"call_id": "cc-77", "number": "+380 67 111 22 03", "since": 0, "parties": []}
    page.evaluate(TAKE, call)
    owed.get_by_role("button", name="Повідомлено").click()
    expect(page.locator("#duties [data-said]")).to_have_text("Записано. Закриється само, щойно розмова завершиться.")
    site.write(lambda tx: called_out(tx, "cc-77", STEPAN, "olena", at, talked=30.0))
    page.evaluate("() => window.desk.takeOwn({operator: null, call: null, call_id: 'cc-77', appeal_id: null})")
    expect(owed).to_have_count(0)


def test_a_second_call_of_the_same_person_is_told_as_that_call(page: Page, site: ConsoleSite) -> None:
    owes_stepan(page, site)
    answer = entry(page, "67 111 22 03").locator("form[data-about]")
    expect(answer).to_have_attribute("data-about", "")
    for call_id in ("cc-77", "cc-78"):
        page.evaluate(TAKE, {"call_id": call_id, "number": "+380 67 111 22 03", "since": 0, "parties": []})
        expect(answer).to_have_attribute("data-about", call_id)


def test_an_answer_that_a_later_question_has_overtaken_changes_nothing(page: Page, site: ConsoleSite) -> None:
    missed(site, "cc-1", STEPAN)
    sign_in(page, site, "olena")
    page.goto(f"{site.address}/duties?kind=callback")
    expect(entry(page, "67 111 22 03")).to_be_visible()
    late: list[tuple[Route, APIResponse]] = []
    page.route("**/duties/list*", lambda route: late.append((route, route.fetch())), times=1)
    ask = "() => document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(ask)
    for _ in range(200):
        if late:
            break
        page.wait_for_timeout(50)
    missed(site, "cc-2", "+380931112204")
    page.evaluate(ask)
    expect(entry(page, "93 111 22 04")).to_be_visible()
    [(route, answer)] = late
    with page.expect_response("**/duties/list*"):
        route.fulfill(response=answer)
    page.wait_for_timeout(300)
    expect(entry(page, "93 111 22 04")).to_be_visible()


def test_the_applicant_is_called_from_the_appeal_and_the_page_says_what_became_of_it(
    page: Page, site: ConsoleSite
) -> None:
    made = site.create(OLENA, Channel.WEB, description="Немає води.", applicant_phone=STEPAN)
    sign_in(page, site, "olena")
    page.goto(f"{site.address}/appeals/{made.appeal_id}")
    page.get_by_role("button", name="Зателефонувати").click()
    said = page.locator("#called")
    expect(said).to_have_text(re.compile("Зараз дзвонить|Там дзвонить"))
    [placed] = site.switchboard.placed
    at = site.clock.now()
    site.write(
        lambda tx: called_out(tx, placed.call_id, STEPAN, "olena", at, purpose=placed.purpose, dial_status="NOANSWER")
    )
    expect(said).to_have_text("Ніхто не відповів.")
    look(page, "appeal-called-uk-light")
