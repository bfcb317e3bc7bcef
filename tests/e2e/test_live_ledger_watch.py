"""With a real Asterisk: no gap while the ledger is whole, an alarm within seconds when facts do not reach it."""

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from contact_centre.demo.city import City
from tests.e2e.kits import brief_kit
from tests.e2e.second_opinion import wait_until


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with City.build(brief_kit(), tmp_path_factory.mktemp("watched")) as built:
        built.start()
        built.hire("olena", "Олена Ткачук", talk=1.0)
        yield built


def watched(city: City) -> bool:
    ok: bool = city.service.healthz()["probes"]["ledger_watch"]["ok"]
    return ok


def test_whole_calls_leave_no_gap(city: City) -> None:
    wait_until(lambda: city.service.healthz()["probes"]["ami"]["ok"])
    assert "1 operators" in city.service.healthz()["probes"]["ami"]["seen"]
    city.telephones.crowd(3, rate=3, caller="38050123000[call_number]").succeed(60)
    time.sleep(7)
    assert city.service.json("ledger", "gaps") == []
    assert watched(city)


def test_a_call_whose_facts_do_not_reach_the_ledger_is_an_alarm(city: City) -> None:
    city.asterisk.cli("module unload cel_custom.so")
    city.telephones.citizen("588888", "0501110001").succeed(60)
    took = wait_until(lambda: not watched(city), 15)
    assert took < 8
    wait_until(lambda: len(city.service.json("ledger", "gaps")) == 2, 5)  # the citizen's channel and the operator's
    gaps = city.service.json("ledger", "gaps")
    for gap in gaps:
        noted, hung_up = (datetime.fromisoformat(gap[name]) for name in ("noted_at", "hangup_at"))
        assert 5 <= (noted - hung_up).total_seconds() < 8
        assert gap["appeared_at"] is None
    assert "contact_centre_ledger_gaps_total 2.0" in city.service.metrics()
    assert "are missing in the ledger" in city.service.log.read_text("utf-8")


def test_without_ami_everything_else_goes_on_and_healthz_says_so(city: City) -> None:
    city.asterisk.cli("module load cel_custom.so")
    city.asterisk.kill()
    wait_until(lambda: "is Asterisk running" in city.service.healthz()["probes"]["ami"]["seen"], 10)
    probes = city.service.healthz()["probes"]
    assert not probes["ami"]["ok"]
    assert probes["ingest"]["ok"]
    city.asterisk.start()
    wait_until(lambda: city.service.healthz()["probes"]["ami"]["ok"], 5)
