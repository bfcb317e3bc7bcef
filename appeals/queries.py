"""What people and programs read from the register, as plain dataclasses."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import rows
from appeals.duties import Callback, CallbackState, Duty, callbacks
from appeals.model import Actor, Appeal, HistoryEntry, Status
from appeals.search import AppealQuery, SearchIndex
from appeals.store import to_text
from appeals.tables import appeal_calls, appeal_history, appeals, call_recordings, duties, is_callback
from appeals.visibility import Sight, seen, sight, writes

CHUNK: Final = 500
"""How many ids go into one statement; SQLite limits the number of its variables."""


@dataclass(frozen=True, slots=True)
class CallbackFilters:
    """Which entries of the worklist. ``since`` narrows those that are no longer open to what ended then or later."""

    state: CallbackState | None = CallbackState.OPEN
    number: str | None = None
    since: datetime | None = None


async def look_for(
    connection: AsyncConnection, index: SearchIndex, query: AppealQuery, actor: Actor, now: datetime
) -> tuple[list[Appeal], str | None]:
    """A page of appeals, each as ``actor`` may see it, and the cursor of the next page, None if this is the last.

    Raises:
        BadQueryError: The cursor is none.
    """
    found = await index.find(connection, query, actor, now)
    visible = (seen(one, actor) for one in await get_appeals(connection, found.appeal_ids))
    return [one for one in visible if one is not None], found.cursor


async def get_appeal(connection: AsyncConnection, appeal_id: str) -> Appeal | None:
    """One appeal, or None if there is none of this id."""
    found = await _load(connection, select(appeals).where(appeals.c.appeal_id == appeal_id))
    return found[0] if found else None


async def get_appeals(connection: AsyncConnection, appeal_ids: Sequence[str]) -> list[Appeal]:
    """Appeals of these ids, in their order; ids of none are left out."""
    found: dict[str, Appeal] = {}
    for start in range(0, len(appeal_ids), CHUNK):
        chosen = select(appeals).where(appeals.c.appeal_id.in_(appeal_ids[start : start + CHUNK]))
        found |= {one.appeal_id: one for one in await _load(connection, chosen)}
    return [found[appeal_id] for appeal_id in appeal_ids if appeal_id in found]


async def sight_of(connection: AsyncConnection, appeal_id: str, actor: Actor) -> Sight:
    """How much ``actor`` sees of an appeal; nothing of one that there is not.

    One that is hidden costs the same as one that there is not, so that the time of an answer does not tell them apart.
    """
    asked = (appeals.c.desk, appeals.c.service, appeals.c.status, appeals.c.operator)
    row = (await connection.execute(select(*asked).where(appeals.c.appeal_id == appeal_id))).one_or_none()
    if row is None:
        return Sight.NOTHING
    if writes(actor, status=Status(row.status), operator=row.operator):
        return Sight.WHOLE
    return sight(actor, desk=row.desk, service=row.service)


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
    return callbacks(map(rows.duty, (await connection.execute(rows.DUTIES.where(*conditions))).mappings()))


class Linked(NamedTuple):
    """An appeal that a call is linked to, and what decides who sees it."""

    appeal_id: str
    desk: str | None
    service: str | None


async def linked_appeals(connection: AsyncConnection, call_ids: Sequence[str]) -> dict[str, list[Linked]]:
    """The appeals of calls by ``call_id``, the oldest first; a call without an appeal is absent."""
    found: dict[str, list[Linked]] = defaultdict(list)
    for start in range(0, len(call_ids), CHUNK):
        statement = (
            select(appeal_calls.c.call_id, appeals.c.appeal_id, appeals.c.desk, appeals.c.service)
            .join(appeals, appeals.c.appeal_id == appeal_calls.c.appeal_id)
            .where(appeal_calls.c.call_id.in_(call_ids[start : start + CHUNK]))
            .order_by(appeals.c.appeal_id)
        )
        for row in await connection.execute(statement):
            found[row.call_id].append(Linked(row.appeal_id, row.desk, row.service))
    return dict(found)


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


async def _load(connection: AsyncConnection, chosen: Select[Any]) -> list[Appeal]:
    found = (await connection.execute(chosen)).mappings().all()
    ids = [row["appeal_id"] for row in found]
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
        for kept in (await connection.execute(_duties_of(part))).mappings():
            owed[kept["appeal_id"]].append(rows.duty(kept))
        for kept in (await connection.execute(_history_of(part))).mappings():
            history[kept["appeal_id"]].append(rows.entry(kept))
    return [
        rows.appeal(row, calls[of], recordings[of], owed[of], history[of]) for of, row in zip(ids, found, strict=True)
    ]


def _duties_of(appeal_ids: Sequence[str]) -> Select[Any]:
    return rows.DUTIES.where(duties.c.appeal_id.in_(appeal_ids)).order_by(duties.c.opened_at, duties.c.duty_id)


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
