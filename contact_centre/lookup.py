"""Who calls: what Asterisk is told of a citizen before the call is answered.

The look-up reads in a thread of its own with a connection of its own, so that neither a slow disk nor the writer can
hold the event loop up; whoever is not answered within the deadline goes on with the dialplan's defaults. Those who ask
in one turn of the loop are looked up together, and the loop lends the thread a moment for it: two threads that both
want Python's lock cost more than the look-up. Nothing is kept in memory: two indexed reads cost less than knowing when
a memory is out of date.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Integer, bindparam, select

from appeals.model import OPEN
from appeals.tables import appeals
from contact_centre.writer import SqliteTx
from telephony.core.call import QueueOutcome
from telephony.ingest import ToE164
from telephony.links.fastagi import Session
from telephony.ports import Caller, CallerLookup, Clock
from telephony.store import calls, stamp
from telephony.wire import agi

DEADLINE_S: Final = 0.3
"""What a citizen waits for the look-up at most."""
MAX_WAITING: Final = 1000
"""Look-ups without an answer; when the disk hangs, further ones are not even asked."""
PATIENCE_S: Final = 0.005
"""What the event loop waits for the thread at most, and only for one that has nothing else to do."""
BUSY_TIMEOUT_MS: Final = 100
CACHE_KIB: Final = 16384

RECENT_CALLS: Final = 20
RECENT_APPEALS: Final = 100
"""How much of a citizen's past is read: some call every day for years."""

CUT_OFF: Final = timedelta(minutes=15)
"""Whom we cut off or sent away goes ahead of others when calling again within this."""
PRIORITY_BROKEN: Final = 20
"""The call was broken off by a crash of ours."""
PRIORITY_UNSERVED: Final = 10
"""The waiting was ended by us: too long, or nobody there. Hanging up oneself gives no priority, or all would."""

LANGUAGE: Final = "uk"
NAME_LENGTH: Final = 60
"""Characters of a name; percent-encoded Ukrainian takes six bytes each, a command 2047."""

_UNSERVED: Final = frozenset({QueueOutcome.TIMED_OUT, QueueOutcome.EXITED_EMPTY})

_CALLS: Final = (
    select(calls.c.caller_name, calls.c.ended_at, calls.c.queue_outcome, calls.c.recovered)
    .where(calls.c.caller_number == bindparam("number"), calls.c.call_id != bindparam("call_id"))
    .order_by(calls.c.started_at.desc())
    .limit(bindparam("limit", RECENT_CALLS, type_=Integer))
)
_APPEALS: Final = (
    select(appeals.c.appeal_id, appeals.c.status, appeals.c.applicant, appeals.c.caller_name)
    .where(appeals.c.caller_number == bindparam("number"))
    .order_by(appeals.c.created_at.desc())
    .limit(bindparam("limit", RECENT_APPEALS, type_=Integer))
)

NOBODY: Final = Caller(
    number=None, name="", language=LANGUAGE, priority=0, open_appeals=0, last_appeal_id=None, known=False
)


class LookupLateError(Exception):
    """The database did not answer within the deadline."""


class _Question(NamedTuple):
    number: str
    call_id: str
    answer: asyncio.Future[Caller]


class _Batch(NamedTuple):
    """What was asked in one turn of the loop; ``late`` is when it is given up."""

    questions: list[_Question]
    late: asyncio.TimerHandle


_Answered = tuple[_Batch, list[Caller | Exception]]


class SqliteLookup:
    """The ``CallerLookup`` of an installation on SQLite."""

    def __init__(self, database: Path, to_e164: ToE164, clock: Clock, deadline_s: float = DEADLINE_S) -> None:
        self._database = database
        self._to_e164 = to_e164
        self._clock = clock
        self._deadline_s = deadline_s
        self._loop = asyncio.get_running_loop()
        self._asked: list[_Question] = []
        self._batches: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._answered: queue.SimpleQueue[_Answered] = queue.SimpleQueue()
        self._batches_out = 0
        self._questions_out = 0
        self._loop_waits = True
        self._thread = threading.Thread(target=self._work, name="lookup", daemon=True)
        self._thread.start()

    async def caller(self, number_raw: str, call_id: str) -> Caller:
        """Who calls from a number; somebody new when the number is withheld or no number.

        Raises:
            LookupLateError: No answer within the deadline.
            sqlite3.Error: The database cannot be read.
        """
        number = self._to_e164(number_raw)
        if number is None:
            return NOBODY
        if self._questions_out >= MAX_WAITING:
            raise LookupLateError("too many look-ups wait for the database")
        answer: asyncio.Future[Caller] = self._loop.create_future()
        if not self._asked:
            self._loop.call_soon(self._hand_over)
        self._asked.append(_Question(number, call_id, answer))
        self._questions_out += 1
        return await answer

    def close(self) -> None:
        """End the thread; questions without an answer yet get none. A thread that the disk holds is left behind."""
        if self._asked:
            self._hand_over()
        self._batches.put(None)
        self._thread.join(self._deadline_s)

    def _hand_over(self) -> None:
        """Give the thread all that was asked in this turn of the loop; take the answers, if they come at once."""
        questions, self._asked = self._asked, []
        if not questions:
            return
        batch = _Batch(questions, self._loop.call_later(self._deadline_s, _give_up, questions, self._deadline_s))
        idle = self._batches_out == 0
        self._loop_waits = idle
        self._batches_out += 1
        self._batches.put(batch)
        if not idle:
            return
        try:
            self._take(*self._answered.get(timeout=PATIENCE_S))
        except queue.Empty:
            self._loop_waits = False  # the thread looks at this after it has answered, we look once more after this
            self._collect()

    def _collect(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._take(*self._answered.get_nowait())

    def _take(self, batch: _Batch, answers: list[Caller | Exception]) -> None:
        batch.late.cancel()
        self._batches_out -= 1
        self._questions_out -= len(answers)
        for question, found in zip(batch.questions, answers, strict=True):
            if question.answer.done():
                continue
            if isinstance(found, Caller):
                question.answer.set_result(found)
            else:
                question.answer.set_exception(found)

    def _work(self) -> None:
        connection: sqlite3.Connection | None = None
        while (batch := self._batches.get()) is not None:
            answers: list[Caller | Exception] = []
            now = self._clock.now()
            for question in batch.questions:
                if question.answer.done():  # nobody waits any more
                    answers.append(NOBODY)
                    continue
                try:
                    if connection is None:
                        connection = _connect(self._database)
                    if not connection.in_transaction:  # one for all of them: it costs as much as a look-up
                        connection.execute("BEGIN")
                    answers.append(look_up(SqliteTx(connection), question.number, question.call_id, now))
                except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to who waits
                    answers.append(error)
                    _close(connection)
                    connection = None
            if connection is not None and connection.in_transaction:
                connection.execute("ROLLBACK")
            self._answered.put((batch, answers))
            if not self._loop_waits:
                with suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(self._collect)
        _close(connection)


def _connect(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{database.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA query_only = ON")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        connection.close()


def _give_up(questions: list[_Question], after_s: float) -> None:
    for question in questions:
        if not question.answer.done():
            question.answer.set_exception(LookupLateError(f"the database did not answer within {after_s:g} s"))


def look_up(tx: SqliteTx, number: str, call_id: str, now: datetime) -> Caller:
    """What the database knows of a number in E.164, leaving out the call itself.

    Raises:
        sqlite3.Error: It cannot be read.
    """
    register = tx.fetch_all(_APPEALS, {"number": number})
    # As an operator wrote it last, or else as the network told it last. Only for a name are calls before the last read.
    name = _newest(register, 2) or _newest(register, 3)
    past = tx.fetch_all(_CALLS, {"number": number, "call_id": call_id, "limit": 1 if name else RECENT_CALLS})
    return Caller(
        number=number,
        name=(name or _newest(past, 0))[:NAME_LENGTH],
        language=LANGUAGE,
        priority=_priority(past[0], now) if past else 0,
        open_appeals=len([row for row in register if row[1] in OPEN]),
        last_appeal_id=register[0][0] if register else None,
        known=bool(past or register),
    )


def _newest(rows: Sequence[tuple[Any, ...]], column: int) -> str:
    """The first value that a column has, empty if it has none; the newest row stands first."""
    for row in rows:
        if row[column]:
            return str(row[column])
    return ""


def _priority(last: tuple[Any, ...], now: datetime) -> int:
    """By how the call before this one ended."""
    _, ended_at, outcome, recovered = last
    if not (recovered or outcome in _UNSERVED) or ended_at is None or ended_at < stamp(now - CUT_OFF):
        return 0
    return PRIORITY_BROKEN if recovered else PRIORITY_UNSERVED


class Incoming:
    """The endpoint ``incoming``: looks the citizen up and sets everything in one command."""

    def __init__(self, lookup: CallerLookup) -> None:
        self._lookup = lookup

    async def serve(self, session: Session) -> None:
        """Answer one call; see ``variables``.

        Raises:
            LookupLateError, sqlite3.Error: No answer in time; the call has its defaults in the dialplan.
            agi.AgiError: Asterisk did not set the variables.
        """
        request = session.request
        caller = await self._lookup.caller(request.headers.get("agi_callerid", ""), request.argument(2))
        reply = await session.command(variables(caller))
        if reply.code != agi.OK or reply.result != 0:
            raise agi.AgiError(f"MSet was answered by {reply.code} result={reply.result}")


def variables(caller: Caller) -> bytes:
    """One command that sets ``CC_*`` (percent-encoded): what the dialplan may ask and the queue be ordered by."""
    return agi.set_variables(
        {
            "CC_NAME": caller.name,
            "CC_LANGUAGE": caller.language,
            "CC_PRIORITY": str(caller.priority),
            "CC_OPEN": str(caller.open_appeals),
            "CC_LAST_APPEAL": caller.last_appeal_id or "",
            "CC_KNOWN": str(int(caller.known)),
        }
    )
