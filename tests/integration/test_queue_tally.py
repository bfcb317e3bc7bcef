"""The queue's calls counted by the minute, as the database holds them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from contact_centre import database
from contact_centre.writer import SqliteTx, Writer
from telephony.core.call import Call, CallChanged, Direction, QueueOutcome
from telephony.queue_tally import TALLY, Tally, tally
from telephony.store import save_call
from tests.databases import new_database

BEGAN = datetime(2026, 11, 22, 9, 0, 12, tzinfo=UTC)
MINUTE = BEGAN.replace(second=0)


def call(
    number: int,
    outcome: QueueOutcome,
    wait: float | None,
    *,
    at: datetime = BEGAN,
    queue: str | None = "contact-centre",
    over: bool = True,
) -> Call:
    return Call(
        call_id=f"cc1-1.{number}",
        line="588-888",
        direction=Direction.INBOUND,
        caller_number_raw=None,
        caller_name=None,
        dialled_number=None,
        started_at=at,
        answered_at=None,
        ended_at=at + timedelta(minutes=3) if over else None,
        queue=queue,
        queue_outcome=outcome,
        operator=None,
        wait_time=wait,
        talk_time=0.0,
        hold_time=0.0,
        ring_no_answers=0,
        transfers=(),
        legs=(),
        purpose=None,
        dial_status=None,
        recovered=False,
        group_id=f"cc1-1.{number}",
        recorded_from=None,
        promised_at=None,
        refused=None,
        anomalies=(),
    )


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    path = tmp_path / "contact-centre.db"
    new_database(path)
    writer, engine = Writer(path), database.readers(path)
    calls = [
        call(1, QueueOutcome.ANSWERED, 20.0),
        call(2, QueueOutcome.ANSWERED, 5.0),
        call(3, QueueOutcome.ANSWERED, 20.001),
        call(4, QueueOutcome.ABANDONED, 5.001, over=False),
        call(5, QueueOutcome.NOT_QUEUED, None, over=False),  # waits
        call(6, QueueOutcome.NOT_QUEUED, None),  # cut by a crash while waiting
        call(7, QueueOutcome.NOT_QUEUED, None, queue=None),  # never came to the queue
        call(8, QueueOutcome.ANSWERED, 1.0, at=MINUTE - timedelta(milliseconds=1)),
        call(9, QueueOutcome.TIMED_OUT, 60.0, at=BEGAN + timedelta(minutes=1)),
    ]

    def keep(tx: SqliteTx) -> None:
        for one in calls:
            save_call(tx, CallChanged(one, over=one.ended_at is not None), None, at=BEGAN, reason="told")

    await writer.run(keep)
    async with engine.connect() as opened:
        yield opened
    await engine.dispose()
    writer.close()


async def test_calls_that_fared_alike_are_counted_together_by_their_minute(connection: AsyncConnection) -> None:
    told = await tally(connection, MINUTE, MINUTE, threshold=20, short=5)
    answered, abandoned = QueueOutcome.ANSWERED, QueueOutcome.ABANDONED
    assert set(told) == {
        Tally(MINUTE, answered, in_time=True, short=False, count=1, longest=20.0),
        Tally(MINUTE, answered, in_time=True, short=True, count=1, longest=5.0),
        Tally(MINUTE, answered, in_time=False, short=False, count=1, longest=20.001),
        Tally(MINUTE, abandoned, in_time=True, short=False, count=1, longest=5.001),
        Tally(MINUTE, None, in_time=True, short=True, count=1, longest=0.0),
        Tally(MINUTE + timedelta(minutes=1), QueueOutcome.TIMED_OUT, in_time=False, short=False, count=1, longest=60.0),
    }


async def test_the_parameters_decide_who_was_in_time(connection: AsyncConnection) -> None:
    told = await tally(connection, MINUTE, MINUTE, threshold=1, short=0)
    assert sum(one.count for one in told if one.outcome is not None and (one.in_time or one.short)) == 0


async def test_what_began_before_the_minutes_is_told_in_one(connection: AsyncConnection) -> None:
    told = await tally(connection, BEGAN - timedelta(hours=1), MINUTE + timedelta(minutes=1), threshold=60, short=0)
    assert [(one.minute, one.count) for one in told if one.outcome is QueueOutcome.ANSWERED] == [(None, 4)]
    assert [one.minute for one in told if one.outcome is QueueOutcome.TIMED_OUT] == [MINUTE + timedelta(minutes=1)]


async def test_only_the_range_of_the_index_is_read(connection: AsyncConnection) -> None:
    asked = {"since": "2026-11-22", "minutes_since": "2026-11-22", "threshold": 20.0, "short": 5.0}
    statement = TALLY.params(asked).compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
    assert "SEARCH calls USING INDEX calls_started_at" in str(plan.all())
