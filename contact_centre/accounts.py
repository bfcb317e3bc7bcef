"""Who works here: operators, specialists and their roles. The secret of a phone is Asterisk's business alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Column, String, Table, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from contact_centre.tables import metadata
from telephony.ports import Tx
from telephony.store import stamp

ROLES: Final = ("operator", "specialist", "supervisor", "auditor", "administrator")

accounts: Final = Table(
    "accounts",
    metadata,
    Column("login", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("roles", String, nullable=False),
    Column("extension", String, nullable=False, unique=True),
    Column("sip_account", String, nullable=False, unique=True),
    Column("created_at", String, nullable=False),
)

_ADD: Final = insert(accounts)
_EXTENSIONS: Final = select(accounts.c.login, accounts.c.extension)
_REMOVE: Final = delete(accounts).where(accounts.c.login == bindparam("of_login"))


@dataclass(frozen=True, slots=True)
class Account:
    """A person who works in the contact centre, and the phone that is theirs."""

    login: str
    name: str
    roles: tuple[str, ...]
    extension: str
    sip_account: str
    created_at: str


def add(tx: Tx, *, login: str, name: str, roles: Sequence[str], extension: str, sip_account: str, at: datetime) -> None:
    """Add an account.

    Raises:
        sqlite3.IntegrityError: The login or the extension is taken.
    """
    row = {"login": login, "name": name, "roles": " ".join(roles), "extension": extension}
    tx.execute(_ADD, row | {"sip_account": sip_account, "created_at": stamp(at)})


def extensions(tx: Tx) -> dict[str, str]:
    """The extension of each login."""
    return {str(login): str(extension) for login, extension in tx.fetch_all(_EXTENSIONS)}


def remove(tx: Tx, login: str) -> bool:
    """Remove an account; False if there was none."""
    return tx.execute(_REMOVE, {"of_login": login}) > 0


async def all_accounts(connection: AsyncConnection) -> list[Account]:
    """Everybody, by login."""
    rows = (await connection.execute(select(accounts).order_by(accounts.c.login))).all()
    return [Account(r.login, r.name, tuple(r.roles.split()), r.extension, r.sip_account, r.created_at) for r in rows]
