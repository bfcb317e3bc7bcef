"""Who is told that a service has not accepted an appeal in time: its ladder, climbed rung by rung, each once.

A rung that can be written to is written to; for one that cannot, and always when an emergency's time is over, an
operator must phone: the alert stays in the list of duties until somebody says what came of that call.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from appeals import clocks, duty_store, register_store, store
from appeals.duties import DutyKind
from appeals.errors import UnknownReferenceError
from appeals.messages import Announcement, MessageChannel
from appeals.model import HistoryEntry
from appeals.numbers import is_mobile
from appeals.ports import Outbox, Tx
from appeals.reference import CITY_TIME, Calendar, Name, Reference, Rung, Service, Urgency
from appeals.tables import appeals, duties, duty_alerts

TEMPLATE: Final = "escalation"
"""The text to those on the ladder."""


class Way(StrEnum):
    """How somebody is told; ``phone``: an operator must call them."""

    EMAIL = "email"
    SMS = "sms"
    PHONE = "phone"


_CHANNELS: Final = {Way.EMAIL: MessageChannel.EMAIL, Way.SMS: MessageChannel.SMS}


@dataclass(frozen=True, slots=True)
class Alert:
    """Somebody to be told at a time. Rung 0 is the service itself, the others are its ladder's, counted from 1."""

    rung: int
    at: datetime
    way: Way
    role: Name
    address: str | None


def alerts(
    service: Service,
    *,
    emergency: bool,
    due_at: datetime,
    calendar: Calendar,
    channels: Collection[MessageChannel],
) -> tuple[Alert, ...]:
    """Everybody who is to be told, and when, while nobody accepts what was to be accepted by ``due_at``.

    A rung's time counts from then; ``channels`` are the ways out that there are. An emergency is phoned about at once
    (the rule of Melitopol's contact centre), and so is whatever is with a service without a ladder.
    """
    ladder = [
        Alert(number, clocks.accept_by(rung.after, due_at, calendar).at, *_reached(rung, channels))
        for number, rung in enumerate(service.ladder, start=1)
    ]
    if emergency or not ladder:
        return (Alert(0, due_at, Way.PHONE, service.name, service.phone), *ladder)
    return tuple(ladder)


def _reached(rung: Rung, channels: Collection[MessageChannel]) -> tuple[Way, Name, str | None]:
    if rung.email is not None and MessageChannel.EMAIL in channels:
        return Way.EMAIL, rung.role, rung.email
    if rung.phone is not None and MessageChannel.SMS in channels and is_mobile(rung.phone):
        return Way.SMS, rung.role, rung.phone
    return Way.PHONE, rung.role, rung.phone


@dataclass(frozen=True, slots=True)
class Waiting:
    """An appeal that its service has not accepted yet."""

    duty_id: str
    appeal_id: str
    service: str
    due_at: datetime
    number: str | None
    category: str | None
    address: str | None
    restricted: bool


_WAITING: Final = (
    select(
        duties.c.duty_id,
        duties.c.appeal_id,
        duties.c.owner,
        duties.c.due_at,
        appeals.c.registration_number,
        appeals.c.category,
        appeals.c.address,
        appeals.c.desk,
    )
    .join(appeals, appeals.c.appeal_id == duties.c.appeal_id)
    .where(duties.c.closed_at.is_(None), duties.c.kind == bindparam("of_kind"))
    .order_by(duties.c.due_at, duties.c.duty_id)
)
_TOLD: Final = (
    select(duty_alerts.c.duty_id, duty_alerts.c.rung)
    .join(duties, duties.c.duty_id == duty_alerts.c.duty_id)
    .where(duties.c.closed_at.is_(None), duties.c.kind == bindparam("of_kind"))
)
_TELL: Final = insert(duty_alerts).values(
    {name: bindparam(name) for name in ("duty_id", "rung", "at", "way", "role", "address")}
)


def climb(
    tx: Tx,
    now: datetime,
    reference_of: Callable[[Tx], Reference],
    outbox: Outbox,
    channels: Collection[MessageChannel],
) -> list[tuple[str, Alert]]:
    """Tell everybody whose time has come, each once. Returns the alerts of now, each with its ``duty_id``."""
    all_waiting = tuple(_waiting(tx))
    if not all_waiting:
        return []
    reference = reference_of(tx)
    told: dict[str, set[int]] = defaultdict(set)
    for duty_id, rung in tx.fetch_all(_TOLD, {"of_kind": DutyKind.ACCEPT.value}):
        told[str(duty_id)].add(int(rung))
    return [
        (waiting.duty_id, _tell(tx, waiting, alert, now, reference, outbox))
        for waiting in all_waiting
        for alert in _plan(waiting, reference, channels)
        if alert.at <= now and alert.rung not in told[waiting.duty_id]
    ]


def _waiting(tx: Tx) -> Iterator[Waiting]:
    for duty_id, appeal_id, owner, due_at, number, category, address, desk in tx.fetch_all(
        _WAITING, {"of_kind": DutyKind.ACCEPT.value}
    ):
        yield Waiting(
            duty_id=duty_id,
            appeal_id=appeal_id,
            service=owner or "",
            due_at=datetime.fromisoformat(due_at),
            number=number,
            category=category,
            address=address,
            restricted=desk is not None,
        )


def _plan(waiting: Waiting, reference: Reference, channels: Collection[MessageChannel]) -> tuple[Alert, ...]:
    """The alerts of an appeal. A service that the city has struck off has no ladder any more, but is still late."""
    service = reference.services.get(waiting.service) or Service(
        waiting.service, Name(waiting.service, waiting.service)
    )
    category = reference.categories.get(waiting.category or "")
    return alerts(
        service,
        emergency=category is not None and category.urgency is Urgency.E1,
        due_at=waiting.due_at,
        calendar=reference.calendar,
        channels=channels,
    )


def _tell(tx: Tx, waiting: Waiting, alert: Alert, now: datetime, reference: Reference, outbox: Outbox) -> Alert:
    """Write, or where the text for it is missing let an operator phone; the appeal's history says who was told."""
    if alert.way is not Way.PHONE:
        try:
            outbox.put(tx, _announcement(waiting, alert, reference))
        except UnknownReferenceError:
            alert = Alert(alert.rung, alert.at, Way.PHONE, alert.role, alert.address)
    row = {"duty_id": waiting.duty_id, "rung": alert.rung, "at": store.to_text(now), "way": alert.way.value}
    tx.execute(_TELL, row | {"role": alert.role.uk, "address": alert.address})
    details = {"duty_id": waiting.duty_id, "rung": str(alert.rung), "role": alert.role.uk, "way": alert.way.value}
    register_store.append(tx, waiting.appeal_id, HistoryEntry(now, None, "not_accepted", details))
    duty_store.touch(tx, waiting.appeal_id)
    return alert


def _announcement(waiting: Waiting, alert: Alert, reference: Reference) -> Announcement:
    """Of a restricted appeal only that it waits: others read these messages too."""
    service = reference.services[waiting.service]
    category = reference.categories.get(waiting.category or "")
    parameters = {
        "number": waiting.number or "",
        "service": service.name.uk,
        "service_phone": service.phone or "",
        "due": f"{waiting.due_at.astimezone(CITY_TIME):%d.%m.%Y %H:%M}",
    }
    if not waiting.restricted:
        parameters |= {"category": "" if category is None else category.name.uk, "address": waiting.address or ""}
    return Announcement(
        event_id=f"{waiting.duty_id}:{alert.rung}",
        appeal_id=waiting.appeal_id,
        duty_id=None,
        template=TEMPLATE,
        language="uk",
        channel=_CHANNELS[alert.way],
        address=alert.address,
        parameters=parameters,
    )
