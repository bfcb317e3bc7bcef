"""What Asterisk is asked to do with calls and with operators in the queue, by pages and by the command line.

Every action is one question or two on an AMI session that somebody else keeps (``Asks``): the service's lasting one, or
a command's own. Whether it is allowed, and what it means for our records, is for whoever asks.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from telephony import control
from telephony.core.lines import QUEUE
from telephony.links.ami_session import AmiAddress, AmiRefused, Fields
from telephony.outbound import NotPlacedError, OutboundCall, Result
from telephony.wire.ami import AmiError, Message

HEAD_OF_QUEUE: Final = "1000"
"""Above every priority that the dialplan gives."""

_OPERATOR: Final = "operator-"


def endpoint_of(login: str) -> str:
    """An operator's endpoint."""
    return f"{_OPERATOR}{login}"


class Asks(Protocol):
    """An AMI session that can be asked: ``links.ami.AmiLink`` and ``links.ami_session.Session``."""

    async def ask(self, action: str, fields: Fields | None = None, *, within: float | None = None) -> Message:
        """One action and its answer; see ``Session.ask``."""
        ...

    async def ask_list(
        self, action: str, fields: Fields | None = None, *, within: float | None = None
    ) -> tuple[Message, ...]:
        """One action that is answered by a list; see ``Session.ask_list``."""
        ...


class PhoneState(StrEnum):
    """What a telephone of ours is doing: ``free`` to be called, in ``use`` (it rings, too), ``away`` from Asterisk."""

    FREE = "free"
    USE = "use"
    AWAY = "away"
    UNKNOWN = "unknown"


_DEVICE_STATES: Final = {
    "NOT_INUSE": PhoneState.FREE,
    **dict.fromkeys(("INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD"), PhoneState.USE),
    **dict.fromkeys(("UNAVAILABLE", "INVALID"), PhoneState.AWAY),
}
"""DEVICE_STATE's words."""


class NotNowError(AmiError):
    """The call, or the person, is not in the state that the command needs."""


class NotInQueueError(NotNowError):
    """The operator is not signed in to the queue."""


class Switchboard(Protocol):
    """Acts on calls in progress and on operators in the queue.

    ``endpoint`` is an operator's in Asterisk (``operator-<login>``). Every method raises ``AmiUnavailable`` when
    Asterisk does not answer (whether it acted is not known then), and ``AmiRefused`` with its words when it says no.
    """

    async def sign_in(self, endpoint: str) -> None:
        """Let calls of the queue come to an operator; who is in it already is paused no more."""
        ...

    async def sign_out(self, endpoint: str) -> None:
        """Take an operator out of the queue, a talk goes on; no error if they are not in it."""
        ...

    async def pause(self, endpoint: str, reason: str) -> None:
        """No further call of the queue comes to an operator; a talk in progress goes on.

        Raises:
            NotInQueueError: They are not in the queue.
        """
        ...

    async def unpause(self, endpoint: str) -> None:
        """Calls of the queue come to an operator again.

        Raises:
            NotInQueueError: They are not in the queue.
        """
        ...

    async def hang_up(self, call_id: str) -> None:
        """End a call: for the citizen, and so for all who talk with them.

        Raises:
            NotNowError: It is not in progress.
        """
        ...

    async def transfer(self, call_id: str, extension: str, *, attended: bool) -> None:
        """Hand the citizen over to a phone's extension: at once, or after a word with whoever answers there.

        An attended transfer is complete when the operator hangs up.

        Args:
            call_id: the call.
            extension: of a phone of ours; whoever asks has checked it.
            attended: whether the two talk first.

        Raises:
            NotNowError: The citizen talks with nobody of ours now.
        """
        ...

    async def move(self, call_id: str, extension: str | None) -> None:
        """Move a citizen who waits: to a phone's extension, or with None to the head of the queue.

        Raises:
            NotNowError: The citizen does not wait in the queue.
        """
        ...

    async def place(self, call: OutboundCall) -> Result:
        """Ring the operator, and once they have picked up, the citizen; returns when they have, or have not.

        Raises:
            NotPlacedError: Nobody's phone rings.
            ValueError: See ``telephony.outbound.originate_fields``.
        """
        ...

    async def phones(self, endpoints: Iterable[str]) -> Mapping[str, PhoneState]:
        """What these telephones are doing now; operators' or specialists', by endpoint."""
        ...


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """A channel as Asterisk shows it now; ``bridge`` is empty when it is in none."""

    name: str
    uniqueid: str
    call_id: str
    bridge: str
    application: str

    @property
    def is_citizen(self) -> bool:
        """Whether it came from, or goes to, the trunk."""
        return self.name.startswith("PJSIP/trunk-")

    @property
    def is_phone(self) -> bool:
        """Whether it is the telephone of somebody who works here."""
        return self.name.startswith(("PJSIP/operator-", "PJSIP/specialist-"))


class AsteriskSwitchboard:
    """``Switchboard`` on a real Asterisk."""

    def __init__(self, ami: Asks, of_control: Callable[[], AmiAddress], peers: Iterable[str] = ()) -> None:
        """All but ``place`` are asked of ``ami``.

        ``of_control`` tells where and as whom a call gets a session of its own: while the operator's phone rings,
        Asterisk sends such a session nothing else. ``peers`` are the provider's endpoints, see ``control.place``.
        """
        self._ami = ami
        self._of_control = of_control
        self._peers = tuple(peers)

    async def sign_in(self, endpoint: str) -> None:
        """See ``Switchboard``."""
        member = {"MemberName": endpoint.removeprefix(_OPERATOR), "Paused": "false"}
        try:
            await self._ami.ask("QueueAdd", _member(endpoint) | member)
        except AmiRefused as error:
            if "already there" not in str(error).lower():
                raise
            await self.unpause(endpoint)

    async def sign_out(self, endpoint: str) -> None:
        """See ``Switchboard``."""
        try:
            await self._ami.ask("QueueRemove", _member(endpoint))
        except AmiRefused as error:
            if "not there" not in str(error).lower():
                raise

    async def pause(self, endpoint: str, reason: str) -> None:
        """See ``Switchboard``."""
        await self._pause(endpoint, {"Paused": "true", "Reason": reason})

    async def unpause(self, endpoint: str) -> None:
        """See ``Switchboard``."""
        await self._pause(endpoint, {"Paused": "false"})

    async def hang_up(self, call_id: str) -> None:
        """See ``Switchboard``."""
        channels = await channels_of(self._ami, call_id)
        ends = [one for one in channels if one.is_citizen] or [one for one in channels if one.uniqueid == call_id]
        for one in ends or channels:
            await self._ami.ask("Hangup", {"Channel": one.name, "Cause": "16"})

    async def transfer(self, call_id: str, extension: str, *, attended: bool) -> None:
        """See ``Switchboard``."""
        channels = await channels_of(self._ami, call_id)
        bridges = {one.bridge for one in channels if one.is_citizen and one.bridge}
        by = next((one for one in channels if one.is_phone and one.bridge in bridges), None)
        if by is None:
            raise NotNowError(f"in call {call_id} nobody talks with the citizen now")
        action = "Atxfer" if attended else "BlindTransfer"
        await self._ami.ask(action, {"Channel": by.name, "Context": "transfer", "Exten": extension})

    async def move(self, call_id: str, extension: str | None) -> None:
        """See ``Switchboard``."""
        channels = await channels_of(self._ami, call_id)
        waiting = next((one for one in channels if one.is_citizen and one.application == "Queue"), None)
        if waiting is None or waiting.bridge:
            raise NotNowError(f"in call {call_id} the citizen does not wait in the queue")
        if extension is None:
            fields = {"Queue": QUEUE, "Caller": waiting.name, "Priority": HEAD_OF_QUEUE, "Immediate": "yes"}
            await self._ami.ask("QueueChangePriorityCaller", fields)
        else:
            fields = {"Channel": waiting.name, "Context": "moved", "Exten": extension, "Priority": "1"}
            await self._ami.ask("Redirect", fields)

    async def place(self, call: OutboundCall) -> Result:
        """See ``Switchboard``."""
        try:
            address = self._of_control()
        except OSError as error:
            told = f"the secret for calls cannot be read: {error.strerror}"
            raise NotPlacedError(Result.NOT_REACHED, told) from error
        return await control.place(address, call, self._peers)

    async def phones(self, endpoints: Iterable[str]) -> Mapping[str, PhoneState]:
        """See ``Switchboard``."""
        wanted = tuple(endpoints)
        found = await asyncio.gather(
            *(self._ami.ask("Getvar", {"Variable": f"DEVICE_STATE(PJSIP/{one})"}) for one in wanted)
        )
        states = (_DEVICE_STATES.get(one.get("Value"), PhoneState.UNKNOWN) for one in found)
        return dict(zip(wanted, states, strict=True))

    async def _pause(self, endpoint: str, fields: dict[str, str]) -> None:
        try:
            await self._ami.ask("QueuePause", _member(endpoint) | fields)
        except AmiRefused as error:
            if "not found" not in str(error).lower():
                raise
            raise NotInQueueError(f"{endpoint} is not signed in to the queue") from error


async def channels_of(ami: Asks, call_id: str) -> list[LiveChannel]:
    """The channels of a call.

    Raises:
        NotNowError: There are none: the call is over, or never was.
    """
    found = [
        LiveChannel(one.get("Channel"), one.get("Uniqueid"), call_id, one.get("BridgeID"), one.get("Application"))
        for one in await ami.ask_list("Status", {"Variables": "CALL_ID"})
        if f"CALL_ID={call_id}" in one.all("Variable")
    ]
    if not found:
        raise NotNowError(f"call {call_id} is not in progress")
    return found


def _member(endpoint: str) -> dict[str, str]:
    return {"Queue": QUEUE, "Interface": f"PJSIP/{endpoint}"}
