"""``make demo``: a city in a box, and the story of each call in it.

Two operators sign in with SIP phones, citizens call both lines; then the service is stopped, one more citizen calls,
and the service is started again. That citizen's draft becomes an appeal, which a service deals with; an operator calls
the applicant, and the appeal closes with that call as evidence. The exit code is 0 only if every call arrived with its
recording and its draft, and the appeal ended as it should. With ``--keep`` it then stays up for whoever wants to look.
"""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final

from appeals.numbers import format_number
from contact_centre.demo import appeal_story, open_house
from contact_centre.demo.city import City
from contact_centre.demo.open_house import Citizen
from contact_centre.demo.processes import ProcessError
from contact_centre.demo.root import Kit, RootError
from contact_centre.demo.service import Service
from contact_centre.demo.sipp import Telephones
from telephony.prompts import PromptError

OPERATORS: Final = (("olena", "Олена Ткачук", 880), ("taras", "Тарас Мельник", 1040))
TALK_S: Final = 4.0


CITIZENS: Final = (
    Citizen("0501234567", "Жанна Їжак", "588888", 440),
    Citizen("0372512345", "Городська телефонна мережа", "1580", 520),
    Citizen("+380671112233", "Ґалаґан Є.", "+380372588888", 620),
)
LATE_CITIZEN: Final = Citizen("0939876543", "Мар'яна", "0372588888", 700)


class Narrator:
    """Says what happens, with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        """One line."""
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", flush=True)  # noqa: T201 - the demo's voice


def main() -> int:
    """Play the story; 0 if every call arrived whole, 1 if not, 3 if this machine cannot."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("var/demo"), help="where the demo lives [var/demo]")
    parser.add_argument("--keep", action="store_true", help="stay until Ctrl-C (make demo KEEP=1)")
    arguments = parser.parse_args()
    for sign in (signal.SIGTERM, signal.SIGINT):  # SIGINT too: a shell lets its background jobs ignore it
        signal.signal(sign, _interrupted)
    say = Narrator()
    try:
        return _play(arguments.folder.resolve(), say, keep=arguments.keep)
    except KeyboardInterrupt:
        say("Interrupted: everything that was started has ended.")
        return 130
    except (RootError, PromptError) as error:
        say(str(error))
        return 3
    except ProcessError as error:
        say(f"It went wrong: {error}")
        say(f"All logs are kept in {arguments.folder}")
        return 1


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _play(folder: Path, say: Narrator, *, keep: bool) -> int:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    say("Looking for Asterisk, SIPp and the Ukrainian prompts ...")
    kit = Kit.provide()
    say(f"Asterisk is in {kit.asterisk.root or 'the system'}.")
    with City.build(kit, folder, settings=appeal_story.SETTINGS) as city:
        say("Starting Asterisk ...")
        city.asterisk.start()
        say("Starting the service ...")
        city.service.start()
        for login, name, tone in OPERATORS:
            operator = city.hire(login, name, tone=tone, talk=TALK_S)
            say(f"{name} signed in to the queue with a SIP phone ({operator.phone.phone.endpoint}).")
        complete = _citizens_call(city.service, city.telephones, say)
        say("The service is stopped; Asterisk goes on alone, and one more citizen calls ...")
        city.service.stop()
        _call(city.telephones, [LATE_CITIZEN], say)
        say("The service is started again and reads what it missed ...")
        city.service.start()
        calls = city.service.wait_for_calls(len(CITIZENS) + 1)
        complete &= _tell(city.service, calls[len(CITIZENS) :], say)
        late, expected = calls[-1], len(CITIZENS) + 2
        [draft] = late["appeal_ids"]
        number, name, tone = LATE_CITIZEN.number, LATE_CITIZEN.name, LATE_CITIZEN.tone
        told = appeal_story.tell(city, say, draft, number, late["operator"], name, tone)
        calls = city.service.wait_for_calls(expected)
        complete &= _tell_outbound(city.service, [one for one in calls if one["direction"] == "outbound"], say)
        arrived = len(calls) == expected and complete and told
        say(f"{len(calls)} of {expected} calls arrived; {'each' if complete else 'NOT each'} with recording and draft.")
        say(f"The appeal {'ended with its evidence' if told else 'did NOT end as it should'}.")
        if keep:
            open_house.welcome(city, say)
            open_house.keep_open(city, say, (*CITIZENS, LATE_CITIZEN))
    if keep:
        say("Everything that was started has ended.")
    return 0 if arrived else 1


def _citizens_call(service: Service, telephones: Telephones, say: Narrator) -> bool:
    say(f"{len(CITIZENS)} citizens call; two operators answer ...")
    _call(telephones, CITIZENS, say)
    return _tell(service, service.wait_for_calls(len(CITIZENS)), say)


def _call(telephones: Telephones, citizens: Sequence[Citizen], say: Narrator) -> None:
    runs = []
    for citizen in citizens:
        say(f"  {citizen.name} ({citizen.number}) dials {citizen.dialled}")
        runs.append(telephones.citizen(citizen.dialled, citizen.number, name=citizen.name, tone=citizen.tone))
    for run in runs:
        run.succeed()


def _tell_outbound(service: Service, calls: Sequence[dict[str, Any]], say: Narrator) -> bool:
    """Tell of the calls that operators made; whether each was answered and is recorded."""
    recordings = {one["call_id"]: one for one in service.json("recordings", "list")}
    whole = True
    for call in calls:
        recording = recordings.get(call["call_id"], {"status": "MISSING", "duration": 0.0})
        number = format_number(call["caller_number"])
        say(f"Call {call['call_id']}")
        say(f"  to {number} by {call['operator']}, talked {call['talk_time']:.1f} s, for {call['purpose']}")
        say(f"  recording {recording['status']}, {recording['duration']:.1f} s")
        whole &= call["talk_time"] > 0 and recording["status"] == "ok"
    return whole


def _tell(service: Service, calls: Sequence[dict[str, Any]], say: Narrator) -> bool:
    """Tell the story of each call; whether each has a good recording and a draft appeal."""
    recordings = {one["call_id"]: one for one in service.json("recordings", "list")}
    appeals = {one["appeal_id"]: one for one in service.json("appeals", "list")}
    complete = True
    for call in calls:
        recording = recordings.get(call["call_id"])
        drafts = [appeals[one] for one in call["appeal_ids"] if one in appeals]
        number = format_number(call["caller_number"]) if call["caller_number"] else "withheld"
        started = datetime.fromisoformat(call["started_at"]).astimezone()
        say(f"Call {call['call_id']}")
        say(f"  line {call['line']:<8} {number}, {call['caller_name']}, at {started:%H:%M:%S}")
        say(
            f"  {call['queue_outcome']} by {call['operator']}, waited {call['wait_time']:.1f} s, "
            f"talked {call['talk_time']:.1f} s"
        )
        if recording is None:
            say("  NO RECORDING")
        else:
            say(
                f"  recording {recording['status']}, {recording['duration']:.1f} s: {service.state / recording['path']}"
            )
        for draft in drafts:
            attached = "with the recording" if draft["recordings"] else "WITHOUT a recording"
            say(f"  draft appeal {draft['appeal_id']} of {draft['caller_number']}, {attached}")
        if not drafts:
            say("  NO DRAFT APPEAL")
        whole = recording is not None and recording["status"] == "ok" and len(drafts) == 1
        complete &= whole and drafts[0]["recordings"] == call["recordings"]
    return complete


if __name__ == "__main__":
    sys.exit(main())
