"""Facts of one group of channels in, call records out: a pure function of its arguments, and total.

A call is a channel that came in on a line (the dialplan says so by the user event LINE), or one that an operator had
called (OUT on the operator's channel, CITIZENLEG on the citizen's). Two of them may meet in one group; they stay two
calls. What does not fit is an anomaly in the record, never an exception.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from telephony.core.call import Call, TransferKind
from telephony.core.channels import Bridges, Channel
from telephony.core.conversation import Conversation
from telephony.core.facts import Fact, bridge_id, caller, extra_fields, is_holding, is_music, user_payload

MOVED: Final = "MOVED"
"""The dialplan's word in QUEUE_LEAVE for a citizen whom a supervisor moved to a phone."""


@dataclass(frozen=True, slots=True)
class Ending:
    """An end that no CHAN_END tells: whatever is open ended then. ``recovered``: Asterisk died, its restart says so."""

    at: datetime
    recovered: bool


def fold(facts: Sequence[Fact], ending: Ending | None = None) -> tuple[Call, ...]:
    """The call records that these facts give, in the order in which the calls began.

    ``facts`` are those of one group (see ``grouping``) in the order of the ledger; a record of a call that is still
    going on says what is known so far.
    """
    state = _State()
    for fact in facts:
        state.take(fact)
    calls = state.records(ending)
    state.forget()
    return calls


class _State:
    """What is known after some of the facts."""

    __slots__ = ("anomalies", "bridges", "channels", "conversations")

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.bridges = Bridges()
        self.conversations: list[Conversation] = []
        self.anomalies: dict[str, None] = {}

    def take(self, fact: Fact) -> None:
        kind = fact.eventtype
        channel = self.channels.get(fact.uniqueid)
        if channel is None:
            channel = Channel(fact, self.channels.get(fact.linkedid))
            self.channels[fact.uniqueid] = channel
            self.bridges.appear(channel)
            if channel.call is not None:
                channel.call.ring(channel)
            if kind != "CHAN_START":
                self.anomalies["chan_start_missing"] = None
        elif kind == "CHAN_START":
            self.anomalies["chan_start_repeated"] = None
        if channel.ended_at is not None:
            self.anomalies["fact_after_end"] = None
            return
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, fact, channel)

    def records(self, ending: Ending | None) -> tuple[Call, ...]:
        cut: frozenset[Channel] = frozenset()
        if ending is not None:
            left = [channel for channel in self.channels.values() if channel.ended_at is None]
            for channel in left:
                self._finish(channel, ending.at)
            if ending.recovered:
                cut = frozenset(left)
            else:
                self.anomalies["end_lost"] = None
        anomalies = tuple(self.anomalies)
        group_id = next(iter(self.channels), "")
        return tuple(one.record(group_id, self._served(one), cut, anomalies) for one in self.conversations)

    def forget(self) -> None:
        """Undo the circles between channels and calls, so that they go at once and not by garbage collection."""
        for channel in self.channels.values():
            channel.call = None

    def _served(self, conversation: Conversation) -> list[Channel]:
        """The channels of a call besides the citizen's: those made for it, and those whom the citizen heard."""
        alone = len(self.conversations) == 1
        return [
            channel
            for channel in self.channels.values()
            if channel.person
            and channel not in conversation.legs
            and (
                conversation.has_met(channel)
                or (not channel.is_citizen and (channel.call is conversation or (alone and channel.call is None)))
            )
        ]

    def _outbound(self, call_id: str) -> Conversation:
        known = next((one for one in self.conversations if one.call_id == call_id), None)
        if known is not None:
            return known
        conversation = Conversation(call_id, outbound=True)
        self.conversations.append(conversation)
        return conversation

    def _listen(self, now: datetime) -> None:
        for conversation in self.conversations:
            conversation.listen(now, self.bridges)

    def _finish(self, channel: Channel, now: datetime) -> None:
        self._stop_waiting(channel, now)
        if channel.is_citizen and channel.call is not None:
            channel.call.leave_queue(now)
        channel.ended_at = now
        if channel.bridge:
            self.bridges.leave(channel)
            self._listen(now)

    def _stop_waiting(self, channel: Channel, now: datetime) -> None:
        if channel.waits_in_queue:
            channel.waits_in_queue = False
            conversation = channel.conversation
            if conversation is not None:
                conversation.leave_queue(now)

    # ---- one method for each kind of fact that says something

    def app_start(self, fact: Fact, channel: Channel) -> None:
        if fact.appname == "MixMonitor":
            channel.recorded_from = channel.recorded_from or fact.eventtime
        elif fact.appname == "Queue":
            channel.waits_in_queue = True
            conversation = channel.conversation
            if conversation is not None:
                conversation.enter_queue(fact.appdata.partition(",")[0], fact.eventtime)

    def app_end(self, fact: Fact, channel: Channel) -> None:
        if fact.appname == "Queue":
            self._stop_waiting(channel, fact.eventtime)

    def bridge_enter(self, fact: Fact, channel: Channel) -> None:
        channel.dialled(fact.appname)
        bridge = bridge_id(fact.eventextra)
        if not bridge:
            self.anomalies["bridge_unnamed"] = None
        elif not is_holding(fact.eventextra):
            self.bridges.enter(channel, bridge)
            persons = self.bridges.persons(bridge)
            if len(persons) > 1:
                for person in persons:
                    if person.answered_at is None:
                        person.answered_at = fact.eventtime
            self._listen(fact.eventtime)

    def bridge_exit(self, fact: Fact, channel: Channel) -> None:
        if channel.bridge and channel.bridge == bridge_id(fact.eventextra):
            self.bridges.leave(channel)
            self._listen(fact.eventtime)
        elif not is_holding(fact.eventextra):
            self.anomalies["bridge_exit_unmatched"] = None

    def hold(self, fact: Fact, channel: Channel) -> None:
        channel.held = fact.eventtype == "HOLD"
        self._listen(fact.eventtime)

    def stream_begin(self, fact: Fact, channel: Channel) -> None:
        """CEL has no fact for a hold, but whoever is put on hold hears music where they talked."""
        if channel.bridge and is_music(fact.eventextra):
            channel.held = True
            self._listen(fact.eventtime)

    def stream_end(self, fact: Fact, channel: Channel) -> None:
        if channel.held:
            channel.held = False
            self._listen(fact.eventtime)

    def chan_end(self, fact: Fact, channel: Channel) -> None:
        channel.dialled(fact.appname)
        self._finish(channel, fact.eventtime)

    def transfer(self, fact: Fact, channel: Channel) -> None:
        extra = extra_fields(fact.eventextra)
        kind = TransferKind.BLIND if fact.eventtype == "BLINDTRANSFER" else TransferKind.ATTENDED
        named = {extra.get("transferee_channel_uniqueid"), extra.get("transfer_target_channel_uniqueid")}
        meant = [one for one in self.conversations if any(leg.uniqueid in named for leg in one.legs)] or [
            one for one in self.conversations if one.has_met(channel)
        ]
        if not meant:
            self.anomalies["transfer_of_nobody"] = None
        for conversation in meant:
            if kind is TransferKind.BLIND:
                to = self._rung(conversation) or extra.get("extension")
            else:
                to = self._consulted(extra, channel, conversation)
            conversation.transfer(kind, fact.eventtime, channel.party, to)

    def _rung(self, conversation: Conversation) -> str | None:
        """Who is being rung for the citizen: the call to them may be written before the transfer that caused it."""
        ringing = (
            channel
            for channel in self.channels.values()
            if channel.call is conversation and channel.person and not channel.was_bridged and channel.ended_at is None
        )
        return next((channel.party for channel in ringing if channel not in conversation.legs), None)

    def _consulted(self, extra: dict[str, str], by: Channel, conversation: Conversation) -> str | None:
        """Whom an attended transfer is meant for: who is in the other bridge, or is being rung through a Local."""
        near = [
            channel
            for bridge in (extra.get("bridge2_id", ""), extra.get("bridge1_id", ""))
            for channel in self.bridges.together(bridge)
            if channel not in conversation.legs and channel is not by
        ]
        person = next((channel.party for channel in near if channel.person and channel.party != by.party), None)
        return person or next((channel.exten for channel in near if channel.local), None)

    # ---- the dialplan's own events

    def line(self, fact: Fact, channel: Channel) -> None:
        channel.line = user_payload(fact.eventextra) or None
        if channel.call is None:
            conversation = Conversation(channel.uniqueid, outbound=False)
            conversation.add_citizen(channel)
            self.conversations.append(conversation)

    def caller(self, fact: Fact, channel: Channel) -> None:
        channel.number, channel.caller_name = caller(user_payload(fact.eventextra))

    def menu(self, fact: Fact, channel: Channel) -> None:
        conversation = channel.conversation
        if conversation is not None and user_payload(fact.eventextra):
            conversation.press()

    def queue_leave(self, fact: Fact, channel: Channel) -> None:
        self._stop_waiting(channel, fact.eventtime)
        conversation = channel.conversation
        if conversation is not None:
            status = user_payload(fact.eventextra)
            conversation.set_status(status)
            if status == MOVED:
                conversation.wait_on()

    def promise(self, fact: Fact, channel: Channel) -> None:
        conversation = channel.conversation
        if conversation is not None:
            conversation.promised_at = fact.eventtime

    def refuse(self, fact: Fact, channel: Channel) -> None:
        conversation = channel.conversation
        if conversation is not None:
            conversation.refused = user_payload(fact.eventextra) or None

    def out(self, fact: Fact, channel: Channel) -> None:
        call_id, _, number = user_payload(fact.eventextra).partition(" ")
        conversation = self._outbound(call_id or channel.uniqueid)
        conversation.caller = channel
        conversation.number = number
        channel.call = conversation

    def citizen_leg(self, fact: Fact, channel: Channel) -> None:
        conversation = self._outbound(user_payload(fact.eventextra) or fact.linkedid)
        if channel not in conversation.legs:
            conversation.add_citizen(channel)
            self._listen(fact.eventtime)

    def out_result(self, fact: Fact, channel: Channel) -> None:
        if channel.call is not None:
            channel.call.dial_status = user_payload(fact.eventextra) or None

    def purpose(self, fact: Fact, channel: Channel) -> None:
        channel.purpose = user_payload(fact.eventextra) or None


_HANDLERS: Final[dict[str, Callable[[_State, Fact, Channel], None]]] = {
    "APP_START": _State.app_start,
    "APP_END": _State.app_end,
    "BRIDGE_ENTER": _State.bridge_enter,
    "BRIDGE_EXIT": _State.bridge_exit,
    "HOLD": _State.hold,
    "UNHOLD": _State.hold,
    "STREAM_BEGIN": _State.stream_begin,
    "STREAM_END": _State.stream_end,
    "CHAN_END": _State.chan_end,
    "BLINDTRANSFER": _State.transfer,
    "ATTENDEDTRANSFER": _State.transfer,
    "LINE": _State.line,
    "CALLER": _State.caller,
    "MENU": _State.menu,
    "QUEUE_LEAVE": _State.queue_leave,
    "CALLBACK": _State.promise,
    "REFUSED": _State.refuse,
    "OUT": _State.out,
    "CITIZENLEG": _State.citizen_leg,
    "OUTRESULT": _State.out_result,
    "PURPOSE": _State.purpose,
}
