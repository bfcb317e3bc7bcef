"""Acting on calls in progress by command: hand over, hang up, move who waits, pause."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contact_centre.demo.city import City
from contact_centre.demo.sipp import SippRun
from tests.e2e.kits import brief_kit

NOT_NOW = 7
NOT_FOUND = 6


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with City.build(brief_kit(), tmp_path_factory.mktemp("city")) as built:
        built.start()
        built.telephones.phone(built.account("water", "Водоканал, диспетчер", "specialist"), tone=1320)
        built.hire("olena", "Олена Ткачук")
        built.telephones.phone(built.account("taras", "Тарас Мельник"), talk=25.0)
        yield built


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def call_of(city: City, number: str) -> dict[str, Any] | None:
    calls = city.service.json("calls", "list", "--number", number)
    return calls[-1] if calls else None


def wait_for(city: City, number: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def there() -> bool:
        found[:] = [one for one in [call_of(city, number)] if one is not None and condition(one)]
        return bool(found)

    wait_until(there)
    return found[0]


def is_over(call: dict[str, Any]) -> bool:
    return call["ended_at"] is not None and all(leg["ended_at"] for leg in call["legs"])


def talks(call: dict[str, Any]) -> bool:
    return call["answered_at"] is not None


def waits(call: dict[str, Any]) -> bool:
    return call["queue"] is not None


def ring(city: City, number: str, talk: float = 120.0) -> SippRun:
    return city.telephones.citizen("588888", number, talk=talk)


def test_a_citizen_is_handed_over_at_once(city: City) -> None:
    ring(city, "0501000001")
    call = wait_for(city, "0501000001", talks)
    city.service.command("control", "transfer", call["call_id"], "water")
    wait_for(city, "0501000001", lambda one: any(transfer["answered"] for transfer in one["transfers"]))
    city.service.command("control", "hangup", call["call_id"])
    call = wait_for(city, "0501000001", is_over)

    [transfer] = call["transfers"]
    assert (transfer["kind"], transfer["by"], transfer["to"]) == ("blind", "olena", "water")
    assert call["anomalies"] == []


def test_a_citizen_who_was_called_is_handed_over_after_a_word(city: City) -> None:
    provider = city.telephones.provider()
    made = city.service.json("call", "0501000002", "--operator", "taras")
    wait_for(city, "0501000002", talks)
    city.service.command("control", "transfer", made["call_id"], "water", "--attended")
    wait_for(city, "0501000002", lambda one: any(transfer["answered"] for transfer in one["transfers"]))
    city.service.command("control", "hangup", made["call_id"])
    call = wait_for(city, "0501000002", is_over)
    provider.process.stop()

    [transfer] = call["transfers"]
    assert (transfer["kind"], transfer["by"], transfer["to"]) == ("attended", "taras", "water")
    assert {leg["role"] for leg in call["legs"]} == {"citizen", "operator", "specialist"}
    assert call["direction"] == "outbound"


def test_a_call_is_ended(city: City) -> None:
    run = ring(city, "0501000003")
    call = wait_for(city, "0501000003", talks)
    city.service.command("control", "hangup", call["call_id"])

    run.succeed(15)
    assert is_over(wait_for(city, "0501000003", is_over))
    assert city.service.command("control", "hangup", call["call_id"], check=False).returncode == NOT_NOW


def test_a_citizen_who_waits_is_moved_to_the_head_or_to_a_phone(city: City) -> None:
    city.service.command("control", "pause", "olena", "--reason", "lunch")
    for number in ("0501000004", "0501000005"):
        ring(city, number)
        wait_for(city, number, waits)
    first, second = (wait_for(city, number, waits) for number in ("0501000004", "0501000005"))
    assert city.service.command("control", "transfer", first["call_id"], "water", check=False).returncode == NOT_NOW
    city.service.command("control", "move", second["call_id"])
    shown = city.asterisk.cli("queue show contact-centre")
    city.service.command("control", "move", second["call_id"], "--to", "olena")
    wait_for(city, "0501000005", talks)
    for one in (first, second):
        city.service.command("control", "hangup", one["call_id"])
    call = wait_for(city, "0501000005", is_over)
    city.service.command("control", "unpause", "olena")

    assert "prio: 1000" in shown.split("Callers:")[1].splitlines()[1]
    assert (call["queue_outcome"], call["operator"]) == ("answered", "olena")
    assert call["wait_time"] > 0.5, "until the telephone was answered, which takes that long, and not until the move"
    assert wait_for(city, "0501000004", is_over)["queue_outcome"] == "abandoned"


@pytest.mark.parametrize(
    "words",
    [
        ("transfer", "cc1-1.1", "999"),
        ("transfer", "cc1-1.1", "0501234567"),
        ("transfer", "x\r\nAction: Logoff", "water"),
        ("hangup", "cc1-1.1\n"),
        ("pause", "water"),
        ("pause", "nobody"),
        ("move", "cc1-1.1", "--to", "112"),
    ],
)
def test_what_is_not_ours_is_no_target(city: City, words: tuple[str, ...]) -> None:
    assert city.service.command("control", *words, check=False).returncode == NOT_FOUND
