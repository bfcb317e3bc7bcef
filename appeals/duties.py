"""Duties: what must happen until evidence says that it did. Times are aware.

A duty is closed by evidence, not by a tick: ``Duty.evidence`` names the contact or the message that proves it. What
proves what is in ``appeals.evidence``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DutyKind(StrEnum):
    """What must happen until evidence says that it did."""

    INFORM = "inform"
    FORWARDING_CONTROL = "forwarding_control"
    ACCEPT = "accept"
    CALLBACK = "callback"


class MissedReason(StrEnum):
    """Why the city owes a citizen a call. ``specialist``: whom they were put through to did not answer."""

    ABANDONED = "abandoned"
    TIMED_OUT = "timed_out"
    EXITED_EMPTY = "exited_empty"
    EXITED_BY_KEY = "exited_by_key"
    PROMISED = "promised"
    REFUSED = "refused"
    SPECIALIST = "specialist"


class EvidenceKind(StrEnum):
    """What ended a duty: a call, a delivered message, or a step that somebody took in the register."""

    CALL = "call"
    MESSAGE = "message"
    STEP = "step"


class Excuse(StrEnum):
    """Why a duty ended without evidence. ``no_contact``: there is nothing that the citizen could be reached by.

    ``unreachable``: called in vain at different hours, and written to. ``callback``: the specialist did not answer, and
    a callback is owed instead. The others are steps of the appeal itself that made the duty pointless, or were its
    fulfilment.
    """

    NO_CONTACT = "no_contact"
    UNREACHABLE = "unreachable"
    CALLBACK = "callback"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    ROUTED_AGAIN = "routed_again"
    MERGED = "merged"
    NOT_DONE = "not_done"
    WITHDRAWN = "withdrawn"
    TOLD_IN_THE_CALL = "told_in_the_call"


class ContactDirection(StrEnum):
    """Who called whom."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class CallbackState(StrEnum):
    """``cleared``: the citizen has since reached an operator. ``uncallable``: no number; counted, nobody can call."""

    OPEN = "open"
    CLEARED = "cleared"
    UNCALLABLE = "uncallable"


@dataclass(frozen=True, slots=True)
class ContactEvidence:
    """A citizen and an operator were, or were not, in contact by telephone.

    ``contact_id`` is the call's id, ``number`` the citizen's in E.164, ``at`` when the two were connected (or when
    the attempt began). ``connected_seconds`` is None when nobody answered: then it is an attempt and proves nothing;
    it is 0 until the call is over. ``ended_at`` is when the citizen hung up, None while they have not.
    """

    contact_id: str
    number: str
    direction: ContactDirection
    connected_seconds: float | None
    at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Whether a citizen who was handed on to ``specialist`` was helped.

    ``talked_seconds`` is how long the two heard each other, as the ledger says; None if they did not, or not by way of
    us. The rest is the citizen's own answer: did the contact take place, was there a reply, was it prompt? None is not
    known, or not applicable.
    """

    specialist: str | None
    talked_seconds: float | None
    took_place: bool | None = None
    replied: bool | None = None
    prompt: bool | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Duty:
    """Something the contact centre owes a citizen.

    ``owner`` is a login or a service, None the whole shift; it is a login since ``claimed_at``. ``attempts`` counts
    outbound calls to ``number``, while the duty was open, in which the citizen was not told: nobody answered, a machine
    did, or the operator's result says so. ``evidence`` is what closed it, of ``evidence_kind``: a ``contact_id`` or a
    ``message_id``; a step has its name in ``excuse`` or its answers in ``forwarding``. ``excuse_reason`` are the words
    of who excused it, ``letter`` the written message that was sent instead. ``call_id`` is the call it came from,
    ``reason`` why it exists, ``words`` what else the applicant is to be told; ``promised_for`` is when the citizen
    asked to be called.
    """

    duty_id: str
    kind: DutyKind
    appeal_id: str | None
    call_id: str | None
    number: str | None
    line: str | None
    reason: str
    owner: str | None
    opened_at: datetime
    due_at: datetime
    attempts: int
    evidence: str | None
    excuse: Excuse | None
    closed_at: datetime | None
    evidence_kind: EvidenceKind | None = None
    email: str | None = None
    excuse_reason: str | None = None
    excused_by: str | None = None
    letter: str | None = None
    claimed_at: datetime | None = None
    promised_for: datetime | None = None
    words: str | None = None
    forwarding: Forwarding | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """The worklist's entry: all missed calls of one citizen between two contacts with us.

    A view over callback duties, one for each missed call: ``callback_id`` is the ``duty_id`` of the first, and any
    member's id leads here. ``line`` is the last call's; ``reason`` too, unless one of the calls ended in a promise.
    ``number`` is None when it was withheld or cannot be called: such an entry is ``uncallable`` from the start.
    """

    callback_id: str
    number: str | None
    line: str | None
    reason: MissedReason
    call_ids: tuple[str, ...]
    owner: str | None
    attempts: int
    opened_at: datetime
    last_at: datetime
    due_at: datetime
    state: CallbackState
    cleared_by: str | None
    cleared_at: datetime | None

    @property
    def count(self) -> int:
        """How many times the citizen called in vain."""
        return len(self.call_ids)


def callbacks(duties: Iterable[Duty]) -> list[Callback]:
    """Group callback duties into the entries of the worklist, the one due first at the head.

    Missed calls of one number that wait for, or were cleared by, the same contact are one entry. Calls without a
    number stay apart: nothing says that they are the same citizen's.
    """
    entries: dict[tuple[str | None, str | None], list[Duty]] = {}
    for duty in sorted(duties, key=lambda duty: (duty.opened_at, duty.call_id or "")):
        key = (duty.number, duty.evidence) if duty.excuse is None else (None, duty.duty_id)
        entries.setdefault(key, []).append(duty)
    return sorted(map(_entry, entries.values()), key=lambda entry: (entry.due_at, entry.call_ids))


def _entry(members: list[Duty]) -> Callback:
    first, last = members[0], members[-1]
    reasons = [MissedReason(duty.reason) for duty in members]
    if last.excuse is not None:
        state = CallbackState.UNCALLABLE
    elif last.evidence is not None:
        state = CallbackState.CLEARED
    else:
        state = CallbackState.OPEN
    return Callback(
        callback_id=first.duty_id,
        number=first.number,
        line=last.line,
        reason=MissedReason.PROMISED if MissedReason.PROMISED in reasons else reasons[-1],
        call_ids=tuple(duty.call_id for duty in members if duty.call_id is not None),
        owner=next((duty.owner for duty in members if duty.owner is not None), None),
        attempts=max(duty.attempts for duty in members),
        opened_at=first.opened_at,
        last_at=last.opened_at,
        due_at=min(duty.due_at for duty in members),
        state=state,
        cleared_by=last.evidence,
        cleared_at=last.closed_at if last.evidence is not None else None,
    )
