"""Work that follows from a commit but is done after it: a row per job, born in the transaction that makes it due."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Column, ColumnElement, Index, Integer, String, Table, and_, bindparam, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from contact_centre.tables import metadata
from telephony.ports import Tx
from telephony.store import stamp

jobs: Final = Table(
    "jobs",
    metadata,
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("payload", String, nullable=False),
    Column("due_at", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", String),
    Column("done_at", String),
)
_undone: Final[ColumnElement[bool]] = jobs.c.done_at.is_(None)

Index("jobs_due", jobs.c.due_at, sqlite_where=_undone, postgresql_where=_undone)
"""What is done, nearly everything, is not in it."""

_new: Final = insert(jobs)
_ADD: Final = _new.on_conflict_do_update(
    index_elements=["kind", "key"], set_={"payload": _new.excluded.payload}, where=jobs.c.done_at.is_(None)
)
_FINISH: Final = (
    update(jobs)
    .where(jobs.c.kind == bindparam("of_kind"), jobs.c.key == bindparam("of_key"))
    .values(done_at=bindparam("at"), last_error=None)
)
_POSTPONE: Final = (
    update(jobs)
    .where(jobs.c.kind == bindparam("of_kind"), jobs.c.key == bindparam("of_key"))
    .values(due_at=bindparam("until"), attempts=jobs.c.attempts + bindparam("counts"), last_error=bindparam("why"))
)

_REOPEN: Final = (
    update(jobs)
    .where(jobs.c.kind == bindparam("of_kind"), jobs.c.key == bindparam("of_key"))
    .values(due_at=bindparam("until"), done_at=None)
)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do: what kind, about what, with what, and how often it has failed."""

    kind: str
    key: str
    payload: Mapping[str, Any]
    attempts: int


def add(tx: Tx, kind: str, key: str, payload: Mapping[str, Any], due_at: datetime) -> None:
    """Make something due; a second time only corrects with what it is to be done, unless it is done already."""
    text = msgspec.json.encode(payload).decode()
    row = {"kind": kind, "key": key, "payload": text, "due_at": stamp(due_at), "attempts": 0}
    tx.execute(_ADD, row | {"last_error": None, "done_at": None})


def finish(tx: Tx, job: Job, at: datetime) -> None:
    """It is done."""
    tx.execute(_FINISH, {"of_kind": job.kind, "of_key": job.key, "at": stamp(at)})


def postpone(tx: Tx, job: Job, until: datetime, why: str | None) -> None:
    """Not now: with a reason it counts as a failed attempt, without one it was only too early."""
    parameters = {"of_kind": job.kind, "of_key": job.key, "until": stamp(until), "why": why}
    tx.execute(_POSTPONE, parameters | {"counts": int(why is not None)})


def reopen(tx: Tx, kind: str, key: str, until: datetime) -> None:
    """It was done, and has to be done once more."""
    tx.execute(_REOPEN, {"of_kind": kind, "of_key": key, "until": stamp(until)})


def backoff(attempts: int) -> timedelta:
    """How long to wait after so many failures: 2 s, 4 s, ... at most five minutes."""
    return timedelta(seconds=min(300, 2 ** min(attempts + 1, 9)))


async def due(connection: AsyncConnection, kind: str, now: datetime, limit: int) -> list[Job]:
    """What is to be done now, the longest due first."""
    query = (
        select(jobs.c.kind, jobs.c.key, jobs.c.payload, jobs.c.attempts)
        .where(jobs.c.done_at.is_(None), jobs.c.kind == kind, jobs.c.due_at <= stamp(now))
        .order_by(jobs.c.due_at)
        .limit(limit)
    )
    rows = (await connection.execute(query)).all()
    return [Job(row.kind, row.key, json.loads(row.payload), row.attempts) for row in rows]


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits, how much of it has failed before, and the last reason."""

    waiting: int
    failing: int
    last_error: str | None


async def backlog(connection: AsyncConnection, kind: str) -> Backlog:
    """What of a kind still has to be done."""
    waits = and_(jobs.c.done_at.is_(None), jobs.c.kind == kind)
    counts = select(func.count(), func.count(jobs.c.last_error)).where(waits)
    waiting, failing = (await connection.execute(counts)).one()
    reason = (
        select(jobs.c.last_error).where(waits, jobs.c.last_error.is_not(None)).order_by(jobs.c.due_at.desc()).limit(1)
    )
    return Backlog(waiting, failing, (await connection.execute(reason)).scalar_one_or_none())
