"""Which facts belong together: groups of channels that met, from their first fact until all of them have ended.

``Grouping`` is the only state between two reads of the ledger, and the ledger is all it depends on: how the facts are
batched makes no difference to what is finally said of a call, and after a restart of our service the facts from
``resume_from`` on bring it back as it was.

Channels belong together when one names another as its ``linkedid``, when an event names both (transfers, optimised
Local channels), or when they share a bridge. A ``linkedid`` is only such a hint: it may change in mid-call, and
LINKEDID_END is no evidence of an end. A group is closed when each of its channels has had its CHAN_END, or by one of
two inferences:

- Asterisk was restarted. A UNIQUEID is ``<systemname>-<epoch>.<seq>``, and ``seq`` counts up within one process. A
  channel with a lower ``seq`` and a later ``epoch`` than one before it proves a new process: nothing of the old one
  is left.
- No channel of the group has said anything for ``SILENCE``: the lines that ended it were lost (a full disk).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from telephony.core.call import Call, CallChanged
from telephony.core.call_ids import CallIds
from telephony.core.facts import Fact, bridge_id, extra_fields, is_holding, is_music
from telephony.core.fold import Ending, fold

SILENCE: Final = timedelta(hours=12)
"""A group without any line for so long, by the ledger's own times, has lost its end. Looked at once an hour."""

EPOCH_SLACK: Final = 1
"""Seconds. Asterisk takes the number and the time of an id one after the other: two threads may do so crosswise."""

SEQ_SLACK: Final = 200
"""Channels are written down nearly in the order of their numbers: one so far behind, and no older, is of a new
process."""

_NEVER_NEEDED: Final = frozenset(
    {
        "DTMF", "ANSWER", "HANGUP", "LINKEDID_END", "LOCAL_OPTIMIZE_BEGIN", "NOTICE", "SURVEY",
    }
)  # fmt: skip
"""A call record needs nothing of these: a citizen who waits for an hour in music costs no memory."""

_STREAMS: Final = frozenset({"STREAM_BEGIN", "STREAM_END"})
"""Music that begins where people talk is a hold. Before the first bridge it is the wait, and tells nothing."""

_NEEDED_APPS: Final = {"APP_START": frozenset({"Queue", "MixMonitor"}), "APP_END": frozenset({"Queue"})}
"""Of applications, a call record needs only the beginning and end of the wait, and the beginning of the recording."""

_LAST_WORDS: Final = frozenset({"CHAN_END", "HANGUP", "BRIDGE_EXIT", "APP_END"})
"""Of a channel of which nothing else is known, these are the tail of a call that is over."""

_MAKES_CALLS: Final = frozenset({"LINE", "OUT", "CITIZENLEG"})
_NAMES_CHANNELS: Final = frozenset({"ATTENDEDTRANSFER", "BLINDTRANSFER", "LOCAL_OPTIMIZE", "PICKUP"})
_TELLING: Final = _MAKES_CALLS | _NAMES_CHANNELS | {"BRIDGE_ENTER", "CHAN_END"}

_UNIQUEID: Final = re.compile(r"(?:(.*)-)?([0-9]{1,12})\.([0-9]{1,12})", re.DOTALL)


class _System:
    """One Asterisk, by its ``systemname``: how far its present process has counted, and when it last wrote."""

    __slots__ = ("epoch", "last_at", "name", "seq")

    def __init__(self, name: str, at: datetime) -> None:
        self.name = name
        self.seq = -1
        self.epoch = -1
        self.last_at = at

    def is_restarted_by(self, epoch: int, seq: int) -> bool:
        """Whether only a new process can have made this id."""
        return seq <= self.seq and (
            epoch > self.epoch + EPOCH_SLACK or (epoch >= self.epoch and seq + SEQ_SLACK < self.seq)
        )


class _Group:
    """Channels that met, and what they wrote."""

    __slots__ = (
        "bridges", "ended", "ending", "facts", "first", "has_call", "in_music", "last_at", "open", "said", "system",
        "uniqueids",
    )  # fmt: skip

    def __init__(self, position: Any, system: _System) -> None:  # noqa: ANN401 - opaque, see Grouping.feed
        self.first = position
        self.system = system
        self.last_at = system.last_at
        self.facts: list[tuple[int, Fact]] = []
        self.uniqueids: list[str] = []
        self.open: dict[str, datetime] = {}
        self.ended: dict[str, datetime] = {}
        self.bridges: list[str] = []
        self.has_call = False
        self.ending: Ending | None = None
        self.said: dict[str, CallChanged] = {}
        self.in_music: set[str] = set()

    def tells_of_hold(self, fact: Fact) -> bool:
        """Whether a stream is music where people talked, or its end; any other (announcements, the wait) is not."""
        if fact.eventtype == "STREAM_BEGIN":
            if not self.bridges or not is_music(fact.eventextra):
                return False
            self.in_music.add(fact.uniqueid)
            return True
        if fact.uniqueid not in self.in_music:
            return False
        self.in_music.discard(fact.uniqueid)
        return True


@dataclass(frozen=True, slots=True)
class Likeness:
    """A grouping as a value: two that are alike say the same of all further facts, wherever each of them began."""

    state: tuple[object, ...]
    systems: dict[str, tuple[int, int, datetime]]

    def stands_for(self, other: "Likeness", after: "Likeness") -> bool:
        """Whether a grouping that was like this and became ``after`` said what one like ``other`` would have said.

        Of an Asterisk that wrote nothing in between it need not know.
        """
        unmet = other.systems.keys() - self.systems.keys()
        known = self.systems.items() <= other.systems.items()
        return self.state == other.state and known and not unmet & after.systems.keys()


class Grouping:
    """Takes facts one by one in the order of the ledger, and says which call records changed."""

    def __init__(self, *, distinct_ids: bool = True) -> None:
        """``distinct_ids`` False leaves calls with the ids that Asterisk gave them, used again or not."""
        self._ids = CallIds()
        self._distinct_ids = distinct_ids
        self._group_of: dict[str, _Group] = {}
        self._group_in: dict[str, _Group] = {}
        self._open: dict[_Group, None] = {}
        self._touched: dict[_Group, None] = {}
        self._systems: dict[str, _System] = {}
        self._count = 0
        self._hour = -1

    @property
    def resume_from(self) -> Any | None:  # noqa: ANN401 - opaque, see feed
        """The position of the earliest fact that belongs to a group still open; None when nothing is open.

        A new ``Grouping`` that is fed all facts from there to here, and then settled, goes on as this one would.
        """
        return min((group.first for group in self._open), default=None)

    @property
    def open_groups(self) -> int:
        """How many groups are open."""
        return len(self._open)

    def remember(self, calls: Iterable[tuple[str, datetime]]) -> None:
        """Call ids already given and when those calls started (the newest ``KNOWN_CALLS`` are enough).

        Without it a uniqueid that Asterisk uses again is noticed only among the calls that this object has seen.
        """
        self._ids.remember(calls)

    def feed(self, position: Any, fact: Fact) -> None:  # noqa: ANN401 - opaque to us
        """Take the next fact. ``position`` is its place in the ledger: any values that compare, growing with time."""
        self.feed_all(((position, fact),))

    def feed_all(self, facts: Iterable[tuple[Any, Fact]]) -> None:
        """Take the next facts, each with its position; see ``feed``."""
        group_of, touched = self._group_of, self._touched
        for position, fact in facts:
            kind, uniqueid, at = fact.eventtype, fact.uniqueid, fact.eventtime
            if at.hour != self._hour:
                self._sweep(at)
            group = group_of.get(uniqueid)
            if group is None or uniqueid not in group.open:
                group = self._appear(position, fact, group)
                if group is None:
                    continue
            group.last_at = group.system.last_at = at
            if kind in _NEVER_NEEDED or (kind in _NEEDED_APPS and fact.appname not in _NEEDED_APPS[kind]):
                continue
            if kind in _STREAMS and not group.tells_of_hold(fact):
                continue
            self._count += 1
            group.facts.append((self._count, fact))
            touched[group] = None
            linkedid = fact.linkedid
            if linkedid != uniqueid and group_of.get(linkedid) is not group:
                group = self._join(group, linkedid)
            if kind in _TELLING:
                self._learn(group, fact)

    def changes(self, *, closed: bool = False) -> list[CallChanged]:
        """The records that differ from what was last said of them, in the order of the facts that changed them.

        With ``closed`` only of groups that are closed, in the order in which they closed; of the others when they have
        closed, or when asked without.
        """
        groups = [group for group in self._touched if not (closed and group in self._open)]
        changed: list[CallChanged] = []
        for group in groups:
            del self._touched[group]
            if group.has_call:
                is_closed = group not in self._open
                for call in fold([fact for _, fact in group.facts], group.ending):
                    change = self._change(call, closed=is_closed)
                    if group.said.get(change.call.call_id) != change:
                        group.said[change.call.call_id] = change
                        changed.append(change)
        return changed

    def likeness(self) -> "Likeness":
        """All that decides what becomes of further facts, except for the ids given: see ``Likeness``."""
        number = {group: index for index, group in enumerate(self._open)}
        counts = sorted(count for group in self._open for count, _ in group.facts)
        order = {count: index for index, count in enumerate(counts)}
        groups = tuple(
            (
                (group.system.name, group.last_at, group.has_call),
                tuple((order[count], fact) for count, fact in group.facts),
                tuple(group.uniqueids),
                tuple(group.open.items()),
                tuple(group.ended.items()),
                tuple(group.bridges),
                tuple(sorted(group.in_music)),
                tuple(group.said.items()),
            )
            for group in self._open
        )
        names = tuple(sorted((uniqueid, number[group]) for uniqueid, group in self._group_of.items()))
        bridges = tuple(sorted((bridge, number[group]) for bridge, group in self._group_in.items()))
        touched = tuple(number[group] for group in self._touched if group in number)
        systems = {system.name: (system.seq, system.epoch, system.last_at) for system in self._systems.values()}
        return Likeness((groups, names, bridges, touched, self._hour), systems)

    def inherit(self, earlier: "Grouping") -> None:
        """Know also the Asterisks that ``earlier`` has met and this has not."""
        self._systems = earlier._systems | self._systems  # noqa: SLF001 - another of the same class

    def pass_over(self) -> None:
        """Say nothing of the groups that have closed."""
        self._touched = {group: None for group in self._touched if group in self._open}

    def settle(self) -> None:
        """Take what was fed so far as said already: for facts whose records are committed, fed again."""
        self.changes()

    def _learn(self, group: _Group, fact: Fact) -> None:
        """What the fact says of the group: who else is in it, that it holds a call, that a channel of it ended."""
        kind = fact.eventtype
        if kind == "CHAN_END":
            self._end(group, fact.uniqueid)
        elif kind == "BRIDGE_ENTER":
            self._meet(group, fact.eventextra)
        elif kind in _MAKES_CALLS:
            group.has_call = True
        else:
            for key, value in extra_fields(fact.eventextra).items():
                if key.endswith("uniqueid"):
                    group = self._join(group, value)

    def _change(self, call: Call, *, closed: bool) -> CallChanged:
        over = closed or (call.ended_at is not None and all(leg.ended_at is not None for leg in call.legs))
        return CallChanged(self._ids.distinct(call) if self._distinct_ids else call, over)

    def _appear(self, position: Any, fact: Fact, group: _Group | None) -> _Group | None:  # noqa: ANN401 - opaque
        """A fact of a channel that is not open: it begins, was only named so far, has ended, or is unknown."""
        kind, uniqueid = fact.eventtype, fact.uniqueid
        if group is not None:
            if uniqueid in group.ended:
                if kind != "CHAN_START" or group.ended[uniqueid] == fact.eventtime:
                    return group  # a late or repeated line
                group = None  # Asterisk used the id again
            elif kind in _LAST_WORDS:
                return group
        if kind == "CHAN_START":
            system = self._process_of(fact)
        else:
            system = self._system(uniqueid, fact)[0]
            if group is None and (kind in _LAST_WORDS or kind in _NEVER_NEEDED or kind in _STREAMS):
                system.last_at = fact.eventtime
                return None
        if group is None or group not in self._open:
            system.last_at = fact.eventtime
            group = self._group_of.get(fact.linkedid) if fact.linkedid != uniqueid else None
            if group is None:
                group = _Group(position, system)
                self._open[group] = None
            elif group.system.seq < 0:
                group.system = system
            self._name(group, uniqueid)
        group.open[uniqueid] = fact.eventtime
        return group

    def _system(self, uniqueid: str, fact: Fact) -> tuple[_System, int, int]:
        """The Asterisk that made the id, with the id's epoch and number; an id that we chose counts for nothing."""
        match = _UNIQUEID.fullmatch(uniqueid)
        name, epoch, seq = match.groups(default="") if match else ("", "-1", "-1")
        system = self._systems.get(name)
        if system is None:
            system = self._systems[name] = _System(name, fact.eventtime)
        return system, int(epoch), int(seq)

    def _process_of(self, fact: Fact) -> _System:
        """The Asterisk of a new channel; when the channel proves that it was restarted, what the old one left ends."""
        system, epoch, seq = self._system(fact.uniqueid, fact)
        if seq >= 0:
            if system.is_restarted_by(epoch, seq):
                for group in list(self._open):
                    if group.system is system or (system.name and _is_of(group, system.name)):
                        group.ending = Ending(max(system.last_at, group.last_at), recovered=True)
                        self._close(group)
                system.seq = system.epoch = -1
            system.seq = max(system.seq, seq)
            system.epoch = max(system.epoch, epoch)
        return system

    def _sweep(self, at: datetime) -> None:
        """Close what has been silent for too long."""
        self._hour = at.hour
        for group in list(self._open):
            if at - group.last_at > SILENCE:
                group.ending = Ending(group.last_at, recovered=False)
                self._close(group)

    def _name(self, group: _Group, uniqueid: str) -> None:
        self._group_of[uniqueid] = group
        group.uniqueids.append(uniqueid)

    def _join(self, group: _Group, uniqueid: str) -> _Group:
        """A fact of the group names another channel: they are one group. Returns it."""
        other = self._group_of.get(uniqueid)
        if other is None:
            if uniqueid not in {"", "N/A"}:
                self._name(group, uniqueid)
            return group
        return self._merge(group, other)

    def _meet(self, group: _Group, eventextra: str) -> None:
        """A channel entered a bridge: who is in it belongs together, except where nobody hears anybody."""
        bridge = bridge_id(eventextra)
        if bridge and not is_holding(eventextra):
            other = self._group_in.get(bridge)
            if other is None:
                self._group_in[bridge] = group
                group.bridges.append(bridge)
            else:
                self._merge(group, other)

    def _merge(self, one: _Group, other: _Group) -> _Group:
        if one is other:
            return one
        if len(one.facts) < len(other.facts):
            one, other = other, one
        one.first = min(one.first, other.first)
        one.last_at = max(one.last_at, other.last_at)
        if one.system.seq < 0:
            one.system = other.system
        one.facts = sorted(one.facts + other.facts, key=_order)
        for uniqueid in other.uniqueids:
            if self._group_of.get(uniqueid) is other:
                self._name(one, uniqueid)
        for bridge in other.bridges:
            self._group_in[bridge] = one
        one.bridges += other.bridges
        one.in_music |= other.in_music
        one.open |= other.open
        one.ended |= other.ended
        one.said |= other.said
        one.has_call |= other.has_call
        del self._open[other]
        self._touched.pop(other, None)
        self._touched[one] = None
        return one

    def _end(self, group: _Group, uniqueid: str) -> None:
        started_at = group.open.pop(uniqueid, None)
        if started_at is not None:
            group.ended[uniqueid] = started_at
            if not group.open:
                self._close(group)

    def _close(self, group: _Group) -> None:
        """Forget the group, except for what remains to be said of it."""
        del self._open[group]
        for uniqueid in group.uniqueids:
            if self._group_of.get(uniqueid) is group:
                del self._group_of[uniqueid]
        for bridge in group.bridges:
            del self._group_in[bridge]
        self._touched.pop(group, None)
        if group.has_call:
            self._touched[group] = None


def _order(entry: tuple[int, Fact]) -> int:
    return entry[0]


def _is_of(group: _Group, systemname: str) -> bool:
    return any(uniqueid.startswith(f"{systemname}-") for uniqueid in group.open)
