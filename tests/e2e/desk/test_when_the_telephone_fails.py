"""What an operator's page does when a cable, Asterisk, the service, the lid, the microphone or another page comes
between, and that no citizen is lost by it."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Page

from contact_centre.demo.city import City
from telephony.browser_phones import BrowserPhones
from telephony.phones import NewPhone
from tests.e2e.desk.conftest import TONES, Desks
from tests.e2e.desk.rig import OTHER, Desk, Wire, call, join, record_of, sound_of, state_of, wait_until
from tests.hearing import CITIZEN, heard_for

VOICE = TONES["olena"]


def test_with_the_service_stopped_a_page_telephones_and_a_cut_connection_is_repaired_in_mid_call(
    city: City, desks: Desks, wire: Wire, tmp_path: Path
) -> None:
    desk = desks.on_duty("olena")
    city.service.stop()
    citizen = call(city, desk, "0501000007")
    assert desk.page.inner_text("#phone-line") == "588-888"
    time.sleep(1)
    with wire.refused():
        wire.cut()
        desk.says("розмова триває")
        desk.picture("connection-lost-in-a-talk")
    desk.ready()
    assert desk.state["call"]["phase"] == "talking"
    time.sleep(2)
    desk.press("F8")
    citizen.succeed()
    with wire.refused():
        wire.cut()
        desk.says("Спроби повторюються")
        desk.picture("connection-lost")
    desk.ready(40)
    city.service.start()

    record = record_of(city, "+380501000007")
    sound = sound_of(city, record, tmp_path)

    assert record["operator"] == "olena"
    assert heard_for(sound.right, sound.rate, VOICE) == pytest.approx(record["talk_time"], abs=1.0)


def test_of_two_pages_the_younger_telephones_until_the_older_takes_it_back_and_after_the_end_of_the_account_nobody(
    city: City, desks: Desks, wire: Wire
) -> None:
    desk = desks.on_duty("olena")
    older = desk.page
    younger = Desk("olena", city, desk.open_another(), desk.profile)
    younger.ready()
    desk.until("s.line === 'elsewhere'")
    older.bring_to_front()
    desk.picture("elsewhere")
    citizen = call(city, younger, "0501000008")
    assert desk.state["call"] is None
    younger.press("F8")
    citizen.succeed()
    desk.page.click("#phone-act")
    desk.ready()
    younger.until("s.line === 'elsewhere'")
    younger.page.close()

    settings = city.asterisk.settings
    assert BrowserPhones(city.asterisk.host.etc, settings).revoke("olena")
    wire.cut()
    desk.until("s.line === 'refused'")
    wait_until(lambda: state_of(city, "olena") == "Unavailable")
    desk.picture("signed-out")
    desk.page.click("#phone-act")
    desk.ready()


def test_when_the_lid_is_closed_in_mid_call_the_citizen_goes_to_another_operator(city: City, desks: Desks) -> None:
    desk, other = desks.on_duty("olena"), desks("ivan")
    citizen = call(city, desk, "0501000009")
    desks.on_duty("ivan")
    desk.freeze()
    other.answer(60)
    other.press("F8")
    citizen.succeed(15)
    desk.thaw()
    record = record_of(city, "+380501000009")
    assert [leg["party"] for leg in record["legs"] if leg["role"] == "operator"] == ["olena", "ivan"]
    assert record["anomalies"] == []


def test_when_asterisk_dies_in_mid_call_the_page_says_so_and_is_there_for_the_next(city: City, desks: Desks) -> None:
    desk = desks.on_duty("olena")
    call(city, desk, "0501000010")
    city.asterisk.kill()
    city.asterisk.start()
    desk.ready()
    desk.until("s.call === null && s.last?.why === 'media-lost'", 30)
    desk.says("Звук утрачено")
    wait_until(lambda: state_of(city, "olena") == "Not in use")
    citizen = call(city, desk, "0501000011")
    desk.press("F8")
    citizen.succeed()


def refuse_microphone(page: Page) -> None:
    """The browser's answer when its user forbids the microphone, until ``window.allowed``."""
    page.add_init_script(
        """const ask = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
        if (ask) navigator.mediaDevices.getUserMedia = async (wanted) => {
          if (!window.allowed) throw new DOMException("forbidden", "NotAllowedError");
          return ask(wanted);
        };"""
    )


def test_a_page_without_a_microphone_gets_no_calls_and_says_what_to_do(city: City, desks: Desks) -> None:
    desk = Desk("olena", city, desks("olena").page.context.new_page(), desks("olena").profile)
    refuse_microphone(desk.page)
    desk.open()
    join(city, "olena")
    desk.says("дозвольте мікрофон")
    desk.picture("microphone-refused")
    assert desk.page.inner_text("#phone-state") == "Вимкнено"
    assert state_of(city, "olena") == "Unavailable"
    desk.page.evaluate("window.allowed = true")
    desk.page.click("#phone-act")
    desk.ready()
    wait_until(lambda: state_of(city, "olena") == "Not in use")
    desk.page.close()


def test_a_browser_that_does_not_trust_asterisks_certificate_leads_to_where_it_is_accepted(
    desks: Desks, wire: Wire
) -> None:
    desk = desks.doubting("nina")
    desk.open()
    desk.says("прийміть сертифікат")
    assert desk.page.get_attribute("#phone-link", "href") == f"https://localhost:{wire.port}/ws"
    desk.picture("certificate")


def test_with_a_phone_on_the_table_the_desk_shows_the_call_puts_it_through_and_ends_it(
    city: City, desks: Desks, table: NewPhone, water: object
) -> None:
    assert water
    city.telephones.phone(table, tone=OTHER, answer_after=3.0)
    desk = desks("taras")
    desk.open()
    join(city, "taras")
    desk.says("на столі")
    citizen = city.telephones.citizen("588888", "0501000014", tone=CITIZEN)
    desk.until("s.call?.phase === 'ringing'")
    assert desk.page.inner_text("#phone-number") == "+380 50 100 00 14"
    desk.until("s.call?.phase === 'talking'")
    desk.picture("table")
    assert not desk.page.is_visible("#phone-hold")
    desk.says("на самому телефоні")
    desk.press("F6")
    desk.page.keyboard.type("водо")
    desk.press("F6")
    desk.until("s.call === null")
    time.sleep(2)
    citizen.process.stop()
    city.asterisk.cli("channel request hangup all")
    [transfer] = record_of(city, "+380501000014")["transfers"]
    assert (transfer["by"], transfer["to"], transfer["answered"]) == ("taras", "water", True)

    citizen = city.telephones.citizen("1580", "0501000015", tone=CITIZEN)
    desk.until("s.call?.phase === 'talking' && s.call.callId")
    assert desk.page.inner_text("#phone-line") == "15-80"
    desk.press("F8")
    citizen.succeed(15)
    desk.until("s.call === null")


def test_with_twenty_citizens_waiting_the_page_counts_them_and_stays_usable(city: City, desks: Desks) -> None:
    desk = desks.on_duty("olena")
    first = call(city, desk, "0501000020")
    crowd = city.telephones.crowd(20, rate=10, caller="05020[call_number]", tone=None)
    wait_until(lambda: desk.page.inner_text("#queue-count") == "20", 30)
    desk.page.click("#draft textarea")
    desk.page.keyboard.type("Немає води")
    desk.press("F5", "F5")
    desk.page.keyboard.type(" з ранку")
    assert desk.page.input_value("#draft textarea") == "Немає води з ранку"
    desk.press("F8")
    first.succeed()
    desk.answer()
    wait_until(lambda: desk.page.inner_text("#queue-count") == "19")
    crowd.process.stop()
    city.asterisk.cli("channel request hangup all")
    wait_until(lambda: desk.page.inner_text("#queue-count") == "0")
