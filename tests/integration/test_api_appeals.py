"""The API's promises: nobody overwrites, nothing happens twice, nothing hidden shows, lists are complete."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from structlog.testing import capture_logs
from yarl import URL

from appeals import commands
from appeals.errors import RegisterError
from appeals.search import BadQueryError
from contact_centre.api import idempotency, parsing, problems, tokens
from contact_centre.api.operations import OPERATIONS
from contact_centre.api.parsing import MOST_BYTES
from contact_centre.api.problems import BASE
from contact_centre.api.shell import Shell
from contact_centre.api.site import Answer, Asked, Reading
from contact_centre.api.tokens import Scope
from tests import town
from tests.integration.api_rig import Api, Client, api, client

NEW = {"channel": "web", "changes": {"category": "water.leak", "description": "тече труба"}}


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[Api]:
    async with api(tmp_path) as one:
        yield one


@pytest.fixture
async def http(city: Api) -> AsyncIterator[Client]:
    async with client(city) as one:
        yield one


async def told(answer: Any) -> tuple[int, str]:  # noqa: ANN401 - aiohttp's response
    """Status and code of a problem."""
    assert answer.content_type == problems.MEDIA_TYPE, await answer.text()
    body = await answer.json()
    assert body["status"] == answer.status
    assert body["type"] == f"{BASE}/problems/{body['code']}"
    return answer.status, body["code"]


async def test_an_appeal_is_made_registered_routed_and_read_again(city: Api, http: Client) -> None:
    token = await city.token("operator")
    made = await http.post(f"{BASE}/appeals", headers=token, json=NEW)
    assert made.status == 201
    url, tag = made.headers["Location"], made.headers["ETag"]
    for action, body in (("register", None), ("route", {"service": "water"})):
        answer = await http.post(f"{url}/actions/{action}", headers=token | {"If-Match": tag}, json=body)
        assert answer.status == 200, await answer.text()
        tag = answer.headers["ETag"]
    read = await http.get(url, headers=token)
    appeal = await read.json()
    assert (read.headers["ETag"], await answer.json()) == (tag, appeal)
    assert (appeal["status"], appeal["service"], appeal["registration_number"]) == (
        "routed",
        "water",
        f"{city.clock.at.year}-000001",
    )
    assert [one["event"] for one in appeal["history"]] == ["created", "edited", "registered", "routed"]
    assert {one["actor"] for one in appeal["history"]} == {"api:operator-0"}
    assert {"action": "accept", "blocked": None} not in appeal["allowed_actions"]
    assert {"action": "merge", "blocked": None} in appeal["allowed_actions"]
    history = await (await http.get(f"{url}/history", headers=token)).json()
    assert history == {"items": appeal["history"], "next": None}


async def test_of_two_clerks_who_read_the_same_version_one_writes_and_the_other_is_told(
    city: Api, http: Client
) -> None:
    appeal = await city.appeal()
    url = f"{BASE}/appeals/{appeal.appeal_id}"
    clerks = [await city.token("operator"), await city.token("operator")]
    tags = [(await http.get(url, headers=one)).headers["ETag"] for one in clerks]
    answers = await asyncio.gather(
        *(
            http.post(
                f"{url}/actions/edit", headers=one | {"If-Match": tag}, json={"changes": {"address": f"Головна, {n}"}}
            )
            for n, (one, tag) in enumerate(zip(clerks, tags, strict=True))
        )
    )
    assert sorted(one.status for one in answers) == [200, 412]
    [won] = [n for n, one in enumerate(answers) if one.status == 200]
    assert (await (await http.get(url, headers=clerks[0])).json())["address"] == f"Головна, {won}"


async def test_what_changes_an_appeal_must_name_the_version_that_it_has_seen(city: Api, http: Client) -> None:
    appeal = await city.appeal()
    url, token = f"{BASE}/appeals/{appeal.appeal_id}/actions/edit", await city.token("operator")
    body = {"changes": {"address": "Головна, 1"}}
    assert await told(await http.post(url, headers=token, json=body)) == (428, "precondition_required")
    any_ = await http.post(url, headers=token | {"If-Match": "*"}, json=body)
    assert await told(any_) == (428, "precondition_required")
    odd = await http.post(url, headers=token | {"If-Match": "seven"}, json=body)
    assert await told(odd) == (400, "invalid")
    old = await http.post(url, headers=token | {"If-Match": f'"{appeal.version - 1}"'}, json=body)
    assert await told(old) == (412, "changed_meanwhile")
    assert (await http.post(url, headers=token | {"If-Match": f'"{appeal.version}"'}, json=body)).status == 200


async def test_what_has_not_changed_is_not_sent_again_and_evidence_changes_what_is_sent(
    city: Api, http: Client
) -> None:
    appeal = await city.appeal()
    url, token = f"{BASE}/appeals/{appeal.appeal_id}", await city.token("operator")
    tag = (await http.get(url, headers=token)).headers["ETag"]
    again = await http.get(url, headers=token | {"If-None-Match": f'"x", {tag}'})
    assert (again.status, again.headers["ETag"], await again.read()) == (304, tag, b"")
    other = await city.token("mayor")
    assert (await http.get(url, headers=other | {"If-None-Match": tag})).status == 200  # sees something else
    await city.perform(appeal.appeal_id, commands.Edit(changes={"address": "Головна, 1"}))
    assert (await http.get(url, headers=token | {"If-None-Match": tag})).status == 200


async def test_a_request_that_is_repeated_with_its_key_happens_once(city: Api, http: Client) -> None:
    token = await city.token("operator") | {"Idempotency-Key": '"8e03978e"'}
    first = await http.post(f"{BASE}/appeals", headers=token, json=NEW)
    again = await http.post(f"{BASE}/appeals", headers=token, json=NEW)
    assert (first.status, again.status) == (201, 201)
    assert await first.read() == await again.read()
    assert [first.headers[name] for name in ("ETag", "Location")] == [
        again.headers[name] for name in ("ETag", "Location")
    ]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    listed = await (await http.get(f"{BASE}/appeals", headers=token)).json()
    assert len(listed["items"]) == 1
    other = await http.post(f"{BASE}/appeals", headers=token, json=NEW | {"channel": "visit"})
    assert await told(other) == (422, "key_used_otherwise")
    somebody = await city.token("operator") | {"Idempotency-Key": '"8e03978e"'}
    assert "Idempotent-Replayed" not in (await http.post(f"{BASE}/appeals", headers=somebody, json=NEW)).headers


async def test_a_step_that_is_repeated_with_its_key_is_answered_though_the_version_has_gone_on(
    city: Api, http: Client
) -> None:
    appeal = await city.appeal()
    url = f"{BASE}/appeals/{appeal.appeal_id}/actions/route"
    headers = await city.token("operator") | {"If-Match": f'"{appeal.version}"', "Idempotency-Key": "route-1"}
    first, again = [await http.post(url, headers=headers, json={"service": "water"}) for _ in range(2)]
    assert (first.status, again.status, again.headers["ETag"]) == (200, 200, first.headers["ETag"])


async def test_requests_with_one_key_at_the_same_time_do_one_thing(city: Api, http: Client) -> None:
    token = await city.token("operator") | {"Idempotency-Key": "at-once"}
    answers = await asyncio.gather(*(http.post(f"{BASE}/appeals", headers=token, json=NEW) for _ in range(8)))
    done = [one for one in answers if one.status == 201]
    assert len({one.headers["Location"] for one in done}) == 1
    for other in set(answers) - set(done):
        assert await told(other) == (409, "request_under_way")
    assert len((await (await http.get(f"{BASE}/appeals", headers=token)).json())["items"]) == 1


async def test_a_refused_request_leaves_its_key_free_and_kept_answers_are_forgotten_after_a_day(
    city: Api, http: Client
) -> None:
    token = await city.token("operator") | {"Idempotency-Key": "k"}
    bad = {"channel": "web", "changes": {"category": "no.such"}}
    assert await told(await http.post(f"{BASE}/appeals", headers=token, json=bad)) == (422, "unknown_reference")
    first = await http.post(f"{BASE}/appeals", headers=token, json=NEW)
    assert first.status == 201
    city.clock.move(idempotency.KEPT_FOR)
    await city.shell.keep_house()
    later = await http.post(f"{BASE}/appeals", headers=token, json=NEW)
    assert (later.status, later.headers["Location"] == first.headers["Location"]) == (201, False)


async def test_tokens_open_what_their_scopes_say_until_they_expire_or_are_revoked(city: Api, http: Client) -> None:
    url = f"{BASE}/appeals"
    assert await told(await http.get(url)) == (401, "token_missing")
    for wrong in ("Bearer cc_none_none", "Basic b2xlbmE6", "Bearer", "Bearer " + "x" * 300, "Bearer cc__", "Bearer ї"):
        answer = await http.get(url, headers={"Authorization": wrong})
        assert await told(answer) == (401, "token_invalid")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    good = await city.token("operator", scopes=(Scope.APPEALS_READ,), lasts=timedelta(hours=1), name="reader")
    assert (await http.get(url, headers=good)).status == 200
    tampered = {"Authorization": good["Authorization"][:-1] + ("A" if good["Authorization"][-1] != "A" else "B")}
    assert await told(await http.get(url, headers=tampered)) == (401, "token_invalid")
    assert await told(await http.post(url, headers=good, json=NEW)) == (403, "scope_missing")
    city.clock.move(timedelta(hours=1))
    assert await told(await http.get(url, headers=good)) == (401, "token_invalid")
    other = await city.token("operator", name="other")
    assert (await http.get(url, headers=other)).status == 200
    await city.site.writer.run(lambda tx: tokens.revoke(tx, "other", city.clock.now()))
    assert await told(await http.get(url, headers=other)) == (401, "token_invalid")


async def test_only_a_digest_of_the_secret_is_kept_and_when_it_was_used(city: Api, http: Client) -> None:
    token = await city.token("operator", name="reader")
    await http.get(f"{BASE}/appeals", headers=token)
    await city.shell.keep_house()
    secret = token["Authorization"].split("_", 2)[2]
    kept = b"".join(one.read_bytes() for one in city.path.parent.glob("contact-centre.db*"))
    assert secret.encode() not in kept
    async with city.site.engine.connect() as connection:
        [known] = await tokens.all_tokens(connection)
    assert known.last_used is not None
    assert abs(known.last_used - city.clock.now()) < timedelta(milliseconds=1)


async def test_a_token_that_asks_too_often_is_told_when_to_come_again(city: Api, http: Client) -> None:
    token = await city.token("operator", per_minute=20)
    answers = [await http.get(f"{BASE}/reference", headers=token) for _ in range(4)]
    assert [one.status for one in answers[:2]] == [200, 200]
    last = answers[-1]
    assert await told(last) == (429, "too_many_requests")
    assert 1 <= int(last.headers["Retry-After"]) <= 3
    other = await city.token("operator")
    assert (await http.get(f"{BASE}/reference", headers=other)).status == 200


SECRET = ("Ганна Шевчук", "+380671234567", "hanna@example.org", "кричать уночі", "Руська, 7", "education.bullying")
"""What nobody but the desk may learn of a restricted appeal."""


async def restricted(city: Api) -> str:
    made = await city.appeal(
        "education.bullying",
        applicant=SECRET[0],
        applicant_phone=SECRET[1],
        applicant_email=SECRET[2],
        description=SECRET[3],
        address=SECRET[4],
    )
    return made.appeal_id


ROLES: tuple[tuple[tuple[str, ...], str | None], ...] = (
    (("operator",), None),
    (("executor",), "water"),
    (("supervisor",), None),
    (("head",), None),
    (("auditor",), None),
    (("mayor",), None),
    (("administrator",), None),
)


@pytest.mark.parametrize(("roles", "service"), ROLES)
async def test_no_route_tells_anything_of_a_restricted_appeal_to_whoever_is_not_of_its_desk(
    roles: tuple[str, ...], service: str | None, city: Api, http: Client
) -> None:
    appeal_id = await restricted(city)
    token = await city.token(*roles, service=service)
    async with city.site.reading() as connection:
        [duty_id] = (await connection.exec_driver_sql("SELECT duty_id FROM duties")).scalars()
    searches = [
        f"/appeals?{name}={value}"
        for name, value in (
            ("text", "Шевчук"),
            ("phone", "0671234567"),
            ("text", "кричать"),
            ("category", "education.bullying"),
        )
    ]
    paths = [
        one.path.format(
            appeal_id=appeal_id, call_id="x", recording_id="x", code="guard", duty_id=duty_id, incident_id="x"
        )
        for one in OPERATIONS
        if isinstance(one, Reading) and one.scope is not Scope.REFERENCE_READ and one.scope is not None
    ]
    for path in (*paths, *searches):
        answer = await http.get(BASE + path, headers=token)
        text = await answer.text()
        assert not [one for one in SECRET if one in text], path
        if path in searches:
            assert (await answer.json())["items"] == [], path
    for one in OPERATIONS:
        if one.versioned and "{appeal_id}" in one.path:
            url = BASE + one.path.format(appeal_id=appeal_id)
            answer = await http.post(url, headers=token | {"If-Match": '"3"'}, json=BODIES.get(one.name, {}))
            assert await told(answer) == (404, "no_such_appeal"), one.name
    claim = await http.post(f"{BASE}/duties/{duty_id}/actions/claim", headers=token)
    assert claim.status == (404 if roles[0] in {"operator", "supervisor"} else 403)
    seen = await http.get(f"{BASE}/appeals/{appeal_id}", headers=token)
    if roles[0] in {"executor", "administrator"}:
        assert await told(seen) == (404, "no_such_appeal")
    else:
        body = await seen.json()
        assert (body["masked"], body["allowed_actions"], body["status"]) == (True, [], "registered")


BODIES: dict[str, Any] = {
    "edit": {"changes": {"address": "x"}},
    "dismiss": {"reason": "prank"},
    "ask_clarification": {"question": "x"},
    "clarify": {"answer": "x"},
    "decline": {"reason": "x"},
    "schedule": {"at": "2030-01-01T00:00:00Z", "reason": "x"},
    "report_done": {"text": "x"},
    "not_done": {"reason": "x"},
    "request_reopen": {"reason": "x"},
    "reopen": {"reason": "x"},
    "keep_closed": {"reason": "x"},
    "merge": {"into": "x"},
    "return": {"explanation": "x"},
    "not_consider": {"ground": "repeat", "explanation": "x"},
    "forward_out": {"to": "gas", "explanation": "x"},
    "extend": {"until": "2030-01-01", "reason": "x"},
    "withdraw": {"reason": "x"},
}


async def test_the_desk_sees_its_appeal_and_the_mayor_sees_matters_without_people(city: Api, http: Client) -> None:
    appeal_id = await restricted(city)
    desk = await city.token("operator", desks=("violence",))
    seen = await (await http.get(f"{BASE}/appeals/{appeal_id}", headers=desk)).json()
    assert (seen["applicant"], seen["masked"]) == (SECRET[0], False)
    other = await city.appeal(applicant="Марія Коваль")
    mayor = await city.token("mayor")
    matter = await (await http.get(f"{BASE}/appeals/{other.appeal_id}", headers=mayor)).json()
    assert (matter["description"], matter["applicant"], matter["applicant_phone"]) == ("тече труба", None, None)


async def test_an_appeal_that_is_another_services_cannot_be_told_from_none(city: Api, http: Client) -> None:
    appeal = await city.appeal()
    await city.perform(appeal.appeal_id, commands.RouteTo(service="water"))
    token = await city.token("executor", service="roads")
    for path in ("", "/history"):
        hidden = await http.get(f"{BASE}/appeals/{appeal.appeal_id}{path}", headers=token)
        none = await http.get(f"{BASE}/appeals/none{path}", headers=token)
        said = [(await one.text()).replace(appeal.appeal_id, "none") for one in (hidden, none)]
        assert (hidden.status, said[0]) == (none.status, said[1])


async def test_a_service_that_declines_is_told_that_it_is_done_and_no_more(city: Api, http: Client) -> None:
    appeal = await city.appeal()
    routed = await city.perform(appeal.appeal_id, commands.RouteTo(service="water"))
    token = await city.token("executor", service="water")
    url = f"{BASE}/appeals/{appeal.appeal_id}"
    answer = await http.post(
        f"{url}/actions/decline", headers=token | {"If-Match": f'"{routed.version}"'}, json={"reason": "не наше"}
    )
    assert (answer.status, await answer.read()) == (204, b"")
    assert await told(await http.get(url, headers=token)) == (404, "no_such_appeal")


async def test_every_refusal_is_a_problem_with_its_code(city: Api, http: Client) -> None:
    appeal = await city.appeal()
    url = f"{BASE}/appeals/{appeal.appeal_id}/actions"
    match = {"If-Match": f'"{appeal.version}"'}
    operator = await city.token("operator") | match
    executor = await city.token("executor", "operator", service="water") | match

    async def refused(path: str, body: Any, headers: dict[str, str] = operator) -> dict[str, Any]:  # noqa: ANN401
        answer = await http.post(path, headers=headers, json=body)
        assert answer.content_type == problems.MEDIA_TYPE
        found: dict[str, Any] = await answer.json()
        return found

    wrong = await refused(f"{url}/accept", None, executor)
    assert (wrong["status"], wrong["code"]) == (409, "illegal_transition")
    assert {"action": "route", "roles": ["operator", "supervisor", "system"]} in wrong["parameters"]["allowed"]
    role = await refused(f"{url}/return", {"explanation": "x"})
    assert (role["status"], role["code"], role["parameters"]["roles"]) == (403, "not_your_role", ["supervisor"])
    rule = await refused(f"{url}/route", {"service": "gas"})
    assert (rule["status"], rule["code"], rule["guard"]) == (422, "guard", "external")
    unknown = await refused(f"{url}/route", {"service": "nobody"})
    assert (unknown["status"], unknown["code"]) == (422, "unknown_reference")
    assert (await refused(f"{BASE}/appeals/none/actions/start", None))["code"] == "no_such_appeal"
    typo = await refused(f"{url}/edit", {"changes": {"adress": "x"}})
    assert (typo["status"], typo["code"], typo["parameters"]) == (400, "invalid", {"at": "$.changes"})
    number = await refused(f"{url}/edit", {"changes": {"address": 7}})
    assert number["parameters"] == {"at": "$.changes.address"}
    assert (await refused(f"{url}/schedule", {"at": "2030-01-01T10:00:00", "reason": "x"}))["code"] == "invalid"
    assert (await refused(f"{url}/schedule", {"at": "0001-01-01T00:00:00+14:00", "reason": "x"}))["status"] == 422
    assert (await refused(f"{url}/extend", {"until": "9999-12-31", "reason": "x"}))["status"] == 422


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"{", {}, (400, "invalid")),
        (b"\xff\xfe", {}, (400, "invalid")),
        (b'{"changes":' + b"[" * 20_000, {}, (400, "invalid")),
        (b'{"x":' + b'{"x":' * 10_000, {}, (400, "invalid")),
        (b'{"changes": {"address": "\\ud800"}}', {}, (400, "invalid")),
        (b'{"changes": {"address": "\\u0000"}}', {}, (400, "invalid")),
        (b"", {}, (400, "invalid")),
        (b"{}", {"Content-Type": "text/plain"}, (415, "not_json")),
        (b"{}", {"Content-Encoding": "gzip"}, (415, "not_json")),
        (b" " * (MOST_BYTES + 1), {}, (413, "too_large")),
    ],
)
async def test_bodies_that_are_hostile_or_broken_are_refused(
    body: bytes, headers: dict[str, str], expected: tuple[int, str], city: Api, http: Client
) -> None:
    appeal = await city.appeal()
    token = await city.token("operator")
    told_ = token | {"If-Match": '"3"', "Content-Type": "application/json"} | headers
    url = f"{BASE}/appeals/{appeal.appeal_id}/actions/edit"
    answer = await http.post(url, headers=told_, data=body, skip_auto_headers=["Content-Encoding"])
    assert await told(answer) == expected

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 16_000):
            yield body[start : start + 16_000]

    if len(body) > MOST_BYTES:  # without a length that says so beforehand
        assert await told(await http.post(url, headers=told_, data=in_pieces())) == expected


async def test_a_body_that_never_ends_is_not_waited_for(
    city: Api, http: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "BODY_WITHIN_S", 0.2)
    token = await city.token("operator")

    async def endless() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    headers = token | {"Content-Type": "application/json"}
    assert await told(await http.post(f"{BASE}/appeals", headers=headers, data=endless())) == (408, "too_slow")


async def test_an_answer_that_was_lost_with_the_service_is_given_by_the_next_one(tmp_path: Path) -> None:
    async with api(tmp_path) as city, client(city) as http:
        token = await city.token("operator") | {"Idempotency-Key": "before-the-fall"}
        first = await (await http.post(f"{BASE}/appeals", headers=token, json=NEW)).json()
    async with api(tmp_path) as city, client(city) as http:
        again = await http.post(f"{BASE}/appeals", headers=token, json=NEW)
        assert (again.headers["Idempotent-Replayed"], await again.json()) == ("true", first)
        assert len((await (await http.get(f"{BASE}/appeals", headers=token)).json())["items"]) == 1


async def test_while_nothing_can_be_written_a_program_is_told_to_come_again(city: Api, http: Client) -> None:
    token = await city.token("operator")
    await asyncio.to_thread(city.site.writer.close)
    answer = await http.post(f"{BASE}/appeals", headers=token, json=NEW)
    assert await told(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert (await http.get(f"{BASE}/appeals", headers=token)).status == 200


async def test_what_may_be_the_same_matter_is_shown_beside_an_appeal(city: Api, http: Client) -> None:
    token = await city.token("operator")
    first, second = await city.appeal(), await city.appeal()
    answer = await http.get(f"{BASE}/appeals/{second.appeal_id}/alike", headers=token)
    found = await answer.json()
    assert answer.status == 200
    assert [one["appeal"]["appeal_id"] for one in found["appeals"]] == [first.appeal_id]
    assert found["incidents"] == []
    assert (await http.get(f"{BASE}/appeals/none/alike", headers=token)).status == 404


async def test_a_fault_of_ours_tells_nothing_and_ends_nothing(city: Api) -> None:
    async def fails(_: Asked) -> Answer:
        number = "+380671234567"
        raise ValueError(number)

    broken = Reading(name="x", path="/x", scope=None, summary="", gives=dict, do=fails)
    app = web.Application()
    app.add_subapp(BASE, Shell(city.site, [broken]).application())
    with capture_logs() as lines:
        async with TestClient(TestServer(app)) as http:
            for _ in range(2):
                answer = await http.get(f"{BASE}/x")
                assert await told(answer) == (500, "internal")
                assert "380671234567" not in await answer.text()
    logged = str(lines)
    assert "a request failed" in logged
    assert "in fails" in logged
    assert "380671234567" not in logged


async def test_a_page_of_any_length_takes_the_same_number_of_queries(city: Api, http: Client) -> None:
    token = await city.token("operator")
    counts = []
    for more in (1, 8):
        for _ in range(more):
            await city.appeal()
        seen: list[str] = []
        event.listen(
            city.site.engine.sync_engine, "before_cursor_execute", lambda *told, seen=seen: seen.append(told[2])
        )
        await http.get(f"{BASE}/appeals", headers=token)
        counts.append(len(seen))
    assert counts[0] == counts[1] < 12


async def test_unknown_addresses_and_methods_are_problems_too_and_every_answer_is_safe_to_show(
    city: Api, http: Client
) -> None:
    token = await city.token("operator")
    none = await http.get(f"{BASE}/nothing", headers=token)
    assert await told(none) == (404, "not_found")
    method = await http.delete(f"{BASE}/appeals", headers=token | {"Origin": "https://example.org"})
    assert await told(method) == (405, "method_not_allowed")
    assert method.headers["Allow"] == "GET, POST"
    for answer in (none, method, await http.get(f"{BASE}/appeals", headers=token)):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Server"] == "contact-centre"


async def test_a_log_line_names_the_route_and_the_token_and_nobody_else(city: Api, http: Client) -> None:
    token = await city.token("operator", name="open-city")
    appeal = await city.appeal()
    with capture_logs() as lines:
        await http.get(f"{BASE}/appeals?phone=0671234567&text=Шевчук", headers=token)
        await http.get(f"{BASE}/appeals/{appeal.appeal_id}", headers=token)
    assert [line["route"] for line in lines] == ["/api/v1/appeals", "/api/v1/appeals/{appeal_id}"]
    assert {line["token"] for line in lines} == {"open-city"}
    logged = str(lines)
    for private in ("0671234567", "Шевчук", "%D0", appeal.appeal_id, token["Authorization"].split("_", 2)[2]):
        assert private not in logged


def every(kind: type[RegisterError]) -> set[type[RegisterError]]:
    return {kind}.union(*(every(one) for one in kind.__subclasses__()))


def test_every_refusal_of_the_register_has_its_place_among_the_problems() -> None:
    ours = {one for one in every(RegisterError) if one.__module__.startswith("appeals.")} - {RegisterError}
    assert BadQueryError in ours
    assert {one.code for one in ours} - problems.KINDS.keys() == set()


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=st.integers(1, 9), meanwhile=st.lists(st.integers(0, 3), max_size=6), size=st.integers(1, 4))
async def test_walking_the_pages_meets_every_appeal_that_was_there_once_whatever_comes_meanwhile(
    before: int, meanwhile: list[int], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with api(tmp_path_factory.mktemp("pages")) as city, client(city) as http:
        token = await city.token("auditor")
        there = []
        for number in range(before):
            city.clock.move(timedelta(milliseconds=number % 2))
            there.append((await city.appeal()).appeal_id)
        url: str | None = f"{BASE}/appeals?limit={size}"
        met: list[str] = []
        coming = iter(meanwhile)
        while url is not None:
            answer = await http.get(url, headers=token)
            page = await answer.json()
            assert len(page["items"]) <= size
            met += [one["appeal_id"] for one in page["items"]]
            for _ in range(next(coming, 0)):
                await city.appeal()
            link = answer.links.get("next")
            assert (link is None) == (page["next"] is None)
            url = None if link is None else str(URL(link["url"]).relative())
        assert met == list(reversed(there))


async def test_a_list_takes_the_same_filters_as_the_search_and_repeats_them_in_its_link(
    city: Api, http: Client
) -> None:
    token = await city.token("operator")
    for number in range(3):
        made = await city.appeal(address=f"Головна, {number}")
        await city.perform(made.appeal_id, commands.RouteTo(service="water"), town.OPERATOR)
    await city.appeal("info.contacts")
    answer = await http.get(f"{BASE}/appeals?status=routed&status=new&service=water&limit=2&text=тече", headers=token)
    found = await answer.json()
    assert [one["status"] for one in found["items"]] == ["routed", "routed"]
    rest = await (await http.get(str(URL(answer.links["next"]["url"]).relative()), headers=token)).json()
    assert (len(rest["items"]), rest["next"]) == (1, None)
    for odd in (
        "overdue=1",
        "limit=1.0",
        "limit=null",
        "created_since=0.5",
        "created_since=null",
        "created_since=2026-11-23",
    ):
        assert await told(await http.get(f"{BASE}/appeals?{odd}", headers=token)) == (400, "invalid"), odd
    twice = await http.get(f"{BASE}/appeals?service=water&service=roads", headers=token)
    assert await told(twice) == (400, "invalid")
    bad = await http.get(f"{BASE}/appeals?cursor=nonsense", headers=token)
    assert await told(bad) == (400, "bad_query")
    assert json.loads(await bad.text())["parameters"] == {"field": "cursor"}
