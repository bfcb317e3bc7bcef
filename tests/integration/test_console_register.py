"""The register's pages: who sees what, the filter in the address, and actions as forms."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appeals import commands, queries
from appeals.model import Appeal, Status
from tests.integration.console_rig import Console, browser, console, hidden


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Console]:
    async with console(tmp_path) as one:
        await one.everybody()
        yield one


async def stored(site: Console, appeal_id: str) -> Appeal:
    async with site.town.site.reading() as connection:
        found = await queries.get_appeal(connection, appeal_id)
    assert found is not None
    return found


def rows(page: str) -> list[str]:
    return re.findall(r'<a class="row" href="[^"]*"><b>([^<]*)</b>', page)


async def test_each_role_sees_what_the_register_shows_it(site: Console) -> None:
    appeal = await site.town.appeal("roads.hole", applicant="Марія Коваль", description="яма")
    secret = await site.town.appeal("education.bullying", applicant="Дитина", description="булінг")
    for role in ("operator", "supervisor", "head", "auditor"):
        async with browser(site) as one:
            await one.sign_in(role)
            page = await (await one.get(f"/appeals/{appeal.appeal_id}")).text()
            assert "Марія Коваль" in page
            hidden_page = await (await one.get(f"/appeals/{secret.appeal_id}")).text()
            listed = await (await one.get("/appeals")).text()
            for text in ("Дитина", "булінг"):
                assert text not in hidden_page
                assert text not in listed
            assert len(rows(listed)) == 2
    async with browser(site) as one:
        await one.sign_in("mayor")
        page = await (await one.get(f"/appeals/{appeal.appeal_id}")).text()
        assert "яма" in page
        assert "Марія Коваль" not in page
        assert rows(await (await one.get("/appeals?text=Коваль")).text()) == []
    async with browser(site) as one:
        await one.sign_in("executor")
        assert (await one.get(f"/appeals/{appeal.appeal_id}")).status == 404
        assert rows(await (await one.get("/appeals")).text()) == []


async def test_an_action_that_takes_the_appeal_out_of_sight_leads_to_the_list(site: Console) -> None:
    appeal = await site.town.appeal()
    async with browser(site) as desk, browser(site) as service:
        await desk.sign_in("operator")
        fields = {"version": str(appeal.version), "service": "water", "known": "3"}
        assert (await desk.send(f"/appeals/{appeal.appeal_id}/route", fields)).status == 303
        await service.sign_in("executor")
        page = await (await service.get(f"/appeals/{appeal.appeal_id}")).text()
        assert "/decline" in page
        assert "/route" not in page
        fields = {"version": hidden(page, "version"), "reason": "не наша мережа"}
        answer = await service.send(f"/appeals/{appeal.appeal_id}/decline", fields)
        assert answer.headers["Location"] == "/console/appeals?done=decline"
    assert (await stored(site, appeal.appeal_id)).declines == 1


async def test_what_was_read_before_somebody_changed_it_changes_nothing(site: Console) -> None:
    appeal = await site.town.appeal()
    async with browser(site) as one:
        await one.sign_in("operator")
        old = {"version": str(appeal.version - 1), "known": "1", "service": "water"}
        answer = await one.send(f"/appeals/{appeal.appeal_id}/route", old)
        assert answer.status == 409
        page = await answer.text()
        assert hidden(page, "version") == str(appeal.version)
        assert "Змінено, поки ви писали" in page
        for version in ("", "x", "-1"):
            assert (await one.send(f"/appeals/{appeal.appeal_id}/route", old | {"version": version})).status == 404
        assert (await one.send(f"/appeals/{appeal.appeal_id}/verify", old)).status == 404
    assert (await stored(site, appeal.appeal_id)).status is Status.REGISTERED


async def test_only_fields_that_were_typed_into_are_written(site: Console) -> None:
    appeal = await site.town.appeal()
    await site.town.perform(appeal.appeal_id, commands.Edit(changes={"address": "вул. Нова, 1"}))
    now = await stored(site, appeal.appeal_id)
    fields = {
        "version": str(now.version),
        "description": "новий опис",
        "was.description": now.description or "",
        "address": "",
        "was.address": "",
        "privileged": "1",
        "was.privileged": "",
    }
    async with browser(site) as one:
        await one.sign_in("operator")
        assert (await one.send(f"/appeals/{appeal.appeal_id}/edit", fields)).status == 303
    after = await stored(site, appeal.appeal_id)
    assert (after.description, after.address, after.privileged) == ("новий опис", "вул. Нова, 1", True)


async def test_appeals_are_merged_by_the_number_that_people_know(site: Console) -> None:
    one_appeal, other = await site.town.appeal(), await site.town.appeal()
    async with browser(site) as one:
        await one.sign_in("operator")
        path = f"/appeals/{one_appeal.appeal_id}/merge"
        fields = {"version": str(one_appeal.version)}
        refused = await one.send(path, fields | {"into": "2026-999999"})
        assert refused.status == 422
        assert "2026-999999" in await refused.text()
        assert (await one.send(path, fields | {"into": str(other.registration_number)})).status == 303
    assert (await stored(site, one_appeal.appeal_id)).merged_into == other.appeal_id


async def test_a_date_that_is_none_is_refused_and_kept(site: Console) -> None:
    appeal = await site.town.appeal("health.complaint")
    async with browser(site) as one:
        await one.sign_in("head")
        fields = {"version": str(appeal.version), "until": "не дата", "reason": "складна справа"}
        answer = await one.send(f"/appeals/{appeal.appeal_id}/extend", fields)
        assert answer.status == 422
        assert "складна справа" in await answer.text()


async def test_the_filter_stands_in_the_address(site: Console) -> None:
    leak = await site.town.appeal("water.leak", description="тече труба у дворі")
    hole = await site.town.appeal("roads.hole", description="яма на дорозі")
    await site.town.perform(leak.appeal_id, commands.RouteTo(service="water"))
    number = {leak.registration_number: "leak", hole.registration_number: "hole"}
    wanted = {
        "": {"leak", "hole"},
        "text=яма": {"hole"},
        "text=ями": {"hole"},
        f"text={leak.registration_number}": {"leak"},
        "status=routed": {"leak"},
        "status=routed&status=registered": {"leak", "hole"},
        "category=water": {"leak"},
        "service=water": {"leak"},
        "created_until=2020-01-01": set(),
        "created_since=2020-01-01": {"leak", "hole"},
        "created_since=nonsense&status=nonsense&cursor=nonsense": {"leak", "hole"},
        "overdue=1": set(),
        "line=15-80": set(),
    }
    async with browser(site) as one:
        await one.sign_in("operator")
        for query, expected in wanted.items():
            page = await (await one.get(f"/appeals?{query}")).text()
            assert {number[row] for row in rows(page)} == expected, query


async def test_a_long_list_is_leafed_through_with_its_filter(site: Console) -> None:
    for _ in range(52):
        await site.town.appeal()
    await site.town.appeal("roads.hole")
    seen: list[str] = []
    async with browser(site) as one:
        await one.sign_in("operator")
        page = await (await one.get("/appeals?category=water")).text()
        seen += rows(page)
        following = re.search(r'href="(\?[^"]*)" rel="next"', page)
        assert following is not None
        assert "category=water" in following[1]
        page = await (await one.get(f"/appeals{following[1].replace('&amp;', '&')}")).text()
        seen += rows(page)
        assert 'rel="next"' not in page
    assert (len(seen), len(set(seen))) == (52, 52)


async def test_what_comes_in_person_is_written_down_as_a_draft(site: Console) -> None:
    async with browser(site) as one:
        await one.sign_in("operator")
        wrong = {"channel": "visit", "applicant_phone": "не номер", "description": "Просить лавку"}
        refused = await one.send("/appeals/new", wrong)
        assert refused.status == 422
        assert "Просить лавку" in await refused.text()
        assert (await one.send("/appeals/new", {"channel": "phone"})).status == 404
        made = await one.send(
            "/appeals/new", {"channel": "written", "description": "Просить лавку", "category": "water.leak"}
        )
        appeal = await stored(site, made.headers["Location"].rpartition("/")[2])
    assert (appeal.status, appeal.channel.value, appeal.description) == (Status.NEW, "written", "Просить лавку")


async def test_the_first_page_counts_what_waits_for_each_role(site: Console) -> None:
    await site.town.appeal()
    routed = await site.town.appeal()
    await site.town.perform(routed.appeal_id, commands.RouteTo(service="water"))
    counted = {}
    for role in ("operator", "executor", "administrator", "specialist"):
        async with browser(site) as one:
            await one.sign_in(role)
            page = await (await one.get("/")).text()
            counted[role] = re.findall(r'<span class="figure[^"]*">(\d+)\+?</span> ([^<]*)', page)
    assert ("1", "Чекають на вибір служби") in [(count, name.strip()) for count, name in counted["operator"]]
    assert ("1", "Нові для вашої служби") in [(count, name.strip()) for count, name in counted["executor"]]
    assert counted["administrator"] == counted["specialist"] == []
