"""What people prove themselves with: the hash of a password, the secret of an authenticator, recovery codes.

An account without a row here cannot sign in. The secret of an authenticator has to be known to compute its codes, so
it is kept as it is; it is worth nothing without the password, of which only the hash is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from contact_centre.accounts import accounts
from contact_centre.tables import metadata
from telephony.ports import Tx
from telephony.store import stamp

credentials: Final = Table(
    "credentials",
    metadata,
    Column("login", ForeignKey(accounts.c.login, ondelete="CASCADE"), primary_key=True),
    Column("password_hash", String, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("valid_until", String),
    Column("changed_at", String, nullable=False),
    Column("totp_secret", String),
    Column("totp_since", String),
    Column("totp_step", Integer),
)
"""``totp_since`` None: the secret was shown and no code of it has come back yet; it is not asked for."""

recovery_codes: Final = Table(
    "recovery_codes",
    metadata,
    Column("login", ForeignKey(accounts.c.login, ondelete="CASCADE"), primary_key=True),
    Column("digest", String, primary_key=True),
)

_OF: Final = (
    select(
        accounts.c.login,
        accounts.c.name,
        credentials.c.password_hash,
        credentials.c.must_change,
        credentials.c.valid_until,
        credentials.c.totp_secret,
        credentials.c.totp_since,
        credentials.c.totp_step,
    )
    .join(credentials, credentials.c.login == accounts.c.login)
    .where(accounts.c.login == bindparam("of_login"))
)
_PUT: Final = insert(credentials).values(
    login=bindparam("login"),
    password_hash=bindparam("password_hash"),
    must_change=bindparam("must_change"),
    valid_until=bindparam("valid_until"),
    changed_at=bindparam("changed_at"),
)
_SET_PASSWORD: Final = _PUT.on_conflict_do_update(
    index_elements=["login"],
    set_={name: _PUT.excluded[name] for name in ("password_hash", "must_change", "valid_until", "changed_at")},
)
_REHASH: Final = (
    update(credentials)
    .where(credentials.c.login == bindparam("of_login"), credentials.c.password_hash == bindparam("before"))
    .values(password_hash=bindparam("after"))
)
_PROPOSE: Final = (
    update(credentials)
    .where(credentials.c.login == bindparam("of_login"), credentials.c.totp_since.is_(None))
    .values(totp_secret=bindparam("secret"))
)
_CONFIRM: Final = (
    update(credentials)
    .where(credentials.c.login == bindparam("of_login"), credentials.c.totp_since.is_(None))
    .values(totp_since=bindparam("at"), totp_step=bindparam("step"))
)
_USE_STEP: Final = (
    update(credentials)
    .where(
        credentials.c.login == bindparam("of_login"),
        func.coalesce(credentials.c.totp_step, -1) < bindparam("step"),
    )
    .values(totp_step=bindparam("step"))
)
_WITHOUT_TOTP: Final = (
    update(credentials)
    .where(credentials.c.login == bindparam("of_login"))
    .values(totp_secret=None, totp_since=None, totp_step=None)
)
_ADD_CODE: Final = insert(recovery_codes)
_USE_CODE: Final = delete(recovery_codes).where(
    recovery_codes.c.login == bindparam("of_login"), recovery_codes.c.digest == bindparam("of_digest")
)
_NO_CODES: Final = delete(recovery_codes).where(recovery_codes.c.login == bindparam("of_login"))


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is known of somebody's password and authenticator. ``totp_secret`` counts once ``totp_on``."""

    login: str
    name: str
    password_hash: str
    must_change: bool
    valid_until: datetime | None
    totp_secret: str | None
    totp_on: bool
    totp_step: int | None

    def usable(self, now: datetime) -> bool:
        """Whether the password may still be used: one that was given out ends by itself."""
        return self.valid_until is None or now < self.valid_until


async def get(connection: AsyncConnection, login: str) -> Credentials | None:
    """Somebody's, or None if they have none."""
    row = (await connection.execute(_OF, {"of_login": login})).one_or_none()
    return None if row is None else _credentials(row)


def load(tx: Tx, login: str) -> Credentials | None:
    """The same in a transaction."""
    rows = tx.fetch_all(_OF, {"of_login": login})
    return _credentials(rows[0]) if rows else None


async def codes_left(connection: AsyncConnection, login: str) -> int:
    """How many recovery codes somebody has."""
    asked = select(func.count()).select_from(recovery_codes).where(recovery_codes.c.login == login)
    return int((await connection.execute(asked)).scalar_one())


def set_password(
    tx: Tx,
    login: str,
    password_hash: str,
    at: datetime,
    *,
    must_change: bool = False,
    valid_until: datetime | None = None,
) -> None:
    """Keep a password in place of the one before; the authenticator stays."""
    row = {"login": login, "password_hash": password_hash, "must_change": must_change, "changed_at": stamp(at)}
    tx.execute(_SET_PASSWORD, row | {"valid_until": None if valid_until is None else stamp(valid_until)})


def rehash(tx: Tx, login: str, before: str, after: str) -> None:
    """The same password, hashed with today's parameters, unless it was changed meanwhile."""
    tx.execute(_REHASH, {"of_login": login, "before": before, "after": after})


def propose_totp(tx: Tx, login: str, secret: str) -> None:
    """Show somebody a secret; it counts when a code of it comes back. One that counts is not replaced."""
    tx.execute(_PROPOSE, {"of_login": login, "secret": secret})


def confirm_totp(tx: Tx, login: str, step: int, at: datetime, codes: Sequence[str]) -> bool:
    """From now on the authenticator is asked for; ``codes`` are digests. False if it already was."""
    if tx.execute(_CONFIRM, {"of_login": login, "step": step, "at": stamp(at)}) == 0:
        return False
    tx.execute(_NO_CODES, {"of_login": login})
    tx.execute_many(_ADD_CODE, [{"login": login, "digest": digest} for digest in codes])
    return True


def use_step(tx: Tx, login: str, step: int) -> bool:
    """Use a code up; False if it, or a later one, was used already."""
    return tx.execute(_USE_STEP, {"of_login": login, "step": step}) > 0


def use_recovery_code(tx: Tx, login: str, digest: str) -> bool:
    """Use a recovery code up; False if there is none such."""
    return tx.execute(_USE_CODE, {"of_login": login, "of_digest": digest}) > 0


def without_totp(tx: Tx, login: str) -> None:
    """The password alone is asked for."""
    tx.execute(_WITHOUT_TOTP, {"of_login": login})
    tx.execute(_NO_CODES, {"of_login": login})


def _credentials(row: Sequence[object]) -> Credentials:
    login, name, password_hash, must_change, valid_until, secret, since, step = row
    return Credentials(
        login=str(login),
        name=str(name),
        password_hash=str(password_hash),
        must_change=bool(must_change),
        valid_until=None if valid_until is None else datetime.fromisoformat(str(valid_until)),
        totp_secret=None if secret is None else str(secret),
        totp_on=since is not None,
        totp_step=None if step is None else int(str(step)),
    )
