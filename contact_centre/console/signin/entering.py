"""Coming in, step by step. A password is looked at only after the attempt was counted, so many at once gain nothing."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from contact_centre import access_log
from contact_centre.access_log import Event
from contact_centre.api.site import Site
from contact_centre.console import credentials, passwords, second_factor, sessions, throttle
from contact_centre.console.credentials import Credentials
from contact_centre.console.sessions import Session, Stage
from contact_centre.console.throttle import Attempt
from contact_centre.writer import SqliteTx

HASHED_AT_ONCE: Final = 2
"""Each takes 64 MiB and a processor for a moment; telephones go first."""
_hashing: Final = asyncio.Semaphore(HASHED_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Entered:
    """A step further in: the session's new token, its stage, and, once all is proved, the token of the browser."""

    token: str
    stage: Stage
    browser: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Not in. ``wait`` is how long no further attempt is looked at; zero: the password, or the code, was wrong."""

    wait: timedelta = timedelta()


async def look(site: Site, attempt: Attempt, password: str) -> Credentials | Refused:
    """Whether the password is right. Takes as long for a login that there is not.

    An attempt that is right still counts as failed, until ``throttle.succeeded``.
    """
    now = site.clock.now()
    wait = await site.writer.run(lambda tx: throttle.allow(tx, attempt, now))
    if wait > timedelta():
        return Refused(wait)
    async with site.engine.connect() as connection:
        found = await credentials.get(connection, attempt.login)
    right = await matches(found, password)
    if found is None or not right or not found.usable(now):
        login = None if found is None else found.login
        await site.writer.run(lambda tx: access_log.note(tx, now, login, Event.REFUSED, attempt.address))
        return Refused()
    return found


async def again(site: Site, attempt: Attempt, password: str) -> bool:
    """Whether somebody who is in can say the password again."""
    found = await look(site, attempt, password)
    if isinstance(found, Refused):
        return False
    now = site.clock.now()
    await site.writer.run(lambda tx: throttle.succeeded(tx, attempt, attempt.browser or throttle.new_browser(), now))
    return True


async def by_password(site: Site, attempt: Attempt, password: str) -> Entered | Refused:
    """The first step."""
    found, now = await look(site, attempt, password), site.clock.now()
    if isinstance(found, Refused):
        return found
    rehashed = await hashed(password) if passwords.outdated(found.password_hash) else None

    def enter(tx: SqliteTx) -> Entered | Refused:
        if credentials.load(tx, found.login) != found:  # changed while we looked
            return Refused()
        if rehashed is not None:
            credentials.rehash(tx, found.login, found.password_hash, rehashed)
        if found.totp_on:
            return Entered(sessions.begin(tx, found.login, Stage.SECOND_FACTOR, now), Stage.SECOND_FACTOR, None)
        stage = Stage.NEW_PASSWORD if found.must_change else Stage.IN
        return _proved(tx, attempt, sessions.begin(tx, found.login, stage, now), stage, now)

    return await site.writer.run(enter)


async def by_code(site: Site, session: Session, attempt: Attempt, code: str) -> Entered | Refused:
    """The second step: a code of the authenticator, or a recovery code."""
    now = site.clock.now()

    def enter(tx: SqliteTx) -> Entered | Refused:
        wait = throttle.allow(tx, attempt, now)
        if wait > timedelta():
            return Refused(wait)
        found = credentials.load(tx, attempt.login)
        if found is None or not _use_code(tx, found, code, now, attempt.address):
            access_log.note(tx, now, attempt.login, Event.CODE_REFUSED, attempt.address)
            return Refused()
        stage = Stage.NEW_PASSWORD if found.must_change else Stage.IN
        return _proved(tx, attempt, sessions.move_on(tx, session, stage, now), stage, now)

    return await site.writer.run(enter)


async def matches(found: Credentials | None, password: str) -> bool:
    """Whether this is the password, without holding up anything else."""
    kept = None if found is None else found.password_hash
    async with _hashing:
        return await asyncio.to_thread(passwords.matches, kept, password)


async def hashed(password: str) -> str:
    """What is kept of a password, without holding up anything else."""
    async with _hashing:
        return await asyncio.to_thread(passwords.hashed, password)


def _use_code(tx: SqliteTx, found: Credentials, code: str, now: datetime, address: str) -> bool:
    if not found.totp_on or found.totp_secret is None:
        return False
    step = second_factor.used_step(found.totp_secret, code, now, found.totp_step)
    if step is not None:
        return credentials.use_step(tx, found.login, step)
    if credentials.use_recovery_code(tx, found.login, second_factor.recovery_digest(code)):
        access_log.note(tx, now, found.login, Event.RECOVERY_CODE_USED, address)
        return True
    return False


def _proved(tx: SqliteTx, attempt: Attempt, token: str, stage: Stage, now: datetime) -> Entered:
    browser = attempt.browser or throttle.new_browser()
    throttle.succeeded(tx, attempt, browser, now)
    access_log.note(tx, now, attempt.login, Event.SIGNED_IN, attempt.address)
    return Entered(token, stage, browser)
