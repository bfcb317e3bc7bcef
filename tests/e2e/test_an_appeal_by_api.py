"""An appeal that a portal hands in lives to its end: routed, done, its applicant called through Asterisk, closed."""

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from contact_centre.demo.city import City
from tests.e2e.kits import brief_kit

SETTINGS = "[duties]\ntold_seconds = 1.0\n"
PHONE = "+380501234567"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with City.build(brief_kit(), tmp_path_factory.mktemp("city"), settings=SETTINGS) as built:
        built.start()
        yield built


class Program:
    """A program that speaks to the API by a token of its own."""

    def __init__(self, city: City, name: str, role: str, *more: str) -> None:
        scopes = [word for scope in ("appeals:read", "appeals:write", "duties:write") for word in ("--scope", scope)]
        self._token = city.service.json("tokens", "add", name, *scopes, "--as-role", role, *more)["token"]
        self._base = f"http://127.0.0.1:{city.service.port}/api/v1"

    def ask(self, path: str, body: dict[str, Any] | None = None, version: int | None = None) -> dict[str, Any]:
        """POST ``body``, or GET without one; the answer's JSON."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, headers)  # noqa: S310 - our own service
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        return found

    def act(self, appeal: dict[str, Any], action: str, **body: object) -> dict[str, Any]:
        """Take a step with an appeal as it was last seen."""
        return self.ask(f"/appeals/{appeal['appeal_id']}/actions/{action}", body, appeal["version"])


def test_an_appeal_handed_in_by_a_portal_closes_with_the_call_that_told_its_applicant(city: City) -> None:
    city.hire("olena", "Олена Ткачук", talk=8.0)
    portal = Program(city, "portal", "operator")
    waterworks = Program(city, "vodokanal", "executor", "--service", "vodokanal")
    changes = {
        "category": "emergency.no_water",
        "description": "Другу добу немає води",
        "address": "Головна, 45",
        "applicant": "Жанна Їжак",
        "applicant_phone": PHONE,
    }
    appeal = portal.ask("/appeals", {"channel": "web", "external_id": "open-city-17", "changes": changes})
    appeal = portal.act(appeal, "register", changes={})
    assert (appeal["status"], appeal["proposed_service"]) == ("registered", "vodokanal")
    appeal = portal.act(appeal, "route")
    appeal = waterworks.act(appeal, "accept")
    appeal = waterworks.act(appeal, "report_done", text="Полагоджено засувку")
    assert appeal["status"] == "verifying"
    owed = [one for one in city.service.json("duties", "list", "--kind", "inform") if one["duty"]["number"] == PHONE]
    assert sorted(one["duty"]["reason"] for one in owed) == ["registered", "result"]

    provider = city.telephones.provider()
    purpose = f"duty:{owed[0]['duty']['duty_id']}"
    made = city.service.json("call", PHONE, "--operator", "olena", "--purpose", purpose)
    [call] = city.service.wait_for_calls(1)
    provider.process.stop()
    for one in owed:  # one call tells both
        city.service.command("duties", "result", one["duty"]["duty_id"], made["call_id"], "told", "--as", "olena")
    appeal = _current(portal, appeal)
    appeal = portal.act(appeal, "close")

    assert (appeal["status"], appeal["result"]) == ("closed", "resolved")
    kept = city.service.json("appeals", "show", appeal["registration_number"])
    assert {duty["evidence"] for duty in kept["duties"] if duty["kind"] == "inform"} == {call["call_id"]}
    assert kept["calls"] == [call["call_id"]]
    assert kept["recordings"] == call["recordings"]
    events = [entry["event"] for entry in kept["history"]]
    assert events[0] == "created"
    assert events[-1] == "closed"
    assert [one["registration_number"] for one in city.service.json("appeals", "search", "вода їжак")] == [
        appeal["registration_number"]
    ]


def _current(program: Program, appeal: dict[str, Any]) -> dict[str, Any]:
    """The appeal once nothing is owed to its applicant any more."""
    deadline = time.monotonic() + 20
    while True:
        found = program.ask(f"/appeals/{appeal['appeal_id']}")
        closing = [one for one in found["allowed_actions"] if one["action"] == "close"]
        if closing and closing[0]["blocked"] is None:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.3)
