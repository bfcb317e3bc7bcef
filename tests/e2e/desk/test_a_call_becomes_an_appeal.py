"""The main job at the desk: a call pops up, becomes an appeal during the talk, and its sound belongs to it."""

from pathlib import Path

from playwright.sync_api import expect

from contact_centre.demo.city import City
from tests.e2e.desk.conftest import TONES, Desks
from tests.e2e.desk.rig import SCREENSHOTS, record_of, sound_of
from tests.hearing import CITIZEN, heard_for

NUMBER = "+380501000077"


def test_a_call_pops_up_and_becomes_an_appeal_and_the_next_is_that_of_a_known_caller(
    city: City, desks: Desks, tmp_path: Path
) -> None:
    desk, other = desks.on_duty("olena"), desks("ivan")
    other.open()
    page = desk.page
    page.set_default_timeout(15_000)
    citizen = city.telephones.citizen("588888", "0501000077", tone=CITIZEN, name="Maria")
    desk.until("s.call?.phase === 'ringing'")
    expect(page.locator("#card h2")).to_have_text("Maria")
    expect(page.locator("#card")).to_contain_text("новий номер")
    assert desk.state["call"]["phase"] == "ringing"
    desk.answer()
    expect(page.locator("#category-text")).to_be_focused()
    page.keyboard.type("немає світла")
    page.keyboard.press("Enter")
    expect(page.locator("#address")).to_be_focused()
    page.keyboard.type("Головна, 12")
    page.locator("#description").click()
    page.keyboard.type("Немає світла у всьому будинку")
    page.locator("#applicant").click()
    page.keyboard.type("Марія Козак")
    desk.press("F3", "1")
    desk.press("F12")
    expect(page.locator("#number")).to_contain_text("№ ")
    number = page.locator("#number").inner_text().removeprefix("№ ")
    page.screenshot(path=SCREENSHOTS / "desk-registered-in-the-talk.png")
    desk.press("F8")
    citizen.succeed()
    expect(other.page.locator("#card h2")).to_have_text("На лінії нікого немає")

    record = record_of(city, NUMBER)
    appeal = city.service.json("appeals", "show", number)
    assert (appeal["applicant"], appeal["operator"], appeal["calls"]) == ("Марія Козак", "olena", [record["call_id"]])
    assert appeal["recordings"] == record["recordings"]
    sound = sound_of(city, record, tmp_path)
    assert heard_for(sound.left, sound.rate, CITIZEN) > 1
    assert heard_for(sound.right, sound.rate, TONES["olena"]) > 1

    citizen = city.telephones.citizen("1580", "0501000077", tone=CITIZEN)
    desk.until("s.call?.phase === 'ringing'")
    expect(page.locator("#card h2")).to_have_text("Марія Козак")
    expect(page.locator("#card")).to_contain_text("знайомий номер")
    expect(page.locator("#history")).to_contain_text(number)
    desk.answer()
    expect(page.locator("#description")).to_have_value("")
    desk.press("F8")
    citizen.succeed()
    page.goto(f"http://localhost:{city.service.port}/console/calls/{record['call_id']}")
    expect(page.locator("main")).to_contain_text("Адреса")
