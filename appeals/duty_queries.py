"""The worklist: what is owed, to whom, until when, and what was tried. A constant number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, case, false, func, literal, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals import duty_store, rows
from appeals.duties import ContactDirection, Duty, DutyKind, Excuse
from appeals.escalation import Way
from appeals.evidence import GivenResult, best_hour
from appeals.model import Actor, Role, Status
from appeals.store import to_text
from appeals.tables import appeals, contact_evidence, contact_results, duties, duty_alerts, is_callback
from appeals.visibility import Sight, duty_without_person, sees_every_service, sight

HABITS: Final = timedelta(days=180)
"""How far back a citizen's calls tell at which hour they can be reached."""


@dataclass(frozen=True, slots=True)
class DutyFilters:
    """Which duties; a criterion that is None does not narrow.

    ``open`` None is both those that are open and those that are closed; ``overdue`` are open ones after their time.
    ``owner`` is a login or a service, ``service`` whose appeal it is. ``after`` is ``due_at``, ``opened_at`` and
    ``duty_id`` of a duty: only those behind it in the list. ``together``: missed calls of one citizen are one entry.
    """

    duty_id: str | None = None
    kind: DutyKind | None = None
    owner: str | None = None
    appeal_id: str | None = None
    service: str | None = None
    open: bool | None = True
    overdue: bool = False
    limit: int | None = None
    after: tuple[datetime, datetime, str] | None = None
    together: bool = True


@dataclass(frozen=True, slots=True)
class Alerted:
    """Somebody was told that a service has not accepted (``appeals.escalation``)."""

    rung: int
    at: datetime
    way: Way
    role: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Owed:
    """A duty with what whoever takes it up wants to know, as far as they may see it.

    ``calls`` is how many missed calls of the citizen it stands for, if it is a callback. ``best_hour`` is the hour of
    the day, in the city, at which the citizen calls most. ``results`` are those given for it, ``alerts`` who was told
    that it is late, and ``must_phone`` whom of them an operator must still call.
    """

    duty: Duty
    registration_number: str | None
    status: Status | None
    category: str | None
    service: str | None
    applicant: str | None
    calls: int
    overdue: bool
    best_hour: int | None
    results: tuple[GivenResult, ...]
    alerts: tuple[Alerted, ...]
    must_phone: Alerted | None
    masked: bool


_OF_APPEAL: Final = (
    appeals.c.registration_number,
    appeals.c.status,
    appeals.c.category,
    appeals.c.service,
    appeals.c.applicant,
    appeals.c.desk,
)


async def list_duties(connection: AsyncConnection, filters: DutyFilters, actor: Actor, now: datetime) -> list[Owed]:
    """Duties, the one due first at the head, each as ``actor`` may see it.

    Missed calls of one citizen that wait for, or were cleared by, the same contact are one, the first; unless each is
    wanted alone.
    """
    chosen = _chosen(filters, actor, now)
    labelled = (column.label(f"appeal_{column.name}") for column in _OF_APPEAL)
    statement = (
        rows.DUTIES.add_columns(*labelled)
        .outerjoin(appeals, appeals.c.appeal_id == duties.c.appeal_id)
        .where(duties.c.duty_id.in_(select(chosen.c.duty_id)))
        .order_by(duties.c.due_at, duties.c.opened_at, duties.c.duty_id)
    )
    found = (await connection.execute(statement)).mappings().all()
    of_chosen = select(chosen.c.duty_id)
    results: dict[str, list[GivenResult]] = defaultdict(list)
    for row in (await connection.execute(_results(of_chosen))).mappings():
        results[row["duty_id"]].append(duty_store.given_result(row))
    told: dict[str, list[Alerted]] = defaultdict(list)
    for alert in await connection.execute(_alerts(of_chosen)):
        at = datetime.fromisoformat(alert.at)
        told[alert.duty_id].append(Alerted(alert.rung, at, Way(alert.way), alert.role, alert.address))
    habits: dict[str, list[datetime]] = defaultdict(list)
    for number, at in await connection.execute(_habits(select(chosen.c.number), now)):
        habits[number].append(datetime.fromisoformat(at))
    listed = [_owed(row, results[row["duty_id"]], told[row["duty_id"]], habits[row["number"]], now) for row in found]
    entries = list(zip(listed, found, strict=True))
    shown = _together(entries) if filters.together else entries
    return [_seen(one, row["appeal_desk"], actor) for one, row in shown]


@dataclass(frozen=True, slots=True)
class Heap:
    """How many entries of the worklist are open, and how many of them are overdue."""

    open: int
    overdue: int


async def count_open(connection: AsyncConnection, now: datetime) -> dict[DutyKind, Heap]:
    """What is owed, by kind; missed calls of one citizen are one entry, as in ``list_duties``."""
    late = duties.c.due_at < to_text(now)
    citizen = case((is_callback, duties.c.number), else_=duties.c.duty_id)
    found = await connection.execute(
        select(duties.c.kind, func.count(citizen.distinct()), func.count(case((late, citizen)).distinct()))
        .where(duties.c.closed_at.is_(None))
        .group_by(duties.c.kind)
    )
    heaps = {DutyKind(kind): Heap(count, overdue) for kind, count, overdue in found}
    return {kind: heaps.get(kind, Heap(0, 0)) for kind in DutyKind}


async def callbacks_left(connection: AsyncConnection, call_ids: Sequence[str]) -> dict[str, bool]:
    """Calls that left a callback: whether it is still open, by ``call_id``."""
    found = await connection.execute(
        select(duties.c.call_id, duties.c.closed_at).where(is_callback, duties.c.call_id.in_(call_ids))
    )
    return {call_id: closed_at is None for call_id, closed_at in found}


async def count_withheld(connection: AsyncConnection, since: datetime) -> int:
    """Missed calls since then of citizens whose number was withheld: nobody can call them back."""
    found = await connection.execute(
        select(func.count()).where(
            is_callback, duties.c.excuse == Excuse.NO_CONTACT.value, duties.c.closed_at >= to_text(since)
        )
    )
    return int(found.scalar_one())


def _chosen(filters: DutyFilters, actor: Actor, now: datetime) -> Any:  # noqa: ANN401 - SQLAlchemy's subquery
    """The ids and numbers of the duties that are listed."""
    conditions: list[ColumnElement[bool]] = []
    for column, wanted in (
        (duties.c.duty_id, filters.duty_id),
        (duties.c.kind, None if filters.kind is None else filters.kind.value),
        (duties.c.owner, filters.owner),
        (duties.c.appeal_id, filters.appeal_id),
        (appeals.c.service, filters.service),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    if filters.overdue:
        conditions += [duties.c.closed_at.is_(None), duties.c.due_at < to_text(now)]
    elif filters.open is not None:
        conditions.append(duties.c.closed_at.is_(None) if filters.open else duties.c.closed_at.is_not(None))
    if filters.after is not None:
        due_at, opened_at, duty_id = filters.after
        behind = tuple_(literal(to_text(due_at)), literal(to_text(opened_at)), literal(duty_id))
        conditions.append(tuple_(duties.c.due_at, duties.c.opened_at, duties.c.duty_id) > behind)
    if not sees_every_service(actor):
        conditions.append(appeals.c.service == actor.service if Role.EXECUTOR in actor.roles else false())
    return (
        select(duties.c.duty_id, duties.c.number)
        .outerjoin(appeals, appeals.c.appeal_id == duties.c.appeal_id)
        .where(*conditions)
        .order_by(duties.c.due_at, duties.c.opened_at, duties.c.duty_id)
        .limit(filters.limit)
        .subquery()
    )


def _results(of_chosen: Select[Any]) -> Select[Any]:
    return (
        select(contact_results)
        .where(contact_results.c.duty_id.in_(of_chosen))
        .order_by(contact_results.c.given_at, contact_results.c.contact_id)
    )


def _alerts(of_chosen: Select[Any]) -> Select[Any]:
    return (
        select(duty_alerts).where(duty_alerts.c.duty_id.in_(of_chosen)).order_by(duty_alerts.c.at, duty_alerts.c.rung)
    )


def _habits(numbers: Select[Any], now: datetime) -> Any:  # noqa: ANN401 - SQLAlchemy's compound select
    """When these citizens called: the calls that were answered, and those that were not."""
    since = to_text(now - HABITS)
    return union_all(
        select(contact_evidence.c.number, contact_evidence.c.at).where(
            contact_evidence.c.direction == ContactDirection.INBOUND.value,
            contact_evidence.c.number.in_(numbers),
            contact_evidence.c.at >= since,
        ),
        select(duties.c.number, duties.c.opened_at).where(
            is_callback, duties.c.number.in_(numbers), duties.c.opened_at >= since
        ),
    )


def _owed(
    row: Mapping[Any, Any],
    results: list[GivenResult],
    told: list[Alerted],
    habits: list[datetime],
    now: datetime,
) -> Owed:
    duty = rows.duty(row)
    spoken = max((given.given_at for given in results), default=None)
    phone = [one for one in told if one.way is Way.PHONE and (spoken is None or one.at > spoken)]
    return Owed(
        duty=duty,
        registration_number=row["appeal_registration_number"],
        status=None if row["appeal_status"] is None else Status(row["appeal_status"]),
        category=row["appeal_category"],
        service=row["appeal_service"],
        applicant=row["appeal_applicant"],
        calls=int(duty.kind is DutyKind.CALLBACK),
        overdue=duty.closed_at is None and duty.due_at < now,
        best_hour=best_hour(habits),
        results=tuple(results),
        alerts=tuple(told),
        must_phone=phone[-1] if phone and duty.closed_at is None else None,
        masked=False,
    )


def _together(listed: Iterable[tuple[Owed, Mapping[Any, Any]]]) -> list[tuple[Owed, Mapping[Any, Any]]]:
    """Missed calls of one citizen are one entry of the worklist, as in ``duties.callbacks``."""
    entries: dict[tuple[str | None, ...], tuple[Owed, Mapping[Any, Any]]] = {}
    for one, row in listed:
        duty = one.duty
        key: tuple[str | None, ...] = (duty.duty_id,)
        if duty.kind is DutyKind.CALLBACK and duty.excuse is None:
            key = (duty.kind.value, duty.number, duty.evidence)
        if key in entries:
            first, of_first = entries[key]
            entries[key] = (replace(first, calls=first.calls + 1), of_first)
        else:
            entries[key] = (one, row)
    return list(entries.values())


def _seen(one: Owed, desk: str | None, actor: Actor) -> Owed:
    """The entry as ``actor`` may see it: the mayor without the person, who is of another desk without the matter."""
    seen = sight(actor, desk=desk, service=one.service)
    if seen is Sight.WHOLE:
        return one
    without = replace(one, duty=duty_without_person(one.duty), applicant=None, best_hour=None, results=())
    return without if seen is Sight.MATTER else replace(without, category=None, masked=True)
