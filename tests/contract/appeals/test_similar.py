"""The earlier appeal about the same place and category is shown before a second one is registered."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from appeals import commands, queries
from appeals.incident_desk import IncidentDesk
from appeals.model import Actor, Appeal
from appeals.reference import Periods, Reference, Street
from appeals.register import Desk
from appeals.similar import Likeness, Similar, similar
from tests import town
from tests.contract.appeals.conftest import Register
from tests.contract.appeals.test_register import Office
from tests.town import OPERATOR, SUPERVISOR

STREETS = {
    "holovna": Street("holovna", "вул. Головна", former=("вул. Леніна",), districts={"centre": ()}),
    "ruska": Street("ruska", "вул. Руська", districts={"centre": ()}),
}
TOWN: Reference = replace(town.REFERENCE, streets=STREETS)


class Mapped(Office):
    """An office that knows its streets."""

    @property
    def desk(self) -> Desk:
        return replace(super().desk, reference=lambda _: TOWN)

    def about(self, call_id: str, address: str, category: str = "water.leak", number: str | None = None) -> Appeal:
        changes = {"category": category, "description": "тече", "address": address}
        return self.do(self.draft(call_id, number), commands.Register(changes=changes))


@pytest.fixture
def office(register: Register) -> Mapped:
    return Mapped(register)


async def alike(office: Mapped, to: Appeal, actor: Actor = OPERATOR) -> Similar:
    async def ask(connection: Any) -> Similar:  # noqa: ANN401 - the engine's own
        asked = await queries.get_appeal(connection, to.appeal_id)
        assert asked is not None
        return await similar(connection, asked, Periods(), actor, office.clock.at)

    return await office.register.read(ask)


async def test_the_same_house_comes_before_the_same_caller_and_the_same_street(office: Mapped) -> None:
    street = office.about("a", "Головна, 7")
    caller = office.about("b", "Руська, 1", number="+380501112233")
    house = office.about("c", "вул. Леніна 45 кв. 3")
    office.about("d", "Руська, 2")
    office.about("e", "Головна, 45", category="water.pressure")
    new = office.about("f", "Головна 45", number="+380501112233")
    found = await alike(office, new)
    assert [(one.appeal.appeal_id, one.likeness) for one in found.appeals] == [
        (house.appeal_id, Likeness.SAME_PLACE),
        (caller.appeal_id, Likeness.SAME_CALLER),
        (street.appeal_id, Likeness.SAME_STREET),
    ]


async def test_what_is_old_merged_dismissed_or_only_a_draft_is_not_shown(office: Mapped) -> None:
    old = office.about("old", "Головна, 45")
    office.clock.at += timedelta(days=15)
    lead = office.about("lead", "Головна, 45")
    merged = office.about("merged", "Головна, 45")
    office.do(merged.appeal_id, commands.Merge(into=lead.appeal_id))
    draft = office.draft("draft", None)
    office.do(draft, commands.Edit(changes={"category": "water.leak", "address": "Головна, 45"}))
    gone = office.draft("gone", None)
    office.do(gone, commands.Dismiss(reason=commands.DismissReason.PRANK))
    new = office.about("new", "Головна, 45")
    assert [one.appeal.appeal_id for one in (await alike(office, new)).appeals] == [lead.appeal_id]
    assert old.appeal_id != lead.appeal_id


async def test_a_restricted_appeal_is_shown_to_its_desk_alone(office: Mapped) -> None:
    office.about("a", "Головна, 45", "counselling.session")
    new = office.about("b", "Головна, 45", "counselling.session")
    assert (await alike(office, new)).appeals == ()
    assert len((await alike(office, new, town.PSYCHOLOGIST)).appeals) == 1


async def test_an_incident_that_covers_the_place_is_shown_and_one_elsewhere_is_not(office: Mapped) -> None:
    desk = IncidentDesk(office.desk)
    told: dict[str, Any] = {"category": "water.leak", "text": "авария"}
    here = office.register.write(lambda tx: desk.open(tx, SUPERVISOR, street="holovna", **told))
    office.register.write(lambda tx: desk.open(tx, SUPERVISOR, street="ruska", **told))
    new = office.about("a", "Головна, 45")
    assert [one.incident_id for one in (await alike(office, new)).incidents] == [here.incident_id]


async def test_without_category_place_or_number_there_is_nothing_alike(office: Mapped) -> None:
    office.about("a", "Головна, 45")
    draft = office.draft("b", None)
    nothing = office.do(draft, commands.Edit(changes={"description": "тече"}))
    assert await alike(office, nothing) == Similar((), ())
    somewhere = office.do(draft, commands.Edit(changes={"category": "water.leak", "address": "десь"}))
    assert await alike(office, somewhere) == Similar((), ())
