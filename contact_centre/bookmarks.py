"""Places of a call that somebody marked: with one key while it goes on, or later in its recording."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Column, Index, String, Table, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.model import Actor, Role
from appeals.service import new_id
from contact_centre.seen_calls import Call
from contact_centre.tables import metadata
from telephony.core import call as core
from telephony.ports import Tx
from telephony.store import stamp

LONGEST_NOTE: Final = 500
LATEST: Final = timedelta(minutes=10)
"""How long ago a mark may have been made that only now reaches us: the service did not answer, and was asked again."""


class Kind(StrEnum):
    """What is said there."""

    ADDRESS = "address"
    PROMISE = "promise"
    THREAT = "threat"
    OWN = "own"


bookmarks: Final = Table(
    "bookmarks",
    metadata,
    Column("bookmark_id", String, primary_key=True),
    Column("call_id", String, nullable=False),
    Column("at", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("note", String),
    Column("login", String, nullable=False),
    Column("made_at", String, nullable=False),
    Index("bookmarks_call", "call_id", "at"),
)
"""``at`` is a moment of the call, not a second of a file: marks are made before there is one, and outlive it."""

_ADD: Final = insert(bookmarks).values({column.name: bindparam(column.name) for column in bookmarks.c})
_OF_CALLS: Final = select(bookmarks).order_by(bookmarks.c.at, bookmarks.c.bookmark_id)
_OWNER: Final = select(bookmarks.c.login).where(
    bookmarks.c.bookmark_id == bindparam("of_bookmark"), bookmarks.c.call_id == bindparam("of_call")
)
_REMOVE: Final = delete(bookmarks).where(bookmarks.c.bookmark_id == bindparam("of_bookmark"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookmark:
    """A place of a call. ``login`` marked it, ``made_at``."""

    bookmark_id: str
    call_id: str
    at: datetime
    kind: Kind
    note: str | None
    login: str
    made_at: datetime


def may_mark(call: Call, actor: Actor) -> bool:
    """Whether the actor may mark places of a call: supervisors, and the operators who were in it."""
    if call.masked:
        return False
    took_part = any(leg.role is core.Role.OPERATOR and leg.party == actor.login for leg in call.legs)
    return Role.SUPERVISOR in actor.roles or (Role.OPERATOR in actor.roles and took_part)


def add(tx: Tx, *, call_id: str, at: datetime, kind: Kind, note: str | None, login: str, now: datetime) -> Bookmark:
    """Mark a place."""
    text = (note or "").strip()[:LONGEST_NOTE] or None
    made = Bookmark(bookmark_id=new_id(), call_id=call_id, at=at, kind=kind, note=text, login=login, made_at=now)
    row = {name: getattr(made, name) for name in ("bookmark_id", "call_id", "note", "login")}
    tx.execute(_ADD, row | {"kind": kind.value, "at": stamp(at), "made_at": stamp(now)})
    return made


def remove(tx: Tx, call_id: str, bookmark_id: str, login: str) -> bool:
    """Take a mark of one's own away; whether there was one."""
    if tx.fetch_all(_OWNER, {"of_bookmark": bookmark_id, "of_call": call_id}) != [(login,)]:
        return False
    return bool(tx.execute(_REMOVE, {"of_bookmark": bookmark_id}))


async def of_calls(connection: AsyncConnection, call_ids: Sequence[str]) -> dict[str, list[Bookmark]]:
    """The marks of a few calls by ``call_id``, the earliest first; a call without one is absent."""
    found: dict[str, list[Bookmark]] = {}
    for row in await connection.execute(_OF_CALLS.where(bookmarks.c.call_id.in_(call_ids))):
        found.setdefault(row.call_id, []).append(
            Bookmark(
                bookmark_id=row.bookmark_id,
                call_id=row.call_id,
                at=datetime.fromisoformat(row.at),
                kind=Kind(row.kind),
                note=row.note,
                login=row.login,
                made_at=datetime.fromisoformat(row.made_at),
            )
        )
    return found
