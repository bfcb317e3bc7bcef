"""What we ask of Asterisk over AMI, each time in a short session of its own (the command line's AMI users).

The session is the link's (``links.ami_session``), with the same codec and the same guards; it hears no events.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from telephony.links.ami_session import AmiAddress, AmiRefused, AmiUnavailable, LoginRefused, Protocol, Session, words
from telephony.outbound import RING_OPERATOR_S, NotPlacedError, OutboundCall, Result, originate_fields
from telephony.phones import RELOAD_MODULES
from telephony.wire.ami import AmiError

_log = structlog.get_logger()

ANSWER_WITHIN_S: Final = 5.0

HEAD_OF_QUEUE: Final = "1000"
"""Above every priority that the dialplan gives."""

_BUSY: Final = frozenset({"INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD"})
_ABSENT: Final = frozenset({"UNAVAILABLE", "INVALID"})
"""DEVICE_STATE's words for a phone that is used, and for one that is not registered."""


@asynccontextmanager
async def session(address: AmiAddress, within: float = ANSWER_WITHIN_S) -> AsyncIterator[Session]:
    """Log in, give the session, and end it; each step within so many seconds.

    Raises:
        LoginRefused: The secret is wrong.
        AmiUnavailable: Nobody answers there, or not as Asterisk does.
    """
    protocol = Protocol(lambda _: None, frozenset())
    try:
        opened = await Session.open(address, protocol, events=False, within=within)
    except LoginRefused:
        raise
    except (OSError, AmiError) as error:  # TimeoutError is an OSError
        raise AmiUnavailable(f"AMI on {address.where}: {words(error)}") from error
    try:
        yield opened
    finally:
        opened.close()


async def reload_phones(address: AmiAddress, modules: Iterable[str] = RELOAD_MODULES) -> None:
    """Let Asterisk read the phones' files again; talks go on meanwhile.

    Raises:
        AmiError: See ``session`` and ``Session.ask``.
    """
    async with session(address) as ami:
        for module in modules:
            await ami.ask("ModuleLoad", {"Module": module, "LoadType": "reload"})


async def sign_out(address: AmiAddress, queue: str, interface: str) -> None:
    """Take a phone out of the queue; no error if it is not in it."""
    async with session(address) as ami:
        try:
            await ami.ask("QueueRemove", {"Queue": queue, "Interface": interface})
        except AmiRefused as error:
            if "not there" not in str(error).lower():
                raise


async def core_version(address: AmiAddress) -> str:
    """Asterisk's version, as it tells it."""
    async with session(address) as ami:
        return (await ami.ask("CoreSettings")).get("AsteriskVersion", "unknown")


class NotNowError(AmiError):
    """The call, or the person, is not in the state that the command needs."""


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


async def channels_of(ami: Session, call_id: str) -> list[LiveChannel]:
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


async def hang_up(address: AmiAddress, call_id: str) -> None:
    """End a call: for the citizen, and so for all who talk with them.

    Raises:
        NotNowError: It is not in progress.
        AmiError: See ``Session.ask``.
    """
    async with session(address) as ami:
        channels = await channels_of(ami, call_id)
        ends = [one for one in channels if one.is_citizen] or [one for one in channels if one.uniqueid == call_id]
        for one in ends or channels:
            await ami.ask("Hangup", {"Channel": one.name, "Cause": "16"})


async def transfer(address: AmiAddress, call_id: str, extension: str, *, attended: bool) -> None:
    """Hand the citizen over to a phone's extension: at once, or after a word with whoever answers there.

    An attended transfer is complete when the operator hangs up.

    Args:
        address: Asterisk.
        call_id: the call.
        extension: of a phone; whoever calls this has checked it.
        attended: whether the two talk first.

    Raises:
        NotNowError: The citizen talks with nobody of ours now.
        AmiError: See ``Session.ask``.
    """
    async with session(address) as ami:
        channels = await channels_of(ami, call_id)
        bridges = {one.bridge for one in channels if one.is_citizen and one.bridge}
        by = next((one for one in channels if one.is_phone and one.bridge in bridges), None)
        if by is None:
            raise NotNowError(f"in call {call_id} nobody talks with the citizen now")
        action = "Atxfer" if attended else "BlindTransfer"
        await ami.ask(action, {"Channel": by.name, "Context": "transfer", "Exten": extension})


async def move(address: AmiAddress, call_id: str, queue: str, extension: str | None) -> None:
    """Move a citizen who waits: to a phone's extension, or with None to the head of the queue.

    Raises:
        NotNowError: The citizen does not wait in the queue.
        AmiError: See ``Session.ask``.
    """
    async with session(address) as ami:
        channels = await channels_of(ami, call_id)
        waiting = next((one for one in channels if one.is_citizen and one.application == "Queue"), None)
        if waiting is None or waiting.bridge:
            raise NotNowError(f"in call {call_id} the citizen does not wait in the queue")
        if extension is None:
            fields = {"Queue": queue, "Caller": waiting.name, "Priority": HEAD_OF_QUEUE, "Immediate": "yes"}
            await ami.ask("QueueChangePriorityCaller", fields)
        else:
            fields = {"Channel": waiting.name, "Context": "moved", "Exten": extension, "Priority": "1"}
            await ami.ask("Redirect", fields)


async def pause(address: AmiAddress, queue: str, interface: str, reason: str | None) -> None:
    """Pause a member of the queue with a reason, or with None end their pause.

    Raises:
        AmiRefused: They are not in the queue.
        AmiError: See ``Session.ask``.
    """
    fields = {"Queue": queue, "Interface": interface, "Paused": "false" if reason is None else "true"}
    async with session(address) as ami:
        await ami.ask("QueuePause", fields | ({} if reason is None else {"Reason": reason}))


async def place(
    address: AmiAddress, call: OutboundCall, peers: Iterable[str] = (), ring_s: float = RING_OPERATOR_S
) -> Result:
    """Ring the operator, and once they have picked up, the citizen; returns when they have, or have not.

    Args:
        address: Asterisk.
        call: whom, by whom, under which id.
        peers: the provider's endpoints. Asterisk asks them whether they are there while the operator's phone rings, so
            that one that died lately is passed over; without it the call waits for its answer (``timer_b``).
        ring_s: how long the operator's phone rings.

    Raises:
        NotPlacedError: Nobody's phone rings.
        AmiUnavailable: Asterisk was asked and did not answer: whether it calls is for the ledger to say.
        ValueError: See ``originate_fields``.
    """
    fields = originate_fields(call, ring_s)
    asked = False
    try:
        async with session(address) as ami:
            hindrance = await _hindrance(ami, call.endpoint)
            if hindrance is not None:
                return hindrance
            for peer in peers:
                await _look_for(ami, peer)
            asked = True
            await ami.ask("Originate", fields, within=ring_s + 5)
    except AmiRefused as error:
        if asked and "Originate failed" in str(error):
            return Result.NOT_PICKED_UP
        raise NotPlacedError(Result.REFUSED, str(error)) from error
    except AmiError as error:
        if asked and isinstance(error, AmiUnavailable):
            raise
        raise NotPlacedError(Result.NOT_REACHED, str(error)) from error
    return Result.PICKED_UP


async def _look_for(ami: Session, peer: str) -> None:
    try:
        await ami.ask("PJSIPQualify", {"Endpoint": peer})
    except AmiRefused as error:
        _log.warning("a peer of the provider is not known to Asterisk", peer=peer, error=str(error))


async def _hindrance(ami: Session, endpoint: str) -> Result | None:
    state = (await ami.ask("Getvar", {"Variable": f"DEVICE_STATE(PJSIP/{endpoint})"})).get("Value")
    if state in _BUSY:
        return Result.BUSY
    return Result.ABSENT if state in _ABSENT else None
