"""What we ask of Asterisk over AMI: a short session of its own for each request (the command line's AMI user)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from panoramisk import Manager

from telephony.phones import RELOAD_MODULES
from telephony.provision import CLI_USER

ANSWER_WITHIN_S: Final = 5.0

HEAD_OF_QUEUE: Final = "1000"
"""Above every priority that the dialplan gives."""


class AmiError(Exception):
    """Asterisk's manager interface did not do what was asked; the message says what to do."""


class AmiRefusedError(AmiError):
    """Asterisk understood an action and would not, or could not, do it."""


@dataclass(frozen=True, slots=True)
class AmiAddress:
    """Where Asterisk's manager interface listens, and how to be let in."""

    host: str
    port: int
    secret: str
    user: str = CLI_USER


class _OneSession(Manager):  # type: ignore[misc]
    """panoramisk's manager without its reconnect: a session that ends, ends."""

    pinger: Any

    def connection_lost(self, _exc: Exception | None) -> None:
        pinger: Any = self.pinger
        self.pinger = None
        if pinger is not None:
            pinger.cancel()


@asynccontextmanager
async def session(address: AmiAddress) -> AsyncIterator["Session"]:
    """Log in, give the session, log off.

    Raises:
        AmiError: No answer, or the login was refused.
    """
    quiet = logging.getLogger("telephony.control.ami")
    manager = _OneSession(
        host=address.host,
        port=address.port,
        username=address.user,
        secret=address.secret,
        events="off",
        loop=asyncio.get_running_loop(),
        log=quiet,
    )
    where = f"{address.host}:{address.port}"
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await manager.connect()
            await asyncio.sleep(0)  # panoramisk sends the login from a callback of the connection
            answer = await manager.authenticated_future
    except OSError as error:
        raise AmiError(
            f"AMI on {where}: {error.strerror or error}; is Asterisk running, and manager.conf loaded?"
        ) from error
    except TimeoutError as error:
        manager.close()
        raise AmiError(f"AMI on {where}: no answer within {ANSWER_WITHIN_S:g} s; is Asterisk overloaded?") from error
    try:
        if not answer.success:
            raise AmiError(
                f"AMI on {where} refused the login of {address.user}: its secret in the configuration folder is not "
                "the one that Asterisk has loaded; run `asterisk -rx 'manager reload'`"
            )
        yield Session(manager, where)
    finally:
        manager.close()


class Session:
    """Actions in a session that is logged in."""

    def __init__(self, manager: Manager, where: str) -> None:
        self._manager = manager
        self._where = where

    async def ask(
        self, action: str, fields: Mapping[str, str] | None = None, within: float = ANSWER_WITHIN_S
    ) -> Mapping[str, Any]:
        """One action and its answer, within so many seconds.

        Raises:
            AmiRefusedError: Asterisk's refusal.
            AmiError: A value with a line break, or no answer in time.
        """
        [answer] = await self._send(action, fields, within, as_list=False)
        return answer

    async def items(self, action: str, fields: Mapping[str, str] | None = None) -> list[Mapping[str, Any]]:
        """The items of an action that answers with a list of events.

        Raises:
            AmiError: See ``ask``.
        """
        answers = await self._send(action, fields, ANSWER_WITHIN_S, as_list=True)
        return [answer for answer in answers[1:] if "EventList" not in answer]

    async def _send(
        self, action: str, fields: Mapping[str, str] | None, within: float, *, as_list: bool
    ) -> list[Mapping[str, Any]]:
        values = {"Action": action, **(fields or {})}
        if any(mark in value for value in values.values() for mark in "\r\n"):
            raise AmiError(f"{action}: a value with a line break is not sent")
        try:
            async with asyncio.timeout(within):
                answer = await self._manager.send_action(values, as_list=as_list)
        except TimeoutError as error:
            raise AmiError(f"AMI on {self._where}: no answer to {action} within {within:g} s") from error
        answers = answer if isinstance(answer, list) else [answer]
        if not answers[0].success:
            said = answers[0].get("Message", answers[0].get("Output", ""))
            raise AmiRefusedError(f"AMI on {self._where}: {action} refused: {said}")
        return [dict(one.items()) for one in answers]


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
        except AmiError as error:
            if "not there" not in str(error).lower():
                raise


async def core_version(address: AmiAddress) -> str:
    """Asterisk's version, as it tells it."""
    async with session(address) as ami:
        return str((await ami.ask("CoreSettings")).get("AsteriskVersion", "unknown"))


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
    found = []
    for one in await ami.items("Status", {"Variables": "CALL_ID"}):
        variables = one.get("Variable") or ""
        if f"CALL_ID={call_id}" in (variables if isinstance(variables, list) else [variables]):
            found.append(
                LiveChannel(
                    one["Channel"], one["Uniqueid"], call_id, one.get("BridgeID") or "", one.get("Application") or ""
                )
            )
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
        AmiRefusedError: They are not in the queue.
        AmiError: See ``Session.ask``.
    """
    fields = {"Queue": queue, "Interface": interface, "Paused": "false" if reason is None else "true"}
    async with session(address) as ami:
        await ami.ask("QueuePause", fields | ({} if reason is None else {"Reason": reason}))
