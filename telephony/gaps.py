"""Hang-ups that AMI told and the ledger lacks: where call records may be incomplete."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Column, String, Table, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from telephony.ports import Tx
from telephony.store import metadata, stamp

ledger_gaps: Final = Table(
    "ledger_gaps",
    metadata,
    Column("uniqueid", String, primary_key=True),
    Column("hangup_at", String, nullable=False),
    Column("noted_at", String, nullable=False),
    Column("appeared_at", String),
)
"""One channel a row; ``appeared_at`` is set if its end turned up in the ledger after all."""

_ADD: Final = insert(ledger_gaps).on_conflict_do_nothing()
_OPEN: Final = select(ledger_gaps.c.uniqueid, ledger_gaps.c.hangup_at).where(ledger_gaps.c.appeared_at.is_(None))
_APPEARED: Final = (
    update(ledger_gaps)
    .where(ledger_gaps.c.uniqueid == bindparam("gap"), ledger_gaps.c.appeared_at.is_(None))
    .values(appeared_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class LedgerGap:
    """A channel whose end AMI told at ``hangup_at`` and the ledger did not hold at ``noted_at``."""

    uniqueid: str
    hangup_at: datetime
    noted_at: datetime
    appeared_at: datetime | None


def add(tx: Tx, hangups: Iterable[tuple[str, datetime]], at: datetime) -> None:
    """Note channels, by uniqueid and time of the hang-up; those noted before stay as they are."""
    tx.execute_many(
        _ADD,
        [
            {"uniqueid": uniqueid, "hangup_at": stamp(hangup_at), "noted_at": stamp(at), "appeared_at": None}
            for uniqueid, hangup_at in hangups
        ],
    )


def appeared(tx: Tx, uniqueids: Iterable[str], at: datetime) -> None:
    """These are in the ledger now."""
    tx.execute_many(_APPEARED, [{"gap": uniqueid, "at": stamp(at)} for uniqueid in uniqueids])


def still_open(tx: Tx) -> dict[str, datetime]:
    """What is missing still: uniqueid -> time of the hang-up."""
    return {uniqueid: datetime.fromisoformat(at) for uniqueid, at in tx.fetch_all(_OPEN)}


async def list_gaps(connection: AsyncConnection) -> list[LedgerGap]:
    """All of them, the oldest first."""
    rows = await connection.execute(select(ledger_gaps).order_by(ledger_gaps.c.hangup_at, ledger_gaps.c.uniqueid))
    at = datetime.fromisoformat
    return [
        LedgerGap(row.uniqueid, at(row.hangup_at), at(row.noted_at), at(row.appeared_at) if row.appeared_at else None)
        for row in rows
    ]
