"""What became of the calls that operators asked for.

Whoever asks Asterisk notes the answer. If they died before it came, the ledger tells: its record of the call says
whether the operator picked up. If it has no record either, the call never was, and that is noted as its end.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from contact_centre.outbound import finish, open_requests, outbound_calls
from contact_centre.writer import Writer
from telephony.core.call import Role
from telephony.outbound import Result
from telephony.ports import Tx
from telephony.store import calls, legs, stamp

GIVEN_UP_AFTER: Final = timedelta(minutes=2)
"""A call that the ledger does not know so long after it was asked for never was: Asterisk writes of it at once, and who
asks it gives up after ``ANSWER_WITHIN_S`` for each of three steps."""
POLL_S: Final = 5.0

_log = structlog.get_logger()

_record: Final = calls.c.call_id == outbound_calls.c.call_id
_to_the_citizen: Final = (
    select(legs.c.position)
    .where(legs.c.call_id == outbound_calls.c.call_id, legs.c.role == Role.CITIZEN.value)
    .exists()
)
_OPEN: Final = (
    select(
        outbound_calls.c.call_id,
        outbound_calls.c.requested_at,
        outbound_calls.c.result,
        calls.c.call_id,
        calls.c.ended_at,
        calls.c.dial_status,
        _to_the_citizen,
    )
    .select_from(outbound_calls.outerjoin(calls, _record))
    .where(open_requests)
)
_LISTED: Final = select(outbound_calls, calls.c.call_id.label("record")).select_from(
    outbound_calls.outerjoin(calls, _record)
)


@dataclass(frozen=True, slots=True)
class Request:
    """A call that was asked for. ``result``: None while it is not known; ``has_record``: the ledger knows the call."""

    call_id: str
    requested_at: datetime
    operator: str
    number: str
    purpose: str | None
    result: Result | None
    has_record: bool

    @property
    def was_no_call(self) -> bool:
        """Whether it ended without a call, though nothing was wrong with the operator's phone."""
        return self.result in {Result.NOT_REACHED, Result.REFUSED, Result.NO_RECORD}


class Stage(StrEnum):
    """How far a call that was asked for has come: a ``Result``, or what the ledger says after that."""

    ASKED = "asked"
    """The operator's telephone rings, or is about to."""
    RINGS = "rings"
    TALKS = "talks"
    TALKED = "talked"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    GIVEN_UP = "given_up"
    """The operator hung up before anybody answered."""
    NOT_CONNECTED = "not_connected"
    """The network has no such number, or no way to it."""


_STAGES: Final[Mapping[str, Stage]] = {"NOANSWER": Stage.NO_ANSWER, "BUSY": Stage.BUSY, "CANCEL": Stage.GIVEN_UP}
"""By DIALSTATUS, of calls that are over and were not answered."""


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was asked for. ``stage``: how far it has come; ``talked``: seconds, once that is over."""

    call_id: str
    requested_at: datetime
    operator: str
    stage: Stage | Result
    talked: float | None

    @property
    def goes_on(self) -> bool:
        """Whether there is more to come."""
        return self.stage in {Stage.ASKED, Stage.RINGS, Stage.TALKS}

    @property
    def reached(self) -> bool:
        """Whether somebody answered whom it was made to."""
        return self.stage in {Stage.TALKS, Stage.TALKED}


_MADE: Final = (
    select(
        outbound_calls,
        calls.c.answered_at,
        calls.c.ended_at,
        calls.c.dial_status,
        calls.c.talk_time,
        _to_the_citizen.label("citizen"),
    )
    .select_from(outbound_calls.outerjoin(calls, _record))
    .order_by(outbound_calls.c.requested_at, outbound_calls.c.call_id)
)


async def latest_calls(connection: AsyncConnection, purposes: Collection[str]) -> dict[str, Made]:
    """The last call that was asked for, for each of these purposes; those without one are absent."""
    found = await connection.execute(_MADE.where(outbound_calls.c.purpose.in_(purposes)))
    return {row.purpose: _made(row) for row in found}


async def made_call(connection: AsyncConnection, call_id: str) -> Made | None:
    """A call that was asked for; None if nobody did."""
    row = (await connection.execute(_MADE.where(outbound_calls.c.call_id == call_id))).one_or_none()
    return None if row is None else _made(row)


async def purposes_of(connection: AsyncConnection, operator: str, since: datetime) -> list[str]:
    """What an operator asked for calls for since then."""
    found = await connection.execute(
        select(outbound_calls.c.purpose)
        .where(
            outbound_calls.c.operator == operator,
            outbound_calls.c.requested_at >= stamp(since),
            outbound_calls.c.purpose.is_not(None),
        )
        .distinct()
    )
    return list(found.scalars())


def _made(row: Any) -> Made:  # noqa: ANN401 - a row of _MADE
    talked = row.talk_time if row.answered_at is not None and row.ended_at is not None else None
    return Made(row.call_id, datetime.fromisoformat(row.requested_at), row.operator, _stage(row), talked)


def _stage(row: Any) -> Stage | Result:  # noqa: ANN401 - a row of _MADE
    if row.answered_at is not None:
        return Stage.TALKS if row.ended_at is None else Stage.TALKED
    result = None if row.result is None else Result(row.result)
    if result not in {None, Result.PICKED_UP}:
        return result
    if row.ended_at is None:
        return Stage.RINGS if result is not None or row.citizen else Stage.ASKED
    if row.dial_status is None and not row.citizen:
        return Result.NOT_PICKED_UP
    return _STAGES.get(row.dial_status or "", Stage.NOT_CONNECTED)


async def list_requests(
    connection: AsyncConnection,
    since: datetime | None = None,
    until: datetime | None = None,
    operator: str | None = None,
) -> list[Request]:
    """The calls that were asked for, the oldest first."""
    query = _LISTED.order_by(outbound_calls.c.requested_at, outbound_calls.c.call_id)
    if since is not None:
        query = query.where(outbound_calls.c.requested_at >= stamp(since))
    if until is not None:
        query = query.where(outbound_calls.c.requested_at < stamp(until))
    if operator is not None:
        query = query.where(outbound_calls.c.operator == operator)
    return [
        Request(
            row.call_id,
            datetime.fromisoformat(row.requested_at),
            row.operator,
            row.number,
            row.purpose,
            None if row.result is None else Result(row.result),
            row.record is not None,
        )
        for row in await connection.execute(query)
    ]


def settle(tx: Tx, read_until: datetime) -> dict[str, Result]:
    """Note what the ledger tells of calls whose end nobody noted; those that are settled now.

    ``read_until``: what Asterisk had written by then is kept.
    """
    given_up = stamp(read_until - GIVEN_UP_AFTER)
    found = {}
    for call_id, requested_at, result, record, ended_at, dial_status, to_the_citizen in tx.fetch_all(_OPEN):
        told = None
        if to_the_citizen or dial_status is not None:
            told = Result.PICKED_UP  # before that the dialplan dials nobody
        elif ended_at is not None:
            told = Result.NOT_PICKED_UP
        elif record is None and requested_at < given_up:
            told = Result.NO_RECORD
        if told is not None and told.value != result:
            finish(tx, call_id, told)
            found[call_id] = told
    return found


class ResultsKeeper:
    """Settles now and then what is open, as far as the ledger has been read."""

    def __init__(self, writer: Writer, read_until: Callable[[], datetime | None], poll_s: float = POLL_S) -> None:
        """``read_until``: see ``settle``; None while that is not known."""
        self._writer = writer
        self._read_until = read_until
        self._poll = poll_s

    async def run(self) -> None:
        """Settle for ever."""
        while True:
            read_until = self._read_until()
            if read_until is not None:
                try:
                    await self._settle(read_until)
                except Exception:  # noqa: BLE001 - nothing hangs on it, and the next time is soon
                    _log.exception("calls that were asked for not settled, will try again")
            await asyncio.sleep(self._poll)

    async def _settle(self, read_until: datetime) -> None:
        for call_id, result in (await self._writer.run(lambda tx: settle(tx, read_until))).items():
            say = _log.warning if result is Result.NO_RECORD else _log.info
            say("a call that was asked for is settled by the ledger", call_id=call_id, result=result.value)
