"""Rows of the register's tables as records, and back. Both the commands' transactions and the readers use it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal_column, or_, select

from appeals.duties import ContactDirection, Duty, DutyKind, EvidenceKind, Excuse, Forwarding
from appeals.evidence import ContactResult
from appeals.model import Appeal, Channel, HistoryEntry, Kind, Pause, Result, Status
from appeals.store import to_text
from appeals.tables import appeals, contact_evidence, contact_results, duties

Row = Mapping[Any, Any]
"""A row by the names of its columns."""

IS_ATTEMPT: Final[ColumnElement[bool]] = and_(
    contact_evidence.c.number == duties.c.number,
    contact_evidence.c.direction == literal_column(f"'{ContactDirection.OUTBOUND}'"),
    or_(
        contact_evidence.c.connected_seconds.is_(None),
        exists().where(
            contact_results.c.contact_id == contact_evidence.c.contact_id,
            contact_results.c.result != literal_column(f"'{ContactResult.TOLD}'"),
        ),
    ),
    contact_evidence.c.at > duties.c.opened_at,
    or_(duties.c.closed_at.is_(None), contact_evidence.c.at < duties.c.closed_at),
)
"""A call to the citizen of a duty, while it was open, in which they were not told."""

_attempts: Final = (
    select(func.count()).where(IS_ATTEMPT).select_from(contact_evidence).scalar_subquery().label("attempts")
)

DUTIES: Final = select(duties, _attempts)
"""Duties with the number of attempts to reach the citizen while they were open."""

_INSTANTS: Final = frozenset(
    {
        "created_at",
        "registered_at",
        "due_at",
        "legal_due_at",
        "accept_by",
        "scheduled_for",
        "escalated_at",
        "closed_at",
    }
)
_KEPT_APART: Final = frozenset({"calls", "recordings", "duties", "history", "masked"})
_FIELDS: Final = tuple(one.name for one in fields(Appeal) if one.name not in _KEPT_APART)
_PLAIN: Final = (
    frozenset(_FIELDS)
    - _INSTANTS
    - {
        "kind",
        "status",
        "channel",
        "result",
        "pauses",
        "photos",
        "extended_until",
        "privileged",
        "study",
    }
)


def mapped(statement: Select[Any], row: tuple[Any, ...]) -> dict[str | None, Any]:
    """A plain row of a statement by the names of its columns."""
    return dict(zip((column.key for column in statement.selected_columns), row, strict=True))


def _at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def entry(row: Row) -> HistoryEntry:
    """A line of history."""
    return HistoryEntry(datetime.fromisoformat(row["at"]), row["actor"], row["event"], json.loads(row["details"]))


def duty(row: Row) -> Duty:
    """A duty, of ``DUTIES``."""
    return Duty(
        duty_id=row["duty_id"],
        kind=DutyKind(row["kind"]),
        appeal_id=row["appeal_id"],
        call_id=row["call_id"],
        number=row["number"],
        line=row["line"],
        reason=row["reason"],
        owner=row["owner"],
        opened_at=datetime.fromisoformat(row["opened_at"]),
        due_at=datetime.fromisoformat(row["due_at"]),
        attempts=row["attempts"],
        evidence=row["evidence"],
        excuse=None if row["excuse"] is None else Excuse(row["excuse"]),
        closed_at=_at(row["closed_at"]),
        evidence_kind=_evidence_kind(row),
        email=row["email"],
        excuse_reason=row["excuse_reason"],
        excused_by=row["excused_by"],
        letter=row["letter"],
        claimed_at=_at(row["claimed_at"]),
        promised_for=_at(row["promised_for"]),
        words=row["words"],
        forwarding=_forwarding(row) if row["kind"] == DutyKind.FORWARDING_CONTROL else None,
    )


def _evidence_kind(row: Row) -> EvidenceKind | None:
    if row["kind"] == DutyKind.CALLBACK:  # only a call can clear it
        return None if row["evidence"] is None else EvidenceKind.CALL
    return None if row["evidence_kind"] is None else EvidenceKind(row["evidence_kind"])


def _forwarding(row: Row) -> Forwarding:
    return Forwarding(
        specialist=row["specialist"],
        talked_seconds=row["talked_seconds"],
        took_place=_yes_or_no(row["took_place"]),
        replied=_yes_or_no(row["replied"]),
        prompt=_yes_or_no(row["prompt"]),
        answered_by=row["answered_by"],
        answered_at=_at(row["answered_at"]),
    )


def _yes_or_no(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def appeal(
    row: Row,
    calls: Iterable[str] = (),
    recordings: Iterable[str] = (),
    owed: Iterable[Duty] = (),
    history: Iterable[HistoryEntry] = (),
) -> Appeal:
    """An appeal with what belongs to it."""
    values = {name: row[name] for name in _PLAIN} | {name: _at(row[name]) for name in _INSTANTS}
    pauses = json.loads(row["pauses"]) if row["pauses"] else ()
    return Appeal(
        **values,
        kind=None if row["kind"] is None else Kind(row["kind"]),
        status=Status(row["status"]),
        channel=Channel(row["channel"]),
        result=None if row["result"] is None else Result(row["result"]),
        pauses=tuple(Pause(datetime.fromisoformat(start), _at(end)) for start, end in pauses),
        photos=tuple(json.loads(row["photos"])) if row["photos"] else (),
        extended_until=None if row["extended_until"] is None else date.fromisoformat(row["extended_until"]),
        privileged=bool(row["privileged"]),
        study=bool(row["study"]),
        calls=tuple(calls),
        recordings=tuple(recordings),
        duties=tuple(owed),
        history=tuple(history),
    )


def changes(before: Appeal, after: Appeal) -> dict[str, object]:
    """The columns that differ, as the table holds them."""
    now = {name: getattr(after, name) for name in _FIELDS}
    return {name: _column(value) for name, value in now.items() if value != getattr(before, name)}


def columns(of: Appeal) -> dict[str, object]:
    """An appeal's own columns as the table holds them."""
    return {name: _column(getattr(of, name)) for name in _FIELDS}


def _column(value: Any) -> object:  # noqa: ANN401 - every kind of field
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return json.dumps([_listed(one) for one in value], ensure_ascii=False) if value else None
    return int(value) if isinstance(value, bool) else value


def _listed(one: object) -> object:
    if isinstance(one, Pause):
        return [to_text(one.start), None if one.end is None else to_text(one.end)]
    return one


APPEALS: Final = select(appeals)
"""Every column, as ``appeal`` wants them."""
