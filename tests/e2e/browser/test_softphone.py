"""An operator telephones in the browser: real Chromium, real Asterisk, citizens of SIPp, and what is heard."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contact_centre.demo.city import City
from contact_centre.demo.root import Kit
from contact_centre.demo.sipp import SippRun
from telephony.browser_phones import BrowserPhones
from telephony.phones import NewPhone
from telephony.provision import Browsers
from tests.e2e.browser.desk import Desk, Wire, desk_of, wait_until
from tests.hearing import Sound, heard_for, listen

CITIZEN, BROWSER, OTHER = 440, 1000, 660


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """One city for all tests here; the citizens' way to the queue is short, since each test has one or more."""
    with City.build(Kit.provide(), tmp_path_factory.mktemp("city")) as built:
        dialplan = built.asterisk.host.etc / "extensions.conf"
        text = dialplan.read_text("utf-8")
        dialplan.write_text(
            text.replace("Playback(greeting)", "NoOp()").replace("Playback(recording-notice)", "NoOp()")
        )
        built.start()
        built.asterisk.cli("logger add channel keys.log dtmf")
        phone = built.account("water", "Водоканал", "specialist")
        built.telephones.phone(phone, tone=OTHER, answer_after=0.2)
        built.browser_account("olena", "Олена Ткачук")
        yield built


@pytest.fixture(scope="module")
def wire(city: City) -> Iterator[Wire]:
    with Wire.to(city.asterisk.settings.ports.ws) as wire:
        yield wire


@pytest.fixture(scope="module")
def browser(city: City, wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    phones = BrowserPhones(
        city.asterisk.host.etc, type(city.asterisk.settings)(browsers=Browsers(uri=f"ws://localhost:{wire.port}/ws"))
    )
    with desk_of(phones, "olena", tmp_path_factory.mktemp("browser"), tone=BROWSER) as desk:
        yield desk


def join(city: City, login: str) -> None:
    city.asterisk.cli(f"queue add member PJSIP/operator-{login} to contact-centre penalty 0 as {login}")


def leave(city: City, login: str) -> None:
    city.asterisk.cli(f"queue remove member PJSIP/operator-{login} from contact-centre")


@pytest.fixture
def desk(city: City, browser: Desk) -> Iterator[Desk]:
    """Olena's page, fresh and signed in to the queue."""
    browser.open()
    browser.ready()
    join(city, "olena")
    yield browser
    browser.page.goto("about:blank")
    leave(city, "olena")
    city.asterisk.wait_idle(30)


@pytest.fixture(scope="module")
def taras(city: City) -> NewPhone:
    """Another operator, with a hardware phone that is not in the queue yet."""
    phone = city.account("taras", "Тарас Мельник")
    city.telephones.phone(phone, tone=OTHER, answer_after=0.2, talk=2.0)
    return phone


def call(city: City, desk: Desk, number: str) -> SippRun:
    """A citizen calls, and talks with the page."""
    citizen = city.telephones.citizen("588888", number, tone=CITIZEN)
    desk.until("s.call?.phase === 'talking' && s.call.media === 'connected'")
    return citizen


def record_of(city: City, number: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def there() -> bool:
        calls = city.service.json("calls", "list")
        found[:] = [one for one in calls if one["caller_number"] == number and one["ended_at"] and one["recordings"]]
        return bool(found)

    wait_until(there, 30)
    return found[0]


def sound_of(city: City, record: dict[str, Any], folder: Path) -> Sound:
    audio = folder / "call.wav"
    city.service.command("recordings", "export", record["recordings"][0], str(audio))
    return listen(audio)


def waiting(city: City) -> list[str]:
    """The numbers of those who wait in the queue, the first first."""
    callers = city.asterisk.cli("queue show contact-centre").partition("Callers:")[2]
    numbers = {
        channel.split("!")[0]: channel.split("!")[7]
        for channel in city.asterisk.cli("core show channels concise").splitlines()
        if channel.startswith("PJSIP/trunk")
    }
    return [numbers[name] for name in re.findall(r"PJSIP/trunk-[^ ]+", callers)]


def state_of(city: City, login: str) -> str:
    shown = re.sub(r"\x1b\[[0-9;]*m", "", city.asterisk.cli("queue show contact-centre"))
    line = next((one for one in shown.splitlines() if f"PJSIP/operator-{login}" in one), "")
    return next((state for state in ("Not in use", "Unavailable", "In use", "Ringing", "Busy") if state in line), line)


def test_both_are_heard_hold_plays_music_mute_is_silence_and_keys_arrive(
    city: City, desk: Desk, tmp_path: Path
) -> None:
    citizen = call(city, desk, "0501000001")
    time.sleep(3)
    desk.do("mute")
    time.sleep(2)
    desk.do("unmute")
    desk.do("press", "5")
    time.sleep(1)
    desk.do("hold")
    time.sleep(3)
    desk.do("unhold")
    time.sleep(2)
    desk.do("hangUp")
    citizen.succeed()

    record = record_of(city, "+380501000001")
    sound = sound_of(city, record, tmp_path)

    assert (record["operator"], record["queue_outcome"], record["anomalies"]) == ("olena", "answered", [])
    assert record["hold_time"] == pytest.approx(3.0, abs=0.6)
    assert heard_for(sound.left, sound.rate, CITIZEN) > 9
    assert heard_for(sound.right, sound.rate, CITIZEN) == 0
    assert heard_for(sound.left, sound.rate, BROWSER) == 0
    assert heard_for(sound.right, sound.rate, BROWSER) == pytest.approx(6.0, abs=1.2)
    keys = (city.asterisk.host.log / "keys.log").read_text("utf-8")
    assert re.search(r"DTMF end '5' received on PJSIP/operator-olena", keys)
    assert desk.state["last"]["why"] == "hung-up"


@pytest.mark.parametrize("kind", ["blind", "attended"])
def test_a_transferred_citizen_hears_the_specialist_and_the_page_is_free(
    city: City, desk: Desk, tmp_path: Path, kind: str
) -> None:
    number = {"blind": "0501000002", "attended": "0501000003"}[kind]
    extension = next(one["extension"] for one in city.service.json("operators", "list") if one["login"] == "water")
    citizen = call(city, desk, number)
    time.sleep(2)
    if kind == "blind":
        desk.do("transfer", extension)
    else:
        desk.do("consult", extension)
        desk.until("s.consult?.phase === 'talking'")
        time.sleep(1)
        desk.do("completeTransfer")
    desk.until("s.call === null && s.consult === null && s.transfer === null")
    assert desk.state["last"]["why"] == "transferred"
    time.sleep(3)
    citizen.process.stop()
    city.asterisk.cli("channel request hangup all")

    record = record_of(city, f"+38{number}")
    sound = sound_of(city, record, tmp_path)

    [transfer] = record["transfers"]
    assert (transfer["kind"], transfer["by"], transfer["to"], transfer["answered"]) == (kind, "olena", "water", True)
    assert record["operator"] == "olena"
    assert record["anomalies"] == []
    assert [leg["role"] for leg in record["legs"]] == [
        "citizen",
        "operator",
        *["operator"] * (kind == "attended"),
        "specialist",
    ]
    assert heard_for(sound.right, sound.rate, BROWSER) > 1
    assert heard_for(sound.right, sound.rate, OTHER) > 1


def test_a_page_lost_in_mid_call_gets_its_citizen_back_first_and_a_hang_up_after_it_is_one(
    city: City, desk: Desk
) -> None:
    citizen = call(city, desk, "0501000004")
    second = city.telephones.citizen("588888", "0501000005", tone=None)
    wait_until(lambda: len(waiting(city)) == 1)
    desk.page.goto("about:blank")
    wait_until(lambda: waiting(city) == ["0501000004", "0501000005"], 10)
    desk.page.go_back()
    desk.until("s.call?.phase === 'talking'")

    assert desk.state["call"]["from"]["number"] == "0501000004"
    assert desk.page.evaluate("window.seen[0].last") == "page-closed"
    leave(city, "olena")
    desk.do("hangUp")
    citizen.succeed(15)
    city.asterisk.cli("channel request hangup all")
    second.wait()
    record = record_of(city, "+380501000004")
    assert record["queue_outcome"] == "answered"
    assert record["anomalies"] == []
    assert [leg["role"] for leg in record["legs"]].count("operator") == 2


@pytest.mark.usefixtures("taras")
def test_a_page_that_is_closed_gets_no_call_and_the_next_operator_does(city: City, desk: Desk) -> None:
    assert state_of(city, "olena") == "Not in use"
    desk.page.goto("about:blank")
    wait_until(lambda: state_of(city, "olena") == "Unavailable", 2)
    join(city, "taras")
    city.telephones.citizen("588888", "0501000006", tone=CITIZEN).succeed()
    leave(city, "taras")
    assert record_of(city, "+380501000006")["operator"] == "taras"


def test_with_the_service_stopped_a_page_telephones_and_a_cut_connection_is_repaired_in_mid_call(
    city: City, desk: Desk, wire: Wire, tmp_path: Path
) -> None:
    city.service.stop()
    citizen = call(city, desk, "0501000007")
    time.sleep(1)
    wire.cut()
    desk.until("s.line === 'connecting'")
    desk.ready()
    assert desk.state["call"]["phase"] == "talking"
    time.sleep(2)
    desk.do("hangUp")
    citizen.succeed()
    city.service.start()

    record = record_of(city, "+380501000007")
    sound = sound_of(city, record, tmp_path)

    assert record["operator"] == "olena"
    assert heard_for(sound.right, sound.rate, BROWSER) == pytest.approx(record["talk_time"], abs=1.0)


def test_signed_out_a_page_cannot_register_again_and_says_so(city: City, desk: Desk, wire: Wire) -> None:
    assert desk.phones.revoke("olena")
    wire.cut()
    desk.until("s.line === 'refused'")
    wait_until(lambda: state_of(city, "olena") == "Unavailable")


def test_of_two_pages_the_older_gives_up(city: City, desk: Desk) -> None:
    younger = desk.open_another()
    younger.wait_for_function("window.phone?.state.line === 'ready'")
    desk.until("s.line === 'elsewhere'")
    citizen = city.telephones.citizen("588888", "0501000008", tone=CITIZEN)
    younger.wait_for_function("window.phone.state.call?.phase === 'talking'")
    assert desk.state["call"] is None
    younger.evaluate("window.phone.hangUp()")
    citizen.succeed()
    younger.close()


@pytest.mark.usefixtures("taras")
def test_when_the_lid_is_closed_in_mid_call_the_citizen_goes_to_another_operator(city: City, desk: Desk) -> None:
    citizen = call(city, desk, "0501000009")
    join(city, "taras")
    desk.freeze()
    citizen.succeed(60)
    desk.thaw()
    leave(city, "taras")
    record = record_of(city, "+380501000009")
    assert [leg["party"] for leg in record["legs"] if leg["role"] == "operator"] == ["olena", "taras"]
    assert record["anomalies"] == []


def test_when_asterisk_dies_in_mid_call_the_page_says_so_and_is_there_for_the_next(city: City, desk: Desk) -> None:
    call(city, desk, "0501000010")
    city.asterisk.kill()
    city.asterisk.start()
    desk.ready()
    desk.until("s.call === null && s.last?.why === 'media-lost'", 30)
    wait_until(lambda: state_of(city, "olena") == "Not in use")
    citizen = call(city, desk, "0501000011")
    desk.do("hangUp")
    citizen.succeed()


def test_with_a_wrong_password_nobody_becomes_an_operator(desk: Desk) -> None:
    wrong = json.dumps(desk.page.evaluate("({...window.account, password: 'wrong'})"))
    other = desk.page.context.new_page()
    other.goto(f"{desk.url}/?same={wrong}")
    other.wait_for_function("window.phone?.state.line === 'refused'")
    other.close()
