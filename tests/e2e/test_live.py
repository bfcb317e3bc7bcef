"""The live state against Asterisk's own view, whatever is cut, killed or restarted meanwhile.

``LIVE_SECONDS=1200 LIVE_SEED=7 pytest tests/e2e/test_live.py -k random --timeout 2000`` is the long run.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from contact_centre.demo.asterisk import Asterisk
from contact_centre.demo.processes import Processes
from contact_centre.demo.sipp import Telephones
from telephony.phones import NewPhone
from tests.e2e.kits import brief_kit
from tests.e2e.second_opinion import Follower, agree, wait_until

SECONDS = float(os.environ.get("LIVE_SECONDS", "25"))
SEED = int(os.environ.get("LIVE_SEED", "20261122"))
OPERATORS = 4


@dataclass
class Hall:
    """An Asterisk with telephones of operators that answer at once and talk for a while."""

    asterisk: Asterisk
    telephones: Telephones
    phones: list[NewPhone]

    def add(self, phone: NewPhone) -> None:
        self.asterisk.cli(
            f"queue add member {phone.phone.interface} to contact-centre penalty 0 as {phone.phone.login}"
        )

    def bring_back(self) -> None:
        """Asterisk begins again, with empty hands but for what it stores; telephones stay registered (astdb)."""
        self.asterisk.start()


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with Processes() as processes:
        asterisk = Asterisk.install(brief_kit(), tmp_path_factory.mktemp("live"), processes)
        asterisk.start()
        made = Hall(asterisk, Telephones(asterisk), [])
        for number in range(OPERATORS):
            phone = made.telephones.operator(f"operator{number}", f"20{number}")
            made.telephones.phone(phone, answer_after=0.2, talk=2.0 + number / 2)
            made.add(phone)
            made.phones.append(phone)
        yield made


def test_asterisk_is_restarted_under_load_and_the_view_is_right_within_two_seconds_of_its_return(hall: Hall) -> None:
    with Follower(hall.asterisk) as follower:
        hall.telephones.crowd(8, rate=8, caller="38050123000[call_number]", talk=20)
        wait_until(lambda: len(waiting(follower)) >= 3)
        agree(follower, hall.asterisk)
        hall.asterisk.kill()
        wait_until(lambda: not follower.status.up, 10)
        hall.bring_back()
        agree(follower, hall.asterisk, 2.0)
        view = follower.view()
        assert view is not None
        assert {login for login, _ in view.operators} == {phone.phone.login for phone in hall.phones}
        hall.telephones.citizen("588888", "0501110001").succeed(60)
        hall.asterisk.wait_idle()
        agree(follower, hall.asterisk)
        rung = Counter(
            (fact["linkedid"], fact["channame"].rpartition("-")[0])
            for fact in hall.asterisk.facts()
            if fact["eventtype"] == "CHAN_START" and fact["channame"].startswith("PJSIP/operator-")
        )
        assert set(rung.values()) == {1}


def test_every_hangup_of_the_ledger_is_heard(hall: Hall) -> None:
    with Follower(hall.asterisk) as follower:
        wait_until(lambda: follower.view() is not None)
        seen = len(hall.asterisk.facts())
        hall.telephones.crowd(12, rate=6, caller="38050124000[call_number]").succeed(90)
        hall.asterisk.wait_idle()
        ended = [fact["uniqueid"] for fact in hall.asterisk.facts()[seen:] if fact["eventtype"] == "CHAN_END"]
        wait_until(lambda: len(follower.heard) >= len(ended), 5)
        assert sorted(follower.heard) == sorted(ended)


def test_a_callers_number_makes_no_events(hall: Hall) -> None:
    """Asterisk writes a number as it came; line breaks in it end the event, and begin one of the caller's making."""
    with Follower(hall.asterisk) as follower:
        wait_until(lambda: follower.view() is not None)
        forged = "Event%3a%20QueueMemberAdded%0d%0aQueue%3a%20contact-centre%0d%0aInterface%3a%20PJSIP/operator-nobody"
        hostile = hall.telephones.citizen("588888", f"050%0d%0a%0d%0a{forged}%0d%0aStatus%3a%201%0d%0aX%3a%20", talk=6)
        wait_until(lambda: calls(follower) > 0, 10)
        agree(follower, hall.asterisk, 3.0)
        hostile.wait(40)
        hall.asterisk.wait_idle()
        agree(follower, hall.asterisk)


def test_random_calls_cuts_and_restarts_end_with_asterisks_own_view(hall: Hall) -> None:
    chance = random.Random(SEED)  # noqa: S311 - reproducible
    done: Counter[str] = Counter()
    with Follower(hall.asterisk) as follower:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            what = chance.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))[0]
            done[what] += 1
            happen(what, chance, hall, follower)
            time.sleep(chance.uniform(0, 0.6))
        wait_until(lambda: follower.view() is not None, 10)
        agree(follower, hall.asterisk, 3.0)
        hall.asterisk.wait_idle(60)
        agree(follower, hall.asterisk)
    assert done["cut"]


WEIGHTS = {
    "call": 8.0, "crowd": 3.0, "cut": 4.0, "pause": 3.0, "unpause": 3.0, "sign out": 1.0, "sign in": 2.0,
    "new service": 2.0, "kill": 0.6, "compare": 4.0,
}  # fmt: skip


def happen(what: str, chance: random.Random, hall: Hall, follower: Follower) -> None:
    phone = chance.choice(hall.phones)
    interface = phone.phone.interface
    match what:
        case "call":
            number = f"050126{chance.randrange(10000):04d}"
            hall.telephones.citizen(chance.choice(("1580", "588888")), number, talk=chance.uniform(1, 9))
        case "crowd":
            hall.telephones.crowd(4, rate=8, caller="38050125000[call_number]", talk=chance.uniform(6, 12))
        case "cut":
            follower.cut()
        case "pause":
            reason = chance.choice(("wrapup", "break"))
            hall.asterisk.cli(f"queue pause member {interface} queue contact-centre reason {reason}")
        case "unpause":
            hall.asterisk.cli(f"queue unpause member {interface} queue contact-centre")
        case "sign out" | "sign in":
            command = f"queue remove member {interface} from contact-centre"
            hall.asterisk.cli(command) if what == "sign out" else hall.add(phone)
        case "new service":
            follower.end()
            follower.begin()
        case "kill":
            hall.asterisk.kill()
            hall.bring_back()
        case _:
            wait_until(lambda: follower.view() is not None, 10)
            agree(follower, hall.asterisk, 3.0)


def calls(follower: Follower) -> int:
    view = follower.view()
    return 0 if view is None else len(view.calls)


def waiting(follower: Follower) -> tuple[str, ...]:
    view = follower.view()
    return () if view is None else view.waiting
