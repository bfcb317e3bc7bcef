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


class AmiError(Exception):
    """Asterisk's manager interface did not do what was asked; the message says what to do."""


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

    async def ask(self, action: str, fields: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """One action and its answer.

        Raises:
            AmiError: A value with a line break, no answer in time, or Asterisk's refusal.
        """
        values = {"Action": action, **(fields or {})}
        if any(mark in value for value in values.values() for mark in "\r\n"):
            raise AmiError(f"{action}: a value with a line break is not sent")
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await self._manager.send_action(values, as_list=False)
        except TimeoutError as error:
            raise AmiError(f"AMI on {self._where}: no answer to {action} within {ANSWER_WITHIN_S:g} s") from error
        if not answer.success:
            raise AmiError(f"AMI on {self._where}: {action} refused: {answer.get('Message', answer.get('Output', ''))}")
        return dict(answer.items())


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
