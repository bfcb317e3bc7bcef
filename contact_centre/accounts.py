"""Who works here: operators, specialists and their roles. The secret of a phone is Asterisk's business alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Column, String, Table, bindparam, delete, or_, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from appeals.model import Actor, Role
from contact_centre.tables import metadata
from telephony.ports import Tx
from telephony.store import stamp

ROLES: Final = ("operator", "specialist", "executor", "supervisor", "head", "auditor", "mayor", "administrator")
"""What people are here. A specialist has a telephone and no part in the register; an executor acts for a service."""

_REGISTER_ROLES: Final = frozenset(role.value for role in Role) - {Role.SYSTEM.value}

WITH_PHONE: Final = frozenset({"operator", "specialist", "supervisor"})
"""Whoever is one of these has a telephone in the contact centre."""

accounts: Final = Table(
    "accounts",
    metadata,
    Column("login", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("roles", String, nullable=False),
    Column("extension", String, unique=True),
    Column("sip_account", String, unique=True),
    Column("created_at", String, nullable=False),
    Column("service", String),
    Column("desks", String),
    Column("hours", String),
)
"""``roles`` and ``desks`` are lists with spaces between; ``hours`` are those of ``contact_centre.hours``."""

_ADD: Final = insert(accounts)
_EXTENSIONS: Final = select(accounts.c.login, accounts.c.extension).where(accounts.c.extension.is_not(None))
_ACTOR: Final = select(accounts.c.roles, accounts.c.service, accounts.c.desks).where(
    accounts.c.login == bindparam("of_login")
)
_REACHED_AT: Final = select(accounts.c.login, accounts.c.roles).where(
    or_(accounts.c.login == bindparam("dialled"), accounts.c.extension == bindparam("dialled"))
)
_KEEP_HOURS: Final = update(accounts).where(accounts.c.login == bindparam("of_login")).values(hours=bindparam("hours"))
_REMOVE: Final = delete(accounts).where(accounts.c.login == bindparam("of_login"))


@dataclass(frozen=True, slots=True)
class Account:
    """A person who works here, and the phone that is theirs, if they have one.

    ``service`` is the code of the service for which an executor acts; ``desks`` are the restricted desks whose appeals
    the person may see. ``hours`` are when a specialist is there (``contact_centre.hours``), None is always.
    """

    login: str
    name: str
    roles: tuple[str, ...]
    extension: str | None
    sip_account: str | None
    created_at: str
    service: str | None = None
    desks: tuple[str, ...] = ()
    hours: str | None = None


def add(
    tx: Tx,
    *,
    login: str,
    name: str,
    roles: Sequence[str],
    extension: str | None,
    sip_account: str | None,
    at: datetime,
    service: str | None = None,
    desks: Sequence[str] = (),
    hours: str | None = None,
) -> None:
    """Add an account.

    Raises:
        sqlite3.IntegrityError: The login or the extension is taken.
    """
    row = {"login": login, "name": name, "roles": " ".join(roles), "extension": extension, "created_at": stamp(at)}
    more = {"sip_account": sip_account, "service": service, "desks": " ".join(desks) or None, "hours": hours}
    tx.execute(_ADD, row | more)


def keep_hours(tx: Tx, login: str, hours: str | None) -> bool:
    """When a specialist is there from now on; False if there is no such account."""
    return tx.execute(_KEEP_HOURS, {"of_login": login, "hours": hours}) > 0


def actor(tx: Tx, login: str) -> Actor | None:
    """Somebody as the register knows them; None if there is no such account."""
    rows = tx.fetch_all(_ACTOR, {"of_login": login})
    return actor_of(login, *rows[0]) if rows else None


async def reader(connection: AsyncConnection, login: str) -> Actor | None:
    """The same for queries."""
    row = (await connection.execute(_ACTOR, {"of_login": login})).one_or_none()
    return None if row is None else actor_of(login, *row)


def actor_of(login: str, roles: str, service: str | None, desks: str | None) -> Actor:
    """Somebody as the register knows them, from the columns of an account."""
    known = frozenset(Role(one) for one in roles.split() if one in _REGISTER_ROLES)
    return Actor(login, known, service, frozenset((desks or "").split()))


def specialist(tx: Tx, dialled: str) -> str | None:
    """The login of the specialist whom a login or an extension reaches; None if it is no specialist's."""
    rows = tx.fetch_all(_REACHED_AT, {"dialled": dialled})
    return next((str(login) for login, roles in rows if "specialist" in str(roles).split()), None)


def exists(tx: Tx, login: str) -> bool:
    """Whether there is such an account."""
    return bool(tx.fetch_all(_ACTOR, {"of_login": login}))


def extensions(tx: Tx) -> dict[str, str]:
    """The extension of each login."""
    return {str(login): str(extension) for login, extension in tx.fetch_all(_EXTENSIONS)}


def remove(tx: Tx, login: str) -> bool:
    """Remove an account; False if there was none."""
    return tx.execute(_REMOVE, {"of_login": login}) > 0


def named(people: Iterable[Account], dialled: str) -> str:
    """The name of whom a login or an extension reaches; if nobody, what was dialled."""
    return next((one.name for one in people if dialled in {one.login, one.extension}), dialled)


async def all_accounts(connection: AsyncConnection) -> list[Account]:
    """Everybody, by login."""
    rows = (await connection.execute(select(accounts).order_by(accounts.c.login))).all()
    return [
        Account(
            login=row.login,
            name=row.name,
            roles=tuple(row.roles.split()),
            extension=row.extension,
            sip_account=row.sip_account,
            created_at=row.created_at,
            service=row.service,
            desks=tuple((row.desks or "").split()),
            hours=row.hours,
        )
        for row in rows
    ]
