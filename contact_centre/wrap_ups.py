"""Wrap-ups: what an operator did after which talk, how long it took, and what the talk came to.

Asterisk pauses the operator (``[operator-ended]`` in extensions.conf), so that no call can slip in between; what stands
here is what was seen of it. Lost with the database would be codes and statistics, never an operator's readiness.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Column, Index, Integer, String, Table, bindparam, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from appeals.service import new_id
from contact_centre.tables import metadata
from telephony.ports import Tx
from telephony.store import stamp


class Code(StrEnum):
    """What a talk came to, in the order in which pages offer it."""

    APPEAL = "appeal"
    CONSULTATION = "consultation"
    FORWARDED = "forwarded"
    REPEATED = "repeated"
    SILENT = "silent"
    MISDIAL = "misdial"
    ABUSE = "abuse"


LATEST: Final = timedelta(seconds=30)
"""So long after its end a wrap-up still takes a code: it was chosen when the time was just over."""

wrap_ups: Final = Table(
    "wrap_ups",
    metadata,
    Column("wrap_up_id", String, primary_key=True),
    Column("call_id", String),
    Column("login", String, nullable=False),
    Column("code", String),
    Column("began", String, nullable=False),
    Column("ended", String),
    Column("forced", Integer, nullable=False, default=0),
    Index("wrap_ups_call", "call_id"),
    Index("wrap_ups_login", "login", "began"),
)
"""``call_id`` is the talk before it, None when nobody saw it. ``code`` is a ``Code``, None when none was chosen.

``forced``: it ended because its time was over.
"""

open_wrap_ups: Final = wrap_ups.c.ended.is_(None)
Index(
    "wrap_ups_open",
    wrap_ups.c.login,
    unique=True,
    sqlite_where=open_wrap_ups,
    postgresql_where=open_wrap_ups,
)

_BEGIN: Final = (
    insert(wrap_ups).values({column.name: bindparam(column.name) for column in wrap_ups.c}).on_conflict_do_nothing()
)
_OPEN: Final = select(wrap_ups.c.login, wrap_ups.c.began).where(open_wrap_ups)
_END: Final = (
    update(wrap_ups)
    .where(wrap_ups.c.login == bindparam("of_login"), open_wrap_ups)
    .values(ended=bindparam("at"), forced=bindparam("by_force"))
)
_NEWEST: Final = (
    select(wrap_ups.c.wrap_up_id)
    .where(
        wrap_ups.c.login == bindparam("of_login"),
        or_(open_wrap_ups, wrap_ups.c.ended >= bindparam("ended_since")),
    )
    .order_by(wrap_ups.c.began.desc())
    .limit(1)
)
_CODE: Final = update(wrap_ups).where(wrap_ups.c.wrap_up_id == bindparam("of_wrap_up")).values(code=bindparam("chosen"))


def begin(tx: Tx, login: str, call_id: str | None, began: datetime) -> None:
    """An operator is in wrap-up; nothing happens if that was known."""
    row = {"wrap_up_id": new_id(), "call_id": call_id, "login": login, "code": None}
    tx.execute(_BEGIN, row | {"began": stamp(began), "ended": None, "forced": 0})


def end(tx: Tx, login: str, at: datetime, *, forced: bool) -> None:
    """An operator is not in wrap-up any more; nothing happens if that was known."""
    tx.execute(_END, {"of_login": login, "at": stamp(at), "by_force": int(forced)})


def choose(tx: Tx, login: str, code: Code, at: datetime) -> bool:
    """Note what the talk came to, in the wrap-up that goes on or has just ended; False if there is none."""
    newest = tx.fetch_all(_NEWEST, {"of_login": login, "ended_since": stamp(at - LATEST)})
    if not newest:
        return False
    return tx.execute(_CODE, {"of_wrap_up": newest[0][0], "chosen": code.value}) > 0


def unfinished(tx: Tx) -> dict[str, datetime]:
    """Who is in wrap-up since when, as far as it is written down."""
    return {str(login): datetime.fromisoformat(began) for login, began in tx.fetch_all(_OPEN)}
