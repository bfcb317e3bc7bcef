"""Operators call citizens: a real provider's peers, a real operator's phone, and what is on record afterwards."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from contact_centre.demo.city import City, Operator
from contact_centre.demo.sipp import SippRun
from tests.e2e.kits import brief_kit
from tests.hearing import STALL_S, heard_for, listen

CITIZEN, OPERATOR = 440, 880
LIMIT = 30
GIVEN_UP_S = 12.8
"""timer_b of pjsip.conf."""
QUALIFY_TIMEOUT_S = 3.0
"""qualify_timeout of the trunks."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    settings = f"[outbound]\ncalls_per_hour = {LIMIT}\n"
    with City.build(brief_kit(), tmp_path_factory.mktemp("city"), settings=settings) as built:
        built.start()
        yield built


@pytest.fixture(scope="module")
def olena(city: City) -> Operator:
    return city.hire("olena", "Олена Ткачук", tone=OPERATOR)


@contextmanager
def provider(city: City, peer: int = 0, **behaviour: Any) -> Iterator[SippRun]:  # noqa: ANN401 - as Telephones.provider takes it
    run = city.telephones.provider(peer, **behaviour)
    time.sleep(0.5)
    try:
        yield run
    finally:
        run.process.stop()


@contextmanager
def watched(city: City, *peers: int) -> Iterator[None]:
    """These peers are asked each second whether they are there, and have been found silent."""
    trunks = city.asterisk.settings.trunks
    seen = tuple(replace(one, qualify_seconds=1) if peer in peers else one for peer, one in enumerate(trunks))
    city.asterisk.configure(trunks=seen)
    city.asterisk.cli("module reload res_pjsip.so")
    wait_until(lambda: city.asterisk.cli("pjsip show contacts").count("Unavail") == len(peers))
    try:
        yield
    finally:
        city.asterisk.configure(trunks=trunks)
        city.asterisk.cli("module reload res_pjsip.so")


@contextmanager
def asked_seldom(city: City, folder: Path) -> Iterator[tuple[str, ...]]:
    """The peers were not asked lately whether they are there. Gives the words that name a config that knows them."""
    time.sleep(QUALIFY_TIMEOUT_S)  # what was asked before finds a silent peer silent only then
    trunks = city.asterisk.settings.trunks
    city.asterisk.configure(trunks=tuple(replace(one, qualify_seconds=3600) for one in trunks))
    city.asterisk.cli("module reload res_pjsip.so")
    known = [f'[[provision.trunks]]\nname = "{one.name}"\nhost = "{one.host}"\n' for one in trunks]
    try:
        yield other_settings(city, folder, *known)
    finally:
        city.asterisk.configure(trunks=trunks)
        city.asterisk.cli("module reload res_pjsip.so")


def other_settings(city: City, folder: Path, *lines: str) -> tuple[str, ...]:
    """The words in front of a command that give it other settings than the service has."""
    config = folder / "other.toml"
    config.write_text("\n".join((city.service.config.read_text("utf-8"), *lines)), "utf-8")
    return ("--config", str(config))


def wait_until(condition: Callable[[], bool], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def call(city: City, number: str, *words: str, operator: str = "olena") -> dict[str, Any]:
    made: dict[str, Any] = city.service.json("call", number, "--operator", operator, *words)
    return made


def record_of(city: City, call_id: str, *, recorded: bool = False) -> dict[str, Any]:
    """The record of a call, as soon as it has ended."""
    found: list[dict[str, Any]] = []

    def ended() -> bool:
        found[:] = [one for one in city.service.json("calls", "list") if one["call_id"] == call_id]
        return bool(found and found[0]["ended_at"] and (found[0]["recordings"] or not recorded))

    wait_until(ended)
    city.asterisk.wait_idle()
    return found[0]


def is_there(city: City, peer: str) -> bool:
    return any(
        f"{peer}/" in line and " Avail " in line for line in city.asterisk.cli("pjsip show contacts").splitlines()
    )


def peers_tried(city: City, call_id: str) -> list[tuple[str, datetime]]:
    """The provider's peers that were sent a call, and when."""
    return [
        (fact["channame"].split("-")[1], datetime.fromisoformat(fact["eventtime"]))
        for fact in city.asterisk.facts()
        if fact["eventtype"] == "CHAN_START"
        and fact["linkedid"] == call_id
        and fact["channame"].startswith("PJSIP/trunk-")
    ]


def said_to(city: City, call_id: str, side: str) -> list[str]:
    """The sounds that were played on the channels of a call whose names begin so."""
    return [
        fact["eventextra"].split('"sound":"')[1].split('"')[0]
        for fact in city.asterisk.facts()
        if fact["userdeftype"] == "FILE_STREAM_BEGIN"
        and fact["linkedid"] == call_id
        and fact["channame"].startswith(f"PJSIP/{side}-")
    ]


def is_paused(city: City, login: str) -> bool:
    [member] = [
        line for line in city.asterisk.cli("queue show contact-centre").splitlines() if f"operator-{login})" in line
    ]
    return "paused" in member


@pytest.mark.usefixtures("olena")
def test_a_missed_citizen_is_called_back_recorded_and_the_callback_is_cleared(city: City, tmp_path: Path) -> None:
    city.service.command("control", "pause", "olena", "--reason", "training")
    city.telephones.citizen("588888", "0501234567", talk=9.0).succeed()
    city.service.command("control", "unpause", "olena")
    city.service.wait_for_calls(1, recorded=False)
    [callback] = city.service.json("callbacks", "list")
    with provider(city, talk=5.0, tone=CITIZEN):
        made = call(city, "050 123-45-67", "--purpose", f"duty:{callback['callback_id']}")
        assert is_paused(city, "olena")
        record = record_of(city, made["call_id"], recorded=True)

    assert made["result"] == "operator_picked_up"
    assert (record["direction"], record["operator"], record["queue_outcome"]) == ("outbound", "olena", "not_queued")
    assert record["caller_number"] == "+380501234567"
    assert record["purpose"] == f"duty:{callback['callback_id']}"
    assert [leg["role"] for leg in record["legs"]] == ["citizen", "operator"]
    assert record["talk_time"] == pytest.approx(3.1, abs=STALL_S)  # of five seconds, the notice takes nearly two
    assert record["anomalies"] == []
    assert said_to(city, made["call_id"], "trunk") == ["recording-notice"]
    assert city.service.json("callbacks", "list") == []
    [cleared] = city.service.json("callbacks", "list", "--all")
    assert cleared["cleared_by"] == made["call_id"]
    assert not is_paused(city, "olena")

    recording = city.service.json("recordings", "show", record["recordings"][0])
    audio = tmp_path / "call.wav"
    city.service.command("recordings", "export", record["recordings"][0], str(audio))
    sound = listen(audio)
    assert recording["status"] == "ok"
    assert heard_for(sound.left, sound.rate, CITIZEN) == pytest.approx(sound.seconds, abs=STALL_S)
    assert heard_for(sound.right, sound.rate, OPERATOR) == pytest.approx(record["talk_time"], abs=STALL_S)
    before = sound.right[: int(1.5 * sound.rate)]
    assert heard_for(before, sound.rate, OPERATOR) == 0, "the operator must not talk over the notice"


@pytest.mark.usefixtures("olena")
@pytest.mark.parametrize(
    ("behaviour", "told", "attempts"),
    [
        ({"refuse": "486 Busy Here"}, ["outbound-busy"], 1),
        ({"refuse": "603 Decline"}, ["outbound-busy"], 0),
        ({"refuse": "480 Temporarily Unavailable"}, ["outbound-no-answer"], 1),
        ({"refuse": "404 Not Found"}, ["outbound-no-such-number"], 0),
    ],
    ids=["busy", "declined", "no answer", "no such number"],
)
def test_why_nobody_answers_is_told_to_the_operator_and_the_next_peer_is_not_asked(
    city: City, behaviour: dict[str, str], told: list[str], attempts: int
) -> None:
    with provider(city, 0, **behaviour), provider(city, 1):
        made = call(city, "0501110000")
        record = record_of(city, made["call_id"])

    assert (record["answered_at"], record["talk_time"], record["recordings"]) == (None, 0.0, [])
    assert [leg["role"] for leg in record["legs"]] == ["citizen", "operator"]
    assert said_to(city, made["call_id"], "operator") == told
    assert evidence(city, made["call_id"]) == attempts
    assert not is_paused(city, "olena")


def evidence(city: City, call_id: str) -> int:
    database = city.service.state / "contact-centre.db"
    query = f"SELECT count(*) FROM contact_evidence WHERE contact_id = '{call_id}' AND connected_seconds IS NULL"  # noqa: S608
    with sqlite3.connect(database) as connection:
        [(count,)] = connection.execute(query).fetchall()
    connection.close()
    return int(count)


@pytest.mark.usefixtures("olena")
def test_the_next_peer_carries_the_call_when_the_first_cannot(city: City) -> None:
    with provider(city, 0, refuse="503 Service Unavailable"), provider(city, 1, talk=4.0):
        made = call(city, "0501112233")
        record = record_of(city, made["call_id"], recorded=True)

    assert record["talk_time"] > 1.5
    assert [leg["role"] for leg in record["legs"]] == ["citizen", "citizen", "operator"]
    assert city.service.json("recordings", "show", record["recordings"][0])["status"] == "ok"


@pytest.mark.usefixtures("olena")
def test_a_peer_that_is_silent_is_passed_over_and_with_all_silent_the_operator_is_told(city: City) -> None:
    with watched(city, 0), provider(city, 1, talk=4.0):
        made = call(city, "0501113344")
        carried = record_of(city, made["call_id"], recorded=True)
    with watched(city, 0, 1):
        made = call(city, "0501114455")
        lost = record_of(city, made["call_id"])

    assert carried["talk_time"] > 1.5
    assert [leg["role"] for leg in carried["legs"]] == ["citizen", "operator"]
    assert (lost["answered_at"], lost["talk_time"], lost["recordings"]) == (None, 0.0, [])
    assert said_to(city, made["call_id"], "operator") == ["outbound-trunk-down"]
    assert evidence(city, made["call_id"]) == 0


@pytest.mark.usefixtures("olena")
def test_a_peer_that_died_since_it_was_asked_costs_thirteen_seconds_or_nothing(city: City, tmp_path: Path) -> None:
    """Asked while a phone rings, it is found silent three seconds later; oksana's rings longer than that."""
    phone = city.telephones.phone(city.account("oksana", "Оксана Гнатюк"), answer_after=5.0)
    with asked_seldom(city, tmp_path) as settings, provider(city, 1, talk=3.0):
        with provider(city, 0):
            city.asterisk.cli("pjsip qualify trunk-primary")
            wait_until(lambda: is_there(city, "trunk-primary"))
        unasked = call(city, "0501115566")["call_id"]
        record_of(city, unasked)
        asked = city.service.json(*settings, "call", "0501115566", "--operator", "oksana")["call_id"]
        record_of(city, asked)
    phone.process.stop()

    [(first, began), (second, passed_over)] = peers_tried(city, unasked)
    assert (first, second) == ("primary", "backup")
    assert (passed_over - began).total_seconds() < GIVEN_UP_S + 2
    assert [peer for peer, _ in peers_tried(city, asked)] == ["backup"]


def test_the_limit_of_an_hour_counts_calls_that_reached_out_and_stops_the_next(city: City, tmp_path: Path) -> None:
    settings = other_settings(city, tmp_path)
    config = Path(settings[1])
    config.write_text(config.read_text("utf-8").replace(f"calls_per_hour = {LIMIT}", "calls_per_hour = 1"), "utf-8")
    phone = city.account("iryna", "Ірина Бойко")
    words = (*settings, "call", "0501110000", "--operator", "iryna")
    codes = [city.service.command(*words, check=False).returncode for _ in range(2)]
    run = city.telephones.phone(phone, answer_after=0.2)
    with provider(city, 0, refuse="486 Busy Here"):
        made = city.service.json(*words)
        record_of(city, made["call_id"])
        refused = city.service.command(*words, check=False)
    run.process.stop()

    assert codes == [1, 1]  # not registered: nobody was called
    assert refused.returncode == 12
    assert "calls_per_hour" in refused.stderr
    asked = city.service.json("calls", "requested", "--operator", "iryna")
    assert [one["result"] for one in asked] == ["phone_is_not_registered"] * 2 + ["operator_picked_up"]
    assert [one["has_record"] for one in asked] == [False, False, True]


def test_an_operator_who_does_not_pick_up_is_free_again_and_nobody_was_called(city: City) -> None:
    phone = city.account("taras", "Тарас Мельник")
    run = city.telephones.phone(phone, answer_after=None)
    wait_until(lambda: is_there(city, "operator-taras"))
    city.asterisk.cli("queue add member PJSIP/operator-taras to contact-centre penalty 0 as taras")
    done = city.service.command("call", "0501234567", "--operator", "taras", check=False)

    assert done.returncode == 1
    assert "did not pick up" in done.stdout
    [record] = [one for one in city.service.json("calls", "list") if one["operator"] == "taras"]
    assert [leg["role"] for leg in record["legs"]] == ["operator"]
    assert evidence(city, record["call_id"]) == 0
    assert not is_paused(city, "taras")
    run.process.stop()


@pytest.mark.usefixtures("olena")
def test_the_caller_and_the_service_killed_in_mid_call_change_nothing(city: City) -> None:
    with provider(city, talk=6.0, tone=CITIZEN):
        command = [str(Path(sys.executable).with_name("contact-centre")), "--config", str(city.service.config)]
        asking = subprocess.Popen([*command, "call", "0507654321", "--operator", "olena", "--json"])
        wait_until(
            lambda: (
                "active channels" in (shown := city.asterisk.cli("core show channels count"))
                and not shown.startswith("0 ")
            )
        )
        asking.send_signal(signal.SIGKILL)
        asking.wait()
        city.service.kill()
        city.asterisk.wait_idle(30)
    city.service.start()
    wait_until(
        lambda: any(
            one["caller_number"] == "+380507654321" and one["recordings"] for one in city.service.json("calls", "list")
        )
    )
    [record] = [one for one in city.service.json("calls", "list") if one["caller_number"] == "+380507654321"]

    assert record["talk_time"] > 3
    assert city.service.json("recordings", "show", record["recordings"][0])["status"] == "ok"
    assert not is_paused(city, "olena")
    wait_until(lambda: city.service.json("calls", "requested", "--operator", "olena")[-1]["result"] is not None)
    asked = city.service.json("calls", "requested", "--operator", "olena")[-1]
    assert (asked["call_id"], asked["result"]) == (record["call_id"], "operator_picked_up")


def test_a_pause_for_a_call_does_not_outlive_asterisk(city: City, olena: Operator) -> None:
    city.asterisk.cli("queue pause member PJSIP/operator-olena queue contact-centre reason outbound")
    city.asterisk.cli("queue pause member PJSIP/operator-taras queue contact-centre reason break")
    time.sleep(1.5)  # AstDB is written once a second
    city.asterisk.kill()
    city.asterisk.start()

    wait_until(lambda: not is_paused(city, olena.login), 10)
    assert is_paused(city, "taras")


@pytest.mark.parametrize(
    "number",
    [
        "0900123456",
        "+40212345678",
        "0703123456",
        "999",
        "588-888",
        "15-80",
        "5\r\nAction: Logoff",
        "1&PJSIP/x",
        "${EXTEN}",
        "",
    ],
)
def test_who_may_not_be_called_is_not_called(city: City, number: str) -> None:
    done = city.service.command("call", number, "--operator", "olena", check=False)

    assert done.returncode == 12, done.stdout
    assert done.stderr.startswith("contact-centre: ")
