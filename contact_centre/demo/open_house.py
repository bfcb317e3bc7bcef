"""What stays up after the story: people whom a newcomer can be in the console, and citizens who go on calling."""

import contextlib
import itertools
import re
import select
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from contact_centre.demo.city import City, Operator
from contact_centre.demo.processes import ProcessError

if TYPE_CHECKING:
    from contact_centre.demo.sipp import SippRun

FIRST_CALL_S: Final = 5.0
"""After somebody is free to answer."""
NEXT_CALL_S: Final = 40.0
RINGS_S: Final = 4.0
"""How long the phone on the table rings before it answers by itself."""
TALKS_S: Final = 25.0

_POLL_S: Final = 1.0
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Citizen:
    """Somebody who calls: the number they have, the name the network shows, and what they dial."""

    number: str
    name: str
    dialled: str
    tone: int


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a newcomer can be."""

    login: str
    name: str
    role: str
    telephone: Literal["page", "table"] | None
    told: str


PEOPLE: Final = (
    Person("oksana", "Оксана Романюк", "operator", "page", "operator, telephones in the page"),
    Person("taras", "Тарас Мельник", "operator", "table", "operator, a SIP phone answers by itself"),
    Person("maria", "Марія Бойчук", "supervisor", None, "supervisor: the board, recordings"),
    Person("bohdan", "Богдан Цюпа", "auditor", None, "auditor: the log of calls"),
    Person("petro", "Петро Лисак", "administrator", None, "administrator"),
)


def welcome(city: City, say: Callable[[str], None]) -> None:
    """Add the people, print how to sign in, what to look at and how."""
    known = {one["login"] for one in city.service.json("operators", "list")}
    passwords = {}
    for person in PEOPLE:
        if person.login not in known:
            browser = ["--browser"] if person.telephone == "page" else []
            words = ("operators", "add", person.login, "--name", person.name, "--role", person.role)
            city.service.command(*words, *browser)
        given = city.service.json("operators", "password", person.login, "--generate")
        passwords[person.login] = given["one_time_password"]
    _answer_at_the_table(city)
    program, service = Path(sys.executable).with_name("contact-centre"), city.service
    say("Everything stays up until Ctrl-C. Open in a browser on this computer:")
    say(f"  http://localhost:{service.port}/console")
    say("and sign in as one of these; each chooses another password at once:")
    for person in PEOPLE:
        say(f"  {person.login:<7} {passwords[person.login]}   {person.name}, {person.told}")
    say("As oksana: open the desk (Робоче місце), let it use the microphone, press F9 to sign in to the queue.")
    say(f"A citizen calls {FIRST_CALL_S:.0f} seconds later: F8 answers, F8 hangs up. Another calls while you are free,")
    say(f"every {NEXT_CALL_S:.0f} seconds, or when you press Enter here. In another terminal:")
    for command in ("calls list", "appeals list", "doctor"):
        say(f"  {program} --config {service.config} {command}")


def keep_open(city: City, say: Callable[[str], None], citizens: Sequence[Citizen]) -> None:
    """Let citizens call, one after the other, until Ctrl-C."""
    calling = itertools.cycle(citizens)
    run: SippRun | None = None
    due: float | None = None
    listening = True
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            asked, listening = _asked(_POLL_S) if listening else (_waited(_POLL_S), listening)
            if run is not None and not run.process.running:
                run, due = None, time.monotonic() + NEXT_CALL_S
            if not asked:
                if run is not None or not _somebody_is_free(city):
                    continue
                due = due or time.monotonic() + FIRST_CALL_S
                if time.monotonic() < due:
                    continue
            citizen = next(calling)
            say(f"{citizen.name} ({citizen.number}) dials {citizen.dialled} ...")
            run = city.telephones.citizen(citizen.dialled, citizen.number, name=citizen.name, tone=citizen.tone)


def _answer_at_the_table(city: City) -> None:
    """Nobody is in the queue by now; who has a phone on the table gets one that rings a while."""
    tables = {person.login for person in PEOPLE if person.telephone == "table"}
    operators, city.operators = city.operators, []
    for operator in operators:
        city.telephones.dial(operator.phone, "*12")
        operator.run.process.stop()
        if operator.login in tables:
            run = city.telephones.phone(operator.phone, answer_after=RINGS_S, talk=TALKS_S)
            city.operators.append(Operator(operator.login, operator.phone, run))


def _somebody_is_free(city: City) -> bool:
    try:
        shown = city.asterisk.cli("queue show contact-centre")
    except ProcessError:
        return False
    return any("(Not in use)" in line and "(paused" not in line for line in _COLOURS.sub("", shown).splitlines())


def _asked(seconds: float) -> tuple[bool, bool]:
    """Whether Enter was pressed within this time, and whether anybody can press it still."""
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    pressed = bool(ready) and bool(sys.stdin.readline())
    return pressed, pressed or not ready


def _waited(seconds: float) -> bool:
    time.sleep(seconds)
    return False
