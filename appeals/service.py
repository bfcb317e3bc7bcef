"""Commands of the register that calls give rise to.

All are told of a call by what its record says so far, and may be told again, later, or in another order: the outcome
is the same. None changes or deletes what a person wrote.
"""

from datetime import datetime, timedelta
from typing import Final

import uuid_utils

from appeals import duty_store, store
from appeals.duties import ContactEvidence, MissedReason
from appeals.evidence import SpecialistContact
from appeals.ports import IdFactory, Tx

CALLBACK_WITHIN: Final = timedelta(hours=1)
"""How soon a citizen who was missed is called back, unless the city says otherwise (proposal)."""
CONTROL_WITHIN: Final = timedelta(hours=24)
"""How soon a citizen who was put through to a specialist is asked whether that helped (proposal)."""


def new_id() -> str:
    """A UUIDv7: unique, and in the order of creation."""
    return str(uuid_utils.uuid7())


def draft_for_call(
    tx: Tx,
    *,
    call_id: str,
    number_raw: str | None,
    number: str | None,
    line: str | None,
    operator: str | None,
    caller_name: str | None,
    at: datetime,
    ids: IdFactory = new_id,
) -> str:
    """The draft appeal of a call whose citizen and operator were connected at ``at``; made if there is none yet.

    ``number`` is E.164 or None, ``number_raw`` what the network sent. Returns the ``appeal_id``.
    """
    appeal_id = ids()
    if not store.insert_draft(
        tx,
        appeal_id=appeal_id,
        call_id=call_id,
        number_raw=number_raw,
        number=number,
        line=line,
        operator=operator,
        caller_name=caller_name,
        at=at,
    ):
        return store.draft_of_call(tx, call_id)
    store.link_call(tx, appeal_id, call_id, at=at)
    store.append_history(tx, appeal_id, at=at, actor=operator, event="created", details={"call_id": call_id})
    return appeal_id


def attach_recording(tx: Tx, call_id: str, recording_id: str) -> None:
    """A call's recording is final: it belongs to every appeal that the call is linked to, now or later."""
    store.put_recording(tx, call_id, recording_id)


def link_call(tx: Tx, call_id: str, *, appeal_id: str, at: datetime) -> bool:
    """A call, begun at ``at``, was about an appeal; its recordings are the appeal's too. False if there is no such."""
    return store.link_known(tx, appeal_id, call_id, at=at)


def link_call_for_duty(tx: Tx, call_id: str, *, duty_id: str, at: datetime) -> bool:
    """A call, begun at ``at``, was made for a duty: it belongs to the duty's appeal. False if there is none."""
    appeal_id = store.appeal_of_duty(tx, duty_id)
    return appeal_id is not None and store.link_known(tx, appeal_id, call_id, at=at)


def record_contact(tx: Tx, contact: ContactEvidence) -> None:
    """A citizen and an operator were in contact, or an attempt failed.

    Clears the callbacks that a contact answers, and closes the duties of which an operator has said that the citizen
    was told in this very call.
    """
    if store.put_contact(tx, contact):
        duty_store.settle_contact(tx, contact.contact_id)


def record_specialist(
    tx: Tx,
    contact: SpecialistContact,
    *,
    owes_callback: bool,
    within: timedelta = CONTROL_WITHIN,
    ids: IdFactory = new_id,
) -> None:
    """A citizen was put through to a specialist, or it was tried.

    It has to be asked, within ``within``, whether that helped; a bridge of the two is the first half of the answer. If
    the specialist did not answer, a callback is owed instead: opened here, unless (``owes_callback`` False) the call
    makes one anyway.
    """
    new = duty_store.put_control(tx, contact, duty_id=ids(), due_at=contact.at + within)
    if contact.talked_seconds is None and owes_callback:
        open_callback(
            tx,
            call_id=contact.call_id,
            number=contact.number,
            line=contact.line,
            reason=MissedReason.SPECIALIST,
            at=contact.at,
            ids=ids,
        )
    if new:
        store.settle_callback(tx, contact.call_id)


def message_delivered(tx: Tx, message_id: str, duty_id: str, at: datetime) -> None:
    """A message was delivered that tells the applicant what a duty is about; a second time changes nothing."""
    duty_store.put_message(tx, message_id, duty_id, at)


def open_callback(
    tx: Tx,
    *,
    call_id: str,
    number: str | None,
    line: str | None,
    reason: MissedReason,
    at: datetime,
    within: timedelta = CALLBACK_WITHIN,
    ids: IdFactory = new_id,
) -> None:
    """A citizen's call ended at ``at`` without an operator: somebody owes a callback within ``within``.

    If ``number`` is None (withheld or no number) nobody can call: the entry is closed at once with the excuse
    ``no_contact``. It is kept because the citizens whom we cannot call back are to be counted too, and because the
    list then holds every missed call. A contact that is known already and came later clears the entry at once.
    """
    store.put_callback(
        tx, duty_id=ids(), call_id=call_id, number=number, line=line, reason=reason, at=at, due_at=at + within
    )
