"""The call record: what the facts of the ledger say about one citizen's call. Times are aware, durations seconds."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Direction(StrEnum):
    """Who called whom."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class QueueOutcome(StrEnum):
    """How the citizen left the queue."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    TIMED_OUT = "timed_out"
    EXITED_EMPTY = "exited_empty"
    EXITED_BY_KEY = "exited_by_key"
    WITHDRAWN = "withdrawn"
    NOT_QUEUED = "not_queued"


class Role(StrEnum):
    """What a leg's party is in the call."""

    CITIZEN = "citizen"
    OPERATOR = "operator"
    SPECIALIST = "specialist"
    OTHER = "other"


class TransferKind(StrEnum):
    """Blind: handed over unannounced. Attended: after a word with the new party."""

    BLIND = "blind"
    ATTENDED = "attended"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which a leg and the citizen heard each other; ``end`` is None while it lasts."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Leg:
    """A channel's part in a call."""

    uniqueid: str
    role: Role
    party: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    talk_time: float
    hold_time: float
    talks: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer:
    """The citizen handed from one party to another."""

    kind: TransferKind
    at: datetime
    by: str | None
    to: str | None
    answered: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One citizen's call. ``call_id`` is the uniqueid of the citizen's channel (inbound) or our ChannelId (outbound).

    ``group_id`` is shared by calls whose channels met; ``recorded_from`` is when MixMonitor began on the citizen's
    channel; ``anomalies`` name the facts that did not fit. ``promised_at`` is when the citizen was told that the city
    calls back; ``refused`` is why the citizen was turned away (``call-limit``, ``queue-full``).
    ``dial_status`` is how the last attempt to reach the citizen of an outbound call ended: Dial's DIALSTATUS.
    """

    call_id: str
    line: str | None
    direction: Direction
    caller_number_raw: str | None
    caller_name: str | None
    dialled_number: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    queue: str | None
    queue_outcome: QueueOutcome
    operator: str | None
    wait_time: float | None
    talk_time: float
    hold_time: float
    ring_no_answers: int
    transfers: tuple[Transfer, ...]
    legs: tuple[Leg, ...]
    purpose: str | None
    dial_status: str | None
    recovered: bool
    group_id: str
    recorded_from: datetime | None
    promised_at: datetime | None
    refused: str | None
    anomalies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallChanged:
    """A call record differs from what was last said of it. ``over``: nothing of it is open any more."""

    call: Call
    over: bool
