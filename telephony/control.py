"""What we ask of Asterisk over AMI in a short session of its own (the command line's AMI users).

The session is the link's (``links.ami_session``), with the same codec and the same guards; it hears no events.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import structlog

from telephony.links.ami_session import AmiAddress, AmiRefused, AmiUnavailable, LoginRefused, Protocol, Session, words
from telephony.outbound import RING_OPERATOR_S, NotPlacedError, OutboundCall, Result, originate_fields
from telephony.phones import RELOAD_MODULES
from telephony.provision import CONTROL_USER, ami_secret
from telephony.wire.ami import AmiError

_log = structlog.get_logger()

ANSWER_WITHIN_S: Final = 5.0

_BUSY: Final = frozenset({"INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD"})
_ABSENT: Final = frozenset({"UNAVAILABLE", "INVALID"})
"""DEVICE_STATE's words for a phone that is used, and for one that is not registered."""


def address(etc: Path, host: str, port: int) -> AmiAddress:
    """Where and as whom calls are acted on, any number of sessions; the secret is read from the folder ``etc``.

    Raises:
        OSError: Nothing is installed there, or it may not be read.
    """
    return AmiAddress(host, port, CONTROL_USER, ami_secret(etc, CONTROL_USER))


@asynccontextmanager
async def session(to: AmiAddress, within: float = ANSWER_WITHIN_S) -> AsyncIterator[Session]:
    """Log in, give the session, and end it; each step within so many seconds.

    Raises:
        LoginRefused: The secret is wrong.
        AmiUnavailable: Nobody answers there, or not as Asterisk does.
    """
    protocol = Protocol(lambda _: None, frozenset())
    try:
        opened = await Session.open(to, protocol, events=False, within=within)
    except LoginRefused:
        raise
    except (OSError, AmiError) as error:  # TimeoutError is an OSError
        raise AmiUnavailable(f"AMI on {to.where}: {words(error)}") from error
    try:
        yield opened
    finally:
        opened.close()


async def reload_phones(to: AmiAddress, modules: Iterable[str] = RELOAD_MODULES) -> None:
    """Let Asterisk read the phones' files again; talks go on meanwhile.

    Raises:
        AmiError: See ``session`` and ``Session.ask``.
    """
    async with session(to) as ami:
        for module in modules:
            await ami.ask("ModuleLoad", {"Module": module, "LoadType": "reload"})


async def core_version(to: AmiAddress) -> str:
    """Asterisk's version, as it tells it."""
    async with session(to) as ami:
        return (await ami.ask("CoreSettings")).get("AsteriskVersion", "unknown")


async def place(
    to: AmiAddress, call: OutboundCall, peers: Iterable[str] = (), ring_s: float = RING_OPERATOR_S
) -> Result:
    """Ring the operator, and once they have picked up, the citizen; returns when they have, or have not.

    Args:
        to: Asterisk.
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
        async with session(to) as ami:
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
