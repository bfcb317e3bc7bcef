"""The telephone of the desk page: the account of a page, and for a phone on the table what the page does through us.

A page telephones with Asterisk itself; of its talks nothing passes here. A SIP phone is moved over AMI, and only within
the operator's own call, as the live view shows it.
"""

import asyncio
import re
import sqlite3
from typing import Any, Final

import structlog
from aiohttp import web

from contact_centre import accounts
from contact_centre.console.languages import N_
from contact_centre.console.route import Asked, Reply, Route
from telephony import phones
from telephony.links.ami_session import AmiUnavailable
from telephony.phones import Phone
from telephony.switchboard import NotNowError
from telephony.wire.ami import AmiError

ROLES: Final = frozenset({"operator", "supervisor"})

NO_PHONE: Final = N_("You have no telephone yet. The administrator gives one: contact-centre operators phone.")
NO_ACCOUNT: Final = N_(
    "The telephone's account cannot be written. Tell the administrator; calls go to others meanwhile."
)
NOT_YOURS: Final = N_("This call is not yours, or is over.")
NO_SUCH_EXTENSION: Final = N_("Nobody has this short number.")
NOT_NOW: Final = N_("The citizen talks with nobody now.")
ASTERISK_AWAY: Final = N_("Asterisk does not answer. Use the keys of the telephone itself.")
REFUSED: Final = N_("Asterisk has refused this. Use the keys of the telephone itself.")

_EXTENSION: Final = re.compile(r"[0-9]{3,5}\Z")

_log = structlog.get_logger()


async def issue(asked: Asked) -> Reply:
    """What the page telephones with: an account of its own, or the SIP phone on the table, or nothing yet."""
    console, login = asked.console, asked.person.login
    async with asked.site.reading() as connection:
        people = await accounts.all_accounts(connection)
    colleagues = [
        {"extension": one.extension, "name": one.name} for one in people if one.extension and one.login != login
    ]
    phone = (await _phones(asked)).get(f"operator-{login}")
    told: dict[str, Any] = {"kind": "none", "message": asked.words(NO_PHONE)}
    if phone is not None and phone.browser:
        try:
            given = await asyncio.to_thread(console.phones.issue, login, asked.site.clock.now())
        except (sqlite3.Error, ValueError) as error:
            _log.exception("no account for a page", login=login, error=type(error).__name__)
            return _refuse(asked, NO_ACCOUNT)
        told = {
            "kind": "browser",
            "ws_uri": given.ws_uri,
            "username": given.username,
            "password": given.password,
            "expires_at": given.expires_at.isoformat(),
        }
    elif phone is not None:
        told = {"kind": "sip", "extension": phone.extension}
    return web.json_response(told | {"colleagues": colleagues})


async def hang_up(asked: Asked) -> Reply:
    """End the call that the operator's SIP phone is in."""
    call_id = _own_call(asked)
    if call_id is None:
        return _refuse(asked, NOT_YOURS)
    try:
        await asked.console.switchboard.hang_up(call_id)
    except AmiError as error:
        return _failed(asked, error)
    return web.json_response({})


async def forward(asked: Asked) -> Reply:
    """Put the citizen through from the operator's SIP phone; ``attended``: after a word with who answers there."""
    call_id, extension = _own_call(asked), asked.form.get("extension", "").strip()
    if call_id is None:
        return _refuse(asked, NOT_YOURS)
    known = {one.extension for one in (await _phones(asked)).values()} if _EXTENSION.match(extension) else set()
    if extension not in known:
        return _refuse(asked, NO_SUCH_EXTENSION, 422)
    try:
        await asked.console.switchboard.transfer(call_id, extension, attended=asked.form.get("attended") == "1")
    except AmiError as error:
        return _failed(asked, error)
    return web.json_response({})


async def _phones(asked: Asked) -> dict[str, Phone]:
    """All telephones, by endpoint."""
    found = await asyncio.to_thread(phones.listed, asked.console.settings.asterisk.config_dir)
    return {one.endpoint: one for one in found}


def _own_call(asked: Asked) -> str | None:
    """The call that the request names, if the live view shows this operator's telephone in it."""
    own = asked.console.live.own(asked.person.login)
    wanted = asked.form.get("call_id")
    in_it = own.operator is not None and own.operator.call_id == wanted
    heard = own.call is not None and own.call.call_id == wanted and asked.person.login in own.call.parties
    return wanted if wanted and (in_it or heard) else None


def _failed(asked: Asked, error: AmiError) -> Reply:
    if isinstance(error, NotNowError):
        return _refuse(asked, NOT_NOW)
    _log.warning("an operator's telephone was not moved", error=str(error))
    return _refuse(asked, ASTERISK_AWAY if isinstance(error, AmiUnavailable) else REFUSED)


def _refuse(asked: Asked, told: str, status: int = 409) -> Reply:
    return web.json_response({"message": asked.words(told)}, status=status)


ROUTES: Final = (
    Route(name="desk_phone", method="POST", path="/desk/phone", do=issue, roles=ROLES),
    Route(name="desk_hang_up", method="POST", path="/desk/phone/hang-up", do=hang_up, roles=ROLES),
    Route(name="desk_forward", method="POST", path="/desk/phone/forward", do=forward, roles=ROLES),
)
