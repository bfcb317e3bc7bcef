"""Who is proposed: the most specific rule, whoever is on duty, and never the body complained of."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appeals.errors import UnknownReferenceError
from appeals.model import Kind
from appeals.reference import (
    CITY_TIME,
    Calendar,
    Category,
    Hours,
    Name,
    Reference,
    Route,
    Service,
    Span,
    Unit,
    Urgency,
)
from appeals.routing import Proposal, Reason, ReasonCode, on_duty, propose

OFFICE = Hours(dict.fromkeys(range(1, 6), ((time(8), time(12)), (time(13), time(17)))))
NAME = Name("назва", "name")
MONDAY = datetime(2026, 11, 23, 10, tzinfo=CITY_TIME)
NIGHT = datetime(2026, 11, 23, 22, tzinfo=CITY_TIME)


def category(code: str, service: str | None, about: str | None = None) -> Category:
    parent = code.partition(".")[0] if "." in code else None
    within = Span(4, Unit.WORKING_HOURS)
    return Category(code, parent, NAME, Kind.OPERATIONAL, Urgency.N, service, None, within, about=about)


def service(code: str, superior: str | None = None, hours: Hours | None = None, *, external: bool = False) -> Service:
    return Service(code, NAME, external=external, superior=superior, hours=hours or Hours.round_the_clock())


REFERENCE = Reference(
    version="1",
    categories={
        one.code: one
        for one in (
            category("roads", None),
            category("roads.pits", "works"),
            category("roads.ice", "works"),
            category("roads.signs", "police"),
            category("noise", None),
            category("noise.night", "inspection"),
            category("noise.inspection", "inspection", about="inspection"),
            category("info", None),
            category("info.hours", None),
        )
    },
    services={
        one.code: one
        for one in (
            service("works", "department"),
            service("works_north", "works"),
            service("department", "council", OFFICE),
            service("council"),
            service("inspection", "department", OFFICE),
            service("police", external=True),
        )
    },
    districts={"north": NAME, "south": NAME},
    streets={},
    routes=(
        Route("roads", "department"),
        Route("roads", "works_north", district="north"),
        Route("roads.ice", "works"),
        Route("roads.signs", "police"),
        Route("noise", "inspection", off_duty="police"),
    ),
    calendar=Calendar(OFFICE, days={date(2026, 11, 24): None}),
    templates={},
)


def told(proposal: Proposal) -> list[tuple[str, str | None]]:
    return [(reason.code.value, reason.parameters.get("service")) for reason in proposal.reasons]


def of(code: str, district: str | None = None, at: datetime = MONDAY, complained_of: str | None = None) -> Proposal:
    return propose(REFERENCE, code, district, at, complained_of)


@pytest.mark.parametrize(
    ("code", "district", "service", "rule"),
    [
        ("roads.pits", None, "department", {"category": "roads"}),
        ("roads.pits", "south", "department", {"category": "roads"}),
        ("roads.pits", "north", "works_north", {"category": "roads", "district": "north"}),
        ("roads.ice", "north", "works", {"category": "roads.ice"}),
    ],
)
def test_the_most_specific_rule_wins(code: str, district: str | None, service: str, rule: dict[str, str]) -> None:
    assert of(code, district) == Proposal(service, (Reason(ReasonCode.RULE, rule),))


def test_without_a_rule_the_usual_service_gets_it() -> None:
    found = propose(replace(REFERENCE, routes=()), "roads.pits", "north", MONDAY, None)
    assert found == Proposal("works", (Reason(ReasonCode.USUAL),))


def test_what_the_operator_answers_has_no_service() -> None:
    assert of("info.hours") == Proposal(None, (Reason(ReasonCode.ANSWERED_IN_CALL),))


def test_off_duty_whoever_stands_in_gets_it() -> None:
    assert of("noise.night") == Proposal("inspection", (Reason(ReasonCode.RULE, {"category": "noise"}),))
    found = of("noise.night", at=NIGHT)
    assert found.service == "police"
    assert told(found) == [("rule", None), ("off_duty", "inspection"), ("external", "police")]


def test_off_duty_without_anybody_to_stand_in_it_waits() -> None:
    found = of("roads.pits", at=NIGHT)
    assert found.service == "department"
    assert told(found) == [("rule", None), ("waits", "department")]


def test_who_is_complained_of_does_not_stand_in_either() -> None:
    found = of("noise.night", at=NIGHT, complained_of="police")
    assert found.service == "inspection"
    assert told(found) == [("rule", None), ("waits", "inspection")]


def test_a_complaint_goes_above_the_body_complained_of() -> None:
    found = of("roads.ice", complained_of="works")
    assert found.service == "department"
    assert told(found) == [("rule", None), ("art_7", "works")]
    assert of("roads.ice", complained_of="inspection").service == "works"


def test_a_category_of_complaints_never_reaches_whom_it_is_about() -> None:
    assert of("noise.inspection").service == "department"
    both = of("noise.inspection", complained_of="department")
    assert both.service == "council"
    assert told(both) == [("rule", None), ("art_7", "inspection")]


def test_the_stand_in_of_a_rule_does_not_stand_in_for_the_body_above() -> None:
    found = of("noise.night", at=NIGHT, complained_of="inspection")
    assert found.service == "department"
    assert told(found) == [("rule", None), ("art_7", "inspection"), ("waits", "department")]


def test_where_nobody_is_above_nothing_is_proposed() -> None:
    found = of("roads.signs", complained_of="police")
    assert found.service is None
    assert told(found) == [("rule", None), ("art_7", "police"), ("no_superior", "police")]


def test_bodies_that_are_above_each_other_do_not_go_round_for_ever() -> None:
    one, other = service("works", "department"), service("department", "works")
    services = {**REFERENCE.services, "works": one, "department": other}
    found = propose(
        replace(REFERENCE, services=services, routes=(), categories={"a.b": category("a.b", "works", "department")}),
        "a.b",
        None,
        MONDAY,
        "works",
    )
    assert found.service is None


def test_office_hours_follow_the_citys_days_off_and_round_the_clock_is_always() -> None:
    day_off = datetime(2026, 11, 24, 10, tzinfo=CITY_TIME)
    office, always = REFERENCE.services["department"], REFERENCE.services["works"]
    own = service("own", hours=Hours(dict.fromkeys(range(1, 8), ((time(6), time(0)),))))
    calendar = REFERENCE.calendar
    assert [on_duty(one, day_off, calendar) for one in (office, always, own)] == [False, True, True]
    assert on_duty(office, MONDAY, calendar)
    assert not on_duty(office, MONDAY.replace(hour=12), calendar)
    assert not on_duty(own, MONDAY.replace(hour=5), calendar)
    with pytest.raises(ValueError, match="without offset"):
        on_duty(office, datetime(2026, 11, 24, 10), calendar)  # noqa: DTZ001 - what is refused


def test_unknown_categories_and_groups_are_refused() -> None:
    for code in ("roads", "nothing.here"):
        with pytest.raises(UnknownReferenceError):
            of(code)


SERVICES = st.sampled_from([*REFERENCE.services, None])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(code for code in REFERENCE.categories if "." in code)),
    st.sampled_from(["north", "south", None]),
    st.integers(0, 365 * 24).map(lambda hours: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)),
    SERVICES,
)
def test_the_body_complained_of_is_never_proposed(
    code: str, district: str | None, at: datetime, complained_of: str | None
) -> None:
    found = propose(REFERENCE, code, district, at, complained_of)
    assert found.reasons
    assert found.service is None or found.service not in {complained_of, REFERENCE.category(code).about}
