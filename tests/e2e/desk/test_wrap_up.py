"""Between two talks an operator has time to write, and no longer than that: on the real Asterisk."""

import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from contact_centre.demo.city import City
from telephony.links.ami import WRAP_UP_SECONDS
from tests.e2e.kits import brief_kit

SECONDS = 4
CITIZENS = 3


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with City.build(brief_kit(), tmp_path_factory.mktemp("city"), wrap_up=SECONDS) as built:
        built.start()
        built.hire("olena", "Олена Ткачук", talk=1.0)
        until(lambda: f"{WRAP_UP_SECONDS}={SECONDS}" in built.asterisk.cli("dialplan show globals"))
        yield built


def until(holds: Callable[[], bool], seconds: float = 30.0) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        time.sleep(0.1)
    return time.monotonic() - began


def wrap_ups(city: City) -> list[dict[str, Any]]:
    with sqlite3.connect(city.service.state / "contact-centre.db") as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM wrap_ups ORDER BY began")]


def paused(city: City, login: str = "olena") -> str:
    """Why a member is paused, as Asterisk says."""
    lines = city.asterisk.cli("queue show contact-centre").splitlines()
    member = next(line for line in lines if f"operator-{login}" in line)
    return member.partition("(paused:")[2].partition(" ")[0]


def test_with_citizens_waiting_no_talk_begins_before_the_wrap_up_of_the_last_is_over(city: City) -> None:
    runs = [city.telephones.citizen("588888", f"050111100{number}") for number in range(CITIZENS)]
    for run in runs:
        run.succeed(100)
    calls = city.service.wait_for_calls(CITIZENS)
    talks = sorted(
        (datetime.fromisoformat(leg["answered_at"]), datetime.fromisoformat(leg["ended_at"]))
        for call in calls
        for leg in call["legs"]
        if leg["role"] == "operator"
    )
    # Asterisk tells when a pause began in whole seconds: its limit is that much shorter.
    assert len(talks) == CITIZENS
    for (_, ended), (began, _) in itertools.pairwise(talks):
        assert began - ended > timedelta(seconds=SECONDS - 1)
    until(lambda: all(one["ended"] for one in wrap_ups(city)))
    assert paused(city) == ""
    assert [(one["login"], one["call_id"], one["code"], one["forced"]) for one in wrap_ups(city)] == [
        ("olena", call["call_id"], None, 1) for call in sorted(calls, key=lambda call: call["answered_at"])
    ]


def test_a_wrap_up_outlives_a_restart_of_either_side_and_ends_all_the_same(city: City) -> None:
    talk(city, "0501112001")
    city.service.kill()
    time.sleep(SECONDS + 1)
    assert paused(city) == "wrapup"
    city.service.start()
    assert until(lambda: paused(city) == "") < SECONDS

    talk(city, "0501112002")
    time.sleep(1.2)  # within a second Asterisk's database has on disk what it was told
    city.asterisk.kill()
    city.asterisk.start()
    until(lambda: paused(city) == "")

    until(lambda: all(one["ended"] for one in wrap_ups(city)))
    seen = wrap_ups(city)[-2:]
    numbers = [city.service.json("calls", "show", one["call_id"])["caller_number"] for one in seen]
    assert numbers == ["+380501112001", "+380501112002"]
    assert [one["forced"] for one in seen] == [1, 1], "by its time, not because it was forgotten"


def test_a_pause_that_is_asked_for_in_a_talk_takes_the_place_of_the_wrap_up(city: City) -> None:
    known = len(wrap_ups(city))
    city.telephones.citizen("588888", "0501113001")
    until(lambda: "(in call)" in city.asterisk.cli("queue show contact-centre"))
    city.service.command("control", "pause", "olena", "--reason", "lunch")
    city.asterisk.wait_idle(20)
    assert paused(city) == "lunch"
    assert len(wrap_ups(city)) == known
    city.service.command("control", "unpause", "olena")


def test_a_call_out_has_no_wrap_up_and_leaves_a_pause_that_was_asked_for_in_it(city: City) -> None:
    known = len(wrap_ups(city))
    provider = city.telephones.provider()
    city.hire("taras", "Тарас Мельник")
    for reason in ("", "lunch"):
        call = city.service.json("call", "0501114001", "--operator", "taras")
        until(lambda: paused(city, "taras") == "outbound")
        if reason:
            city.service.command("control", "pause", "taras", "--reason", reason)
        city.service.command("control", "hangup", call["call_id"])
        city.asterisk.wait_idle(20)
        assert paused(city, "taras") == reason
    provider.process.stop()
    assert len(wrap_ups(city)) == known


def talk(city: City, number: str) -> None:
    """A citizen and the operator have talked; the wrap-up has begun, and the service has seen it."""
    known = len(wrap_ups(city))
    city.telephones.citizen("588888", number)
    until(lambda: len(wrap_ups(city)) > known)
