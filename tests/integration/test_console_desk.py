"""The desk's parts: the draft that keeps what it can, what follows from it, and the ways in which it ends."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from appeals import commands, queries
from appeals.commands import Edit
from appeals.model import Appeal, Channel, Kind, Status
from tests import town
from tests.integration.console_rig import Browser, Console, browser, console

ME = replace(town.OPERATOR, login="operator")
TYPED = {"category": "water.leak", "description": "Тече біля під'їзду", "address": "Руська, 5"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as one:
        await one.everybody()
        yield one


@pytest.fixture
async def operator(site: Console) -> AsyncIterator[Browser]:
    async with browser(site) as one:
        await one.sign_in("operator")
        yield one


async def draft(site: Console, **changes: str) -> Appeal:
    edit = Edit(changes=changes)
    return await site.town.site.writer.run(lambda tx: site.town.site.desk.create(tx, ME, Channel.VISIT, edit))


async def stored(site: Console, appeal_id: str) -> Appeal:
    async with site.town.site.reading() as connection:
        found = await queries.get_appeal(connection, appeal_id)
    assert found is not None
    return found


async def test_what_is_typed_is_kept_and_what_follows_from_it_is_told(site: Console, operator: Browser) -> None:
    one = await draft(site)
    earlier = await site.town.appeal("water.leak", address="вул. Руська, 5", description="Те саме")
    answer = await operator.send(f"/desk/appeals/{one.appeal_id}/save", TYPED)
    told = await answer.json()
    assert answer.status == 200
    assert (told["problems"], told["meanwhile"]) == ({}, [])
    assert told["fields"]["description"] == TYPED["description"]
    assert (str(earlier.registration_number) in told["derived"]) is (earlier.street is not None)
    assert "water" in told["derived"]
    kept = await stored(site, one.appeal_id)
    assert (kept.status, kept.category, kept.version) == (Status.NEW, "water.leak", told["version"])


async def test_what_cannot_be_kept_is_told_and_keeps_nothing_else_back(site: Console, operator: Browser) -> None:
    one = await draft(site)
    sent = {**TYPED, "applicant_phone": "050 12", "applicant_email": "x@"}
    told = await (await operator.send(f"/desk/appeals/{one.appeal_id}/save", sent)).json()
    assert set(told["problems"]) == {"applicant_phone", "applicant_email"}
    kept = await stored(site, one.appeal_id)
    assert (kept.description, kept.applicant_phone) == (TYPED["description"], None)


async def test_of_two_pages_neither_overwrites_what_the_other_wrote(site: Console, operator: Browser) -> None:
    one = await draft(site, description="перше")
    mine = {"was.description": "перше", "description": "моє", "was.applicant": "", "applicant": "Марія"}
    theirs = {"was.description": "перше", "description": "їхнє"}
    await operator.send(f"/desk/appeals/{one.appeal_id}/save", theirs)
    told = await (await operator.send(f"/desk/appeals/{one.appeal_id}/save", mine)).json()
    assert told["meanwhile"] == ["description"]
    kept = await stored(site, one.appeal_id)
    assert (kept.description, kept.applicant) == ("їхнє", "Марія")
    again = {"was.description": "їхнє", "description": "моє"}
    told = await (await operator.send(f"/desk/appeals/{one.appeal_id}/save", again)).json()
    assert (told["meanwhile"], (await stored(site, one.appeal_id)).description) == ([], "моє")


async def test_registered_it_has_a_number_to_read_out_and_goes_to_its_service(site: Console, operator: Browser) -> None:
    one = await draft(site)
    told = await (await operator.send(f"/desk/appeals/{one.appeal_id}/register", TYPED)).json()
    kept = await stored(site, one.appeal_id)
    assert (kept.status, kept.service) == (Status.ROUTED, "water")
    assert told["number"] == kept.registration_number
    assert str(told["number"]) in told["html"]
    shown = await (await operator.get(f"/desk/appeals/{one.appeal_id}")).text()
    assert str(told["number"]) in shown
    answer = await operator.send(f"/desk/appeals/{one.appeal_id}/register", TYPED)
    assert answer.status == 422
    assert (await answer.json())["code"] == "illegal_transition"


async def test_registered_for_a_service_that_is_not_the_city_s_it_is_forwarded_there(
    site: Console, operator: Browser
) -> None:
    one = await draft(site)
    told = await (await operator.send(f"/desk/appeals/{one.appeal_id}/register", {**TYPED, "service": "gas"})).json()
    kept = await stored(site, one.appeal_id)
    assert (kept.status, kept.forwarded_to, told["status"]) == (Status.FORWARDED_OUT, "gas", "forwarded_out")
    assert "104" in str(kept.report)
    assert "104" in told["html"]


async def test_without_a_category_nothing_is_registered_and_it_is_said_what_is_missing(
    site: Console, operator: Browser
) -> None:
    one = await draft(site, description="щось")
    answer = await operator.send(f"/desk/appeals/{one.appeal_id}/register", {})
    assert answer.status == 422
    assert (await answer.json())["message"]
    assert (await stored(site, one.appeal_id)).status is Status.NEW


async def test_a_consultation_is_counted_and_closed_and_a_misdial_is_no_appeal(
    site: Console, operator: Browser
) -> None:
    one, other = await draft(site), await draft(site)
    sent = {"category": "info.contacts", "description": "Коли приймають?"}
    told = await (await operator.send(f"/desk/appeals/{one.appeal_id}/answer", sent)).json()
    kept = await stored(site, one.appeal_id)
    assert (told["status"], kept.kind, kept.report) == ("closed", Kind.CONSULTATION, "Коли приймають?")
    told = await (await operator.send(f"/desk/appeals/{other.appeal_id}/dismiss", {"reason": "misdial"})).json()
    assert (told["number"], told["status"]) == (None, "dismissed")
    assert (await operator.send(f"/desk/appeals/{other.appeal_id}/dismiss", {"reason": "whim"})).status == 404


async def test_the_same_matter_is_joined_by_one_key(site: Console, operator: Browser) -> None:
    earlier = await site.town.appeal("water.leak", description="Те саме")
    one = await draft(site)
    told = await (
        await operator.send(f"/desk/appeals/{one.appeal_id}/join", {**TYPED, "into": earlier.appeal_id})
    ).json()
    kept = await stored(site, one.appeal_id)
    assert (kept.status, kept.merged_into) == (Status.MERGED, earlier.appeal_id)
    assert str(kept.registration_number) in told["html"]
    assert str(earlier.registration_number) in told["html"]
    assert (await operator.send(f"/desk/appeals/{one.appeal_id}/join", {})).status == 404


async def test_drafts_that_wait_are_listed_for_whoever_began_them_alone(site: Console, operator: Browser) -> None:
    one = await draft(site, applicant="Марія Коваль")
    await site.town.perform(one.appeal_id, commands.Edit(changes={"category": "water.leak"}), ME)
    page = await (await operator.get("/desk/unfinished")).text()
    assert "Марія Коваль" in page
    async with browser(site) as other:
        await other.sign_in("supervisor")
        assert "Марія Коваль" not in await (await other.get("/desk/unfinished")).text()


async def test_what_nobody_may_know_of_is_no_draft(site: Console, operator: Browser) -> None:
    secret = await site.town.appeal("education.bullying", description="булінг")
    for path in (f"/desk/appeals/{secret.appeal_id}", "/desk/appeals/x", "/desk/calls/cc1-1.1"):
        assert (await operator.get(path)).status == 404
    answer = await operator.send(f"/desk/appeals/{secret.appeal_id}/save", TYPED)
    assert answer.status == 404
    assert "булінг" not in await answer.text()


async def test_who_writes_down_a_restricted_matter_writes_on_until_it_is_registered_and_nobody_else_sees_it(
    site: Console, operator: Browser
) -> None:
    one, counted = await draft(site), await draft(site)
    path, secret = f"/desk/appeals/{one.appeal_id}", {"category": "education.bullying", "description": "булінг"}
    assert (await operator.send(f"{path}/save", secret)).status == 200
    typed = {**secret, "was.category": secret["category"], "was.description": "булінг", "description": "булінг, 7-Б"}
    assert (await operator.send(f"{path}/save", typed)).status == 200
    assert "булінг, 7-Б" in await (await operator.get(path)).text()
    async with browser(site) as other:
        await other.sign_in("supervisor")
        assert (await other.get(path)).status == 404
        for do in ("save", "register"):
            assert (await other.send(f"{path}/{do}", {"description": "чуже"})).status == 404
    told = await (await operator.send(f"{path}/register", typed)).json()
    kept = await stored(site, one.appeal_id)
    assert (kept.status, kept.service, kept.desk, kept.description) == (
        Status.ROUTED,
        "schools",
        "violence",
        "булінг, 7-Б",
    )
    assert str(kept.registration_number) in told["html"]
    assert (await operator.get(path)).status == 404
    assert (await operator.send(f"{path}/save", typed)).status == 404
    answered = await operator.send(f"/desk/appeals/{counted.appeal_id}/answer", secret)
    assert (answered.status, (await stored(site, counted.appeal_id)).status) == (200, Status.CLOSED)


async def test_suggestions_begin_with_two_letters(operator: Browser) -> None:
    for list_of in ("categories", "addresses"):
        assert await (await operator.get(f"/desk/{list_of}?q=x")).json() == []
        assert await (await operator.get(f"/desk/{list_of}")).json() == []
    [one] = await (await operator.get("/desk/categories?q=lea")).json()
    assert one["value"] == "water.leak"
