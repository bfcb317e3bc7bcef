"""An appeal with everything that belongs to it, read in the transaction that has just changed it."""

from dataclasses import replace
from typing import Final

from sqlalchemy import bindparam, select

from appeals import register_store, rows
from appeals.model import Appeal
from appeals.ports import Tx
from appeals.tables import appeal_calls, appeal_history, call_recordings

_RECORDINGS: Final = (
    select(call_recordings.c.recording_id)
    .join(appeal_calls, appeal_calls.c.call_id == call_recordings.c.call_id)
    .where(appeal_calls.c.appeal_id == bindparam("of_appeal"))
    .order_by(appeal_calls.c.at, appeal_calls.c.call_id, call_recordings.c.recording_id)
)
_HISTORY: Final = (
    select(appeal_history).where(appeal_history.c.appeal_id == bindparam("of_appeal")).order_by(appeal_history.c.entry)
)
_COLUMNS: Final = tuple(column.name for column in appeal_history.c)


def load(tx: Tx, appeal_id: str) -> Appeal | None:
    """An appeal with its calls, duties, recordings and history, as ``queries.get_appeals`` gives it; None if none."""
    loaded = register_store.load(tx, appeal_id)
    if loaded is None:
        return None
    of = {"of_appeal": appeal_id}
    recordings = tuple(str(row[0]) for row in tx.fetch_all(_RECORDINGS, of))
    history = tuple(rows.entry(dict(zip(_COLUMNS, row, strict=True))) for row in tx.fetch_all(_HISTORY, of))
    return replace(loaded, recordings=recordings, history=history)
