"""Who has signed out of the console everywhere takes no calls of the queue, and their page telephones no more."""

import asyncio
import sqlite3

import structlog

from contact_centre.console import sessions
from contact_centre.console.presence.pages import endpoint
from contact_centre.console.route import Console
from telephony.wire.ami import AmiError

_log = structlog.get_logger()


async def left(console: Console, login: str) -> None:
    """A session of somebody has ended: if it was the last, they leave the queue and their page loses its telephone.

    Nothing is raised when Asterisk or its files cannot be reached: the account ends by itself, and a telephone that is
    not there gets no calls.
    """
    now = console.site.clock.now()
    async with console.site.engine.connect() as connection:
        if await sessions.how_many(connection, login, now, console.limits):
            return
        phone = await endpoint(connection, login)
    if phone is None:
        return
    await take_telephone(console, login)
    try:
        await console.switchboard.sign_out(phone)
    except AmiError as error:
        _log.warning("who left is still in the queue", login=login, error=str(error), remedy="*12 on the telephone")


async def take_telephone(console: Console, login: str) -> None:
    """No page telephones for somebody any more, until it is given an account again."""
    try:
        await asyncio.to_thread(console.phones.revoke, login)
    except (sqlite3.Error, OSError) as error:
        _log.warning("a page keeps its telephone until the account ends", login=login, error=type(error).__name__)
