"""The second half of the demo: a call's draft becomes an appeal, and lives until its applicant knows the result."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from appeals.reference import CITY_TIME
from contact_centre.demo.city import City

EXECUTOR: Final = "vodokanal"
"""The login of the executor, and the code of the service."""

SETTINGS: Final = "[duties]\ntold_seconds = 1.0\n"
"""In the demo people are told the result in a second; in earnest it takes ten to count."""

_REPORTED: Final = (
    ("category", "emergency.no_water"),
    ("description", "Третій день немає води у всьому під'їзді"),
    ("address", "Головна, 45"),
)


def tell(city: City, say: Callable[[str], None], draft: str, number: str, operator: str, name: str, tone: int) -> bool:
    """Register a draft, have the service do its work, call the applicant, close; whether all of it held.

    ``operator`` is the login of whoever took the call, ``number`` and ``name`` are the applicant's.
    """
    run = city.service.json
    run("operators", "add", EXECUTOR, "--name", "Диспетчер Водоканалу", "--role", "executor", "--service", EXECUTOR)
    told = [word for field, value in (*_REPORTED, ("applicant", name)) for word in ("--set", f"{field}={value}")]
    appeal = run("appeals", "register", draft, "--as", operator, *told)
    number_given = appeal["registration_number"]
    say(f"{operator} registers the draft: appeal № {number_given}, {appeal['category']}, {appeal['address']}")
    say(f"  promised by {_clock(appeal['due_at'])}, the law allows until {_clock(appeal['legal_due_at'])}")
    appeal = run("appeals", "route", number_given, "--as", operator)
    say(f"  routed to {appeal['service']}, to be accepted by {_clock(appeal['accept_by'])}")
    run("appeals", "accept", number_given, "--as", EXECUTOR)
    report = "Полагоджено засувку, воду подано"
    appeal = run("appeals", "report-done", number_given, "--as", EXECUTOR, "--text", report)
    say(f"  {EXECUTOR} accepts it and reports: {appeal['report']}")
    early = city.service.command("appeals", "close", number_given, "--as", operator, check=False)
    say(f"  closing it now is refused: {early.stderr.strip().removeprefix('contact-centre: ')}")
    [duty] = [one for one in appeal["duties"] if one["kind"] == "inform"]
    say(f"  {operator} calls {name} about it; the call is recorded and belongs to the duty ...")
    call = _call(city, number, operator, duty["duty_id"], tone)
    run("duties", "result", duty["duty_id"], call["call_id"], "told", "--as", operator)
    appeal = run("appeals", "close", number_given, "--as", operator)
    [informed] = [one for one in appeal["duties"] if one["kind"] == "inform"]
    say(f"  talked {call['talk_time']:.1f} s, told; evidence of the duty: call {informed['evidence']}")
    say(f"  appeal № {number_given} is {appeal['status']}, {appeal['result']}, with {len(appeal['calls'])} calls")
    return (
        early.returncode != 0
        and appeal["status"] == "closed"
        and informed["evidence"] == call["call_id"]
        and call["call_id"] in appeal["calls"]
    )


def _call(city: City, number: str, operator: str, duty_id: str, tone: int) -> dict[str, Any]:
    """The operator calls the applicant for the duty; the call as it is on record."""
    known = len(city.service.json("calls", "list"))
    provider = city.telephones.provider(tone=tone)
    made = city.service.json("call", number, "--operator", operator, "--purpose", f"duty:{duty_id}")
    calls = city.service.wait_for_calls(known + 1)
    provider.process.stop()
    return next(one for one in calls if one["call_id"] == made["call_id"])


def _clock(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(CITY_TIME):%d.%m. %H:%M}"
