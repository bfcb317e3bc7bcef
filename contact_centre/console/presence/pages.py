"""What an operator does with their own state, from the desk page. Asterisk keeps it; the live view tells the page."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from aiohttp import web
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contact_centre import wrap_ups
from contact_centre.accounts import accounts
from contact_centre.console.languages import N_
from contact_centre.console.presence import words
from contact_centre.console.route import Asked, Reply, Route
from contact_centre.pauses import Pause
from contact_centre.wrap_ups import Code
from telephony.links.ami_session import AmiUnavailable
from telephony.live import WRAP_UP
from telephony.switchboard import NotInQueueError, Switchboard, endpoint_of
from telephony.wire.ami import AmiError

ROLES: Final = frozenset({"operator", "supervisor"})

NO_TELEPHONE: Final = N_("You have no telephone, so no calls can come to you. The administrator gives one.")
NOT_IN_QUEUE: Final = N_("You are not signed in to the queue any more.")
NO_SUCH_CHOICE: Final = N_("This is none of the choices. Load the page again.")
RESULT_FIRST: Final = N_("Choose what the talk came to first.")
OVER: Final = N_("The time for this was over; the talk stands without a result.")
AWAY: Final = N_("Asterisk does not answer; your state is as it was.")
REFUSED: Final = N_("Asterisk has refused this; your state is as it was.")

_SIP_ACCOUNT: Final = select(accounts.c.sip_account).where(accounts.c.login == bindparam("of_login"))

_log = structlog.get_logger()


def strip(asked: Asked) -> dict[str, Any]:
    """What the template of the strip needs."""
    said = asked.words
    return {
        "pauses": [(one.value, said(text)) for one, text in words.PAUSES.items()],
        "codes": [(one.value, said(text)) for one, text in words.CODES.items()],
        "limit": asked.console.settings.wrap_up.seconds,
        "texts": {f"state_{key}": said(text) for key, text in words.STATES.items()}
        | {f"reason_{key}": said(text) for key, text in words.REASONS.items()}
        | {key: said(text) for key, text in words.SAID.items()},
    }


async def endpoint(connection: AsyncConnection, login: str) -> str | None:
    """The telephone with which somebody takes calls from the queue; None if they have none, or a specialist's."""
    account = (await connection.execute(_SIP_ACCOUNT, {"of_login": login})).scalar_one_or_none()
    return account if account == endpoint_of(login) else None


async def sign_in(asked: Asked) -> Reply:
    """Let calls come."""
    return await _act(asked, lambda switchboard, phone: switchboard.sign_in(phone))


async def sign_out(asked: Asked) -> Reply:
    """Let no calls come; a talk goes on."""
    return await _act(asked, lambda switchboard, phone: switchboard.sign_out(phone))


async def pause(asked: Asked) -> Reply:
    """No calls for a while, for a reason; after the talk, if there is one."""
    reason = asked.form.get("reason", "")
    if reason not in set(Pause):
        return _refuse(asked, NO_SUCH_CHOICE, 422)
    return await _act(asked, lambda switchboard, phone: switchboard.pause(phone, reason))


async def ready(asked: Asked) -> Reply:
    """Calls again. Out of wrap-up the way is its result."""
    if _wraps_up(asked):
        return _refuse(asked, RESULT_FIRST)
    return await _act(asked, lambda switchboard, phone: switchboard.unpause(phone))


async def finish_wrap_up(asked: Asked) -> Reply:
    """What the talk came to; then calls again."""
    code, login, site = asked.form.get("code", ""), asked.person.login, asked.site
    if code not in set(Code):
        return _refuse(asked, NO_SUCH_CHOICE, 422)
    if not await site.writer.run(lambda tx: wrap_ups.choose(tx, login, Code(code), site.clock.now())):
        return _refuse(asked, OVER)
    if not _wraps_up(asked):
        return web.json_response({})  # its time was over in the meantime; a pause since then is none of ours
    return await _act(asked, lambda switchboard, phone: switchboard.unpause(phone))


def _wraps_up(asked: Asked) -> bool:
    operator = asked.console.live.own(asked.person.login).operator
    return operator is not None and operator.reason == WRAP_UP


async def _act(asked: Asked, act: Callable[[Switchboard, str], Awaitable[None]]) -> Reply:
    async with asked.site.reading() as connection:
        phone = await endpoint(connection, asked.person.login)
    if phone is None:
        return _refuse(asked, NO_TELEPHONE)
    try:
        await act(asked.console.switchboard, phone)
    except NotInQueueError:
        return _refuse(asked, NOT_IN_QUEUE)
    except AmiError as error:
        _log.warning("an operator's state was not changed", login=asked.person.login, error=str(error))
        return _refuse(asked, AWAY if isinstance(error, AmiUnavailable) else REFUSED)
    return web.json_response({})


def _refuse(asked: Asked, told: str, status: int = 409) -> Reply:
    return web.json_response({"message": asked.words(told)}, status=status)


def _action(name: str, path: str, do: Callable[[Asked], Awaitable[Reply]]) -> Route:
    return Route(name=name, method="POST", path=f"/presence/{path}", do=do, roles=ROLES)


ROUTES: Final = (
    _action("queue_sign_in", "sign-in", sign_in),
    _action("queue_sign_out", "sign-out", sign_out),
    _action("queue_pause", "pause", pause),
    _action("queue_ready", "ready", ready),
    _action("wrap_up", "wrap-up", finish_wrap_up),
)
