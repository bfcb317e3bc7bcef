"""The statements on duties and their evidence.

What calls and messages prove is computed afresh from the tables each time one of them changes, whatever a duty's row
said before: so the order in which facts arrive, their repetition and their correction cannot matter.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, case, insert, literal_column, null, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from appeals import rows, store
from appeals.duties import ContactDirection, ContactEvidence, Duty, DutyKind, EvidenceKind, Excuse
from appeals.evidence import ContactResult, GivenResult, SpecialistContact, shortfall
from appeals.model import ENDED, Appeal
from appeals.ports import Tx
from appeals.tables import (
    appeal_calls,
    appeals,
    contact_evidence,
    contact_results,
    duties,
    is_control,
    message_evidence,
)


def _given(*names: str) -> dict[str, Any]:
    return {name: bindparam(name) for name in names}


_DUTY: Final = rows.DUTIES.where(duties.c.duty_id == bindparam("of_duty"))
_OPEN: Final = insert(duties).values(
    _given(
        "duty_id",
        "kind",
        "appeal_id",
        "call_id",
        "number",
        "email",
        "line",
        "reason",
        "words",
        "owner",
        "opened_at",
        "due_at",
        "evidence",
        "excuse",
        "closed_at",
    )
)
_of_kind: Final = (duties.c.appeal_id == bindparam("of_appeal"), duties.c.kind == bindparam("of_kind"))
_SETTLE: Final = (
    update(duties).where(*_of_kind, duties.c.closed_at.is_(None)).values(_given("closed_at", "excuse", "evidence_kind"))
)
_PROVE: Final = (
    update(duties)
    .where(duties.c.duty_id == bindparam("of_duty"))
    .values(_given("closed_at", "evidence_kind", "evidence"))
)
_EXCUSE: Final = (
    update(duties)
    .where(duties.c.duty_id == bindparam("of_duty"))
    .values(_given("closed_at", "excuse", "excuse_reason", "excused_by", "letter"))
)
_OWN: Final = update(duties).where(duties.c.duty_id == bindparam("of_duty")).values(_given("owner", "claimed_at"))
_PROMISE: Final = update(duties).where(duties.c.duty_id == bindparam("of_duty")).values(_given("promised_for"))
_SAME_CITIZEN: Final = rows.DUTIES.where(
    duties.c.number == bindparam("of_number"), duties.c.closed_at.is_(None), duties.c.kind != bindparam("not_kind")
).order_by(duties.c.opened_at, duties.c.duty_id)
_ATTEMPTS: Final = (
    select(contact_evidence.c.at)
    .join(duties, duties.c.number == contact_evidence.c.number)
    .where(duties.c.duty_id == bindparam("of_duty"), rows.IS_ATTEMPT)
    .order_by(contact_evidence.c.at)
)

_TELL: Final = upsert(contact_results).values(
    _given("duty_id", "contact_id", "result", "number", "at_least", "given_by", "given_at", "note")
)
_PUT_RESULT: Final = _TELL.on_conflict_do_update(
    index_elements=["duty_id", "contact_id"],
    set_={name: _TELL.excluded[name] for name in ("result", "number", "at_least", "given_by", "given_at", "note")},
)
_PUT_MESSAGE: Final = upsert(message_evidence).values(_given("message_id", "duty_id", "at")).on_conflict_do_nothing()
_IS_DUTY: Final = select(duties.c.duty_id).where(duties.c.duty_id == bindparam("of_duty"))
_results: Final = select(
    contact_results, *(column.label(f"contact_{column.name}") for column in contact_evidence.c)
).outerjoin(contact_evidence, contact_evidence.c.contact_id == contact_results.c.contact_id)
_RESULTS: Final = _results.where(contact_results.c.duty_id == bindparam("of_duty")).order_by(
    contact_results.c.given_at, contact_results.c.contact_id
)
_MESSAGES: Final = select(message_evidence.c.at, message_evidence.c.message_id).where(
    message_evidence.c.duty_id == bindparam("of_duty")
)
_CONTACT: Final = select(*(column.label(f"contact_{column.name}") for column in contact_evidence.c)).where(
    contact_evidence.c.contact_id == bindparam("of_contact")
)
_DUTIES_OF_CONTACT: Final = (
    select(contact_results.c.duty_id)
    .where(contact_results.c.contact_id == bindparam("of_contact"))
    .order_by(contact_results.c.duty_id)
)
_TOUCH: Final = (
    update(appeals)
    .where(appeals.c.appeal_id == bindparam("of_appeal"))
    .values(version=appeals.c.version + literal_column("1"))
)

_bridged: Final = duties.c.talked_seconds.is_not(None)
_appeal_of_call: Final = (
    select(appeal_calls.c.appeal_id)
    .where(appeal_calls.c.call_id == bindparam("call_id"))
    .order_by(appeal_calls.c.at, appeal_calls.c.appeal_id)
    .limit(literal_column("1"))
    .scalar_subquery()
)
_new_control: Final = upsert(duties).values(
    _given("duty_id", "kind", "call_id", "number", "line", "reason", "opened_at", "due_at", "specialist")
    | {"talked_seconds": bindparam("talked_seconds"), "appeal_id": _appeal_of_call}
)
_CORRECTABLE_CONTROL: Final = ("specialist", "talked_seconds", "opened_at")
_PUT_CONTROL: Final = _new_control.on_conflict_do_update(
    index_elements=["call_id"],
    index_where=is_control,
    set_={name: _new_control.excluded[name] for name in (*_CORRECTABLE_CONTROL, "due_at")},
    where=or_(*(duties.c[name].is_distinct_from(_new_control.excluded[name]) for name in _CORRECTABLE_CONTROL)),
)
_SETTLE_CONTROL: Final = (
    update(duties)
    .where(
        is_control,
        duties.c.call_id == bindparam("of_call"),
        or_(duties.c.excuse.is_(None), duties.c.excuse == literal_column(f"'{Excuse.CALLBACK}'")),
    )
    .values(
        evidence_kind=case(
            (_bridged, literal_column(f"'{EvidenceKind.CALL}'")),
            (duties.c.answered_at.is_not(None), literal_column(f"'{EvidenceKind.STEP}'")),
        ),
        evidence=case((_bridged, duties.c.call_id)),
        excuse=case((or_(_bridged, duties.c.answered_at.is_not(None)), null()), else_=bindparam("callback")),
        closed_at=case(
            (duties.c.answered_at.is_not(None), duties.c.answered_at), (_bridged, null()), else_=duties.c.opened_at
        ),
    )
)
_ANSWER: Final = (
    update(duties)
    .where(duties.c.duty_id == bindparam("of_duty"))
    .values(
        _given("took_place", "replied", "prompt", "answered_by", "answered_at", "closed_at")
        | {"evidence_kind": case((_bridged, duties.c.evidence_kind), else_=literal_column(f"'{EvidenceKind.STEP}'"))}
    )
)

_informs: Final = and_(
    duties.c.appeal_id == bindparam("of_appeal"), duties.c.kind == literal_column(f"'{DutyKind.INFORM}'")
)
_FOLLOW: Final = (
    update(duties)
    .where(
        duties.c.appeal_id == bindparam("of_appeal"),
        duties.c.kind.in_(literal_column(f"'{kind}'") for kind in (DutyKind.INFORM, DutyKind.FORWARDING_CONTROL)),
        duties.c.closed_at.is_(None),
    )
    .values(_given("number", "email"))
)
_OWE_AGAIN: Final = (
    update(duties)
    .where(_informs, duties.c.excuse == literal_column(f"'{Excuse.NO_CONTACT}'"))
    .values(excuse=None, closed_at=None, excused_by=None, excuse_reason=None)
)


def load(tx: Tx, duty_id: str) -> Duty | None:
    """A duty; None if there is none."""
    found = tx.fetch_all(_DUTY, {"of_duty": duty_id})
    return rows.duty(rows.mapped(_DUTY, found[0])) if found else None


def open_duty(tx: Tx, duty: Duty) -> None:
    """Keep a duty."""
    row = {
        "duty_id": duty.duty_id,
        "kind": duty.kind.value,
        "appeal_id": duty.appeal_id,
        "call_id": duty.call_id,
        "number": duty.number,
        "email": duty.email,
        "line": duty.line,
        "reason": duty.reason,
        "words": duty.words,
        "owner": duty.owner,
        "opened_at": store.to_text(duty.opened_at),
        "due_at": store.to_text(duty.due_at),
        "evidence": duty.evidence,
        "excuse": None if duty.excuse is None else duty.excuse.value,
        "closed_at": None if duty.closed_at is None else store.to_text(duty.closed_at),
    }
    tx.execute(_OPEN, row)


def settle(tx: Tx, appeal_id: str, kind: DutyKind, excuse: Excuse, at: datetime) -> None:
    """End an appeal's open duties of a kind, because of a step of its own."""
    step: dict[str, object] = {
        "closed_at": store.to_text(at),
        "excuse": excuse.value,
        "evidence_kind": EvidenceKind.STEP.value,
    }
    tx.execute(_SETTLE, {"of_appeal": appeal_id, "of_kind": kind.value} | step)


def touch(tx: Tx, appeal_id: str) -> None:
    """The appeal has changed: what belongs to it did."""
    tx.execute(_TOUCH, {"of_appeal": appeal_id})


# ---- what people do with duties


def own(tx: Tx, duty_id: str, owner: str | None, at: datetime | None) -> None:
    """Somebody takes a duty, or (None) gives it back to the shift."""
    tx.execute(_OWN, {"of_duty": duty_id, "owner": owner, "claimed_at": None if at is None else store.to_text(at)})


def of_same_citizen(tx: Tx, duty: Duty) -> list[Duty]:
    """The open duties towards the citizen of a duty, itself among them; not what services owe."""
    if duty.number is None:
        return [duty]
    wanted = {"of_number": duty.number, "not_kind": DutyKind.ACCEPT.value}
    return [rows.duty(rows.mapped(_SAME_CITIZEN, row)) for row in tx.fetch_all(_SAME_CITIZEN, wanted)]


def attempts(tx: Tx, duty_id: str) -> list[datetime]:
    """When it was tried in vain to reach the citizen of a duty, while that was open."""
    return [datetime.fromisoformat(row[0]) for row in tx.fetch_all(_ATTEMPTS, {"of_duty": duty_id})]


def excuse(tx: Tx, duty_id: str, why: Excuse, *, reason: str, letter: str | None, by: str, at: datetime) -> None:
    """End a duty without evidence."""
    excused: dict[str, object] = {"excuse": why.value, "excuse_reason": reason, "excused_by": by, "letter": letter}
    tx.execute(_EXCUSE, {"of_duty": duty_id, "closed_at": store.to_text(at)} | excused)


def promise(tx: Tx, duty_id: str, at: datetime | None) -> None:
    """The citizen asked to be called at a time."""
    tx.execute(_PROMISE, {"of_duty": duty_id, "promised_for": None if at is None else store.to_text(at)})


def answer(
    tx: Tx, duty_id: str, *, took_place: bool, replied: bool | None, prompt: bool | None, by: str, at: datetime
) -> None:
    """What the citizen says of their contact with the specialist; ends the forwarding control."""
    said: dict[str, object] = {
        "took_place": int(took_place),
        "replied": None if replied is None else int(replied),
        "prompt": None if prompt is None else int(prompt),
    }
    when = store.to_text(at)
    tx.execute(_ANSWER, said | {"of_duty": duty_id, "answered_by": by, "answered_at": when, "closed_at": when})


def follow_contact(tx: Tx, appeal: Appeal) -> None:
    """The applicant is to be reached elsewhere: open duties follow, and who could not be reached is owed it again."""
    reach: dict[str, object] = {"number": appeal.applicant_phone, "email": appeal.applicant_email}
    if any(reach.values()) and appeal.status not in ENDED:
        tx.execute(_OWE_AGAIN, {"of_appeal": appeal.appeal_id})
    tx.execute(_FOLLOW, {"of_appeal": appeal.appeal_id} | reach)


# ---- what calls and messages prove


def put_result(tx: Tx, given: GivenResult) -> None:
    """Keep an operator's result, or its correction, and settle the duty, and the callbacks that the call touches."""
    row = {
        "duty_id": given.duty_id,
        "contact_id": given.contact_id,
        "result": given.result.value,
        "number": given.number,
        "at_least": given.at_least,
        "given_by": given.given_by,
        "given_at": store.to_text(given.given_at),
        "note": given.note,
    }
    tx.execute(_PUT_RESULT, row)
    settle_proven(tx, given.duty_id)
    heard = contact(tx, given.contact_id)
    if heard is not None:
        store.settle_callbacks(tx, heard)


def put_message(tx: Tx, message_id: str, duty_id: str, at: datetime) -> None:
    """Keep that a message was delivered, and settle the duty that it was for; a second time changes nothing."""
    if tx.fetch_all(_IS_DUTY, {"of_duty": duty_id}):
        tx.execute(_PUT_MESSAGE, {"message_id": message_id, "duty_id": duty_id, "at": store.to_text(at)})
        settle_proven(tx, duty_id)


def settle_contact(tx: Tx, contact_id: str) -> None:
    """A contact is new or has changed: settle the duties of which an operator gave a result for it."""
    for (duty_id,) in tx.fetch_all(_DUTIES_OF_CONTACT, {"of_contact": contact_id}):
        settle_proven(tx, str(duty_id))


def results(tx: Tx, duty_id: str) -> list[tuple[GivenResult, ContactEvidence | None]]:
    """The results of calls for a duty, each with the contact if the ledger has told of it; in the order given."""
    found = [rows.mapped(_RESULTS, row) for row in tx.fetch_all(_RESULTS, {"of_duty": duty_id})]
    return [(given_result(row), _contact(row)) for row in found]


def contact(tx: Tx, contact_id: str) -> ContactEvidence | None:
    """What the ledger has told of a contact; None if nothing yet."""
    found = tx.fetch_all(_CONTACT, {"of_contact": contact_id})
    return _contact(rows.mapped(_CONTACT, found[0])) if found else None


def settle_proven(tx: Tx, duty_id: str) -> None:
    """An inform duty is proven by whatever told the applicant first, if anything did; its history says when it changes.

    Duties that ended by a step or with an excuse stay as they are, and so do those of other kinds.
    """
    duty = load(tx, duty_id)
    if duty is None or duty.excuse is not None:
        return
    told = results(tx, duty_id)
    if duty.appeal_id is not None:
        for _, contact in told:
            if contact is not None:
                store.link_call(tx, duty.appeal_id, contact.contact_id, at=contact.at)
    if duty.kind is not DutyKind.INFORM:
        return
    proofs = [
        (contact.ended_at, contact.contact_id, EvidenceKind.CALL)
        for given, contact in told
        if contact is not None and contact.ended_at is not None and shortfall(given, contact, duty.opened_at) is None
    ]
    for at, message_id in tx.fetch_all(_MESSAGES, {"of_duty": duty_id}):
        proofs.append((datetime.fromisoformat(at), str(message_id), EvidenceKind.MESSAGE))
    closed_at, evidence, kind = min(proofs, default=(None, None, None))
    if (duty.closed_at, duty.evidence, duty.evidence_kind) == (closed_at, evidence, kind):
        return
    proof: dict[str, object] = {
        "closed_at": None if closed_at is None else store.to_text(closed_at),
        "evidence": evidence,
        "evidence_kind": None if kind is None else kind.value,
    }
    tx.execute(_PROVE, {"of_duty": duty_id} | proof)
    _note_proof(tx, duty, closed_at, evidence, kind)


def _note_proof(
    tx: Tx, before: Duty, closed_at: datetime | None, evidence: str | None, kind: EvidenceKind | None
) -> None:
    if before.appeal_id is None:
        return
    details: dict[str, str | None] = {"duty_id": before.duty_id, "reason": before.reason}
    if closed_at is None or kind is None:
        at, event = before.closed_at or before.opened_at, "not_informed"
        details |= {"evidence": before.evidence}
    else:
        at, event = closed_at, "informed"
        details |= {"evidence": evidence, "evidence_kind": kind.value}
    store.append_history(tx, before.appeal_id, at=at, actor=None, event=event, details=details)
    touch(tx, before.appeal_id)


def given_result(row: Mapping[Any, Any]) -> GivenResult:
    """A row of ``contact_results``."""
    return GivenResult(
        duty_id=row["duty_id"],
        contact_id=row["contact_id"],
        result=ContactResult(row["result"]),
        number=row["number"],
        at_least=row["at_least"],
        given_by=row["given_by"],
        given_at=datetime.fromisoformat(row["given_at"]),
        note=row["note"],
    )


def _contact(row: Mapping[Any, Any]) -> ContactEvidence | None:
    if row["contact_contact_id"] is None:
        return None
    ended = row["contact_ended_at"]
    return ContactEvidence(
        contact_id=row["contact_contact_id"],
        number=row["contact_number"],
        direction=ContactDirection(row["contact_direction"]),
        connected_seconds=row["contact_connected_seconds"],
        at=datetime.fromisoformat(row["contact_at"]),
        ended_at=None if ended is None else datetime.fromisoformat(ended),
    )


def put_control(tx: Tx, contact: SpecialistContact, *, duty_id: str, due_at: datetime) -> bool:
    """Keep a forwarding control, or what is now known of it, and settle it. Says whether anything is new."""
    row = {
        "duty_id": duty_id,
        "kind": DutyKind.FORWARDING_CONTROL.value,
        "call_id": contact.call_id,
        "number": contact.number,
        "line": contact.line,
        "reason": "put_through",
        "opened_at": store.to_text(contact.at),
        "due_at": store.to_text(due_at),
        "specialist": contact.specialist,
        "talked_seconds": contact.talked_seconds,
    }
    if not tx.execute(_PUT_CONTROL, row):
        return False
    tx.execute(_SETTLE_CONTROL, {"of_call": contact.call_id, "callback": Excuse.CALLBACK.value})
    return True
