"""Who is calling, who is ringing and who is talking, now: a pure reducer over AMI events (Asterisk 22).

What is shown is worked out from three tables alone, which the events keep and which QueueStatus and CoreShowChannels
give whole: channels with their bridges, the queue's waiting citizens, the queue's members. So a snapshot in the middle
gives the same view as every event since the beginning. It depends on ``CHANNEL(accountcode)``, which extensions.conf
sets to the line, and on ``timestampevents`` in manager.conf. Nothing durable comes from here; whatever an event says,
none raises.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from telephony.core.lines import LINES, QUEUE
from telephony.live.view import Change, Ongoing, Operator, OperatorState, Row, Snapshot, Stage, Table, Waiting
from telephony.wire.ami import Message, unescape

WRAP_UP: Final = "wrapup"
"""The reason of the pause that is wrap-up."""

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_UNKNOWN: Final = frozenset({"", "<unknown>", "unknown"})
_LINE_OF: Final[Mapping[str, str]] = {number: line for line, numbers in LINES.items() for number in numbers}
_STATES: Final[Mapping[str, OperatorState]] = {
    "1": OperatorState.FREE,
    "2": OperatorState.TALKING,
    "3": OperatorState.TALKING,
    "6": OperatorState.RINGING,
    "7": OperatorState.TALKING,
    "8": OperatorState.TALKING,
}
"""``AST_DEVICE_*`` by number (devicestate.h); the others cannot be rung."""

_RUNG: Final = frozenset({"0", "5"})
"""``AST_STATE_DOWN`` and ``AST_STATE_RINGING`` (channelstate.h): a telephone that is called and not picked up yet."""

_HOLDING: Final = "holding_bridge"


@dataclass(slots=True)
class _Channel:
    uniqueid: str
    kind: str
    party: str
    linkedid: str
    line: str | None
    number: str | None
    name: str | None
    rung: bool
    bridge: str = ""


@dataclass(slots=True)
class _Entry:
    since: datetime
    number: str | None
    name: str | None


@dataclass(slots=True)
class _Member:
    state: OperatorState
    reason: str | None
    paused_at: datetime | None


@dataclass(slots=True)
class _Dirty:
    calls: set[str] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)
    waiting: bool = False


class LiveState:
    """The live view; ``apply`` each event, ``resync`` from a snapshot after a gap."""

    def __init__(self, queue: str = QUEUE) -> None:
        self._queue = queue
        self._at = _EPOCH
        self._channels: dict[str, _Channel] = {}
        self._bridges: dict[str, set[str]] = {}
        self._phones: dict[str, dict[str, None]] = {}
        self._entries: dict[str, _Entry] = {}
        self._members: dict[str, _Member] = {}
        self._dirty = _Dirty()
        self._view: dict[Table, dict[str, Row]] = {table: {} for table in Table}

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot, queue: str = QUEUE) -> "LiveState":
        """The state as Asterisk itself tells it."""
        state = cls(queue)
        state.resync(snapshot)
        return state

    def waiting(self) -> list[Waiting]:
        """The queue, first come first."""
        rows = [row for row in self._view[Table.WAITING].values() if isinstance(row, Waiting)]
        return sorted(rows, key=lambda row: row.position)

    def operators(self) -> list[Operator]:
        """The queue's members, by login."""
        rows = [row for row in self._view[Table.OPERATORS].values() if isinstance(row, Operator)]
        return sorted(rows, key=lambda row: row.login)

    def calls(self) -> list[Ongoing]:
        """Calls in progress, the oldest first."""
        rows = [row for row in self._view[Table.CALLS].values() if isinstance(row, Ongoing)]
        return sorted(rows, key=lambda row: (row.since, row.call_id))

    def rows(self) -> list[Change]:
        """Everything, as the changes that lead there from nothing: for who begins to listen."""
        return [Change(table, key, row) for table, rows in self._view.items() for key, row in rows.items()]

    def apply(self, event: Message) -> list[Change]:
        """Take note of one event; what changed in the view."""
        act = _ACTS.get(event.event)
        if act is None:
            return []
        self._at = _time(event) or self._at
        act(self, event)
        return self._changes()

    def resync(self, snapshot: Snapshot) -> list[Change]:
        """Take over what Asterisk answered; what is different from before.

        A citizen who waited before and still waits keeps the time since when: Asterisk tells it in whole seconds only.
        """
        waited = self._entries
        self._at = snapshot.at
        self._channels, self._bridges, self._phones = {}, {}, {}
        self._entries, self._members = {}, {}
        self._dirty = _Dirty(set(self._view[Table.CALLS]), set(self._view[Table.OPERATORS]), waiting=True)
        for message in snapshot.channels:
            if message.event == "CoreShowChannel":
                self._add(message, message.get("BridgeId"))
        for message in snapshot.queue:
            if message.get("Queue") != self._queue:
                continue
            if message.event == "QueueMember":
                self._member(message.get("Location"), message)
            elif message.event == "QueueEntry":
                uniqueid = message.get("Uniqueid")
                since = snapshot.at - timedelta(seconds=_whole(message.get("Wait")))
                known = waited.get(uniqueid)
                self._entries[uniqueid] = _entry(message, known.since if known else since)
        return self._changes()

    # ---- what events do

    def _new(self, event: Message) -> None:
        self._add(event, "")

    def _seen(self, event: Message) -> None:
        channel = self._channels.get(event.get("Uniqueid"))
        if channel is None:
            return
        linkedid, line = event.get("Linkedid"), channel.line or _line(event)
        number, name = _known(event.get("CallerIDNum")), _known(event.get("CallerIDName"))
        if (linkedid, line, number, name) != (channel.linkedid, channel.line, channel.number, channel.name):
            self._touch(channel)
            channel.linkedid, channel.line, channel.number, channel.name = linkedid, line, number, name
            self._touch(channel)
        if "ChannelState" in event and channel.rung != (event.get("ChannelState") in _RUNG):
            channel.rung = not channel.rung
            self._touch(channel)

    def _gone(self, event: Message) -> None:
        channel = self._channels.pop(event.get("Uniqueid"), None)
        if channel is None:
            return
        if channel.kind == "operator":
            phones = self._phones[channel.party]
            del phones[channel.uniqueid]
            if not phones:
                del self._phones[channel.party]
        self._leave(channel)
        if self._entries.pop(channel.uniqueid, None) is not None:
            self._dirty.waiting = True
        self._touch(channel)

    def _enter(self, event: Message) -> None:
        self._seen(event)
        channel = self._channels.get(event.get("Uniqueid"))
        if channel is not None:
            self._leave(channel)
            if event.get("BridgeTechnology") != _HOLDING:
                self._join(channel, event.get("BridgeUniqueid"))

    def _exit(self, event: Message) -> None:
        self._seen(event)
        channel = self._channels.get(event.get("Uniqueid"))
        if channel is not None and channel.bridge == event.get("BridgeUniqueid"):
            self._leave(channel)

    def _queued(self, event: Message) -> None:
        uniqueid = event.get("Uniqueid")
        if event.get("Queue") != self._queue or uniqueid in self._entries or uniqueid not in self._channels:
            return
        self._seen(event)
        position = max(0, _whole(event.get("Position")) - 1)
        order = list(self._entries.items())
        order.insert(position, (uniqueid, _entry(event, self._at)))
        self._entries = dict(order)
        self._dirty.waiting = True
        self._dirty.calls.add(uniqueid)

    def _dequeued(self, event: Message) -> None:
        if event.get("Queue") == self._queue and self._entries.pop(event.get("Uniqueid"), None) is not None:
            self._dirty.waiting = True
            self._dirty.calls.add(event.get("Uniqueid"))

    def _member_told(self, event: Message) -> None:
        if event.get("Queue") == self._queue:
            self._member(event.get("Interface"), event)

    def _member_gone(self, event: Message) -> None:
        login = _login(event.get("Interface"))
        if event.get("Queue") == self._queue and self._members.pop(login, None) is not None:
            self._dirty.operators.add(login)

    # ---- the tables

    def _add(self, message: Message, bridge: str) -> None:
        uniqueid = message.get("Uniqueid")
        if not uniqueid or uniqueid in self._channels:
            return
        kind, party = _endpoint(message.get("Channel"))
        channel = _Channel(
            uniqueid,
            kind,
            party,
            message.get("Linkedid"),
            _line(message),
            _known(message.get("CallerIDNum")),
            _known(message.get("CallerIDName")),
            message.get("ChannelState") in _RUNG,
        )
        self._channels[uniqueid] = channel
        if kind == "operator":
            self._phones.setdefault(party, {})[uniqueid] = None
        self._touch(channel)
        if bridge:
            self._join(channel, bridge)

    def _member(self, interface: str, message: Message) -> None:
        login = _login(interface)
        paused, reason = message.get("Paused") == "1", message.get("PausedReason") or None
        state = _STATES.get(message.get("Status"), OperatorState.OFFLINE)
        if paused and state is OperatorState.FREE:
            state = OperatorState.WRAP_UP if reason == WRAP_UP else OperatorState.PAUSED
        paused_at = self._paused_at(login, reason, message) if paused else None
        self._members[login] = _Member(state, reason if paused else None, paused_at)
        self._dirty.operators.add(login)

    def _paused_at(self, login: str, reason: str | None, message: Message) -> datetime:
        """When a pause began. Asterisk restarted in the middle takes its start for that, and for the sign-in."""
        told, signed_in = _moment(message.get("LastPause")), _moment(message.get("LoginTime"))
        if told is not None and told not in {_EPOCH, signed_in}:
            return told
        shown = self._view[Table.OPERATORS].get(login)
        if isinstance(shown, Operator) and shown.reason == reason and shown.paused_at is not None:
            return shown.paused_at
        return self._at if told is None or told == _EPOCH else told

    def _join(self, channel: _Channel, bridge: str) -> None:
        channel.bridge = bridge
        self._bridges.setdefault(bridge, set()).add(channel.uniqueid)
        self._touch(channel)

    def _leave(self, channel: _Channel) -> None:
        if channel.bridge:
            self._touch(channel)
            members = self._bridges[channel.bridge]
            members.discard(channel.uniqueid)
            if not members:
                del self._bridges[channel.bridge]
            channel.bridge = ""

    # ---- the view

    def _touch(self, channel: _Channel) -> None:
        """What is shown of this channel, and of all who hear it, may be another now."""
        for one in (channel, *self._others(channel)):
            if one.kind == "trunk":
                keys = {one.uniqueid, one.linkedid}
                self._dirty.calls |= keys
                self._dirty.operators |= {login for login in self._phones if not keys.isdisjoint(self._calls_at(login))}
            elif one.kind == "operator":
                self._dirty.operators.add(one.party)

    def _others(self, channel: _Channel) -> Iterator[_Channel]:
        for uniqueid in self._bridges.get(channel.bridge, ()):
            if uniqueid != channel.uniqueid:
                yield self._channels[uniqueid]

    def _calls_at(self, login: str) -> Iterator[str]:
        """The calls that an operator's row may name or names."""
        shown = self._view[Table.OPERATORS].get(login)
        if isinstance(shown, Operator) and shown.call_id is not None:
            yield shown.call_id
        for uniqueid in self._phones[login]:
            yield self._channels[uniqueid].linkedid

    def _key(self, trunk: _Channel) -> str:
        """The call of a channel of the trunk: a citizen's who called is one of its own, others belong to who made them.

        In a call out that is the operator's channel, whose uniqueid we choose.
        """
        return trunk.uniqueid if trunk.line else trunk.linkedid

    def _citizen(self, call_id: str) -> _Channel | None:
        """The citizen's channel of a call: the one that named it, or the leg that an operator's call out made."""
        own = self._channels.get(call_id)
        if own is not None and own.kind == "trunk":
            return own if self._key(own) == call_id else None
        legs = (one for one in self._channels.values() if one.kind == "trunk" and self._key(one) == call_id)
        return next(legs, None)

    def _call_of(self, login: str) -> str | None:
        """The call that an operator's telephone is in: by the bridge, and while it rings, by the linkedid."""
        phones = [self._channels[uniqueid] for uniqueid in self._phones.get(login, ())]
        for phone in phones:
            for other in self._others(phone):
                if other.kind == "trunk":
                    return self._key(other)
        return next((one.linkedid for one in phones if one.linkedid in self._view[Table.CALLS]), None)

    def _changes(self) -> list[Change]:
        dirty, self._dirty = self._dirty, _Dirty()
        changes: list[Change] = []
        for call_id in sorted(dirty.calls):
            self._show(changes, Table.CALLS, call_id, self._ongoing(call_id))
        if dirty.waiting or dirty.calls & self._entries.keys():
            for uniqueid in [*self._view[Table.WAITING]]:
                if uniqueid not in self._entries:
                    self._show(changes, Table.WAITING, uniqueid, None)
            for position, (uniqueid, entry) in enumerate(self._entries.items(), 1):
                self._show(changes, Table.WAITING, uniqueid, self._waiting(uniqueid, entry, position))
        for login in sorted(dirty.operators):
            self._show(changes, Table.OPERATORS, login, self._operator(login))
        return changes

    def _show(self, changes: list[Change], table: Table, key: str, row: Row | None) -> None:
        shown = self._view[table]
        if shown.get(key) != row:
            if row is None:
                del shown[key]
            else:
                shown[key] = row
            changes.append(Change(table, key, row))

    def _waiting(self, uniqueid: str, entry: _Entry, position: int) -> Waiting:
        channel = self._channels.get(uniqueid)
        line = None if channel is None else channel.line
        number, name = (entry.number, entry.name) if channel is None else (channel.number, channel.name)
        return Waiting(uniqueid, line, number, name, entry.since, position)

    def _ongoing(self, call_id: str) -> Ongoing | None:
        channel = self._citizen(call_id)
        if channel is None:
            return None
        others = [one for one in self._others(channel) if one.kind != "nobody"]
        stage = Stage.ANNOUNCEMENT
        if others:
            stage = Stage.TALKING
        elif call_id in self._entries:
            stage = Stage.WAITING
        parties = tuple(sorted({one.party for one in others if one.kind != "trunk"}))
        since = _began(call_id) or _began(channel.uniqueid) or self._at
        return Ongoing(call_id, channel.line, channel.number, channel.name, since, stage, parties)

    def _operator(self, login: str) -> Operator | None:
        member = self._members.get(login)
        if member is None:
            return None
        phones = [self._channels[uniqueid] for uniqueid in self._phones.get(login, ())]
        # Asterisk calls a telephone busy as soon as it has one call, ringing or not (device_state_busy_at).
        rings = member.state is OperatorState.TALKING and bool(phones) and all(one.rung for one in phones)
        state = OperatorState.RINGING if rings else member.state
        row = Operator(login, state, member.reason, self._at, self._call_of(login), member.paused_at)
        shown = self._view[Table.OPERATORS].get(login)
        if isinstance(shown, Operator) and shown.state is row.state:
            return replace(row, since=shown.since)
        return row


_ACTS: Final = {
    "Newchannel": LiveState._new,  # noqa: SLF001 - our own
    "Newstate": LiveState._seen,  # noqa: SLF001
    "Hangup": LiveState._gone,  # noqa: SLF001
    "BridgeEnter": LiveState._enter,  # noqa: SLF001
    "BridgeLeave": LiveState._exit,  # noqa: SLF001
    "QueueCallerJoin": LiveState._queued,  # noqa: SLF001
    "QueueCallerLeave": LiveState._dequeued,  # noqa: SLF001
    "QueueMemberAdded": LiveState._member_told,  # noqa: SLF001
    "QueueMemberStatus": LiveState._member_told,  # noqa: SLF001
    "QueueMemberPause": LiveState._member_told,  # noqa: SLF001
    "QueueMemberRemoved": LiveState._member_gone,  # noqa: SLF001
    "AgentCalled": LiveState._seen,  # noqa: SLF001
}

EVENTS: Final = frozenset(_ACTS)
"""The events that the live view needs."""


def _endpoint(channel: str) -> tuple[str, str]:
    """Kind and party of a channel by its name, ``PJSIP/<kind>-<party>-<8 hexadecimal digits>``."""
    technology, _, rest = channel.partition("/")
    kind, hyphen, party = rest.rpartition("-")[0].partition("-")
    if technology != "PJSIP" or not hyphen or kind not in {"operator", "specialist", "trunk"}:
        return "nobody", ""
    return kind, party


def _login(interface: str) -> str:
    return interface.rpartition("/")[2].removeprefix("operator-")


def _line(message: Message) -> str | None:
    """The line of a channel: what the dialplan wrote down, or while it has not, the number that was dialled."""
    account = message.get("AccountCode")
    if account in LINES:
        return account
    return _LINE_OF.get(message.get("Exten")) if message.get("Context") == "from-trunk" else None


def _entry(message: Message, since: datetime) -> _Entry:
    return _Entry(since, _known(message.get("CallerIDNum")), _known(message.get("CallerIDName")))


def _known(text: str) -> str | None:
    return None if text in _UNKNOWN else unescape(text)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004 - a century


def _time(event: Message) -> datetime | None:
    return _moment(event.get("Timestamp"))


def _began(uniqueid: str) -> datetime | None:
    """When a channel began, by its uniqueid ``<systemname>-<epoch>.<number>``."""
    return _moment(uniqueid.rpartition("-")[2].partition(".")[0])


def _moment(epoch: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        return None
