"""Tokens by which programs speak to the API: what each may ask, and as whom it acts.

A token is ``cc_`` and an identifier, ``_`` and 256 random bits. Only a SHA-256 of these bits is kept; no slow hash is
needed, since nobody can guess them. Names are never given twice: the register's history says who did what by them.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Column, Integer, String, Table, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.model import Actor, Role
from contact_centre.tables import metadata
from telephony.ports import Tx
from telephony.store import stamp

ROLES: Final = tuple(role.value for role in Role if role is not Role.SYSTEM)
"""As whom a token may act: as people do, never as this program itself."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")

PER_MINUTE: Final = 600
"""Requests a minute, unless the token says otherwise."""

NOBODY: Final = Actor("", frozenset())
"""Who asks for what is open to everybody."""

_PREFIX: Final = "cc"
_SECRET_BYTES: Final = 32
_NO_DIGEST: Final = hashlib.sha256(b"").hexdigest()
"""What an unknown token is compared with, so that it takes as long as a known one."""


class Scope(StrEnum):
    """What a token may ask. Which appeals it sees, and what it may do with them, its roles decide beside it."""

    APPEALS_READ = "appeals:read"
    APPEALS_WRITE = "appeals:write"
    CALLS_READ = "calls:read"
    RECORDINGS_READ = "recordings:read"
    DUTIES_READ = "duties:read"
    DUTIES_WRITE = "duties:write"
    INCIDENTS_READ = "incidents:read"
    INCIDENTS_WRITE = "incidents:write"
    REFERENCE_READ = "reference:read"


api_tokens: Final = Table(
    "api_tokens",
    metadata,
    Column("token_id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("digest", String, nullable=False),
    Column("scopes", String, nullable=False),
    Column("roles", String, nullable=False),
    Column("service", String),
    Column("desks", String),
    Column("per_minute", Integer, nullable=False),
    Column("created_at", String, nullable=False),
    Column("expires_at", String),
    Column("revoked_at", String),
    Column("last_used", String),
)
"""``scopes``, ``roles`` and ``desks`` are lists with spaces between."""

_ADD: Final = insert(api_tokens).on_conflict_do_nothing(index_elements=["name"])
_OF_ID: Final = select(api_tokens).where(api_tokens.c.token_id == bindparam("of_token"))
_REVOKE: Final = (
    update(api_tokens)
    .where(api_tokens.c.name == bindparam("of_name"), api_tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)
_USED: Final = (
    update(api_tokens).where(api_tokens.c.token_id == bindparam("of_token")).values(last_used=bindparam("at"))
)


class TokenError(Exception):
    """A token cannot be made or revoked; the message says why."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; its secret is not.

    ``per_minute`` is how many requests a minute it may make. ``last_used`` is right to the minute.
    """

    token_id: str
    name: str
    scopes: tuple[str, ...]
    roles: tuple[str, ...]
    service: str | None
    desks: tuple[str, ...]
    per_minute: int
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used: datetime | None = None

    @property
    def actor(self) -> Actor:
        """As whom it acts; the register's history says ``api:`` and its name."""
        return Actor(f"api:{self.name}", frozenset(map(Role, self.roles)), self.service, frozenset(self.desks))

    def valid(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def add(
    tx: Tx,
    *,
    name: str,
    scopes: Sequence[Scope],
    roles: Sequence[str],
    service: str | None,
    desks: Sequence[str],
    at: datetime,
    expires_at: datetime | None = None,
    per_minute: int = PER_MINUTE,
) -> str:
    """Make a token; returns it as the program must send it: this is the only time that it is known here.

    Raises:
        TokenError: The name is or was another's, or is none, or what it may do makes no sense.
    """
    if not _NAME.fullmatch(name):
        raise TokenError(f"{name!r} is no name for a token: small Latin letters, digits, points, hyphens, at most 63")
    if (Role.EXECUTOR in roles) != (service is not None):
        raise TokenError("an executor acts for one service, and nobody else does: give both --as-role and --service")
    if expires_at is not None and expires_at <= at:
        raise TokenError("it would expire before it begins")
    token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(_SECRET_BYTES)
    row = {
        "token_id": token_id,
        "name": name,
        "digest": _digest(secret),
        "scopes": " ".join(dict.fromkeys(scopes)),
        "roles": " ".join(dict.fromkeys(roles)),
        "service": service,
        "desks": " ".join(dict.fromkeys(desks)) or None,
        "per_minute": per_minute,
        "created_at": stamp(at),
        "expires_at": None if expires_at is None else stamp(expires_at),
        "revoked_at": None,
        "last_used": None,
    }
    if not tx.execute(_ADD, row):
        raise TokenError(f"there is or was a token {name}; take another name: history says who did what by it")
    return f"{_PREFIX}_{token_id}_{secret}"


def revoke(tx: Tx, name: str, at: datetime) -> None:
    """From now on the token opens nothing.

    Raises:
        TokenError: There is none of this name in force.
    """
    if not tx.execute(_REVOKE, {"of_name": name, "at": stamp(at)}):
        raise TokenError(f"there is no token {name} in force; `contact-centre tokens list` shows all")


def note_use(tx: Tx, used: Mapping[str, datetime]) -> None:
    """When each of these tokens, by id, was used last."""
    tx.execute_many(_USED, [{"of_token": token_id, "at": stamp(at)} for token_id, at in used.items()])


async def all_tokens(connection: AsyncConnection) -> list[Token]:
    """Every token that there ever was, by name."""
    rows = (await connection.execute(select(api_tokens).order_by(api_tokens.c.name))).mappings()
    return [_token(row) for row in rows]


async def authenticate(connection: AsyncConnection, sent: str, now: datetime) -> Token | None:
    """Whose token this is; None if it is none, or no longer."""
    prefix, _, rest = sent.partition("_")
    token_id, _, secret = rest.partition("_")
    row = (await connection.execute(_OF_ID, {"of_token": token_id})).mappings().one_or_none()
    known = hmac.compare_digest(_digest(secret), _NO_DIGEST if row is None else row["digest"])
    if row is None or not known or prefix != _PREFIX:
        return None
    token = _token(row)
    return token if token.valid(now) else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: Mapping[Any, Any]) -> Token:
    return Token(
        token_id=row["token_id"],
        name=row["name"],
        scopes=_listed(row["scopes"]),
        roles=_listed(row["roles"]),
        service=row["service"],
        desks=_listed(row["desks"]),
        per_minute=row["per_minute"],
        created_at=datetime.fromisoformat(row["created_at"]),
        **{name: _at(row[name]) for name in ("expires_at", "revoked_at", "last_used")},
    )


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple((text or "").split())


def _at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
