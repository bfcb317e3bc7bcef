"""Duties on the real thing: what closes them is in the ledger, and what only looks like it is not enough."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from contact_centre.demo.city import City
from contact_centre.demo.sipp import Refer
from tests.e2e.kits import brief_kit

TALK = 14.5
"""Seconds from the citizen's answer; the notice takes nearly two of them, and ten must remain."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with City.build(brief_kit(), tmp_path_factory.mktemp("city")) as built:
        built.start()
        built.hire("olena", "Олена Ткачук")
        yield built


@contextmanager
def reached(city: City, talk: float) -> Iterator[None]:
    """Whoever is called answers, and hangs up after so many seconds."""
    run = city.telephones.provider(talk=talk)
    time.sleep(0.5)
    try:
        yield
    finally:
        run.process.stop()


def wait_until(holds: Callable[[], bool], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def owed_news(city: City, phone: str) -> dict[str, Any]:
    """The duty to tell an applicant the number of an appeal that came by the web."""
    words = (f"applicant_phone={phone}", "category=emergency.no_water", "description=немає води", "address=Головна, 45")
    options = [option for word in words for option in ("--set", word)]
    created = city.service.json("appeals", "create", "--channel", "web", "--as", "olena", *options)
    done = city.service.json("appeals", "register", created["appeal_id"], "--as", "olena")
    [inform] = [duty for duty in done["duties"] if duty["kind"] == "inform"]
    found: dict[str, Any] = inform
    return found


def shown(city: City, duty_id: str) -> dict[str, Any]:
    found: dict[str, Any] = city.service.json("duties", "show", duty_id)
    return found


def test_an_applicant_who_was_called_and_told_closes_the_duty_and_voicemail_does_not(city: City) -> None:
    told, machine = owed_news(city, "+380501234567"), owed_news(city, "+380671112233")
    calls = {}
    with reached(city, TALK):
        for duty, result in ((told, "told"), (machine, "voicemail")):
            purpose = ("--purpose", f"duty:{duty['duty_id']}")
            made = city.service.json("call", duty["number"], "--operator", "olena", *purpose)
            calls[result] = made["call_id"]
            said = city.service.json("duties", "result", duty["duty_id"], made["call_id"], result, "--as", "olena")
            assert said["duty"]["closed_at"] is None, "the call has only begun"
            city.asterisk.wait_idle(TALK + 20)

    wait_until(lambda: shown(city, told["duty_id"])["duty"]["closed_at"] is not None)
    wait_until(lambda: shown(city, machine["duty_id"])["duty"]["attempts"] == 1)

    closed, left = shown(city, told["duty_id"])["duty"], shown(city, machine["duty_id"])["duty"]
    assert (closed["evidence"], closed["evidence_kind"], closed["attempts"]) == (calls["told"], "call", 0)
    assert (left["closed_at"], left["evidence"]) == (None, None)
    appeal = city.service.json("appeals", "show", told["appeal_id"])
    assert appeal["calls"] == [calls["told"]]
    assert [entry["event"] for entry in appeal["history"]][-2:] == ["call_result", "informed"]
    [call] = [one for one in city.service.json("calls", "list") if one["call_id"] == calls["told"]]
    assert call["talk_time"] >= 10


@pytest.mark.parametrize("answers", [True, False], ids=["answers", "is not there"])
def test_who_is_put_through_to_a_specialist_is_asked_later_or_called_back(city: City, answers: bool) -> None:
    name, number = ("water", "+380501110001") if answers else ("heat", "+380501110002")
    specialist = city.account(name, "Диспетчер", "specialist")
    if answers:
        city.telephones.phone(specialist, answer_after=0.5)
    operator = f"to-{name}"
    city.service.command("control", "pause", "olena", "--reason", "training")
    hired = city.hire(operator, "Тарас Мельник", steps=(Refer(specialist.phone.extension, 4.0),))
    city.telephones.citizen("588888", number, talk=22.0).succeed()
    city.telephones.dial(hired.phone, "*12")

    def controls() -> list[dict[str, Any]]:
        listed = city.service.json("duties", "list", "--kind", "forwarding_control", "--all")
        return [one["duty"] for one in listed if one["duty"]["number"] == number]

    wait_until(lambda: bool(controls()))
    [control] = controls()
    callbacks = [one for one in city.service.json("callbacks", "list") if one["number"] == number]
    assert control["forwarding"]["specialist"] == name
    assert control["appeal_id"] is not None
    if answers:
        assert (control["closed_at"], control["evidence"]) == (None, control["call_id"])
        [call] = [one for one in city.service.json("calls", "list") if one["call_id"] == control["call_id"]]
        [bridged] = [leg["talk_time"] for leg in call["legs"] if leg["role"] == "specialist"]
        assert control["forwarding"]["talked_seconds"] == bridged > 0
        assert callbacks == []
        answer = ("--replied", "yes", "--prompt", "yes", "--as", "olena")
        done = city.service.json("duties", "control", control["duty_id"], *answer)
        assert (done["evidence_kind"], done["forwarding"]["took_place"]) == ("call", True)
    else:
        assert (control["excuse"], control["forwarding"]["talked_seconds"]) == ("callback", None)
        [callback] = callbacks
        assert callback["call_ids"] == [control["call_id"]]
