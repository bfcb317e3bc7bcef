"""Who came in or took data away, and when: one row for each such thing, never changed afterwards."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Column, Integer, String, Table, bindparam, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from contact_centre.tables import metadata
from telephony.ports import Tx
from telephony.store import stamp


class Event(StrEnum):
    """What happened to an account, or what its owner took away."""

    SIGNED_IN = "signed_in"
    REFUSED = "refused"
    """Wrong password, or no such login."""
    CODE_REFUSED = "code_refused"
    SIGNED_OUT = "signed_out"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an event
    PASSWORD_GIVEN = "password_given"  # noqa: S105 - by the command line
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    RECOVERY_CODE_USED = "recovery_code_used"
    CALLS_EXPORTED = "calls_exported"


access_log: Final = Table(
    "access_log",
    metadata,
    Column("entry", Integer, primary_key=True),
    Column("at", String, nullable=False),
    Column("login", String, index=True),
    Column("event", String, nullable=False),
    Column("address", String),
    Column("about", String),
)
"""``login`` is None when nobody has it: what was typed may be a password. ``address`` is the browser's, None: here.
``about`` is what an export was asked for."""

_ADD: Final = insert(access_log).values(
    at=bindparam("at"),
    login=bindparam("login"),
    event=bindparam("event"),
    address=bindparam("address"),
    about=bindparam("about"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the log."""

    at: datetime
    login: str | None
    event: Event
    address: str | None
    about: str | None = None


def note(tx: Tx, at: datetime, login: str | None, event: Event, address: str | None, about: str | None = None) -> None:
    """Add a row."""
    tx.execute(_ADD, {"at": stamp(at), "login": login, "event": event.value, "address": address, "about": about})


async def latest(connection: AsyncConnection, login: str, limit: int) -> list[Entry]:
    """The last that happened to an account, the newest first."""
    asked = select(access_log).where(access_log.c.login == login).order_by(access_log.c.entry.desc()).limit(limit)
    return [
        Entry(datetime.fromisoformat(row.at), row.login, Event(row.event), row.address, row.about)
        for row in await connection.execute(asked)
    ]
