"""What the outbox holds, for people and for the watch."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.messages import MessageChannel
from contact_centre.outbox import Message, State, is_dead, is_queued, message_attempts, message_of, outbox, waits
from telephony.store import stamp


@dataclass(frozen=True, slots=True)
class Attempt:
    """A line of the log of deliveries."""

    at: datetime
    result: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """Which messages are listed; None is no restriction."""

    states: tuple[State, ...] = ()
    channel: MessageChannel | None = None
    appeal_id: str | None = None
    limit: int | None = None


async def list_messages(connection: AsyncConnection, wanted: MessageFilter) -> list[Message]:
    """Messages, newest first."""
    query: Select[Any] = select(outbox).order_by(outbox.c.position.desc())
    if wanted.states == (State.DEAD,):
        query = query.where(is_dead)
    elif wanted.states:
        query = query.where(outbox.c.state.in_([state.value for state in wanted.states]))
    if wanted.channel is not None:
        query = query.where(outbox.c.channel == wanted.channel.value)
    if wanted.appeal_id is not None:
        query = query.where(outbox.c.appeal_id == wanted.appeal_id)
    return [message_of(dict(row._mapping)) for row in await connection.execute(query.limit(wanted.limit))]  # noqa: SLF001 - SQLAlchemy's public name


async def get_message(connection: AsyncConnection, message_id: str) -> Message | None:
    """One message."""
    row = (await connection.execute(select(outbox).where(outbox.c.message_id == message_id))).first()
    return None if row is None else message_of(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's public name


async def attempts_of(connection: AsyncConnection, message_id: str) -> list[Attempt]:
    """The log of one message, oldest first."""
    log_of = select(message_attempts).where(message_attempts.c.message_id == message_id)
    rows = await connection.execute(log_of.order_by(message_attempts.c.attempt))
    return [Attempt(datetime.fromisoformat(row.at), row.result, row.reason) for row in rows]


async def is_due(connection: AsyncConnection, peer: str, now: datetime) -> bool:
    """Whether a message for a peer may be tried by now."""
    due = select(outbox.c.position).where(waits, is_queued, outbox.c.peer == peer, outbox.c.next_at <= stamp(now))
    return (await connection.execute(due.limit(1))).first() is not None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one peer: how many, since when the oldest, and from when on one may be tried."""

    peer: str
    count: int
    since: datetime
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, by peer, and how many letters are dead."""

    waiting: tuple[Waiting, ...] = ()
    dead: int = 0


async def backlog(connection: AsyncConnection) -> Backlog:
    """What has not left."""
    by_peer = (
        select(outbox.c.peer, func.count(), func.min(outbox.c.queued_at), func.min(outbox.c.next_at))
        .where(waits)
        .group_by(outbox.c.peer)
    )
    rows = (await connection.execute(by_peer)).all()
    dead = (await connection.execute(select(func.count()).where(is_dead))).scalar_one()
    at = datetime.fromisoformat
    return Backlog(tuple(Waiting(row[0], row[1], at(row[2]), at(row[3])) for row in rows), dead)
