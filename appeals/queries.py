"""What people and programs read from the register, as plain dataclasses."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.model import (
    Appeal,
    Callback,
    CallbackState,
    Channel,
    ContactDirection,
    Duty,
    DutyKind,
    Excuse,
    HistoryEntry,
    Kind,
    Status,
    callbacks,
)
from appeals.store import (
    appeal_calls,
    appeal_history,
    appeals,
    call_recordings,
    contact_evidence,
    duties,
    is_callback,
    to_text,
)

CHUNK: Final = 500
"""How many ids go into one statement; SQLite limits the number of its variables."""

_attempts: Final = (
    select(func.count())
    .where(
        contact_evidence.c.number == duties.c.number,
        contact_evidence.c.direction == literal_column(f"'{ContactDirection.OUTBOUND}'"),
        contact_evidence.c.connected_seconds.is_(None),
        contact_evidence.c.at > duties.c.opened_at,
        or_(duties.c.closed_at.is_(None), contact_evidence.c.at < duties.c.closed_at),
    )
    .select_from(contact_evidence)
    .scalar_subquery()
    .label("attempts")
)

_DUTIES: Final = select(duties, _attempts)


@dataclass(frozen=True, slots=True)
class AppealFilters:
    """Which appeals; a criterion that is None does not narrow. ``since`` is inclusive, ``until`` exclusive."""

    since: datetime | None = None
    until: datetime | None = None
    status: Status | None = None
    line: str | None = None
    operator: str | None = None
    number: str | None = None
    call_id: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class CallbackFilters:
    """Which entries of the worklist. ``since`` narrows those that are no longer open to what ended then or later."""

    state: CallbackState | None = CallbackState.OPEN
    number: str | None = None
    since: datetime | None = None


async def list_appeals(connection: AsyncConnection, filters: AppealFilters = AppealFilters()) -> list[Appeal]:
    """Appeals, the newest first."""
    conditions: list[ColumnElement[bool]] = []
    if filters.since is not None:
        conditions.append(appeals.c.created_at >= to_text(filters.since))
    if filters.until is not None:
        conditions.append(appeals.c.created_at < to_text(filters.until))
    if filters.status is not None:
        conditions.append(appeals.c.status == filters.status.value)
    if filters.line is not None:
        conditions.append(appeals.c.line == filters.line)
    if filters.operator is not None:
        conditions.append(appeals.c.operator == filters.operator)
    if filters.number is not None:
        conditions.append(appeals.c.caller_number == filters.number)
    if filters.call_id is not None:
        linked = select(appeal_calls.c.appeal_id).where(appeal_calls.c.call_id == filters.call_id)
        conditions.append(appeals.c.appeal_id.in_(linked))
    return await _load(connection, select(appeals).where(*conditions), filters.limit)


async def get_appeal(connection: AsyncConnection, appeal_id: str) -> Appeal | None:
    """One appeal, or None if there is none of this id."""
    found = await _load(connection, select(appeals).where(appeals.c.appeal_id == appeal_id), None)
    return found[0] if found else None


async def list_callbacks(connection: AsyncConnection, filters: CallbackFilters = CallbackFilters()) -> list[Callback]:
    """Entries of the callback worklist, the one due first at the head. Each comes whole or not at all."""
    conditions: list[ColumnElement[bool]] = [is_callback]
    if filters.state is CallbackState.OPEN:
        conditions.append(duties.c.closed_at.is_(None))
    elif filters.state is CallbackState.CLEARED:
        conditions.append(duties.c.evidence.is_not(None))
    elif filters.state is CallbackState.UNCALLABLE:
        conditions.append(duties.c.excuse.is_not(None))
    if filters.number is not None:
        conditions.append(duties.c.number == filters.number)
    if filters.since is not None:
        conditions.append(or_(duties.c.closed_at.is_(None), duties.c.closed_at >= to_text(filters.since)))
    return callbacks(map(_duty, await connection.execute(_DUTIES.where(*conditions))))


async def appeals_of_calls(connection: AsyncConnection, call_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """``appeal_id``s by ``call_id``, the oldest first; a call without an appeal is absent."""
    found: dict[str, list[str]] = defaultdict(list)
    for start in range(0, len(call_ids), CHUNK):
        statement = (
            select(appeal_calls.c.call_id, appeal_calls.c.appeal_id)
            .where(appeal_calls.c.call_id.in_(call_ids[start : start + CHUNK]))
            .order_by(appeal_calls.c.appeal_id)
        )
        for call_id, appeal_id in await connection.execute(statement):
            found[call_id].append(appeal_id)
    return {call_id: tuple(ids) for call_id, ids in found.items()}


async def _load(connection: AsyncConnection, chosen: Select[Any], limit: int | None) -> list[Appeal]:
    ordered = chosen.order_by(appeals.c.created_at.desc(), appeals.c.appeal_id.desc()).limit(limit)
    rows = (await connection.execute(ordered)).all()
    ids = [row.appeal_id for row in rows]
    calls: dict[str, list[str]] = defaultdict(list)
    recordings: dict[str, list[str]] = defaultdict(list)
    owed: dict[str, list[Duty]] = defaultdict(list)
    history: dict[str, list[HistoryEntry]] = defaultdict(list)
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        for row in await connection.execute(_calls_of(part)):
            calls[row.appeal_id].append(row.call_id)
        for row in await connection.execute(_recordings_of(part)):
            recordings[row.appeal_id].append(row.recording_id)
        for row in await connection.execute(_DUTIES.where(duties.c.appeal_id.in_(part)).order_by(duties.c.opened_at)):
            owed[row.appeal_id].append(_duty(row))
        for row in await connection.execute(_history_of(part)):
            history[row.appeal_id].append(_entry(row))
    return [
        _appeal(row, calls[row.appeal_id], recordings[row.appeal_id], owed[row.appeal_id], history[row.appeal_id])
        for row in rows
    ]


def _calls_of(appeal_ids: Sequence[str]) -> Select[Any]:
    chosen = appeal_calls.c.appeal_id.in_(appeal_ids)
    return select(appeal_calls).where(chosen).order_by(appeal_calls.c.at, appeal_calls.c.call_id)


def _recordings_of(appeal_ids: Sequence[str]) -> Select[Any]:
    return (
        select(appeal_calls.c.appeal_id, call_recordings.c.recording_id)
        .join(call_recordings, call_recordings.c.call_id == appeal_calls.c.call_id)
        .where(appeal_calls.c.appeal_id.in_(appeal_ids))
        .order_by(appeal_calls.c.at, appeal_calls.c.call_id, call_recordings.c.recording_id)
    )


def _history_of(appeal_ids: Sequence[str]) -> Select[Any]:
    return select(appeal_history).where(appeal_history.c.appeal_id.in_(appeal_ids)).order_by(appeal_history.c.entry)


def _at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _entry(row: Row[Any]) -> HistoryEntry:
    return HistoryEntry(datetime.fromisoformat(row.at), row.actor, row.event, json.loads(row.details))


def _duty(row: Row[Any]) -> Duty:
    return Duty(
        duty_id=row.duty_id,
        kind=DutyKind(row.kind),
        appeal_id=row.appeal_id,
        call_id=row.call_id,
        number=row.number,
        line=row.line,
        reason=row.reason,
        owner=row.owner,
        opened_at=datetime.fromisoformat(row.opened_at),
        due_at=datetime.fromisoformat(row.due_at),
        attempts=row.attempts,
        evidence=row.evidence,
        excuse=None if row.excuse is None else Excuse(row.excuse),
        closed_at=_at(row.closed_at),
    )


def _appeal(
    row: Row[Any],
    calls: Iterable[str],
    recordings: Iterable[str],
    owed: Iterable[Duty],
    history: Iterable[HistoryEntry],
) -> Appeal:
    return Appeal(
        appeal_id=row.appeal_id,
        registration_number=row.registration_number,
        kind=None if row.kind is None else Kind(row.kind),
        status=Status(row.status),
        category=row.category,
        service=row.service,
        operator=row.operator,
        line=row.line,
        caller_number=row.caller_number,
        caller_number_raw=row.caller_number_raw,
        caller_name=row.caller_name,
        applicant=row.applicant,
        address=row.address,
        description=row.description,
        channel=Channel(row.channel),
        created_at=datetime.fromisoformat(row.created_at),
        registered_at=_at(row.registered_at),
        due_at=_at(row.due_at),
        legal_due_at=_at(row.legal_due_at),
        calls=tuple(calls),
        recordings=tuple(recordings),
        duties=tuple(owed),
        history=tuple(history),
    )
