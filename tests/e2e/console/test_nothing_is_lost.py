"""What somebody types survives the end of a session, a service that is away, and another person's change."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, Dialog, Page, expect

from appeals import commands
from contact_centre.console import sessions
from tests.e2e.console.conftest import look, sign_in
from tests.e2e.console.console_site import MARIA, OLENA, PASSWORD, ConsoleSite

WORDS = "Вода стоїть у підвалі вже третій день <b>по коліно</b>"


@pytest.fixture
def draft(console: ConsoleSite) -> str:
    return console.create(category="housing.pipes", description="Тече труба", applicant="Марія").appeal_id


def open_form(page: Page, console: ConsoleSite, appeal_id: str, key: str = "1") -> None:
    page.goto(f"{console.address}/appeals/{appeal_id}")
    page.keyboard.press(key)


def typed(page: Page) -> str:
    return page.locator("#edit-description").input_value()


def end_sessions(console: ConsoleSite, login: str) -> None:
    console.write(lambda tx: sessions.end_all(tx, login))


def test_a_session_that_ends_in_mid_form_is_renewed_in_place_and_the_form_is_sent(
    page: Page, console: ConsoleSite, draft: str
) -> None:
    sign_in(page, console, "olena")
    open_form(page, console, draft)
    page.fill("#edit-description", WORDS)
    end_sessions(console, "olena")
    page.click("details[open] button")
    dialog = page.locator("#again")
    expect(dialog).to_be_visible()
    expect(dialog.locator("[name=password]")).to_be_focused()
    dialog.locator("[name=password]").fill("не той пароль зовсім")
    page.keyboard.press("Enter")
    expect(dialog.locator(".error")).to_be_visible()
    look(page, "session-ended-uk-light", whole=False)
    assert typed(page) == WORDS
    dialog.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**done=edit")
    expect(page.locator(".words").first).to_have_text(WORDS)


def test_escape_leads_back_to_the_form_as_it_was(page: Page, console: ConsoleSite, draft: str) -> None:
    sign_in(page, console, "olena")
    open_form(page, console, draft)
    page.fill("#edit-description", WORDS)
    end_sessions(console, "olena")
    page.click("details[open] button")
    expect(page.locator("#again")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#again")).to_be_hidden()
    assert typed(page) == WORDS


def test_a_service_that_does_not_answer_keeps_the_form(
    window: BrowserContext, page: Page, console: ConsoleSite, draft: str
) -> None:
    sign_in(page, console, "olena")
    open_form(page, console, draft)
    page.fill("#edit-description", WORDS)
    window.set_offline(True)
    page.click("details[open] button")
    expect(page.locator("#notice")).to_be_visible()
    look(page, "service-away-uk-light", whole=False)
    assert typed(page) == WORDS
    window.set_offline(False)
    page.click("details[open] button")
    page.wait_for_url("**done=edit")


def test_a_change_by_another_is_shown_beside_what_was_typed(page: Page, console: ConsoleSite, draft: str) -> None:
    sign_in(page, console, "olena")
    open_form(page, console, draft)
    page.fill("#edit-description", WORDS)
    console.perform(draft, commands.Edit(changes={"description": "Прорив", "address": "вул. Руська, 1"}), MARIA)
    page.click("details[open] button")
    expect(page.locator(".changed")).to_contain_text("Марія Бойчук")
    assert typed(page) == WORDS
    expect(page.locator("small.warned")).to_contain_text("Прорив")
    look(page, "changed-meanwhile-uk-light")
    assert page.locator("#edit-address").input_value() == "вул. Руська, 1"
    page.click("details[open] button")
    page.wait_for_url("**done=edit")
    expect(page.locator(".words").first).to_have_text(WORDS)
    expect(page.locator(".facts")).to_contain_text("вул. Руська, 1")


def test_a_rule_that_stands_against_it_is_told_beside_the_form(page: Page, console: ConsoleSite) -> None:
    draft = console.create(description=WORDS).appeal_id
    sign_in(page, console, "olena")
    page.goto(f"{console.address}/appeals/{draft}")
    page.get_by_text("Зареєструвати", exact=False).first.click()
    page.click("details[open] button")
    expect(page.locator("details[open] .error")).to_have_text("Спершу виберіть тему.")


def test_an_appeal_goes_from_a_draft_to_a_service_by_keyboard(page: Page, console: ConsoleSite, draft: str) -> None:
    sign_in(page, console, "olena")
    page.goto(f"{console.address}/appeals")
    page.keyboard.press("Tab")
    page.locator("body").click(position={"x": 5, "y": 600})
    page.keyboard.press("/")
    page.keyboard.type("Марія")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("text="))
    page.goto(f"{console.address}/appeals/{draft}")
    for word in ("Зареєструвати", "Передати службі"):
        summary = page.locator("summary[data-key]", has_text=word)
        page.keyboard.press(str(summary.get_attribute("data-key")))
        expect(summary).to_be_focused()
        button = page.locator("details[open] button.primary")
        button.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**done=*")
        page.goto(f"{console.address}/appeals/{draft}")
    expect(page.locator(".heading .state").first).to_have_text("Передано службі")


def test_words_of_a_citizen_are_only_words(page: Page, console: ConsoleSite) -> None:
    heard: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        heard.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("pageerror", lambda error: heard.append(str(error)))
    evil = "<img src=x onerror=alert(1)></textarea><script>alert(2)</script>"
    draft = console.create(description=evil, applicant=f'"{evil}', address=evil, category="housing.lift").appeal_id
    sign_in(page, console, "olena")
    open_form(page, console, draft)
    expect(page.locator(".words").first).to_have_text(evil)
    assert typed(page) == evil
    page.goto(f"{console.address}/appeals")
    expect(page.locator(".clamp", has_text="onerror")).to_be_visible()
    assert heard == []


def test_a_session_that_was_not_used_has_ended(page: Page, console: ConsoleSite) -> None:
    sign_in(page, console, "olena")
    console.clock.by = timedelta(minutes=61)
    try:
        page.goto(f"{console.address}/appeals?text=яма")
        expect(page).to_have_url(re.compile("/sign-in\\?next="))
        page.fill("input[name=login]", OLENA.login)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/appeals\\?text="))
    finally:
        console.clock.by = timedelta()
