"""Calls as somebody may see them: the appeals that a call is linked to decide.

A call of a restricted appeal is masked for everybody but its desk, and is not compared with what they look for: nobody
learns from the length of a list who called there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.errors import RoleError
from appeals.model import Actor, Role
from appeals.queries import Linked, linked_appeals
from appeals.visibility import Sight, sight, sight_of_call
from recordings.store import recordings_of_calls
from telephony.core import call as core
from telephony.core.call import Direction, QueueOutcome, Span, Transfer
from telephony.store import CallFilter, CallRecord, get_call, list_calls

_SEES_CALLS: Final = tuple(
    role.value for role in Role if sight(Actor("", frozenset({role})), desk=None, service=None) is not Sight.NOTHING
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A channel's part in a call. Durations are seconds; ``talks`` is when the citizen and it heard each other."""

    uniqueid: str
    role: core.Role
    party: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    talk_time: float
    hold_time: float
    talks: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call record. Durations are seconds. ``masked``: a restricted desk's; neither who called nor why is shown."""

    call_id: str
    line: str | None
    direction: Direction
    caller_number: str | None
    caller_number_raw: str | None
    caller_name: str | None
    dialled_number: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    queue: str | None
    queue_outcome: QueueOutcome
    operator: str | None
    wait_time: float | None
    talk_time: float
    hold_time: float
    ring_no_answers: int
    transfers: tuple[Transfer, ...]
    legs: tuple[Leg, ...]
    purpose: str | None
    recovered: bool
    recordings: tuple[str, ...]
    appeal_ids: tuple[str, ...]
    masked: bool = False


async def find(
    connection: AsyncConnection, wanted: CallFilter, actor: Actor, limit: int
) -> tuple[list[Call], tuple[datetime, str] | None]:
    """A page of calls, the newest first, and ``before`` of the next page, None if this is the last.

    Raises:
        RoleError: The actor sees calls of some appeals only, and has to ask for them one by one.
    """
    if sight(actor, desk=None, service=None) is Sight.NOTHING:
        raise RoleError("list_calls", _SEES_CALLS)
    enough = _enough(wanted)
    found: list[Call] = []
    before, more = wanted.before, True
    while more and len(found) <= limit:
        records = await list_calls(connection, replace(wanted, limit=limit + 1, before=before))
        records.reverse()
        more = len(records) > limit
        shown = await _shown(connection, records, actor)
        found += [call for how, call in shown if call is not None and how in enough]
        if records:
            before = (records[-1].call.started_at, records[-1].call.call_id)
    page = found[:limit]
    return page, (page[-1].started_at, page[-1].call_id) if len(found) > limit else None


async def get(connection: AsyncConnection, call_id: str, actor: Actor) -> Call | None:
    """One call; None if there is none, or none that the actor may know of."""
    linked = (await linked_appeals(connection, [call_id])).get(call_id, [])
    hidden = _sight(actor, linked) is Sight.NOTHING  # found out first: it takes as long whether there is one or not
    record = None if hidden else await get_call(connection, call_id)
    if record is None:
        return None
    [(_, call)] = await _shown(connection, [record], actor)
    return call


async def heard_by(connection: AsyncConnection, call_id: str, actor: Actor) -> bool:
    """Whether the actor may know of the recording of a call."""
    linked = (await linked_appeals(connection, [call_id])).get(call_id, [])
    return _sight(actor, linked) is Sight.WHOLE


def _enough(wanted: CallFilter) -> frozenset[Sight]:
    """Of whose calls the criteria may be compared."""
    if wanted.number is not None:
        return frozenset({Sight.WHOLE})
    if wanted.line is not None or wanted.operator is not None:
        return frozenset({Sight.WHOLE, Sight.MATTER})
    return frozenset(Sight)


def _sight(actor: Actor, linked: Sequence[Linked]) -> Sight:
    return sight_of_call(actor, [(one.desk, one.service) for one in linked])


async def _shown(
    connection: AsyncConnection, records: Sequence[CallRecord], actor: Actor
) -> list[tuple[Sight, Call | None]]:
    call_ids = [record.call.call_id for record in records]
    recordings = await recordings_of_calls(connection, call_ids)
    linked = await linked_appeals(connection, call_ids)
    shown: list[tuple[Sight, Call | None]] = []
    for record in records:
        call_id = record.call.call_id
        appeals = linked.get(call_id, [])
        how = _sight(actor, appeals)
        whole = _whole(record, recordings.get(call_id), [one.appeal_id for one in appeals])
        shown.append((how, _seen(whole, how)))
    return shown


def _whole(record: CallRecord, recording: str | None, appeal_ids: Sequence[str]) -> Call:
    kept = {name: getattr(record.call, name) for name in Call.__dataclass_fields__ if hasattr(record.call, name)}
    legs = tuple(Leg(**{name: getattr(leg, name) for name in Leg.__dataclass_fields__}) for leg in record.call.legs)
    linked = {
        "caller_number": record.caller_number,
        "legs": legs,
        "recordings": () if recording is None else (recording,),
        "appeal_ids": tuple(appeal_ids),
    }
    return Call(**kept | linked)


def _seen(call: Call, how: Sight) -> Call | None:
    match how:
        case Sight.WHOLE:
            return call
        case Sight.MATTER:
            return _without_person(call)
        case Sight.MASKED:
            return _masked(call)
        case Sight.NOTHING:
            return None


def _without_person(call: Call) -> Call:
    ours = frozenset({core.Role.OPERATOR})
    return replace(
        call,
        caller_number=None,
        caller_number_raw=None,
        caller_name=None,
        dialled_number=None if call.direction is Direction.OUTBOUND else call.dialled_number,
        legs=tuple(leg if leg.role in ours else replace(leg, party=None) for leg in call.legs),
        transfers=tuple(replace(one, by=None, to=None) for one in call.transfers),
        purpose=None,
        recordings=(),
        appeal_ids=(),
    )


def _masked(call: Call) -> Call:
    return replace(
        _without_person(call),
        masked=True,
        line=None,
        dialled_number=None,
        queue=None,
        operator=None,
        legs=(),
        transfers=(),
    )
