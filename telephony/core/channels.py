"""Channels and the bridges in which they hear each other, as the facts tell them so far. Mutable, private to ``fold``.

Two channels hear each other when they share a bridge, also through Local channels: what enters ``...;1`` of a Local
channel comes out of its ``...;2``, in whatever bridge that is. Local channels themselves, and channels that Asterisk
makes for its own work, are nobody.
"""

from typing import TYPE_CHECKING, Final

from telephony.core.call import Role

if TYPE_CHECKING:
    from datetime import datetime

    from telephony.core.conversation import Conversation
    from telephony.core.facts import Fact

_ROLES: Final = {"operator": Role.OPERATOR, "specialist": Role.SPECIALIST, "trunk": Role.OTHER}
"""How our endpoints are named: ``operator-<login>``, ``specialist-<code>``, ``trunk-<name>``."""

_DIALLED_BY: Final = {"AppQueue": Role.OPERATOR, "AppDial": Role.SPECIALIST}
"""What Asterisk writes as the application of a channel that Queue or Dial calls; tells the role of other endpoints."""

_NOBODY: Final = frozenset(
    {"Local", "Announcer", "Bridge", "CBAnn", "CBRec", "Recorder", "Snoop", "Surrogate", "AsyncGoto", "Message"}
)
"""Technologies of channels behind which there is no phone."""

_SUFFIX: Final = 9
"""A channel's name ends in a hyphen and eight hexadecimal digits."""


class Channel:
    """One Asterisk leg. ``call`` is the conversation for which it was made, as far as a linkedid tells."""

    __slots__ = (
        "answered_at", "bridge", "call", "caller_name", "dialled_by_queue", "ended_at", "exten", "held", "is_citizen",
        "line", "local", "name", "number", "party", "person", "purpose", "recorded_from", "role", "started_at",
        "uniqueid", "waits_in_queue", "was_bridged",
    )  # fmt: skip

    def __init__(self, fact: "Fact", caller: "Channel | None") -> None:
        """A channel as its first fact shows it; ``caller`` is the channel that its linkedid names."""
        self.uniqueid = fact.uniqueid
        self.name = name = fact.channame
        technology, _, rest = name.partition("/")
        self.person = technology not in _NOBODY
        self.local = technology == "Local"
        endpoint = rest[:-_SUFFIX] if rest[-_SUFFIX:-8] == "-" else rest
        kind, _, who = endpoint.partition("-")
        self.role = _ROLES.get(kind) if who else None
        self.party = endpoint or None if self.role is None or self.role is Role.OTHER else who
        self.waits_in_queue = False
        self.dialled_by_queue = caller is not None and caller.waits_in_queue
        self.call: Conversation | None = None if caller is None else caller.call
        self.is_citizen = False
        self.started_at = fact.eventtime
        self.answered_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.bridge = ""
        self.was_bridged = False
        self.held = False
        self.exten = fact.exten
        self.line: str | None = None
        self.number = fact.num
        self.caller_name = fact.name
        self.purpose: str | None = None
        self.recorded_from: datetime | None = None

    def dialled(self, appname: str) -> None:
        """Take note of the application that called this channel, where a fact names it."""
        role = _DIALLED_BY.get(appname)
        if role is not None:
            self.dialled_by_queue = appname == "AppQueue"
            if self.role is None:
                self.role = role

    @property
    def conversation(self) -> "Conversation | None":
        """The call whose citizen is on this channel."""
        return self.call if self.is_citizen else None

    @property
    def rang_in_vain(self) -> bool:
        """Queue rang an operator here, and they did not take it."""
        return self.dialled_by_queue and self.ended_at is not None and not self.was_bridged

    def role_in_call(self) -> Role:
        """What the channel's party is in a call that is not its own."""
        if self.role is not None:
            return self.role
        return Role.OPERATOR if self.dialled_by_queue else Role.OTHER


class Bridges:
    """Who is in which bridge."""

    __slots__ = ("_locals", "_members")

    def __init__(self) -> None:
        self._members: dict[str, list[Channel]] = {}
        self._locals: dict[str, list[Channel]] = {}

    def appear(self, channel: Channel) -> None:
        """Take note of a Local channel: its two halves carry one name, up to ``;1`` and ``;2``."""
        if channel.local:
            self._locals.setdefault(channel.name.rpartition(";")[0], []).append(channel)

    def enter(self, channel: Channel, bridge: str) -> None:
        """The channel is in the bridge, and in no other."""
        if channel.bridge:
            self.leave(channel)
        channel.bridge = bridge
        channel.was_bridged = True
        self._members.setdefault(bridge, []).append(channel)

    def leave(self, channel: Channel) -> None:
        """The channel is in no bridge any more."""
        self._members[channel.bridge].remove(channel)
        channel.bridge = ""

    def together(self, bridge: str) -> list[Channel]:
        """All channels that hear what is said in the bridge, those behind Local channels included."""
        if not self._locals:
            return self._members.get(bridge, [])
        found: list[Channel] = []
        seen = {bridge}
        ahead = [bridge]
        while ahead:
            members = self._members.get(ahead.pop(), ())
            found += members
            for channel in members:
                if channel.local:
                    for half in self._locals[channel.name.rpartition(";")[0]]:
                        if half.bridge and half.bridge not in seen:
                            seen.add(half.bridge)
                            ahead.append(half.bridge)
        return found

    def persons(self, bridge: str) -> list[Channel]:
        """The persons among those who are together."""
        return [channel for channel in self.together(bridge) if channel.person]
