"""Calls as the ledger would have told of them, kept with all that follows."""

from datetime import datetime, timedelta

from contact_centre import casework
from telephony import store
from telephony.core.call import Call, CallChanged, Direction, Leg, QueueOutcome, Role, Span
from telephony.ports import Tx


def called_out(
    tx: Tx,
    call_id: str,
    number: str,
    operator: str,
    at: datetime,
    *,
    purpose: str | None = None,
    dial_status: str | None = "ANSWER",
    talked: float | None = None,
    over: bool = True,
) -> None:
    """A call that an operator made at ``at``; ``talked`` seconds, None if nobody answered."""
    picked_up = at + timedelta(seconds=2)
    answered = None if talked is None else at + timedelta(seconds=9)
    ended = (answered or picked_up) + timedelta(seconds=talked or 20) if over else None
    spans = () if answered is None else (Span(answered, ended),)
    legs = (
        Leg(call_id, Role.OPERATOR, operator, at, picked_up, ended, talked or 0.0, 0.0, spans),
        Leg(f"{call_id}.citizen", Role.CITIZEN, number, picked_up, answered, ended, talked or 0.0, 0.0, spans),
    )
    call = Call(
        call_id=call_id,
        line=None,
        direction=Direction.OUTBOUND,
        caller_number_raw=number,
        caller_name=None,
        dialled_number=number,
        started_at=at,
        answered_at=answered,
        ended_at=ended,
        queue=None,
        queue_outcome=QueueOutcome.NOT_QUEUED,
        operator=operator,
        wait_time=None,
        talk_time=talked or 0.0,
        hold_time=0.0,
        ring_no_answers=0,
        transfers=(),
        legs=legs,
        purpose=purpose,
        dial_status=dial_status if over else None,
        recovered=False,
        group_id=call_id,
        recorded_from=None,
        promised_at=None,
        refused=None,
        anomalies=(),
    )
    change = CallChanged(call, over=over)
    store.save_call(tx, change, number, at=at, reason="told")
    casework.apply(tx, [change], lambda raw: raw)
