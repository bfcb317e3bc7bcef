"""The statements on what calls give rise to: drafts, links, contacts, callbacks.

Write functions take a ``Tx``; what people's commands write is in ``appeals.register_store``, reads in
``appeals.queries``. History has an insert statement and no other.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.dml import Update

from appeals.duties import ContactEvidence, DutyKind, Excuse, MissedReason
from appeals.evidence import UNANSWERED
from appeals.model import Channel, Status
from appeals.ports import Tx
from appeals.tables import (
    appeal_calls,
    appeal_history,
    appeals,
    call_recordings,
    contact_evidence,
    contact_results,
    duties,
    is_callback,
)

_to_json: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


def _values(*names: str) -> dict[str, ColumnElement[object]]:
    return {name: bindparam(name) for name in names}


_INSERT_DRAFT: Final = (
    insert(appeals)
    .values(
        _values(
            "appeal_id",
            "drafted_from",
            "status",
            "operator",
            "line",
            "caller_number",
            "caller_number_raw",
            "caller_name",
            "channel",
            "created_at",
        )
    )
    .on_conflict_do_nothing(index_elements=["drafted_from"])
)

_DRAFT_OF_CALL: Final = select(appeals.c.appeal_id).where(appeals.c.drafted_from == bindparam("call_id"))

_LINK_CALL: Final = insert(appeal_calls).values(_values("appeal_id", "call_id", "at")).on_conflict_do_nothing()

_IS_APPEAL: Final = select(appeals.c.appeal_id).where(appeals.c.appeal_id == bindparam("of_appeal"))

_APPEAL_OF_DUTY: Final = select(duties.c.appeal_id).where(
    duties.c.duty_id == bindparam("of_duty"), duties.c.appeal_id.is_not(None)
)

_ATTACH_RECORDING: Final = insert(call_recordings).values(_values("call_id", "recording_id")).on_conflict_do_nothing()

_APPEND_HISTORY: Final = insert(appeal_history).values(_values("appeal_id", "at", "actor", "event", "details"))

_new_contact: Final = insert(contact_evidence).values(
    _values("contact_id", "number", "direction", "connected_seconds", "at", "ended_at")
)
_CORRECTABLE_CONTACT: Final = ("number", "direction", "connected_seconds", "at", "ended_at")
_PUT_CONTACT: Final = _new_contact.on_conflict_do_update(
    index_elements=["contact_id"],
    set_={name: _new_contact.excluded[name] for name in _CORRECTABLE_CONTACT},
    where=or_(
        *(contact_evidence.c[name].is_distinct_from(_new_contact.excluded[name]) for name in _CORRECTABLE_CONTACT)
    ),
)

_new_callback: Final = insert(duties).values(
    _values("duty_id", "kind", "call_id", "number", "line", "reason", "opened_at", "due_at", "excuse", "closed_at")
)
_CORRECTABLE_CALLBACK: Final = ("number", "line", "reason", "opened_at")
_PUT_CALLBACK: Final = _new_callback.on_conflict_do_update(
    index_elements=["call_id"],
    index_where=is_callback,
    set_={
        name: _new_callback.excluded[name]
        for name in (*_CORRECTABLE_CALLBACK, "due_at", "excuse", "closed_at", "evidence")
    },
    where=or_(*(duties.c[name].is_distinct_from(_new_callback.excluded[name]) for name in _CORRECTABLE_CALLBACK)),
)

_control: Final = duties.alias("control")
_specialist_answered: Final = exists().where(
    _control.c.kind == literal_column(f"'{DutyKind.FORWARDING_CONTROL}'"),
    _control.c.call_id == duties.c.call_id,
    _control.c.talked_seconds.is_not(None),
)
_answered_after_all: Final = case(
    (duties.c.reason == literal_column(f"'{MissedReason.PROMISED}'"), false()),
    (duties.c.reason == literal_column(f"'{MissedReason.SPECIALIST}'"), _specialist_answered),
    else_=true(),
)
_in_vain: Final = exists().where(
    contact_results.c.contact_id == contact_evidence.c.contact_id,
    contact_results.c.result.in_(literal_column(f"'{result}'") for result in sorted(UNANSWERED)),
)
_proof: Final = and_(
    contact_evidence.c.number == duties.c.number,
    contact_evidence.c.connected_seconds.is_not(None),
    not_(_in_vain),
    or_(
        contact_evidence.c.at > duties.c.opened_at,
        and_(contact_evidence.c.contact_id == duties.c.call_id, _answered_after_all),
    ),
)


def _settle() -> Update:
    """Callback duties point at the first contact after the missed call, or at that very call, now found answered.

    A contact of which the operator says that it was an answering machine, or somebody else, is none. Computed afresh
    from the tables, whatever the rows said before, so the order in which facts arrive, their
    repetition and their correction cannot matter.
    """
    return (
        update(duties)
        .values(
            closed_at=select(func.min(contact_evidence.c.at)).where(_proof).scalar_subquery(),
            evidence=select(contact_evidence.c.contact_id)
            .where(_proof)
            .order_by(contact_evidence.c.at, contact_evidence.c.contact_id)
            .limit(literal_column("1", Integer))
            .offset(literal_column("0", Integer))
            .scalar_subquery(),
        )
        .where(is_callback, duties.c.excuse.is_(None))
    )


_SETTLE_CALL: Final = _settle().where(duties.c.call_id == bindparam("missed"))

_SETTLE_CONTACT: Final = _settle().where(
    or_(
        duties.c.evidence == bindparam("contact_id"),
        and_(duties.c.number == bindparam("contact_number"), duties.c.closed_at.is_(None)),
        and_(duties.c.number == bindparam("contact_number"), duties.c.closed_at >= bindparam("contact_at")),
    )
)


@lru_cache(maxsize=256)
def to_text(at: datetime) -> str:
    """A time as the tables hold it.

    Raises:
        ValueError: The time is naive.
    """
    if at.tzinfo is None:
        raise ValueError(f"a time without offset: {at}")
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def insert_draft(
    tx: Tx,
    *,
    appeal_id: str,
    call_id: str,
    number_raw: str | None,
    number: str | None,
    line: str | None,
    operator: str | None,
    caller_name: str | None,
    at: datetime,
) -> bool:
    """Add a draft unless the call has made one; says whether it did."""
    parameters = {
        "appeal_id": appeal_id,
        "drafted_from": call_id,
        "status": Status.NEW.value,
        "operator": operator,
        "line": line,
        "caller_number": number,
        "caller_number_raw": number_raw,
        "caller_name": caller_name,
        "channel": Channel.PHONE.value,
        "created_at": to_text(at),
    }
    return tx.execute(_INSERT_DRAFT, parameters) > 0


def draft_of_call(tx: Tx, call_id: str) -> str:
    """The ``appeal_id`` of the draft that a call made; there must be one."""
    [(appeal_id,)] = tx.fetch_all(_DRAFT_OF_CALL, {"call_id": call_id})
    return str(appeal_id)


def link_call(tx: Tx, appeal_id: str, call_id: str, *, at: datetime) -> None:
    """Note that a call, made at ``at``, was about an appeal."""
    tx.execute(_LINK_CALL, {"appeal_id": appeal_id, "call_id": call_id, "at": to_text(at)})


def link_known(tx: Tx, appeal_id: str, call_id: str, *, at: datetime) -> bool:
    """Note that a call, made at ``at``, was about an appeal, if there is such an appeal; says whether there is."""
    if not tx.fetch_all(_IS_APPEAL, {"of_appeal": appeal_id}):
        return False
    link_call(tx, appeal_id, call_id, at=at)
    return True


def appeal_of_duty(tx: Tx, duty_id: str) -> str | None:
    """The appeal that a duty belongs to; None if there is no such duty, or it belongs to none."""
    rows = tx.fetch_all(_APPEAL_OF_DUTY, {"of_duty": duty_id})
    return str(rows[0][0]) if rows else None


def put_recording(tx: Tx, call_id: str, recording_id: str) -> None:
    """Note a call's recording."""
    tx.execute(_ATTACH_RECORDING, {"call_id": call_id, "recording_id": recording_id})


def append_history(
    tx: Tx, appeal_id: str, *, at: datetime, actor: str | None, event: str, details: Mapping[str, str | None]
) -> None:
    """Add a line to an appeal's history."""
    text = _to_json(dict(details))
    tx.execute(
        _APPEND_HISTORY, {"appeal_id": appeal_id, "at": to_text(at), "actor": actor, "event": event, "details": text}
    )


def put_contact(tx: Tx, contact: ContactEvidence) -> bool:
    """Keep a contact, or its correction, and settle the callbacks that it touches. Says whether anything is new."""
    at = to_text(contact.at)
    parameters = {
        "contact_id": contact.contact_id,
        "number": contact.number,
        "direction": contact.direction.value,
        "connected_seconds": contact.connected_seconds,
        "at": at,
        "ended_at": None if contact.ended_at is None else to_text(contact.ended_at),
    }
    if not tx.execute(_PUT_CONTACT, parameters):
        return False
    settle_callbacks(tx, contact)
    return True


def settle_callbacks(tx: Tx, contact: ContactEvidence) -> None:
    """A contact, or what is said of it, is new: settle the callbacks that it touches."""
    touched = {"contact_number": contact.number, "contact_at": to_text(contact.at)}
    tx.execute(_SETTLE_CONTACT, {"contact_id": contact.contact_id} | touched)


def put_callback(
    tx: Tx,
    *,
    duty_id: str,
    call_id: str,
    number: str | None,
    line: str | None,
    reason: MissedReason,
    at: datetime,
    due_at: datetime,
) -> None:
    """Keep a missed call, or its correction, and settle it. Without a number it is closed at once, with the excuse."""
    callable_ = number is not None
    parameters = {
        "duty_id": duty_id,
        "kind": DutyKind.CALLBACK.value,
        "call_id": call_id,
        "number": number,
        "line": line,
        "reason": reason.value,
        "opened_at": to_text(at),
        "due_at": to_text(due_at),
        "excuse": None if callable_ else Excuse.NO_CONTACT.value,
        "closed_at": None if callable_ else to_text(at),
    }
    if tx.execute(_PUT_CALLBACK, parameters) and callable_:
        tx.execute(_SETTLE_CALL, {"missed": call_id})


def settle_callback(tx: Tx, call_id: str) -> None:
    """More is known of a call that made a callback: settle it."""
    tx.execute(_SETTLE_CALL, {"missed": call_id})
