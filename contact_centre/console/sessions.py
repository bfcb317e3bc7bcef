"""Who is signed in: a random token in a cookie, of which the database knows only the digest.

A session ends when it is not used for a while, and after a shift however much it is used. It gets a new token whenever
it comes to mean more: a token that somebody planted before is then worth nothing.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Column, ForeignKey, String, Table, bindparam, delete, or_, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.model import Actor
from contact_centre.accounts import accounts, actor_of
from contact_centre.tables import metadata
from telephony.ports import Tx
from telephony.store import stamp

TOKEN_BYTES: Final = 32
TOUCHED_EVERY: Final = timedelta(seconds=60)
"""How precisely it is known when a session was used last."""


class Stage(StrEnum):
    """How far somebody has come in."""

    SECOND_FACTOR = "second_factor"
    """The password was right; a code is asked for."""
    NEW_PASSWORD = "new_password"  # noqa: S105 - the name of a stage
    """The password was given out and must be replaced."""
    IN = "in"


sessions: Final = Table(
    "sessions",
    metadata,
    Column("digest", String, primary_key=True),
    Column("login", ForeignKey(accounts.c.login, ondelete="CASCADE"), nullable=False, index=True),
    Column("stage", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("seen_at", String, nullable=False),
)

_ADD: Final = insert(sessions)
_OF: Final = (
    select(
        sessions.c.login,
        sessions.c.stage,
        sessions.c.created_at,
        sessions.c.seen_at,
        accounts.c.name,
        accounts.c.roles,
        accounts.c.service,
        accounts.c.desks,
    )
    .join(accounts, accounts.c.login == sessions.c.login)
    .where(sessions.c.digest == bindparam("of_digest"))
)
_TOUCH: Final = update(sessions).where(sessions.c.digest == bindparam("of_digest")).values(seen_at=bindparam("at"))
_END: Final = delete(sessions).where(sessions.c.digest == bindparam("of_digest"))
_END_ALL: Final = delete(sessions).where(sessions.c.login == bindparam("of_login"))
_over: Final = or_(sessions.c.created_at <= bindparam("created_before"), sessions.c.seen_at <= bindparam("seen_before"))
_OVER: Final = select(sessions.c.login).where(_over).distinct()
_SWEEP: Final = delete(sessions).where(_over)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts: ``idle`` without being used, ``absolute`` in all."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in, as the account says at this moment."""

    login: str
    name: str
    roles: tuple[str, ...]
    actor: Actor


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is known by its token. ``csrf`` proves that a request comes from a page of it."""

    token: str
    person: Person
    stage: Stage
    created_at: datetime
    seen_at: datetime

    @property
    def digest(self) -> str:
        """What the database knows it by."""
        return digest_of(self.token)

    @property
    def csrf(self) -> str:
        """What pages of this session send with every form."""
        return csrf_of(self.token)

    def alive(self, now: datetime, limits: Limits) -> bool:
        """Whether it has not ended by itself."""
        return now - self.seen_at < limits.idle and now - self.created_at < limits.absolute

    def stale(self, now: datetime) -> bool:
        """Whether it should be written down that it is used."""
        return now - self.seen_at >= TOUCHED_EVERY


def csrf_of(token: str) -> str:
    """Made from the token, so it needs no place of its own; it does not lead back to the token."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def digest_of(token: str) -> str:
    """A SHA-256: nobody guesses 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(tx: Tx, login: str, stage: Stage, at: datetime) -> str:
    """A new session; returns its token."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = {"digest": digest_of(token), "login": login, "stage": stage.value}
    tx.execute(_ADD, row | {"created_at": stamp(at), "seen_at": stamp(at)})
    return token


def move_on(tx: Tx, session: Session, stage: Stage, at: datetime) -> str:
    """The same session further in: under a new token, which is returned."""
    end(tx, session.digest)
    return begin(tx, session.person.login, stage, at)


def touch(tx: Tx, digest: str, at: datetime) -> None:
    """It is used."""
    tx.execute(_TOUCH, {"of_digest": digest, "at": stamp(at)})


def end(tx: Tx, digest: str) -> None:
    """Sign out here."""
    tx.execute(_END, {"of_digest": digest})


def end_all(tx: Tx, login: str) -> int:
    """Sign out everywhere; how many sessions there were."""
    return tx.execute(_END_ALL, {"of_login": login})


def sweep(tx: Tx, limits: Limits, now: datetime) -> list[str]:
    """Forget sessions that have ended by themselves; whose they were."""
    before = {"created_before": stamp(now - limits.absolute), "seen_before": stamp(now - limits.idle)}
    whose = [str(login) for (login,) in tx.fetch_all(_OVER, before)]
    tx.execute(_SWEEP, before)
    return whose


async def find(connection: AsyncConnection, token: str, now: datetime, limits: Limits) -> Session | None:
    """The session of a token; None if there is none, or no longer."""
    row = (await connection.execute(_OF, {"of_digest": digest_of(token)})).one_or_none()
    if row is None:
        return None
    session = _session(token, row)
    return session if session.alive(now, limits) else None


async def how_many(connection: AsyncConnection, login: str, now: datetime, limits: Limits) -> int:
    """In how many browsers somebody is signed in."""
    asked = select(sessions.c.digest).where(
        sessions.c.login == login,
        sessions.c.stage == Stage.IN.value,
        sessions.c.created_at >= stamp(now - limits.absolute),
        sessions.c.seen_at >= stamp(now - limits.idle),
    )
    return len((await connection.execute(asked)).all())


def _session(token: str, row: Sequence[Any]) -> Session:
    login, stage, created_at, seen_at, name, roles, service, desks = row
    person = Person(login, name, tuple(roles.split()), actor_of(login, roles, service, desks))
    return Session(token, person, Stage(stage), datetime.fromisoformat(created_at), datetime.fromisoformat(seen_at))
