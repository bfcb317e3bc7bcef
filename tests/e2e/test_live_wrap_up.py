"""The service dies while operators are in wrap-up: the next citizen is answered all the same."""

import time
from collections.abc import Iterator

import pytest

from contact_centre.demo.city import City
from tests.e2e.kits import brief_kit

HEARTBEAT = "CC_HEARTBEAT"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with City.build(brief_kit(), tmp_path_factory.mktemp("wrap-up"), wrap_up=60) as built:
        built.start()
        built.hire("olena", "Олена Ткачук", talk=1.0)
        built.hire("taras", "Тарас Мельник", talk=1.0)
        yield built


def pause(city: City, reason: str, *logins: str) -> None:
    for login in logins:
        city.asterisk.cli(f"queue pause member PJSIP/operator-{login} queue contact-centre reason {reason}")


def paused(city: City) -> list[str]:
    lines = city.asterisk.cli("queue show contact-centre").splitlines()
    return sorted(line.split("(")[0].strip() for line in lines if "paused:" in line)


def test_killed_with_operators_in_wrap_up_the_next_citizen_is_answered_within_a_minute_and_a_half(city: City) -> None:
    wait_for_heartbeat(city)
    pause(city, "wrapup", "olena")
    pause(city, "break", "taras")
    city.service.kill()
    began = time.monotonic()
    city.telephones.citizen("588888", "0501110001").succeed(100)
    assert time.monotonic() - began < 90
    assert len(paused(city)) == 1  # a break is the operator's own
    city.asterisk.wait_idle(15)


def test_long_after_a_death_wrap_ups_end_before_the_citizen_is_queued(city: City) -> None:
    pause(city, "wrapup", "olena", "taras")
    city.asterisk.cli(f"dialplan set global {HEARTBEAT} {int(time.time()) - 61}")
    began = time.monotonic()
    city.telephones.citizen("588888", "0501110002").succeed(60)
    assert time.monotonic() - began < 20
    assert paused(city) == []


def test_while_the_service_lives_wrap_ups_last(city: City) -> None:
    city.service.start()
    wait_for_heartbeat(city)
    pause(city, "wrapup", "olena", "taras")
    city.telephones.citizen("588888", "0501110003", talk=20).succeed(60)
    assert len(paused(city)) == 2


def wait_for_heartbeat(city: City) -> None:
    deadline = time.monotonic() + 15
    while True:
        said = city.asterisk.cli("dialplan show globals")
        values = [line.partition("=")[2] for line in said.splitlines() if line.strip().startswith(HEARTBEAT)]
        if values and time.time() - int(values[0]) < 12:
            return
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
