"""The outbox: announcements put in the transaction of what they tell, waiting to leave (``contact_centre.dispatch``).

One row for each event, channel and address: what is put twice leaves once. Rows leave in the order in which they were
put, for one appeal and address strictly so: a later one waits for the earlier.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from appeals.messages import Announcement, MessageChannel, Text, render
from appeals.ports import Clock, IdFactory, Tx
from appeals.reference import Template
from contact_centre.message_settings import WebhookSettings
from contact_centre.senders.ports import Outgoing, peer_of
from contact_centre.tables import metadata
from telephony.store import stamp


class State(StrEnum):
    """Where a message stands. ``dead``: nobody tries any more, a person decides; ``discarded``: the person did."""

    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    DEAD = "dead"
    DISCARDED = "discarded"


outbox: Final = Table(
    "outbox",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("message_id", String, nullable=False, unique=True),
    Column("event_id", String, nullable=False),
    Column("appeal_id", String),
    Column("duty_id", String),
    Column("template", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("address", String, nullable=False),
    Column("peer", String, nullable=False),
    Column("subject", String),
    Column("body", String, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", String, nullable=False),
    Column("queued_at", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("delivered_at", String),
    Column("provider_id", String),
    Column("last_error", String),
    UniqueConstraint("event_id", "channel", "address"),
    Index("outbox_appeal_id", "appeal_id"),
)
"""``queued_at``: since when it is tried, the last replay's moment; ``next_at``: not before. ``last_error`` may name
people, as address and body do."""

message_attempts: Final = Table(
    "message_attempts",
    metadata,
    Column("attempt", Integer, primary_key=True),
    Column("message_id", String, nullable=False, index=True),
    Column("at", String, nullable=False),
    Column("result", String, nullable=False),
    Column("reason", String),
)
"""The log of deliveries: every attempt, what came of it, and every decision of a person."""


def _is(table: Any, *states: State) -> ColumnElement[bool]:  # noqa: ANN401 - the table or an alias
    """States as literals: SQLite uses a partial index only where the statement says what the index says."""
    return or_(*(table.c.state == literal_column(f"'{state}'") for state in states))


waits: Final = _is(outbox, State.QUEUED, State.SENDING)
Index("outbox_waiting", outbox.c.peer, outbox.c.position, sqlite_where=waits, postgresql_where=waits)
is_queued: Final = _is(outbox, State.QUEUED)
is_dead: Final = _is(outbox, State.DEAD)
Index("outbox_dead", outbox.c.position, sqlite_where=is_dead, postgresql_where=is_dead)

_PUT: Final = insert(outbox).on_conflict_do_nothing(index_elements=["event_id", "channel", "address"])

_earlier: Final = outbox.alias("earlier")
_CLAIMABLE: Final = (
    select(outbox)
    .where(
        waits,
        is_queued,
        outbox.c.peer == bindparam("of_peer"),
        outbox.c.next_at <= bindparam("now"),
        ~exists().where(
            _is(_earlier, State.QUEUED, State.SENDING),
            _earlier.c.appeal_id == outbox.c.appeal_id,
            _earlier.c.channel == outbox.c.channel,
            _earlier.c.address == outbox.c.address,
            _earlier.c.position < outbox.c.position,
        ),
    )
    .order_by(outbox.c.position)
    .limit(1)
)
_of_message: Final = outbox.c.message_id == bindparam("of_message")
_CLAIM: Final = (
    update(outbox).where(_of_message, is_queued).values(state=State.SENDING.value, attempts=outbox.c.attempts + 1)
)
_DELIVERED: Final = (
    update(outbox)
    .where(_of_message)
    .values(
        state=State.DELIVERED.value,
        delivered_at=bindparam("at"),
        provider_id=bindparam("provider"),
        last_error=bindparam("why"),
    )
)
_BACK: Final = (
    update(outbox)
    .where(_of_message, _is(outbox, State.SENDING))
    .values(state=State.QUEUED.value, next_at=bindparam("until"), last_error=bindparam("why"))
)
_DIED: Final = update(outbox).where(_of_message, waits).values(state=State.DEAD.value, last_error=bindparam("why"))
_LOG: Final = insert(message_attempts)
_IN_DOUBT: Final = select(outbox.c.message_id, outbox.c.peer).where(waits, _is(outbox, State.SENDING))
_TOO_OLD: Final = select(outbox.c.message_id, outbox.c.peer, outbox.c.last_error).where(
    waits, is_queued, outbox.c.queued_at < bindparam("before")
)
_NOTE: Final = (
    update(outbox)
    .where(waits, is_queued, outbox.c.peer == bindparam("of_peer"), outbox.c.last_error.is_(None))
    .values(last_error=bindparam("why"))
)
_REPLAY: Final = (
    update(outbox)
    .where(
        _of_message,
        or_(
            _is(outbox, State.DEAD, State.DISCARDED),
            (outbox.c.channel == literal_column(f"'{MessageChannel.WEBHOOK}'")) & _is(outbox, State.DELIVERED),
        ),
    )
    .values(state=State.QUEUED.value, attempts=0, queued_at=bindparam("at"), next_at=bindparam("at"), last_error=None)
)
_DISCARD: Final = (
    update(outbox)
    .where(_of_message, _is(outbox, State.DEAD, State.QUEUED))
    .values(state=State.DISCARDED.value, last_error=bindparam("why"))
)


class MessageStateError(Exception):
    """A message is not in a state in which this can be done with it."""


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the outbox. ``address`` of a webhook is the subscriber's name."""

    message_id: str
    event_id: str
    appeal_id: str | None
    duty_id: str | None
    template: str
    channel: MessageChannel
    address: str
    peer: str
    subject: str | None
    body: str
    state: State
    attempts: int
    next_at: datetime
    queued_at: datetime
    created_at: datetime
    delivered_at: datetime | None
    provider_id: str | None
    last_error: str | None

    @property
    def outgoing(self) -> Outgoing:
        """What a sender gets."""
        return Outgoing(self.message_id, self.event_id, self.address, self.subject, self.body, self.created_at)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message that its peer took: the evidence that closes a duty."""

    message_id: str
    event_id: str
    appeal_id: str | None
    duty_id: str | None
    channel: MessageChannel
    at: datetime


class TableOutbox:
    """The register's port ``Outbox``: renders, and keeps a row for every receiver."""

    def __init__(
        self,
        templates: Callable[[Tx], Mapping[tuple[str, str], Template]],
        subscribers: Sequence[WebhookSettings],
        clock: Clock,
        ids: IdFactory,
    ) -> None:
        self._templates = templates
        self._subscribers = subscribers
        self._clock = clock
        self._ids = ids

    def put(self, tx: Tx, announcement: Announcement) -> None:
        """Put an announcement with the transaction; a webhook once for each subscriber that wants the event.

        Raises:
            UnknownReferenceError: There is no such template.
            ValueError: An e-mail or SMS without an address.
        """
        if announcement.channel is MessageChannel.WEBHOOK:
            text = self._event(announcement)
            for one in self._subscribers:
                if one.wants(announcement.template):
                    self._keep(tx, announcement, one.name, text)
            return
        if not announcement.address:
            raise ValueError("an announcement without an address")
        self._keep(tx, announcement, announcement.address, render(announcement, self._templates(tx)))

    def _event(self, announcement: Announcement) -> Text:
        """The payload that Standard Webhooks proposes."""
        payload = {
            "type": announcement.template,
            "timestamp": stamp(self._clock.now()),
            "data": {"appeal_id": announcement.appeal_id} | dict(announcement.parameters),
        }
        return Text(None, json.dumps(payload, ensure_ascii=False))

    def _keep(self, tx: Tx, announcement: Announcement, address: str, text: Text) -> None:
        now = stamp(self._clock.now())
        row = {
            "message_id": self._ids(),
            "event_id": announcement.event_id,
            "appeal_id": announcement.appeal_id,
            "duty_id": announcement.duty_id,
            "template": announcement.template,
            "channel": announcement.channel.value,
            "address": address,
            "peer": peer_of(announcement.channel, address),
            "subject": text.subject,
            "body": text.body,
            "state": State.QUEUED.value,
            "attempts": 0,
            "next_at": now,
            "queued_at": now,
            "created_at": now,
        }
        tx.execute(_PUT, row | {"position": None, "delivered_at": None, "provider_id": None, "last_error": None})


def claim(tx: Tx, peer: str, now: datetime) -> Message | None:
    """The next message for a peer, from now on ``sending``; None if none is due."""
    rows = tx.fetch_all(_CLAIMABLE, {"of_peer": peer, "now": stamp(now)})
    if not rows:
        return None
    message = message_of(dict(zip(outbox.c.keys(), rows[0], strict=True)))
    tx.execute(_CLAIM, {"of_message": message.message_id})
    return replace(message, state=State.SENDING, attempts=message.attempts + 1)


def delivered(tx: Tx, message_id: str, at: datetime, provider_id: str | None, note: str | None = None) -> None:
    """The peer took it. ``note`` is what went wrong after that."""
    tx.execute(_DELIVERED, {"of_message": message_id, "at": stamp(at), "provider": provider_id, "why": note})
    log(tx, message_id, at, "accepted", note or provider_id)


def back(tx: Tx, message_id: str, until: datetime, why: str) -> None:
    """It was not taken: it waits, not before ``until``."""
    tx.execute(_BACK, {"of_message": message_id, "until": stamp(until), "why": why})


def died(tx: Tx, message_id: str, why: str) -> None:
    """It was not taken and will not be tried again: a dead letter."""
    tx.execute(_DIED, {"of_message": message_id, "why": why})


def log(tx: Tx, message_id: str, at: datetime, result: str, reason: str | None) -> None:
    """Add a line to the log of deliveries."""
    tx.execute(_LOG, {"attempt": None, "message_id": message_id, "at": stamp(at), "result": result, "reason": reason})


def recover(tx: Tx, again: Iterable[str], at: datetime, why: str) -> int:
    """Messages whose sending a stop cut off: back into the queue for the peers ``again``, dead letters for the others.

    For the start, when nobody sends. Returns how many there were.
    """
    repeat = frozenset(again)
    found = tx.fetch_all(_IN_DOUBT, {})
    for message_id, peer in found:
        if peer in repeat:
            back(tx, message_id, at, why)
        else:
            died(tx, message_id, why)
        log(tx, message_id, at, "uncertain", why)
    return len(found)


def expire(tx: Tx, before: datetime, at: datetime) -> list[str]:
    """What has waited since before ``before`` becomes dead letters; their peers."""
    found = tx.fetch_all(_TOO_OLD, {"before": stamp(before)})
    for message_id, _, last_error in found:
        why = f"too old: {last_error or 'never tried'}"
        died(tx, message_id, why)
        log(tx, message_id, at, "expired", last_error)
    return [str(peer) for _, peer, _ in found]


def note(tx: Tx, peer: str, why: str) -> None:
    """Why a peer's messages wait, at those that have no reason yet."""
    tx.execute(_NOTE, {"of_peer": peer, "why": why})


def replay(tx: Tx, message_id: str, at: datetime) -> bool:
    """Try a dead letter again from the start; a webhook also when it was delivered. False if it is neither."""
    done = tx.execute(_REPLAY, {"of_message": message_id, "at": stamp(at)}) > 0
    if done:
        log(tx, message_id, at, "replayed", None)
    return done


def discard(tx: Tx, message_id: str, at: datetime, why: str) -> bool:
    """Somebody decided that it does not leave. False if it is not waiting or dead."""
    done = tx.execute(_DISCARD, {"of_message": message_id, "why": why}) > 0
    if done:
        log(tx, message_id, at, "discarded", why)
    return done


def message_of(row: Mapping[str, Any]) -> Message:
    """A row as a record."""
    at = datetime.fromisoformat
    return Message(
        message_id=row["message_id"],
        event_id=row["event_id"],
        appeal_id=row["appeal_id"],
        duty_id=row["duty_id"],
        template=row["template"],
        channel=MessageChannel(row["channel"]),
        address=row["address"],
        peer=row["peer"],
        subject=row["subject"],
        body=row["body"],
        state=State(row["state"]),
        attempts=row["attempts"],
        next_at=at(row["next_at"]),
        queued_at=at(row["queued_at"]),
        created_at=at(row["created_at"]),
        delivered_at=at(row["delivered_at"]) if row["delivered_at"] else None,
        provider_id=row["provider_id"],
        last_error=row["last_error"],
    )
