"""Calls, recordings, duties, incidents and reference data over HTTP."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from appeals import commands, service
from appeals.duties import MissedReason
from appeals.model import Actor
from contact_centre.api.problems import BASE
from recordings.model import Recording, Status
from recordings.store import upsert_recording
from telephony.core.call import Call, CallChanged, Direction, Leg, QueueOutcome, Role
from telephony.store import save_call
from tests import town
from tests.integration.api_rig import Api, Client, api, client

HER_NUMBER = "+380671234567"
COUNSELLOR = Actor("psy", town.OPERATOR.roles, desks=frozenset({"counselling"}))


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[Api]:
    async with api(tmp_path) as one:
        yield one


@pytest.fixture
async def http(city: Api) -> AsyncIterator[Client]:
    async with client(city) as one:
        yield one


def a_call(call_id: str, at: datetime, number: str) -> Call:
    citizen = Leg(call_id, Role.CITIZEN, number, at, at, at + timedelta(seconds=60), 50.0, 0.0)
    operator = Leg(f"{call_id}1", Role.OPERATOR, "olena", at, at, at + timedelta(seconds=60), 50.0, 0.0)
    return Call(
        call_id=call_id,
        line="15-80",
        direction=Direction.INBOUND,
        caller_number_raw=number,
        caller_name="HANNA" if number == HER_NUMBER else "MARIA",
        dialled_number="1580",
        started_at=at,
        answered_at=at + timedelta(seconds=10),
        ended_at=at + timedelta(seconds=60),
        queue="city",
        queue_outcome=QueueOutcome.ANSWERED,
        operator="olena",
        wait_time=10.0,
        talk_time=50.0,
        hold_time=0.0,
        ring_no_answers=0,
        transfers=(),
        legs=(citizen, operator),
        purpose=None,
        dial_status=None,
        recovered=False,
        group_id=call_id,
        recorded_from=at,
        promised_at=None,
        refused=None,
        anomalies=(),
    )


async def called(
    city: Api, call_id: str, number: str, category: str | None = None, actor: Actor = town.OPERATOR
) -> str:
    """A call with its draft and its recording; the draft is registered in a category. Returns the appeal's id."""
    city.clock.move(timedelta(seconds=1))
    at = city.clock.now()

    def job(tx: Any) -> str:  # noqa: ANN401 - the writer's transaction
        save_call(tx, CallChanged(a_call(call_id, at, number), over=True), number, at=at, reason="test")
        recording = Recording(f"r{call_id}", call_id, "a/b.flac", "0" * 64, 50.0, 60.0, 2, 8000, at, (), Status.OK)
        service.attach_recording(tx, call_id, upsert_recording(tx, recording))
        return service.draft_for_call(
            tx,
            call_id=call_id,
            number_raw=number,
            number=number,
            line="15-80",
            operator="olena",
            caller_name="HANNA",
            at=at,
        )

    appeal_id = await city.site.writer.run(job)
    if category is not None:
        changes = {"category": category, "description": "плаче"}
        await city.perform(appeal_id, commands.Register(changes=changes), actor)
    return appeal_id


async def test_a_call_is_shown_with_its_appeal_and_its_recording(city: Api, http: Client) -> None:
    appeal_id = await called(city, "c-1.1", HER_NUMBER, "water.leak")
    token = await city.token("operator")
    call = await (await http.get(f"{BASE}/calls/c-1.1", headers=token)).json()
    assert (call["caller_number"], call["appeal_ids"], call["recordings"]) == (HER_NUMBER, [appeal_id], ["rc-1.1"])
    assert [leg["role"] for leg in call["legs"]] == ["citizen", "operator"]
    appeal = await (await http.get(f"{BASE}/appeals/{appeal_id}", headers=token)).json()
    assert (appeal["calls"], appeal["recordings"]) == (["c-1.1"], ["rc-1.1"])
    recording = await (await http.get(f"{BASE}/recordings/rc-1.1", headers=token)).json()
    assert (recording["call_id"], recording["status"], "path" in recording) == ("c-1.1", "ok", False)
    assert (await http.get(f"{BASE}/calls/none", headers=token)).status == 404


async def test_a_call_to_a_restricted_desk_is_masked_and_found_by_nothing_that_is_hidden(
    city: Api, http: Client
) -> None:
    appeal_id = await called(city, "c-1.1", HER_NUMBER, "counselling.session", COUNSELLOR)
    await called(city, "c-2.1", "+380501112233", "water.leak")
    token = await city.token("supervisor")
    for path in ("/calls", "/calls/c-1.1", "/recordings/rc-1.1", f"/appeals/{appeal_id}"):
        text = await (await http.get(BASE + path, headers=token)).text()
        assert not [one for one in (HER_NUMBER, "HANNA", "плаче") if one in text], path
    listed = (await (await http.get(f"{BASE}/calls", headers=token)).json())["items"]
    assert [(one["call_id"], one["masked"]) for one in listed] == [("c-2.1", False), ("c-1.1", True)]
    for narrowed in ("number=0671234567", "operator=olena", "line=15-80"):
        found = await (await http.get(f"{BASE}/calls?{narrowed}", headers=token)).json()
        assert "c-1.1" not in [one["call_id"] for one in found["items"]], narrowed
    assert (await http.get(f"{BASE}/recordings/rc-1.1", headers=token)).status == 404
    desk = await city.token("operator", desks=("counselling",))
    found = await (await http.get(f"{BASE}/calls?number=0671234567", headers=desk)).json()
    assert [one["caller_number"] for one in found["items"]] == [HER_NUMBER]


async def test_the_mayor_sees_calls_without_people_and_a_service_only_those_of_its_appeals(
    city: Api, http: Client
) -> None:
    appeal_id = await called(city, "c-1.1", HER_NUMBER, "water.leak")
    await called(city, "c-2.1", HER_NUMBER, "roads.hole")
    await city.perform(appeal_id, commands.RouteTo(service="water"))
    mayor = await city.token("mayor")
    text = await (await http.get(f"{BASE}/calls", headers=mayor)).text()
    assert HER_NUMBER not in text
    assert (await (await http.get(f"{BASE}/calls?number=0671234567", headers=mayor)).json())["items"] == []
    water = await city.token("executor", service="water")
    assert (await http.get(f"{BASE}/calls/c-1.1", headers=water)).status == 200
    hidden, none = [await http.get(f"{BASE}/calls/{one}", headers=water) for one in ("c-2.1", "none")]
    assert (hidden.status, await hidden.text()) == (none.status, await none.text()) == (404, await none.text())
    assert (await http.get(f"{BASE}/calls", headers=water)).status == 403
    administrator = await city.token("administrator")
    assert (await http.get(f"{BASE}/calls/c-1.1", headers=administrator)).status == 404


async def walk(http: Client, path: str, token: dict[str, str]) -> list[dict[str, Any]]:
    """Every item of a list, page by page."""
    items: list[dict[str, Any]] = []
    url: str | None = BASE + path
    while url is not None:
        answer = await http.get(url, headers=token)
        assert answer.status == 200, await answer.text()
        items += (await answer.json())["items"]
        link = answer.links.get("next")
        url = None if link is None else str(URL(link["url"]).relative())
    return items


async def test_calls_are_paged_whole_also_where_some_are_left_out(city: Api, http: Client) -> None:
    for number in range(7):
        hidden = number % 3 == 0
        await called(
            city,
            f"c-{number}.1",
            HER_NUMBER,
            "counselling.session" if hidden else "water.leak",
            COUNSELLOR if hidden else town.OPERATOR,
        )
    token = await city.token("operator")
    every = [one["call_id"] for one in await walk(http, "/calls?limit=2", token)]
    assert every == [f"c-{number}.1" for number in range(6, -1, -1)]
    known = [one["call_id"] for one in await walk(http, "/calls?limit=2&operator=olena", token)]
    assert known == [f"c-{number}.1" for number in (5, 4, 2, 1)]
    bad = await http.get(f"{BASE}/calls?cursor=WyJhIiwxXQ", headers=token)
    assert (bad.status, (await bad.json())["code"]) == (400, "bad_query")


async def test_duties_are_listed_taken_up_and_excused_with_reasons(city: Api, http: Client) -> None:
    appeal = await city.appeal(applicant_phone="+380501112233")
    token = await city.token("operator")
    [owed] = await walk(http, "/duties?kind=inform", token)
    duty_id = owed["duty"]["duty_id"]
    assert (owed["duty"]["appeal_id"], owed["duty"]["reason"], owed["masked"]) == (
        appeal.appeal_id,
        "registered",
        False,
    )
    actions = f"{BASE}/duties/{duty_id}/actions"
    claimed = await (await http.post(f"{actions}/claim", headers=token)).json()
    assert claimed["owner"] == "api:operator-0"
    other = await http.post(f"{actions}/claim", headers=await city.token("operator"))
    assert (other.status, (await other.json())["guard"]) == (422, "claimed")
    given = await http.post(f"{actions}/result", headers=token, json={"call_id": "c-9.1", "result": "voicemail"})
    assert (given.status, (await given.json())["lacks"]) == (200, "not_told")
    why = {"why": "unreachable", "reason": "не бере слухавку", "letter": "12 від 20.11"}
    refused = await http.post(f"{actions}/excuse", headers=token, json=why)
    assert (refused.status, (await refused.json())["guard"]) == (422, "not_unreachable")
    released = await (await http.post(f"{actions}/release", headers=token)).json()
    assert released["owner"] is None
    one = await (await http.get(f"{BASE}/duties/{duty_id}", headers=token)).json()
    assert [result["result"] for result in one["results"]] == ["voicemail"]
    assert (await http.get(f"{BASE}/duties/none", headers=token)).status == 404
    executor = await city.token("executor", service="roads")
    assert (await http.get(f"{BASE}/duties/{duty_id}", headers=executor)).status == 404


async def test_duties_are_paged_whole_each_missed_call_alone(city: Api, http: Client) -> None:
    at = city.clock.now()

    def miss(tx: Any) -> None:  # noqa: ANN401 - the writer's transaction
        for number in range(7):
            service.open_callback(
                tx,
                call_id=f"m-{number}.1",
                number=HER_NUMBER if number % 2 else "+380501112233",
                line="15-80",
                reason=MissedReason.ABANDONED,
                at=at + timedelta(milliseconds=number // 3),
            )

    await city.site.writer.run(miss)
    token = await city.token("operator")
    found = [one["duty"]["call_id"] for one in await walk(http, "/duties?limit=2", token)]
    assert sorted(found) == [f"m-{number}.1" for number in range(7)]


async def test_an_incident_is_opened_joined_and_ended(city: Api, http: Client) -> None:
    token = await city.token("supervisor")
    body = {
        "category": "water.leak",
        "text": "Аварія на Головній, до 18:00",
        "expected_end": "2030-01-01T18:00:00+02:00",
    }
    opened = await http.post(f"{BASE}/incidents", headers=token, json=body)
    assert opened.status == 201, await opened.text()
    url = opened.headers["Location"]
    appeal = await city.appeal()
    joined = await http.post(f"{url}/actions/attach", headers=token, json={"appeal_id": appeal.appeal_id})
    assert (await joined.json())["incident_id"] == url.rpartition("/")[2]
    read = await http.get(url, headers=token)
    assert (await read.json())["callers"] == 1
    stale = await http.post(f"{url}/actions/end", headers=token | {"If-Match": '"1"'}, json={"text": "Воду подано"})
    assert (stale.status, (await stale.json())["code"]) == (412, "changed_meanwhile")
    match = {"If-Match": read.headers["ETag"]}
    ended = await http.post(f"{url}/actions/end", headers=token | match, json={"text": "Воду подано"})
    assert (ended.status, (await ended.json())["status"]) == (200, "ended")
    assert [one["status"] for one in await walk(http, "/incidents", token)] == []
    assert [one["status"] for one in await walk(http, "/incidents?ended=true&limit=1", token)] == ["ended"]
    again = await http.post(f"{url}/actions/dismiss", headers=token)
    assert (again.status, (await again.json())["code"]) == (409, "incident_status")
    auditor = await city.token("auditor")
    assert (await http.post(f"{BASE}/incidents", headers=auditor, json=body)).status == 403


async def test_reference_data_is_told_once_and_without_persons(city: Api, http: Client) -> None:
    token = await city.token("operator")
    for path in ("", "/categories", "/services"):
        first = await http.get(f"{BASE}/reference{path}", headers=token)
        assert first.status == 200
        again = await http.get(f"{BASE}/reference{path}", headers=token | {"If-None-Match": first.headers["ETag"]})
        assert again.status == 304
        assert "ladder" not in await first.text()
    services = (await (await http.get(f"{BASE}/reference/services", headers=token)).json())["items"]
    assert services[0]["name"] == {"uk": "Водоканал", "en": "Waterworks"}
    missing = await http.get(f"{BASE}/reference/streets", headers=token)
    assert (missing.status, (await missing.json())["code"]) == (400, "invalid")
