"""The statements on incidents and on what is alike."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, func, insert, literal_column, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.incidents import Incident, IncidentStatus, Report
from appeals.model import Status
from appeals.ports import Tx
from appeals.store import to_text
from appeals.tables import appeals, incident_callers, incidents

_ALIVE: Final[tuple[ColumnElement[str], ...]] = (
    literal_column(f"'{IncidentStatus.PROPOSED}'"),
    literal_column(f"'{IncidentStatus.OPEN}'"),
)
_callers: Final = (
    select(func.count())
    .where(incident_callers.c.incident_id == incidents.c.incident_id)
    .select_from(incident_callers)
    .scalar_subquery()
    .label("callers")
)
_INCIDENTS: Final = select(incidents, _callers)
_NAMES: Final = tuple(column.key or "" for column in _INCIDENTS.selected_columns)
_ONE: Final = _INCIDENTS.where(incidents.c.incident_id == bindparam("of_incident"))
_LIVE: Final = _INCIDENTS.where(incidents.c.status.in_(_ALIVE)).order_by(incidents.c.incident_id)
_LED: Final = select(incidents.c.incident_id).where(
    incidents.c.lead == bindparam("of_appeal"), incidents.c.status == literal_column(f"'{IncidentStatus.OPEN}'")
)
_LAST_DISMISSED: Final = select(func.max(incidents.c.ended_at)).where(
    incidents.c.status == literal_column(f"'{IncidentStatus.DISMISSED}'"),
    incidents.c.category == bindparam("of_category"),
)
_INSERT: Final = insert(incidents)
_UPDATE: Final = (
    update(incidents)
    .where(incidents.c.incident_id == bindparam("of_incident"))
    .values(
        {
            column.key: bindparam(f"new_{column.key}")
            for column in incidents.columns
            if column.key not in {"incident_id", "category", "proposed_at"}
        }
    )
)
_JOIN: Final = upsert(incident_callers).values(
    {
        name: bindparam(name)
        for name in ("incident_id", "appeal_id", "call_id", "number", "joined_at", "joined_by", "duty_id")
    }
)
_JOIN_ONCE: Final = _JOIN.on_conflict_do_nothing(index_elements=["appeal_id"])
_JOINED_BY_CALL: Final = select(incident_callers.c.entry).where(
    incident_callers.c.incident_id == bindparam("of_incident"), incident_callers.c.call_id == bindparam("of_call")
)
_REPORTS: Final = (
    select(incident_callers)
    .where(incident_callers.c.incident_id == bindparam("of_incident"))
    .order_by(incident_callers.c.entry)
)
_TOLD: Final = (
    update(incident_callers)
    .where(
        incident_callers.c.incident_id == bindparam("of_incident"),
        or_(
            incident_callers.c.appeal_id == bindparam("of_appeal"),
            incident_callers.c.call_id == bindparam("of_call"),
        ),
    )
    .values(duty_id=bindparam("of_duty"))
)
_OF_DUTY: Final = (
    select(incidents.c.end_text, incidents.c.category)
    .join(incident_callers, incident_callers.c.incident_id == incidents.c.incident_id)
    .where(incident_callers.c.duty_id == bindparam("of_duty"))
)

_CLUSTER: Final = (
    select(appeals.c.appeal_id, appeals.c.district, appeals.c.street)
    .where(
        appeals.c.category == bindparam("of_category"),
        appeals.c.created_at >= bindparam("since"),
        appeals.c.incident_id.is_(None),
        appeals.c.desk.is_(None),
        appeals.c.status.not_in(
            [literal_column(f"'{one}'") for one in (Status.DISMISSED, Status.MERGED, Status.CLOSED)]
        ),
    )
    .order_by(appeals.c.created_at, appeals.c.appeal_id)
)


def _incident(row: dict[str, Any]) -> Incident:
    at = {name: row[name] for name in ("expected_end", "proposed_at", "opened_at", "ended_at")}
    moments = {name: None if text is None else datetime.fromisoformat(text) for name, text in at.items()}
    return Incident(**(row | moments | {"status": IncidentStatus(row["status"])}))


def _columns(of: Incident) -> dict[str, object]:
    def text(at: datetime | None) -> str | None:
        return None if at is None else to_text(at)

    return {
        "incident_id": of.incident_id,
        "status": of.status.value,
        "category": of.category,
        "district": of.district,
        "street": of.street,
        "text": of.text,
        "expected_end": text(of.expected_end),
        "lead": of.lead,
        "proposed_at": text(of.proposed_at),
        "opened_at": text(of.opened_at),
        "opened_by": of.opened_by,
        "ended_at": text(of.ended_at),
        "ended_by": of.ended_by,
        "end_text": of.end_text,
        "version": of.version,
    }


def load(tx: Tx, incident_id: str) -> Incident | None:
    """An incident; None if there is none."""
    found = tx.fetch_all(_ONE, {"of_incident": incident_id})
    return _incident(dict(zip(_NAMES, found[0], strict=True))) if found else None


def alive(tx: Tx) -> list[Incident]:
    """What is proposed or open; a handful at most."""
    return [_incident(dict(zip(_NAMES, row, strict=True))) for row in tx.fetch_all(_LIVE)]


def last_dismissed(tx: Tx, category: str) -> datetime | None:
    """When a proposal for a category was last found to be none."""
    [(at,)] = tx.fetch_all(_LAST_DISMISSED, {"of_category": category})
    return None if at is None else datetime.fromisoformat(at)


def leads_open(tx: Tx, appeal_id: str) -> bool:
    """Whether an appeal is the lead of an incident that goes on."""
    return bool(tx.fetch_all(_LED, {"of_appeal": appeal_id}))


def put(tx: Tx, incident: Incident) -> None:
    """A new incident."""
    tx.execute(_INSERT, _columns(incident))


def change(tx: Tx, incident: Incident) -> None:
    """Write an incident as it now is."""
    values = {f"new_{name}": value for name, value in _columns(incident).items()}
    tx.execute(_UPDATE, values | {"of_incident": incident.incident_id})


def join(
    tx: Tx,
    incident_id: str,
    *,
    appeal_id: str | None,
    call_id: str | None,
    number: str | None,
    at: datetime,
    by: str | None,
) -> None:
    """Somebody reports an incident; an appeal, or a call, once."""
    if appeal_id is None and tx.fetch_all(_JOINED_BY_CALL, {"of_incident": incident_id, "of_call": call_id}):
        return
    row = {"incident_id": incident_id, "appeal_id": appeal_id, "call_id": call_id, "number": number}
    tx.execute(_JOIN_ONCE, row | {"joined_at": to_text(at), "joined_by": by, "duty_id": None})


def reports(tx: Tx, incident_id: str) -> list[Report]:
    """Everybody who reported an incident, the first at the head."""
    return [
        Report(of, appeal_id, call_id, number, datetime.fromisoformat(at), by, duty_id)
        for _, of, appeal_id, call_id, number, at, by, duty_id in tx.fetch_all(_REPORTS, {"of_incident": incident_id})
    ]


def told(tx: Tx, report: Report, duty_id: str) -> None:
    """Somebody is owed the news that it is over."""
    tx.execute(
        _TOLD,
        {
            "of_incident": report.incident_id,
            "of_appeal": report.appeal_id,
            "of_call": report.call_id if report.appeal_id is None else None,
            "of_duty": duty_id,
        },
    )


def news_of(tx: Tx, duty_id: str) -> tuple[str, str] | None:
    """What is to be told for a duty, and the category of the incident; None if it is about none."""
    found = tx.fetch_all(_OF_DUTY, {"of_duty": duty_id})
    return (str(found[0][0] or ""), str(found[0][1])) if found else None


async def news_by_duty(connection: AsyncConnection, duty_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """The same as ``news_of``, by ``duty_id``; duties that are about no incident are absent."""
    found = await connection.execute(
        select(incident_callers.c.duty_id, incidents.c.end_text, incidents.c.category)
        .join(incident_callers, incident_callers.c.incident_id == incidents.c.incident_id)
        .where(incident_callers.c.duty_id.in_(duty_ids))
    )
    return {duty_id: (text or "", category) for duty_id, text, category in found}


def cluster(tx: Tx, category: str, since: datetime) -> list[tuple[str, str | None, str | None]]:
    """``appeal_id``, district and street of what was reported of a category since then and belongs to no incident."""
    rows = tx.fetch_all(_CLUSTER, {"of_category": category, "since": to_text(since)})
    return [(str(appeal_id), district, street) for appeal_id, district, street in rows]


async def list_incidents(
    connection: AsyncConnection, *, ended: bool = False, limit: int | None = None, before: str | None = None
) -> list[Incident]:
    """Incidents that are proposed or open, or also those that are over, the newest first.

    ``before`` is an ``incident_id``: only older ones.
    """
    chosen = _INCIDENTS if ended else _INCIDENTS.where(incidents.c.status.in_(_ALIVE))
    if before is not None:
        chosen = chosen.where(incidents.c.incident_id < before)
    found = await connection.execute(chosen.order_by(incidents.c.incident_id.desc()).limit(limit))
    return [_incident(dict(row)) for row in found.mappings()]


async def get_incident(connection: AsyncConnection, incident_id: str) -> Incident | None:
    """One incident, or None."""
    found = (await connection.execute(_ONE, {"of_incident": incident_id})).mappings().first()
    return None if found is None else _incident(dict(found))
