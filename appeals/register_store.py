"""The statements of people's commands. History has an insert and no other; an appeal's row changes with its version."""

from typing import Any, Final

from sqlalchemy import bindparam, insert, literal_column, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from appeals import rows, store
from appeals.duties import Duty
from appeals.model import Appeal, HistoryEntry
from appeals.ports import Tx
from appeals.tables import appeal_calls, appeals, duties, registration_counters

_APPEAL: Final = rows.APPEALS.where(appeals.c.appeal_id == bindparam("of_appeal"))
_CALLS: Final = (
    select(appeal_calls.c.call_id)
    .where(appeal_calls.c.appeal_id == bindparam("of_appeal"))
    .order_by(appeal_calls.c.at, appeal_calls.c.call_id)
)
_DUTIES: Final = rows.DUTIES.where(duties.c.appeal_id == bindparam("of_appeal")).order_by(duties.c.opened_at)
_MERGED: Final = select(appeals.c.appeal_id).where(appeals.c.merged_into == bindparam("of_appeal"))
_NAMED: Final = select(appeals.c.appeal_id).where(appeals.c.registration_number == bindparam("number"))

_INSERT: Final = insert(appeals)
_UPDATES: Final[dict[frozenset[str], Any]] = {}
"""One statement for each set of columns that ever changed together; there are as many as kinds of commands."""

_new_counter: Final = upsert(registration_counters).values({"year": bindparam("year"), "issued": literal_column("1")})
_NEXT_NUMBER: Final = _new_counter.on_conflict_do_update(
    index_elements=["year"], set_={"issued": registration_counters.c.issued + 1}
)
_NUMBER: Final = select(registration_counters.c.issued).where(registration_counters.c.year == bindparam("of_year"))


def load(tx: Tx, appeal_id: str) -> Appeal | None:
    """An appeal with its calls and duties, without recordings and history; None if there is none."""
    found = tx.fetch_all(_APPEAL, {"of_appeal": appeal_id})
    if not found:
        return None
    calls = [str(row[0]) for row in tx.fetch_all(_CALLS, {"of_appeal": appeal_id})]
    return rows.appeal(rows.mapped(_APPEAL, found[0]), calls, owed=duties_of(tx, appeal_id))


def duties_of(tx: Tx, appeal_id: str) -> tuple[Duty, ...]:
    """An appeal's duties, the oldest first."""
    return tuple(rows.duty(rows.mapped(_DUTIES, row)) for row in tx.fetch_all(_DUTIES, {"of_appeal": appeal_id}))


def find(tx: Tx, registration_number: str) -> str | None:
    """The ``appeal_id`` of a registration number."""
    found = tx.fetch_all(_NAMED, {"number": registration_number})
    return str(found[0][0]) if found else None


def merged_into(tx: Tx, appeal_id: str) -> list[str]:
    """The appeals that were merged into one."""
    return [str(row[0]) for row in tx.fetch_all(_MERGED, {"of_appeal": appeal_id})]


def insert_appeal(tx: Tx, appeal: Appeal) -> None:
    """A new appeal that no call made."""
    tx.execute(_INSERT, rows.columns(appeal) | {"drafted_from": None})


def update_appeal(tx: Tx, before: Appeal, after: Appeal) -> None:
    """Write what changed."""
    changed = rows.changes(before, after)
    if not changed:
        return
    names = frozenset(changed)
    statement = _UPDATES.get(names)
    if statement is None:
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in sorted(names)}
        statement = update(appeals).where(appeals.c.appeal_id == bindparam("of_appeal")).values(values)
        _UPDATES[names] = statement
    tx.execute(statement, {f"new_{name}": value for name, value in changed.items()} | {"of_appeal": after.appeal_id})


def append(tx: Tx, appeal_id: str, entry: HistoryEntry) -> None:
    """Add a line of history."""
    store.append_history(tx, appeal_id, at=entry.at, actor=entry.actor, event=entry.event, details=entry.details)


def next_number(tx: Tx, year: int) -> int:
    """The next registration number of a year; without gaps, since it is raised in the transaction that uses it."""
    tx.execute(_NEXT_NUMBER, {"year": year})
    [(issued,)] = tx.fetch_all(_NUMBER, {"of_year": year})
    return int(issued)
