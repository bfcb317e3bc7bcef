"""Who calls: what the register and the call records know of a number, as far as the operator may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import incident_store, queries
from appeals.duties import Callback, Duty, DutyKind
from appeals.incidents import Incident, IncidentStatus
from appeals.model import OPEN, Actor, Appeal, Status
from appeals.queries import CallbackFilters
from appeals.search import AppealQuery, SearchIndex
from contact_centre import seen_calls
from contact_centre.console.languages import N_
from telephony.core.call import Direction, QueueOutcome
from telephony.store import CallFilter

MOST_CALLS: Final = 6
MOST_APPEALS: Final = 12
CUT_OFF: Final = timedelta(minutes=15)
"""Whom we sent away is told so within this (as ``lookup.CUT_OFF``, which puts them ahead of others)."""

_SERVED: Final = frozenset({QueueOutcome.ANSWERED, QueueOutcome.WITHDRAWN})


class Acquaintance(StrEnum):
    """How well the number is known: one person's, somebody's who called before, nobody's yet, or no number at all."""

    KNOWN = "known"
    MAYBE = "maybe"
    NEW = "new"
    WITHHELD = "withheld"


ACQUAINTANCE: Final = {
    Acquaintance.KNOWN: N_("known caller"),
    Acquaintance.MAYBE: N_("perhaps known"),
    Acquaintance.NEW: N_("new caller"),
    Acquaintance.WITHHELD: N_("number withheld"),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Everything that the card shows. ``names`` are those that operators wrote for the number, the newest first."""

    number: str | None
    acquaintance: Acquaintance
    names: tuple[str, ...] = ()
    calls: tuple[seen_calls.Call, ...] = ()
    more_calls: bool = False
    appeals: tuple[Appeal, ...] = ()
    duties: tuple[tuple[Duty, Appeal], ...] = ()
    callbacks: tuple[Callback, ...] = ()
    incidents: tuple[Incident, ...] = ()
    unserved: seen_calls.Call | None = None

    @property
    def open_appeals(self) -> tuple[Appeal, ...]:
        """Those about which something is still to be done; drafts are none yet."""
        return tuple(one for one in self.appeals if one.status in OPEN and one.status is not Status.NEW)

    @property
    def place(self) -> Appeal | None:
        """The last appeal that has an address."""
        return next((one for one in self.appeals if one.address), None)


def acquaintance(number: str | None, names: Sequence[str], appeals: int, calls: int) -> Acquaintance:
    """How well a number is known: several names share it, or none was ever written down, and it is only perhaps."""
    if number is None:
        return Acquaintance.WITHHELD
    if len({name.casefold() for name in names}) == 1:
        return Acquaintance.KNOWN
    return Acquaintance.MAYBE if appeals or calls else Acquaintance.NEW


async def look_up(
    connection: AsyncConnection, index: SearchIndex, number: str | None, call_id: str, actor: Actor, now: datetime
) -> Caller:
    """What is known of a number (E.164), the call itself left out."""
    if number is None:
        return Caller(None, Acquaintance.WITHHELD)
    calls, more = await seen_calls.find(connection, CallFilter(number=number), actor, MOST_CALLS + 1)
    before = [one for one in calls if one.call_id != call_id][:MOST_CALLS]
    found, _ = await queries.look_for(connection, index, AppealQuery(phone=number, limit=MOST_APPEALS), actor, now)
    appeals = [one for one in found if call_id not in one.calls and one.status is not Status.DISMISSED]
    names = tuple(dict.fromkeys(one.applicant for one in appeals if one.applicant))
    duties = tuple(
        (duty, one)
        for one in appeals
        for duty in one.duties
        if duty.closed_at is None and duty.kind in {DutyKind.INFORM, DutyKind.FORWARDING_CONTROL}
    )
    callbacks = await queries.list_callbacks(connection, CallbackFilters(number=number))
    place = next((one for one in appeals if one.street), None)
    alive = await incident_store.list_incidents(connection)
    last = before[0] if before else None
    return Caller(
        number=number,
        acquaintance=acquaintance(number, names, len(appeals), len(before)),
        names=names,
        calls=tuple(before),
        more_calls=more is not None,
        appeals=tuple(appeals),
        duties=duties,
        callbacks=tuple(callbacks),
        incidents=tuple(one for one in alive if one.status is IncidentStatus.OPEN and _near(one, place)),
        unserved=last if last is not None and _sent_away(last, now) else None,
    )


def _near(incident: Incident, place: Appeal | None) -> bool:
    """Whether an incident is where the caller's last appeal was, or anywhere in the city."""
    if place is None:
        return incident.street is None and incident.district is None
    return incident.street in {None, place.street} and incident.district in {None, place.district}


def _sent_away(call: seen_calls.Call, now: datetime) -> bool:
    ended = call.ended_at
    return (
        call.direction is Direction.INBOUND
        and ended is not None
        and now - ended < CUT_OFF
        and (call.recovered or call.queue_outcome not in _SERVED)
    )
