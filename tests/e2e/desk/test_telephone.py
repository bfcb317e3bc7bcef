"""An operator telephones from the desk page: real Chromium, real Asterisk, citizens of SIPp, and what is heard."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Dialog

from contact_centre.demo.city import City
from tests.e2e.desk.conftest import TONES, Desks
from tests.e2e.desk.rig import OTHER, Desk, call, record_of, sound_of, state_of, wait_until, waiting
from tests.hearing import CITIZEN, heard_for

if TYPE_CHECKING:
    from contact_centre.demo.sipp import SippRun

VOICE = TONES["olena"]
HOSTILE = """<img src=x onerror="document.title='caught'"><script>alert(1)</script>"""


def held(desk: Desk) -> bool:
    return bool(desk.state["call"]["held"])


def test_both_are_heard_hold_plays_music_mute_is_silence_and_keys_arrive(
    city: City, desks: Desks, tmp_path: Path
) -> None:
    desk = desks.on_duty("olena")
    desk.picture("idle")
    citizen = city.telephones.citizen("588888", "0501000001", tone=CITIZEN, name="Жанна Їжак")
    desk.until("s.call?.phase === 'ringing'")
    desk.picture("ringing")
    desk.answer()
    time.sleep(1)
    desk.page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")  # the headset is another
    time.sleep(2)
    desk.press("F5")
    desk.picture("muted")
    time.sleep(2)
    desk.press("F5")
    desk.page.click("#phone-keys")
    desk.press("5")
    desk.picture("keys-open")
    assert desk.accessible() == []
    desk.press("Escape")
    assert not desk.page.is_visible("#phone-pad")
    time.sleep(1)
    desk.press("F4")
    desk.picture("on-hold")
    time.sleep(3)
    desk.press("F4")
    desk.picture("talking")
    time.sleep(2)
    desk.press("F8")
    citizen.succeed()
    desk.says("Ви завершили")
    desk.page.click("#phone-devices")
    wait_until(lambda: float(desk.page.evaluate("document.getElementById('phone-level').value")) > 0.1)
    desk.picture("devices-open")
    assert desk.accessible() == []

    record = record_of(city, "+380501000001")
    sound = sound_of(city, record, tmp_path)

    assert (record["operator"], record["queue_outcome"], record["anomalies"]) == ("olena", "answered", [])
    assert record["hold_time"] > 2.5
    assert heard_for(sound.left, sound.rate, CITIZEN) > 9
    assert heard_for(sound.right, sound.rate, CITIZEN) == 0
    assert heard_for(sound.left, sound.rate, VOICE) == 0
    assert 5 < heard_for(sound.right, sound.rate, VOICE) < record["talk_time"] - 1.5  # but for the time on mute
    keys = (city.asterisk.host.log / "keys.log").read_text("utf-8")
    assert re.search(r"DTMF end '5' received on PJSIP/operator-olena", keys)


@pytest.mark.usefixtures("water")
@pytest.mark.parametrize("kind", ["blind", "attended"])
def test_a_forwarded_citizen_hears_the_specialist_and_the_page_is_free(
    city: City, desks: Desks, tmp_path: Path, kind: str
) -> None:
    number = {"blind": "0501000002", "attended": "0501000003"}[kind]
    desk = desks.on_duty("olena")
    citizen = call(city, desk, number)
    time.sleep(2)
    desk.press("F6")
    if kind == "blind":
        extension = next(one["extension"] for one in city.service.json("operators", "list") if one["login"] == "water")
        desk.page.keyboard.type(extension)
        desk.press("F6")
    else:
        desk.page.keyboard.type("водо")
        desk.press("Enter")
        desk.until("s.consult?.phase === 'talking'")
        desk.picture("consulting")
        desk.press("F4")
        desk.until("s.consult === null && !s.call.held")
        time.sleep(1)
        desk.press("F6")
        desk.page.keyboard.type("водо")
        desk.press("Enter")
        desk.until("s.consult?.phase === 'talking'")
        time.sleep(1)
        desk.press("F6")
    desk.until("s.call === null && s.consult === null && s.transfer === null")
    desk.says("Громадянина з’єднано")
    time.sleep(3)
    citizen.process.stop()
    city.asterisk.cli("channel request hangup all")

    record = record_of(city, f"+38{number}")
    sound = sound_of(city, record, tmp_path)

    transfer = record["transfers"][-1]
    assert (transfer["kind"], transfer["by"], transfer["to"], transfer["answered"]) == (kind, "olena", "water", True)
    assert (record["operator"], record["anomalies"]) == ("olena", [])
    assert heard_for(sound.right, sound.rate, VOICE) > 1
    assert heard_for(sound.right, sound.rate, OTHER) > 1


def test_a_reload_in_mid_call_is_asked_about_the_citizen_comes_first_and_a_hang_up_after_it_is_one(
    city: City, desks: Desks
) -> None:
    desk = desks.on_duty("olena")
    citizen = call(city, desk, "0501000004")
    second = city.telephones.citizen("588888", "0501000005", tone=None)
    wait_until(lambda: len(waiting(city)) == 1)
    questions: list[str] = []

    def confirm(dialog: Dialog) -> None:
        questions.append(dialog.type)
        dialog.accept()

    desk.page.once("dialog", confirm)
    member = "member PJSIP/operator-olena queue contact-centre"
    city.asterisk.cli(f"queue pause {member}")  # or the page may be back, and rung by the second, before the first is
    desk.page.reload()
    assert questions == ["beforeunload"]
    desk.says("він перший у черзі")
    desk.picture("after-a-reload")
    wait_until(lambda: waiting(city) == ["0501000004", "0501000005"], 10)
    city.asterisk.cli(f"queue unpause {member}")
    desk.answer()
    assert desk.state["call"]["from"]["number"] == "0501000004"
    city.asterisk.cli("queue remove member PJSIP/operator-olena from contact-centre")
    desk.press("F8")
    citizen.succeed(15)
    city.asterisk.cli("channel request hangup all")
    second.wait()
    record = record_of(city, "+380501000004")
    assert (record["queue_outcome"], record["anomalies"]) == ("answered", [])
    assert [leg["role"] for leg in record["legs"]].count("operator") == 2


def test_of_two_operators_one_is_rung_each_hears_their_citizen_and_a_closed_page_gets_no_call(
    city: City, desks: Desks, tmp_path: Path
) -> None:
    both = {login: desks.on_duty(login) for login in ("olena", "ivan")}
    taken: dict[str, tuple[str, SippRun]] = {}
    for number, name in (("0501000012", None), ("0501000013", HOSTILE)):
        citizen = city.telephones.citizen("588888", number, tone=CITIZEN, name=name)
        free = [login for login in both if login not in taken]
        wait_until(lambda: any(both[login].state["call"] for login in free))  # noqa: B023 - waited for at once
        time.sleep(0.5)
        [rung] = [login for login in free if both[login].state["call"]]
        assert both[rung].state["call"]["from"]["number"] == number
        assert both[rung].page.inner_text("#phone-line") == "588-888"
        shown = f"+380 50 100 00 {number[-2:]}"
        wait_until(lambda: shown in both[rung].page.inner_text("#card"))  # noqa: B023 - waited for at once
        assert all(shown not in desk.page.inner_text("#card") for login, desk in both.items() if login != rung)
        both[rung].answer()
        taken[rung] = (number, citizen)
    [hostile] = [login for login, (number, _) in taken.items() if number == "0501000013"]
    # pjsip keeps the backslashes that SIP puts before quotes
    assert both[hostile].page.inner_text("#phone-name").replace("\\", "") == HOSTILE
    assert "onerror" in both[hostile].page.inner_text("#card")
    assert both[hostile].page.title() != "caught"
    assert both[hostile].page.query_selector("main img, main script") is None
    time.sleep(3)
    for login, (_, citizen) in taken.items():
        both[login].press("F8")
        citizen.succeed()

    for login, (number, _) in taken.items():
        record = record_of(city, f"+38{number}")
        sound = sound_of(city, record, tmp_path)
        others = {tone for who, tone in TONES.items() if who != login}
        assert record["operator"] == login
        assert heard_for(sound.left, sound.rate, CITIZEN) > 2
        assert heard_for(sound.right, sound.rate, TONES[login]) > 2
        assert all(heard_for(sound.right, sound.rate, tone) == 0 for tone in others)

    both["olena"].page.goto("about:blank")
    wait_until(lambda: state_of(city, "olena") == "Unavailable", 2)
    citizen = call(city, both["ivan"], "0501000006")
    both["ivan"].press("F8")
    citizen.succeed()
