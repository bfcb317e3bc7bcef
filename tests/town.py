"""A small town's reference data, and the people who work there."""

from datetime import UTC, datetime, time
from typing import Final

from appeals.model import Actor, Kind, Role
from appeals.reference import Calendar, Category, Hours, Name, Reference, Service, Span, Urgency

REGISTERED_AT: Final = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
"""A Monday, 11:30 in the city."""

_WEEK: Final = Hours({day: ((time(8), time(12)), (time(13), time(17))) for day in range(1, 6)})


def leaf(
    code: str,
    kind: Kind = Kind.OPERATIONAL,
    *,
    service: str | None = "water",
    sla: str | None = "3d",
    desk: str | None = None,
    photo: bool = False,
    no_text: bool = False,
    priority: bool = False,
) -> Category:
    name = code.rpartition(".")[2]
    return Category(
        code=code,
        parent=code.partition(".")[0],
        name=Name(name, name),
        kind=kind,
        urgency=Urgency.N,
        service=service,
        sla=None if sla is None else Span.parse(sla),
        accept_within=Span.parse("4wh"),
        desk=desk,
        photo=photo,
        no_text=no_text,
        priority=priority,
    )


_LEAVES: Final = (
    leaf("water.leak", sla="2h"),
    leaf("water.pressure", sla="3d"),
    leaf("roads.hole", service="roads", sla="7d", photo=True),
    leaf("roads.veterans", service="roads", sla="5wd", priority=True),
    leaf("health.complaint", Kind.FORMAL, service="health", sla=None),
    leaf("info.contacts", Kind.CONSULTATION, service=None, sla=None),
    leaf("counselling.session", Kind.CONSULTATION, service=None, sla=None, desk="counselling"),
    leaf("counselling.crisis", Kind.CONSULTATION, service=None, sla=None, desk="counselling", no_text=True),
    leaf("education.bullying", service="schools", desk="violence"),
)
_GROUPS: Final = tuple(
    Category(
        code=code,
        parent=None,
        name=Name(code, code),
        kind=Kind.OPERATIONAL,
        urgency=Urgency.N,
        service=None,
        sla=None,
        accept_within=Span.parse("4wh"),
    )
    for code in ("water", "roads", "health", "info", "counselling", "education")
)

REFERENCE: Final = Reference(
    version="town-1",
    categories={one.code: one for one in (*_GROUPS, *_LEAVES)},
    services={
        one.code: one
        for one in (
            Service("water", Name("Водоканал", "Waterworks"), phone="+380372520000", email="water@example.org"),
            Service("roads", Name("МіськШЕП", "Roads")),
            Service("health", Name("Управління охорони здоров'я", "Health department")),
            Service("schools", Name("Управління освіти", "Schools")),
            Service("gas", Name("104", "Gas"), external=True, phone="104"),
        )
    },
    districts={"centre": Name("Центр", "Centre")},
    streets={},
    routes=(),
    calendar=Calendar(_WEEK, years=frozenset({2026, 2027})),
    templates={},
)

OPERATOR: Final = Actor("olena", frozenset({Role.OPERATOR}))
OTHER_OPERATOR: Final = Actor("iryna", frozenset({Role.OPERATOR}))
SUPERVISOR: Final = Actor("maria", frozenset({Role.SUPERVISOR}))
HEAD: Final = Actor("head", frozenset({Role.HEAD}))
AUDITOR: Final = Actor("auditor", frozenset({Role.AUDITOR}))
MAYOR: Final = Actor("mayor", frozenset({Role.MAYOR}))
ADMINISTRATOR: Final = Actor("admin", frozenset({Role.ADMINISTRATOR}))
WATER: Final = Actor("vodokanal", frozenset({Role.EXECUTOR}), service="water")
ROADS: Final = Actor("shep", frozenset({Role.EXECUTOR}), service="roads")
PSYCHOLOGIST: Final = Actor("psy", frozenset({Role.OPERATOR}), desks=frozenset({"counselling"}))
SYSTEM: Final = Actor("contact-centre", frozenset({Role.SYSTEM}))
