"""Guessing passwords is made slow, without giving anybody the means to lock somebody else out.

Every attempt counts as failed until it has succeeded. After some in a row each further one has to wait, twice as long
as the last, up to a quarter of an hour; what comes during a wait is refused unlooked at and does not prolong it. Three
things are counted apart: attempts on a login, attempts from an address, and attempts from a browser in which this login
has signed in before ("device cookies", as OWASP calls them). A browser that is known is counted by itself alone, so
whoever guesses at somebody's login from elsewhere does not slow that person down at their own desk.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Column, Integer, String, Table, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from contact_centre.tables import metadata
from telephony.ports import Tx
from telephony.store import stamp

FREE_BY_LOGIN: Final = 5
FREE_BY_ADDRESS: Final = 30
"""A whole office may stand behind one address."""
LONGEST_PAUSE: Final = timedelta(minutes=15)
FORGOTTEN_AFTER: Final = timedelta(days=1)
DEVICE_KNOWN_FOR: Final = timedelta(days=180)

_MOST_DOUBLINGS: Final = 10

sign_in_attempts: Final = Table(
    "sign_in_attempts",
    metadata,
    Column("subject", String, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", String, nullable=False),
)
"""``subject`` is a digest: what people type into the field of a login may be a password."""

known_browsers: Final = Table(
    "known_browsers",
    metadata,
    Column("digest", String, primary_key=True),
    Column("login", String, primary_key=True),
    Column("at", String, nullable=False),
)

_OF: Final = select(sign_in_attempts.c.failures, sign_in_attempts.c.last_at).where(
    sign_in_attempts.c.subject == bindparam("of_subject")
)
_NEW: Final = insert(sign_in_attempts).values(
    subject=bindparam("subject"), failures=bindparam("failures"), last_at=bindparam("last_at")
)
_PUT: Final = _NEW.on_conflict_do_update(
    index_elements=["subject"], set_={"failures": _NEW.excluded.failures, "last_at": _NEW.excluded.last_at}
)
_FORGET: Final = delete(sign_in_attempts).where(sign_in_attempts.c.subject == bindparam("of_subject"))
_SWEEP: Final = delete(sign_in_attempts).where(sign_in_attempts.c.last_at < bindparam("before"))
_KNOWN: Final = select(func.count()).where(
    known_browsers.c.digest == bindparam("of_digest"),
    known_browsers.c.login == bindparam("of_login"),
    known_browsers.c.at >= bindparam("since"),
)
_SEEN: Final = insert(known_browsers).values(digest=bindparam("digest"), login=bindparam("login"), at=bindparam("at"))
_REMEMBER: Final = _SEEN.on_conflict_do_update(index_elements=["digest", "login"], set_={"at": _SEEN.excluded.at})
_SWEEP_BROWSERS: Final = delete(known_browsers).where(known_browsers.c.at < bindparam("before"))
_FORGET_BROWSERS: Final = delete(known_browsers).where(known_browsers.c.login == bindparam("of_login"))


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed attempts in a row, and when the last was."""

    count: int
    last_at: datetime

    def until(self, free: int) -> datetime:
        """Before when no further attempt is looked at."""
        beyond = self.count - free
        if beyond < 0:
            return self.last_at
        return self.last_at + min(LONGEST_PAUSE, timedelta(seconds=2 ** min(beyond, _MOST_DOUBLINGS)))


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody wants to sign in: with what login, from which address, in which browser (the token of its cookie)."""

    login: str
    address: str
    browser: str | None


def new_browser() -> str:
    """The token by which a browser is known again."""
    return secrets.token_urlsafe(32)


def allow(tx: Tx, attempt: Attempt, now: datetime) -> timedelta:
    """Count an attempt as failed and let it be looked at: zero; or how long it has to wait, uncounted."""
    counted = _subjects(tx, attempt, now)
    found = {subject: _failures(tx, subject, now) for subject, _ in counted}
    wait = max(found[subject].until(free) - now for subject, free in counted)
    if wait > timedelta():
        return wait
    for subject, _ in counted:
        _put(tx, subject, found[subject].count + 1, now)
    return timedelta()


def succeeded(tx: Tx, attempt: Attempt, browser: str, now: datetime) -> None:
    """It was the right person: forget the failures with this login, and know the browser from now on.

    Failures of the address are only one fewer: a right password does not wash off the wrong ones beside it.
    """
    for subject, _ in _subjects(tx, attempt, now):
        if subject == _address(attempt):
            _put(tx, subject, max(_failures(tx, subject, now).count - 1, 0), now)
        else:
            tx.execute(_FORGET, {"of_subject": subject})
    tx.execute(_REMEMBER, {"digest": _digest(browser), "login": attempt.login, "at": stamp(now)})


def forgive(tx: Tx, login: str) -> None:
    """Forget what was tried with a login, and in which browsers it was at home: it gets a new password."""
    tx.execute(_FORGET, {"of_subject": _digest("login", login)})
    tx.execute(_FORGET_BROWSERS, {"of_login": login})


def sweep(tx: Tx, now: datetime) -> None:
    """Forget what is long past."""
    tx.execute(_SWEEP, {"before": stamp(now - FORGOTTEN_AFTER)})
    tx.execute(_SWEEP_BROWSERS, {"before": stamp(now - DEVICE_KNOWN_FOR)})


def _subjects(tx: Tx, attempt: Attempt, now: datetime) -> list[tuple[str, int]]:
    """What the attempt is counted under, and how many in a row are free there."""
    if attempt.browser is not None:
        digest = _digest(attempt.browser)
        asked = {"of_digest": digest, "of_login": attempt.login, "since": stamp(now - DEVICE_KNOWN_FOR)}
        if tx.fetch_all(_KNOWN, asked)[0][0]:
            return [(_digest("browser", digest, attempt.login), FREE_BY_LOGIN)]
    return [(_digest("login", attempt.login), FREE_BY_LOGIN), (_address(attempt), FREE_BY_ADDRESS)]


def _failures(tx: Tx, subject: str, now: datetime) -> Failures:
    rows = tx.fetch_all(_OF, {"of_subject": subject})
    found = Failures(int(rows[0][0]), datetime.fromisoformat(rows[0][1])) if rows else Failures(0, now)
    return Failures(0, now) if now - found.last_at > FORGOTTEN_AFTER else found


def _put(tx: Tx, subject: str, failures: int, now: datetime) -> None:
    tx.execute(_PUT, {"subject": subject, "failures": failures, "last_at": stamp(now)})


def _address(attempt: Attempt) -> str:
    return _digest("address", attempt.address)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
