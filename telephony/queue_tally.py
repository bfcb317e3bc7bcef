"""How the queue's calls ended, counted by the minute in which they began: one range of the calls' index, one pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Float, String, bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from telephony.core.call import QueueOutcome
from telephony.store import calls, stamp

_MINUTE: Final = len("2026-11-22T09:00")
_ZONE: Final = ":00+00:00"


@dataclass(frozen=True, slots=True)
class Tally:
    """So many calls that began in one minute and fared alike.

    ``minute`` None: before the minutes that were asked for. ``outcome`` None: they wait still. ``in_time`` is whether
    they waited no longer than T, ``short`` no longer than S (``core.metrics``); ``longest`` is the longest wait of
    them in seconds, 0 while they wait.
    """

    minute: datetime | None
    outcome: QueueOutcome | None
    in_time: bool
    short: bool
    count: int
    longest: float


_minute = case(
    (calls.c.started_at >= bindparam("minutes_since", type_=String), func.substr(calls.c.started_at, 1, _MINUTE))
).label("minute")
_outcome = case((calls.c.wait_time.is_not(None), calls.c.queue_outcome)).label("outcome")
_in_time = (func.coalesce(calls.c.wait_time, 0) <= bindparam("threshold", type_=Float)).label("in_time")
_short = (func.coalesce(calls.c.wait_time, 0) <= bindparam("short", type_=Float)).label("short")

TALLY: Final = (
    select(
        _minute,
        _outcome,
        _in_time,
        _short,
        func.count().label("count"),
        func.coalesce(func.max(calls.c.wait_time), 0.0).label("longest"),
    )
    .where(
        calls.c.started_at >= bindparam("since", type_=String),
        calls.c.queue.is_not(None),
        calls.c.wait_time.is_not(None) | calls.c.ended_at.is_(None),
    )
    .group_by(_minute, _outcome, _in_time, _short)
    .order_by(_minute)
)
"""A call that was cut while it waited, by a crash of Asterisk, fared no way that could be counted."""


async def tally(
    connection: AsyncConnection, since: datetime, minutes_since: datetime, *, threshold: float, short: float
) -> list[Tally]:
    """The calls that entered the queue and began since then; minute by minute since ``minutes_since``.

    ``threshold`` is T and ``short`` S of ``core.metrics``, in seconds.
    """
    asked = {"since": stamp(since), "minutes_since": stamp(minutes_since), "threshold": threshold, "short": short}
    return [_read(row) for row in (await connection.execute(TALLY, asked)).mappings()]


def _read(row: Mapping[Any, Any]) -> Tally:
    return Tally(
        minute=None if row["minute"] is None else datetime.fromisoformat(row["minute"] + _ZONE),
        outcome=None if row["outcome"] is None else QueueOutcome(row["outcome"]),
        in_time=bool(row["in_time"]),
        short=bool(row["short"]),
        count=row["count"],
        longest=row["longest"],
    )
