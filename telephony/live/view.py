"""What the live view shows, and what it is told: rows, changes, and Asterisk's own answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from telephony.wire.ami import Message


class OperatorState(StrEnum):
    """What an operator who is signed in to the queue is doing. ``TALKING``: their telephone is in use, for any call."""

    FREE = "free"
    RINGING = "ringing"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"
    OFFLINE = "offline"


class Stage(StrEnum):
    """Where a citizen is: with a recorded voice, in the queue, or with somebody."""

    ANNOUNCEMENT = "announcement"
    WAITING = "waiting"
    TALKING = "talking"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A citizen in the queue; ``position`` counts from 1. Numbers and names are as the network sent them."""

    call_id: str
    line: str | None
    number: str | None
    name: str | None
    since: datetime
    position: int


@dataclass(frozen=True, slots=True)
class Operator:
    """A member of the queue. ``since``: in this state; ``call_id``: the call that rings there or is talked in.

    ``reason`` is that of a pause, ``paused_at`` when it began (in Asterisk's whole seconds); both also while their
    telephone is in use.
    """

    login: str
    state: OperatorState
    reason: str | None
    since: datetime
    call_id: str | None
    paused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ongoing:
    """A call with a citizen. ``parties``: logins and codes of those who hear the citizen, sorted."""

    call_id: str
    line: str | None
    number: str | None
    name: str | None
    since: datetime
    stage: Stage
    parties: tuple[str, ...]


Row = Waiting | Operator | Ongoing


class Table(StrEnum):
    """The three tables of the live view."""

    WAITING = "waiting"
    OPERATORS = "operators"
    CALLS = "calls"


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the view is new, different, or gone (``row`` None)."""

    table: Table
    key: str
    row: Row | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What Asterisk answered to QueueStatus and CoreShowChannels, and when."""

    at: datetime
    queue: tuple[Message, ...]
    channels: tuple[Message, ...]


def snapshot_of(at: datetime, messages: Iterable[Message]) -> Snapshot:
    """The answers to both questions, in whatever order, as a snapshot."""
    found = tuple(messages)
    queue = tuple(one for one in found if one.event in {"QueueMember", "QueueEntry"})
    return Snapshot(at, queue, tuple(one for one in found if one.event == "CoreShowChannel"))
