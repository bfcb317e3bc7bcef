"""One citizen's side of the facts: the queue, whom they hear, who keeps them on hold. Mutable, private to ``fold``."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from telephony.core.call import Call, Direction, Leg, QueueOutcome, Role, Span, Transfer, TransferKind
from telephony.core.channels import Bridges, Channel

_OUTCOMES: Final = {
    "TIMEOUT": QueueOutcome.TIMED_OUT,
    "FULL": QueueOutcome.EXITED_EMPTY,
    "JOINEMPTY": QueueOutcome.EXITED_EMPTY,
    "JOINUNAVAIL": QueueOutcome.EXITED_EMPTY,
    "LEAVEEMPTY": QueueOutcome.EXITED_EMPTY,
    "LEAVEUNAVAIL": QueueOutcome.EXITED_EMPTY,
    "WITHDRAW": QueueOutcome.WITHDRAWN,
    "EXITWITHKEY": QueueOutcome.EXITED_BY_KEY,
}
"""QUEUESTATUS -> outcome (Asterisk's Queue application); EXITWITHKEY is the dialplan's word for what Queue itself
leaves without a status."""


_Stretch = tuple[datetime, datetime]


class Spell:
    """A state that comes and goes, and when it held."""

    __slots__ = ("since", "spans")

    def __init__(self) -> None:
        self.since: datetime | None = None
        self.spans: list[_Stretch] = []

    def turn(self, now: datetime, *, on: bool) -> None:
        """It holds, or does not, from now on. A gap of no length is no gap."""
        if on:
            if self.since is None:
                self.since = self.spans.pop()[0] if self.spans and self.spans[-1][1] >= now else now
        elif self.since is not None:
            if now > self.since:
                self.spans.append((self.since, now))
            self.since = None

    def drop(self) -> None:
        """It did not hold after all: forget what still lasts."""
        self.since = None

    def seconds(self) -> float:
        """How long it held so far, in seconds; what still lasts is not counted."""
        return _seconds(self.spans) if self.spans else 0.0

    def as_spans(self) -> tuple[Span, ...]:
        """When it held; the last is open while it lasts."""
        spans = tuple(Span(start, end) for start, end in self.spans)
        return spans if self.since is None else (*spans, Span(self.since, None))


def _seconds(spans: Iterable[_Stretch]) -> float:
    return round(sum([(end - start).total_seconds() for start, end in spans], 0.0), 3)


def _without(spans: Iterable[_Stretch], taken: Iterable[_Stretch]) -> list[_Stretch]:
    """The parts of the spans, in order of time and each moment once, that are not taken (nor twice in the spans)."""
    left: list[_Stretch] = []
    busy = sorted(taken)
    for start, end in sorted(spans):
        at = max(start, left[-1][1]) if left else start
        for other_start, other_end in busy:
            if other_end > at and other_start < end:
                if other_start > at:
                    left.append((at, other_start))
                at = other_end
        if at < end:
            left.append((at, end))
    return left


class _Pair:
    """What is between the citizen and one other channel."""

    __slots__ = ("bridge", "hold", "holds", "talk")

    def __init__(self) -> None:
        self.bridge = ""
        self.talk = Spell()
        self.hold = Spell()
        self.holds = False

    def turn(self, now: datetime, *, talks: bool, waits: bool, there: bool) -> None:
        """They talk; or else the citizen waits for the other, who is ``there`` (held, or in another bridge) or not.

        Who left the bridge and was nowhere else until they hung up, or came back, has not put anybody on hold.
        """
        self.talk.turn(now, on=talks)
        if waits and (there or not self.holds):
            self.hold.turn(now, on=True)
            self.holds |= there
        elif self.holds:
            self.hold.turn(now, on=False)
            self.holds = waits
        else:
            self.hold.drop()


class _Handover:
    """A transfer, until it is known who took the call."""

    __slots__ = ("answered", "at", "by", "kind", "to")

    def __init__(self, kind: TransferKind, at: datetime, by: str | None, to: str | None) -> None:
        self.kind = kind
        self.at = at
        self.by = by
        self.to = to
        self.answered = False


class Conversation:
    """A call while its facts come in.

    ``legs`` are the citizen's channels: one, or for an outbound call none so far, or several when a trunk failed.
    ``caller`` is the operator's channel of an outbound call, if it is known.
    """

    __slots__ = (
        "_answered_at", "_apart", "_hears", "_in_queue", "_key", "_left_at", "_operator", "_pairs", "_queue",
        "_queued_at", "_status", "_talk", "_transfers", "call_id", "caller", "citizen",
        "dial_status", "legs", "number", "outbound", "promised_at", "refused",
    )  # fmt: skip

    def __init__(self, call_id: str, *, outbound: bool) -> None:
        self.call_id = call_id
        self.outbound = outbound
        self.number = ""
        self.caller: Channel | None = None
        self.citizen: Channel | None = None
        self.legs: list[Channel] = []
        self.promised_at: datetime | None = None
        self.refused: str | None = None
        self.dial_status: str | None = None
        self._answered_at: datetime | None = None
        self._pairs: dict[Channel, _Pair] = {}
        self._hears: list[Channel] = []
        self._apart = True
        self._talk = Spell()
        self._queue: str | None = None
        self._queued_at: datetime | None = None
        self._in_queue = False
        self._left_at: datetime | None = None
        self._status = ""
        self._key = False
        self._operator: Channel | None = None
        self._transfers: list[_Handover] = []

    def add_citizen(self, channel: Channel) -> None:
        """The citizen is on this channel; a trunk that failed may have been tried on another before."""
        self.legs.append(channel)
        channel.is_citizen = True
        channel.call = self
        if self._answered_at is None:
            self.citizen = channel

    def has_met(self, channel: Channel) -> bool:
        """Whether the citizen has heard whoever is on the channel."""
        return channel in self._pairs

    # ---- the queue

    def enter_queue(self, queue: str, now: datetime) -> None:
        """Queue has the citizen. The wait counts from the first time."""
        if self._queued_at is None:
            self._queue, self._queued_at = queue, now
        self._in_queue = self._operator is None

    def leave_queue(self, now: datetime) -> None:
        """Queue has given the citizen back, or they hung up."""
        if self._in_queue:
            self._in_queue = False
            self._left_at = now

    def set_status(self, status: str) -> None:
        """What Queue said when it gave the citizen back."""
        self._status = status

    def wait_on(self) -> None:
        """The citizen left the queue for a phone that is being rung: who answers there has answered the wait."""
        if self._operator is None and self._queued_at is not None:
            self._in_queue, self._left_at = True, None

    def press(self) -> None:
        """The citizen chose something in a menu: after the queue, that is a way out of it."""
        self._key = self._queued_at is not None

    # ---- who hears whom

    def listen(self, now: datetime, bridges: Bridges) -> None:
        """Somebody came, went, or was put on hold: see whom the citizen hears now, and who makes them wait.

        The citizen is on hold while they stay where they talked, hear nobody, and somebody whom they heard there is
        still on the phone: behind a HOLD in the same bridge, or consulting in another.
        """
        citizen = self.citizen
        if citizen is None or (self._apart and not citizen.bridge):
            return
        self._apart = not citizen.bridge
        near: list[Channel] = []
        if citizen.bridge:
            near = [channel for channel in bridges.persons(citizen.bridge) if channel is not citizen]
        hears = [] if citizen.held else [channel for channel in near if not channel.held]
        for channel in hears:
            if channel not in self._pairs:
                self._pairs[channel] = _Pair()
        if hears:
            self._answer(now, hears)
        for channel, pair in self._pairs.items():
            talks = channel in hears
            if talks and pair.talk.since is None:
                self._reach(channel)
            held = channel in near
            if talks:
                pair.bridge = citizen.bridge
            stayed = bool(citizen.bridge) and citizen.bridge == pair.bridge
            waits = stayed and not talks and channel.ended_at is None and (held or not hears)
            pair.turn(now, talks=talks, waits=waits, there=held or citizen.held or bool(channel.bridge))
        self._talk.turn(now, on=bool(hears))
        self._hears = hears

    def _answer(self, now: datetime, hears: list[Channel]) -> None:
        if self._answered_at is None:
            self._answered_at = now
        if self._in_queue:
            self.leave_queue(now)
            self._operator = next((one for one in hears if one.role_in_call() is Role.OPERATOR), hears[0])

    # ---- transfers

    def transfer(self, kind: TransferKind, at: datetime, by: str | None, to: str | None) -> None:
        """The citizen is handed over; ``to`` is whom it is meant for, until somebody answers."""
        self._transfers.append(_Handover(kind, at, by, to))
        for channel in self._hears:
            self._reach(channel)

    def ring(self, channel: Channel) -> None:
        """Somebody is called for this citizen: after a transfer, that is whom it is meant for."""
        if self._transfers and channel.person and not self._transfers[-1].answered:
            self._transfers[-1].to = channel.party

    def _reach(self, channel: Channel) -> None:
        if self._transfers:
            last = self._transfers[-1]
            if not last.answered and channel.party != last.by:
                last.answered = True
                last.to = channel.party

    # ---- the record

    def record(self, group_id: str, others: list[Channel], cut: frozenset[Channel], anomalies: tuple[str, ...]) -> Call:
        """The call as it stands. ``others`` are the channels that served it, ``cut`` those whose end no fact tells."""
        citizen, operator = self.citizen, self.caller or self._operator
        first = self.caller or self.legs[0]
        number = self.number if self.outbound else first.number
        everybody = (*self.legs, *others)
        return Call(
            call_id=self.call_id,
            line=first.line,
            direction=self._direction(),
            caller_number_raw=number or None,
            caller_name=None if self.outbound else first.caller_name or None,
            dialled_number=(number if self.outbound else first.exten) or None,
            started_at=first.started_at,
            answered_at=self._answered_at,
            ended_at=self._ended_at(),
            queue=self._queue,
            queue_outcome=self._outcome(),
            operator=None if operator is None else operator.party,
            wait_time=self._wait_time(),
            talk_time=self._talk.seconds(),
            hold_time=self._hold_time(),
            ring_no_answers=sum(channel.rang_in_vain and channel not in cut for channel in others),
            transfers=tuple(Transfer(one.kind, one.at, one.by, one.to, one.answered) for one in self._transfers),
            legs=tuple(self._leg(channel, number) for channel in everybody),
            dial_status=self.dial_status,
            purpose=next((channel.purpose for channel in (first, *self.legs) if channel.purpose), None),
            recovered=any(channel in cut for channel in everybody),
            group_id=group_id,
            recorded_from=None if citizen is None else citizen.recorded_from,
            promised_at=self.promised_at,
            refused=self.refused,
            anomalies=anomalies,
        )

    def _leg(self, channel: Channel, number: str) -> Leg:
        pair = self._pairs.get(channel, _NOTHING)
        talk, hold_time, role, party = pair.talk, pair.hold.seconds(), channel.role_in_call(), channel.party
        if channel is self.citizen:
            talk, hold_time = self._talk, self._hold_time()
        if channel.is_citizen:
            role, party = Role.CITIZEN, (number if channel in self.legs else channel.number) or None
        return Leg(
            uniqueid=channel.uniqueid,
            role=role,
            party=party,
            started_at=channel.started_at,
            answered_at=channel.answered_at,
            ended_at=channel.ended_at,
            talk_time=talk.seconds(),
            hold_time=hold_time,
            talks=() if talk is self._talk else talk.as_spans(),
        )

    def _hold_time(self) -> float:
        holds = [span for pair in self._pairs.values() for span in pair.hold.spans]
        return _seconds(_without(holds, self._talk.spans)) if holds else 0.0

    def _direction(self) -> Direction:
        if not self.outbound:
            return Direction.INBOUND
        ours = self.citizen is not None and self.citizen.role in {Role.OPERATOR, Role.SPECIALIST}
        return Direction.INTERNAL if ours else Direction.OUTBOUND

    def _ended_at(self) -> datetime | None:
        """The citizen's end. A citizen who was called and never reached is gone when the operator is."""
        ends = [channel.ended_at for channel in self.legs]
        if self.caller is not None and self._answered_at is None:
            ends.append(self.caller.ended_at)
        known = [end for end in ends if end is not None]
        return max(known) if len(known) == len(ends) else None

    def _outcome(self) -> QueueOutcome:
        if self._queued_at is None:
            return QueueOutcome.NOT_QUEUED
        if self._operator is not None:
            return QueueOutcome.ANSWERED
        if self._in_queue:
            return QueueOutcome.NOT_QUEUED
        unsaid = QueueOutcome.EXITED_BY_KEY if self._key else QueueOutcome.ABANDONED
        return _OUTCOMES.get(self._status, unsaid)

    def _wait_time(self) -> float | None:
        if self._queued_at is None or self._in_queue or self._left_at is None:
            return None
        return round(max(0.0, (self._left_at - self._queued_at).total_seconds()), 3)


_NOTHING: Final = _Pair()
