"""What follows from a call record: drafts, evidence, callbacks, and the audio that becomes due.

Runs inside the transaction that keeps the record, and may see the same call again at any time: everything it calls is
idempotent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, select, union_all

from appeals import service as appeals
from appeals.duties import ContactDirection, ContactEvidence, MissedReason
from appeals.evidence import SpecialistContact
from contact_centre import accounts, jobs
from contact_centre.outbound import outbound_calls
from contact_centre.outbox import Delivered
from recordings.model import LegAudio, RecordingDue, Talk
from telephony.core.call import Call, CallChanged, Direction, QueueOutcome, Role
from telephony.ingest import ToE164
from telephony.ports import Tx
from telephony.store import calls, stamp

FINALISE: Final = "finalise"
"""The kind of job that turns a call's raw audio into its recording."""
SETTLE: Final = timedelta(seconds=0.5)
"""Asterisk closes the audio files within this after the call's last fact."""

_MISSED: Final[Mapping[QueueOutcome, MissedReason]] = {
    QueueOutcome.ABANDONED: MissedReason.ABANDONED,
    QueueOutcome.TIMED_OUT: MissedReason.TIMED_OUT,
    QueueOutcome.EXITED_EMPTY: MissedReason.EXITED_EMPTY,
    QueueOutcome.EXITED_BY_KEY: MissedReason.EXITED_BY_KEY,
    QueueOutcome.NOT_QUEUED: MissedReason.ABANDONED,  # mostly hung up during the greeting; the record says no more
}

_IS_CALL: Final = union_all(
    select(calls.c.call_id).where(calls.c.call_id == bindparam("of_call")),
    select(outbound_calls.c.call_id).where(outbound_calls.c.call_id == bindparam("of_call")),
)

_REACHED: Final = frozenset({"NOANSWER", "BUSY", "ANSWER"})
"""DIALSTATUS of a call that came as far as the citizen's telephone: without a talk, an attempt. A trunk that was down,
a number that does not exist, or an operator who hung up first (CANCEL) is none."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch of changes led to, for counters and live views: the calls with a new draft, and when bridged."""

    drafted: tuple[tuple[str, datetime], ...]


def apply(tx: Tx, changes: Sequence[CallChanged], to_e164: ToE164) -> Outcome:
    """Everything that follows from these changes, within the caller's transaction."""
    drafted: list[tuple[str, datetime]] = []
    for change in changes:
        call = change.call
        raw = call.caller_number_raw
        number = to_e164(raw) if raw else None
        if call.promised_at is not None:
            _promised(tx, call, number, call.promised_at)
        if call.direction is Direction.INBOUND:
            operator = _operator(call)
            if operator is not None and call.answered_at is not None:
                if _draft(tx, call, number, operator, call.answered_at):
                    drafted.append((call.call_id, call.answered_at))
                _evidence(tx, call, number, over=change.over)
            elif change.over and call.ended_at is not None and call.promised_at is None:
                _missed(tx, call, number, call.ended_at)
        elif call.direction is Direction.OUTBOUND:
            _called(tx, call, number, over=change.over)
        if change.over and call.direction is not Direction.INTERNAL:
            _put_through(tx, call, number)
        if change.over and call.recorded_from is not None:
            due = audio_due(call)
            jobs.add(tx, FINALISE, call.call_id, dump_due(due), due.ended_at + SETTLE)
    return Outcome(tuple(drafted))


def _operator(call: Call) -> str | None:
    """The operator who spoke with the citizen first; mostly, but not always, who answered from the queue."""
    if call.operator is not None:
        return call.operator
    spoke = [leg for leg in call.legs if leg.role is Role.OPERATOR and leg.talks]
    return min(spoke, key=lambda leg: leg.talks[0].start).party if spoke else None


def _draft(tx: Tx, call: Call, number: str | None, operator: str, at: datetime) -> bool:
    """Make the draft; whether it is new."""
    candidate = appeals.new_id()
    appeal_id = appeals.draft_for_call(
        tx,
        call_id=call.call_id,
        number_raw=call.caller_number_raw,
        number=number,
        line=call.line,
        operator=operator,
        caller_name=call.caller_name,
        at=at,
        ids=lambda: candidate,
    )
    return appeal_id == candidate


def _evidence(tx: Tx, call: Call, number: str | None, *, over: bool) -> None:
    """The contact that this call is, or when nobody answered, the attempt; seconds count once the call is over."""
    if number is None:
        return
    direction = ContactDirection.OUTBOUND if call.direction is Direction.OUTBOUND else ContactDirection.INBOUND
    if call.answered_at is None:
        contact = ContactEvidence(call.call_id, number, direction, None, call.started_at)
    else:
        seconds = call.talk_time if over else 0.0
        ended = (call.ended_at or call.answered_at + timedelta(seconds=call.talk_time)) if over else None
        contact = ContactEvidence(call.call_id, number, direction, seconds, call.answered_at, ended)
    appeals.record_contact(tx, contact)


def _called(tx: Tx, call: Call, number: str | None, *, over: bool) -> None:
    """What follows from an outbound call."""
    if call.purpose is not None:
        _about(tx, call, call.purpose)
    if call.answered_at is not None or (over and call.dial_status in _REACHED):
        _evidence(tx, call, number, over=over)


def _about(tx: Tx, call: Call, purpose: str) -> None:
    """A call made for an appeal, or for a duty of one, is one of the appeal's calls."""
    kind, _, identity = purpose.partition(":")
    if kind == "appeal":
        appeals.link_call(tx, call.call_id, appeal_id=identity, at=call.started_at)
    elif kind == "duty":
        appeals.link_call_for_duty(tx, call.call_id, duty_id=identity, at=call.started_at)


def is_call(tx: Tx, call_id: str) -> bool:
    """Whether there is such a call: in the ledger, or asked for and perhaps not there yet."""
    return bool(tx.fetch_all(_IS_CALL, {"of_call": call_id}))


def message_delivered(tx: Tx, delivered: Delivered) -> None:
    """A delivered message is evidence: it closes the duty that it was sent for, if it was."""
    if delivered.duty_id is not None:
        appeals.message_delivered(tx, delivered.message_id, delivered.duty_id, delivered.at)


def _promised(tx: Tx, call: Call, number: str | None, at: datetime) -> None:
    """A citizen was told that the city calls back, perhaps after talking: only a later contact keeps that promise."""
    reason = MissedReason.PROMISED if call.answered_at is not None else _missed_reason(call)
    appeals.open_callback(tx, call_id=call.call_id, number=number, line=call.line, reason=reason, at=at)


def _put_through(tx: Tx, call: Call, number: str | None) -> None:
    """What follows when a citizen was put through to a specialist, or it was tried."""
    contact = _specialist(tx, call, number)
    if contact is None:
        return
    spoke = call.direction is Direction.OUTBOUND or _operator(call) is not None
    appeals.record_specialist(tx, contact, owes_callback=spoke and call.promised_at is None)


def _specialist(tx: Tx, call: Call, number: str | None) -> SpecialistContact | None:
    """The specialist with whom the citizen spoke, most if several; or else who was tried last and did not answer.

    A specialist who was only asked by the operator was not tried for the citizen.
    """
    legs = [leg for leg in call.legs if leg.role is Role.SPECIALIST]
    talked = [leg for leg in legs if leg.talks]
    if talked:
        longest = max(talked, key=lambda leg: leg.talk_time)
        seconds = sum(leg.talk_time for leg in talked)
        return SpecialistContact(call.call_id, number, call.line, longest.party, seconds, talked[0].started_at)
    silent = [(leg.started_at, leg.party) for leg in legs if leg.answered_at is None and not leg.talks]
    for transfer in call.transfers:  # to a telephone that was not even registered: it has no leg
        if not transfer.answered and transfer.to is not None:
            login = accounts.specialist(tx, transfer.to)
            if login is not None:
                silent.append((transfer.at, login))
    if not silent:
        return None
    tried_at, party = max(silent, key=lambda one: one[0])
    return SpecialistContact(call.call_id, number, call.line, party, None, tried_at)


def _missed(tx: Tx, call: Call, number: str | None, at: datetime) -> None:
    if call.queue_outcome is QueueOutcome.WITHDRAWN:
        return
    reason = _missed_reason(call)
    appeals.open_callback(tx, call_id=call.call_id, number=number, line=call.line, reason=reason, at=at)


def _missed_reason(call: Call) -> MissedReason:
    if call.refused is not None:
        return MissedReason.REFUSED
    return _MISSED.get(call.queue_outcome, MissedReason.ABANDONED)


def audio_due(call: Call) -> RecordingDue:
    """What the recordings package must know of a call that is over."""
    started = call.recorded_from or call.started_at
    return RecordingDue(
        call_id=call.call_id,
        started_at=started,
        ended_at=call.ended_at or started,
        legs=tuple(
            LegAudio(
                uniqueid=leg.uniqueid,
                talks=tuple(Talk(span.start, span.end) for span in leg.talks if span.end is not None),
                answered_at=leg.answered_at,
                ended_at=leg.ended_at,
                started_at=leg.started_at,
            )
            for leg in call.legs
            if leg.role is not Role.CITIZEN
        ),
        recovered=call.recovered,
    )


def dump_due(due: RecordingDue) -> dict[str, Any]:
    """A ``RecordingDue`` as a job's payload."""
    return {
        "started_at": stamp(due.started_at),
        "ended_at": stamp(due.ended_at),
        "recovered": due.recovered,
        "legs": [
            {
                "uniqueid": leg.uniqueid,
                "talks": [[stamp(talk.start), stamp(talk.end)] for talk in leg.talks],
                "started_at": stamp(leg.started_at) if leg.started_at else None,
                "answered_at": stamp(leg.answered_at) if leg.answered_at else None,
                "ended_at": stamp(leg.ended_at) if leg.ended_at else None,
            }
            for leg in due.legs
        ],
    }


def load_due(call_id: str, payload: Mapping[str, Any]) -> RecordingDue:
    """The reverse of ``dump_due``."""
    at = datetime.fromisoformat
    return RecordingDue(
        call_id=call_id,
        started_at=at(payload["started_at"]),
        ended_at=at(payload["ended_at"]),
        legs=tuple(
            LegAudio(
                uniqueid=leg["uniqueid"],
                talks=tuple(Talk(at(start), at(end)) for start, end in leg["talks"]),
                answered_at=at(leg["answered_at"]) if leg["answered_at"] else None,
                ended_at=at(leg["ended_at"]) if leg["ended_at"] else None,
                started_at=at(leg["started_at"]) if leg["started_at"] else None,
            )
            for leg in payload["legs"]
        ),
        recovered=payload["recovered"],
    )
