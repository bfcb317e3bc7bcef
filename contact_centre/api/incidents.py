"""Incidents: one outage, many callers."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from appeals import incident_store
from appeals.incidents import Incident, NoSuchIncidentError
from contact_centre.api import appeals, wire
from contact_centre.api.site import Answer, Asked, Operation, Reading, Writing
from contact_centre.api.tokens import Scope
from contact_centre.api.wire import Instant, Nothing, Text
from contact_centre.writer import SqliteTx

MOST_ON_A_PAGE: Final = 200
DEFAULT_LIMIT: Final = 50

IncidentForm: Final = wire.given(Incident)
IncidentPage: Final = wire.page("IncidentPage", IncidentForm)


class IncidentsAsked(Struct, kw_only=True, forbid_unknown_fields=True):
    """Those that are proposed or open, or (`ended`) also those that are over."""

    ended: bool = False
    limit: Annotated[int, Meta(ge=1, le=MOST_ON_A_PAGE)] = DEFAULT_LIMIT
    cursor: Text | None = None


class OpenIncident(Struct, kw_only=True, forbid_unknown_fields=True):
    """An incident to be opened. `text` is what callers are told; `incident_id` is that of a proposal, if it was one."""

    category: Text
    text: Text
    district: Text | None = None
    street: Text | None = None
    expected_end: Instant | None = None
    incident_id: Text | None = None


class UpdateIncident(Struct, kw_only=True, forbid_unknown_fields=True):
    """What callers are told from now on; null leaves it as it is."""

    text: Text | None = None
    expected_end: Instant | None = None


class EndIncident(Struct, kw_only=True, forbid_unknown_fields=True):
    """What everybody who reported it is told."""

    text: Text


class AttachAppeal(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which appeal, or draft, belongs to the incident."""

    appeal_id: Annotated[str, Meta(max_length=100)]


def _answer(incident: Incident, location: str | None = None) -> Answer:
    return Answer(wire.give(IncidentForm, incident), version=incident.version, location=location)


async def _list(asked: Asked) -> Answer:
    sent = asked.query
    async with asked.site.reading() as connection:
        found = await incident_store.list_incidents(
            connection, ended=sent.ended, limit=sent.limit + 1, before=sent.cursor
        )
    page = found[: sent.limit]
    cursor = page[-1].incident_id if len(found) > sent.limit else None
    return Answer(IncidentPage(items=[wire.give(IncidentForm, one) for one in page], next=cursor), following=cursor)


async def _get(asked: Asked) -> Answer:
    async with asked.site.reading() as connection:
        found = await incident_store.get_incident(connection, asked.path["incident_id"])
    if found is None:
        raise NoSuchIncidentError(asked.path["incident_id"])
    return _answer(found)


def _open(asked: Asked, tx: SqliteTx) -> Answer:
    opened = asked.site.incidents.open(tx, asked.actor, **msgspec.structs.asdict(asked.body))
    return _answer(opened, f"/incidents/{opened.incident_id}")


def _update(asked: Asked, tx: SqliteTx) -> Answer:
    told = msgspec.structs.asdict(asked.body)
    desk = asked.site.incidents
    return _answer(desk.update(tx, asked.path["incident_id"], asked.actor, **told, expected=asked.expected))


def _dismiss(asked: Asked, tx: SqliteTx) -> Answer:
    return _answer(asked.site.incidents.dismiss(tx, asked.path["incident_id"], asked.actor))


def _end(asked: Asked, tx: SqliteTx) -> Answer:
    desk, incident_id = asked.site.incidents, asked.path["incident_id"]
    return _answer(desk.end(tx, incident_id, asked.actor, text=asked.body.text, expected=asked.expected))


def _attach(asked: Asked, tx: SqliteTx) -> Answer:
    desk, incident_id = asked.site.incidents, asked.path["incident_id"]
    joined = desk.attach(tx, incident_id, asked.body.appeal_id, asked.actor)
    return appeals.after(asked, tx, joined)


OPERATIONS: Final[tuple[Operation, ...]] = (
    Reading(
        name="list_incidents",
        path="/incidents",
        scope=Scope.INCIDENTS_READ,
        summary="Incidents, the latest first",
        query=IncidentsAsked,
        gives=IncidentPage,
        do=_list,
    ),
    Writing(
        name="open_incident",
        path="/incidents",
        scope=Scope.INCIDENTS_WRITE,
        summary="Open an incident, a proposed one or a new one",
        takes=OpenIncident,
        gives=IncidentForm,
        status=201,
        problems=("not_your_role", "no_such_incident", "incident_status", "guard", "unknown_reference"),
        do=_open,
    ),
    Reading(
        name="get_incident",
        path="/incidents/{incident_id}",
        scope=Scope.INCIDENTS_READ,
        summary="One incident",
        gives=IncidentForm,
        problems=("no_such_incident",),
        do=_get,
    ),
    Writing(
        name="update_incident",
        path="/incidents/{incident_id}/actions/update",
        scope=Scope.INCIDENTS_WRITE,
        summary="Change what callers are told",
        takes=UpdateIncident,
        gives=IncidentForm,
        versioned=True,
        problems=("not_your_role", "no_such_incident", "incident_status", "changed_meanwhile", "guard"),
        do=_update,
    ),
    Writing(
        name="dismiss_incident",
        path="/incidents/{incident_id}/actions/dismiss",
        scope=Scope.INCIDENTS_WRITE,
        summary="A proposal was no incident",
        takes=Nothing,
        gives=IncidentForm,
        problems=("not_your_role", "no_such_incident", "incident_status"),
        do=_dismiss,
    ),
    Writing(
        name="end_incident",
        path="/incidents/{incident_id}/actions/end",
        scope=Scope.INCIDENTS_WRITE,
        summary="It is over: everybody who reported it is owed that word",
        takes=EndIncident,
        gives=IncidentForm,
        versioned=True,
        problems=("not_your_role", "no_such_incident", "incident_status", "changed_meanwhile", "guard"),
        do=_end,
    ),
    Writing(
        name="attach_appeal",
        path="/incidents/{incident_id}/actions/attach",
        scope=Scope.INCIDENTS_WRITE,
        summary="A draft or appeal belongs to the incident: it is registered if need be, and merged into the lead",
        takes=AttachAppeal,
        gives=appeals.AppealForm,
        problems=(
            "not_your_role",
            "no_such_incident",
            "no_such_appeal",
            "incident_status",
            "illegal_transition",
            "guard",
            "unknown_reference",
        ),
        do=_attach,
    ),
)
